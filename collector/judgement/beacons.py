"""Since when a beacon belongs to an agent's surroundings: instants at which it was heard go in, the first of each of
its first three separate stretches come out.

They are a function of what was measured: in whatever order reports come, and however often, they are the same. A
stretch is five minutes from the full hour on, whatever slots the policy has.
"""

from __future__ import annotations

from msgspec import Struct

STRETCH_SECONDS = 300
MOST = 3
"""Stretches that are kept in mind; no policy may ask for more."""


class Heard(Struct, frozen=True):
    """``at``: when it was first heard in each of its first stretches, oldest first, one at least. Of a beacon that was
    kept in mind before stretches were counted, the others are of what was measured since ``counted_from``."""

    at: tuple[float, ...]
    counted_from: float = 0.0

    def also(self, at: float) -> Heard:
        """With one more time at which it was heard."""
        if at < self.counted_from:
            return self if at >= self.at[0] else Heard((at, *self.at[1:]), self.counted_from)
        if len(self.at) == MOST and at >= self.at[-1]:
            return self  # so it is with nearly every report
        first = {stretch(one): one for one in reversed(self.at)}
        first[stretch(at)] = min(at, first.get(stretch(at), at))
        kept = tuple(sorted(first.values())[:MOST])
        return self if kept == self.at else Heard(kept, self.counted_from)

    def before(self, end: float) -> Heard | None:
        """What was known of it before then."""
        kept = tuple(at for at in self.at if at < end)
        return Heard(kept, self.counted_from) if kept else None


def stretch(at: float) -> int:
    return int(at // STRETCH_SECONDS)
