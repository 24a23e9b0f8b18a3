"""A figure of ours beside its reference: pairs go in, a line of the table and whether it holds come out."""

from statistics import median

import msgspec

# By unit as it is kept: factor, unit and digits as it is shown.
_SHOWN = {
    "seconds": (1e3, "ms", 3),
    "ratio": (1e2, "%", 3),
    "dBm": (1, "dBm", 1),
    "bits_per_second": (1e-6, "Mb/s", 2),
    "seconds_per_megabyte": (1e3, "ms/MB", 2),
    "BSSs": (1, "BSSs", 0),
}
HEADER = (
    f"{'figure':44} {'ours':>9} {'reference':>9} {'off':>8} {'worst':>8} {'target':>8} {'unit':5} {'runs':>4}"
    "          reference is"
)


class Figure(msgspec.Struct):
    """``pairs``: ours and the reference's of each run. The median of what lies between the two must be at most
    ``bound`` (in ``unit``) or ``bound_ratio`` of the reference, whichever is more. Without a reference, ours must be at
    most ``bound``; without both bounds it is shown and not judged. ``runs``: where a pair is already a median."""

    name: str
    reference: str
    unit: str
    pairs: list[tuple[float, float | None]]
    bound: float | None = None
    bound_ratio: float | None = None
    runs: int = 0

    @property
    def ours(self) -> float:
        return median(ours for ours, _ in self.pairs)

    @property
    def theirs(self) -> float | None:
        known = [reference for _, reference in self.pairs if reference is not None]
        return median(known) if known else None

    @property
    def off(self) -> list[float]:
        """Of each run, how far ours lies from the reference; in a figure without one, ours itself."""
        return [abs(ours - (reference or 0.0)) for ours, reference in self.pairs]

    @property
    def target(self) -> float | None:
        bounds = [] if self.bound is None else [self.bound]
        if self.bound_ratio is not None and self.theirs is not None:
            bounds.append(self.bound_ratio * self.theirs)
        return max(bounds, default=None)

    @property
    def holds(self) -> bool:
        # What both sides keep is rounded to a tenth of a microsecond.
        return self.target is None or median(self.off) <= self.target + 1e-7

    def line(self) -> str:
        factor, unit, digits = _SHOWN[self.unit]
        bare = self.theirs is None

        def show(value: float | None, width: int) -> str:
            return f"{'-':>{width}}" if value is None else f"{value * factor:{width}.{digits}f}"

        return (
            f"{self.name:44} {show(self.ours, 9)} {show(self.theirs, 9)} {show(None if bare else median(self.off), 8)} "
            f"{show(max(self.off), 8)} {show(self.target, 8)} {unit:5} {self.runs or len(self.pairs):4}  "
            f"{'-' if self.target is None else 'ok' if self.holds else 'MISSED':6}  {self.reference}"
        )
