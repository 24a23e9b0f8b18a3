"""Figures of an answer as people read them in the terminal."""

from __future__ import annotations

ANSWERS = {
    "falls_short": ("falls short", "bold red"),
    "not_enough_evidence": ("not enough evidence", "yellow"),
    "meets": ("meets", "green"),
}


def percent(ratio: float | None) -> str:
    """Cut, not rounded: 94.96 % must never read as the 95 % that would meet the objective."""
    return "-" if ratio is None else f"{int(ratio * 1000 + 1e-9) / 10:.1f} %"


def duration(seconds: float) -> str:
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60:02d} min"


def left(lower: float, upper: float) -> str:
    """What is left of an error budget, in seconds of class, as bounds."""
    if upper < 0:
        most = "" if lower == upper else f" to {duration(-lower)}"
        return f"overspent by {duration(-upper)}{most}"
    if lower < 0:
        return f"at most {duration(upper)}"
    return duration(lower) if lower == upper else f"{duration(lower)} to {duration(upper)}"


def some(names: list[str], most: int = 6) -> str:
    shown = ", ".join(names[:most])
    return f"{shown} and {len(names) - most} more" if len(names) > most else shown or "-"
