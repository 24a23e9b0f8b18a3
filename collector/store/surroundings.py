"""Whether an agent still stands where somebody said: the surroundings that its reports tell go in, a doubt comes out.

A placement knows the surroundings that were seen first in it, and all that were seen before somebody last spoke for it
(placed it, or confirmed it). Once SETTLED_REPORTS reports have told others, it is in doubt from the first of them on,
until it is confirmed or moved, even if the old ones come back: the device may be back in another room. Fewer are a
glimpse, forgotten when the known ones are seen again. What counts is when a report was measured, not when it came.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection, func, select

from collector.store.schema import placement, surroundings

SETTLED_REPORTS = 3


class Sighting(Struct):
    """When these surroundings were first seen in the placement. ``reports``: counted up to SETTLED_REPORTS."""

    first_at: float
    reports: int


class Surroundings:
    """Those of one placement. ``spoken_at``: when somebody last said that the agent stands there."""

    def __init__(self, spoken_at: float, sightings: dict[str, Sighting] | None = None) -> None:
        self.sightings = sightings or {}
        self._spoken_at = spoken_at
        self._glimpses = _any_glimpse(self._strange())

    def knows(self, fingerprint: str, at: float) -> bool:
        """Whether seeing these at that time can change nothing: so it is with nearly every report."""
        seen = self.sightings.get(fingerprint)
        return seen is not None and seen.reports >= SETTLED_REPORTS and at >= seen.first_at and not self._glimpses

    def see(self, fingerprint: str, at: float) -> list[str]:
        """Takes one report's word. Returns the glimpses that it ends."""
        seen = self.sightings.get(fingerprint)
        if seen is None:
            self.sightings[fingerprint] = Sighting(at, 1)
        else:
            seen.first_at = min(seen.first_at, at)
            seen.reports = min(seen.reports + 1, SETTLED_REPORTS)
        strange = self._strange()
        ended: list[str] = []
        if fingerprint not in strange and not _in_doubt(strange):
            ended = [name for name, one in strange.items() if one.first_at < at]
            for name in ended:
                del self.sightings[name], strange[name]
        self._glimpses = _any_glimpse(strange)
        return ended

    @property
    def unconfirmed_from(self) -> float | None:
        """From when on the agent's word is not taken for its room; None while nothing speaks against it."""
        strange = self._strange()
        return min(one.first_at for one in strange.values()) if _in_doubt(strange) else None

    def _strange(self) -> dict[str, Sighting]:
        settled = [one for one in self.sightings.values() if one.reports >= SETTLED_REPORTS]
        if not settled:
            return {}
        # What was glimpsed before its own are places on the way to this one.
        known_from = max(self._spoken_at, min(one.first_at for one in settled))
        return {name: one for name, one in self.sightings.items() if one.first_at > known_from}


def _any_glimpse(strange: dict[str, Sighting]) -> bool:
    return any(one.reports < SETTLED_REPORTS for one in strange.values())


def _in_doubt(strange: dict[str, Sighting]) -> bool:
    return sum(one.reports for one in strange.values()) >= SETTLED_REPORTS


def by_placement(rows: Iterable[Any]) -> dict[int, Surroundings]:
    """``rows``: COLUMNS of placements, each with its sightings or with nulls."""
    found: dict[int, Surroundings] = {}
    sightings: dict[int, dict[str, Sighting]] = {}
    spoken: dict[int, float] = {}
    for number, set_at, confirmed_at, fingerprint, first_at, reports in rows:
        spoken[number] = max(set_at, confirmed_at or 0.0)
        mine = sightings.setdefault(number, {})
        if fingerprint is not None:
            mine[fingerprint] = Sighting(first_at, reports)
    for number, at in spoken.items():
        found[number] = Surroundings(at, sightings[number])
    return found


COLUMNS = (
    placement.c.id,
    placement.c.set_at,
    placement.c.confirmed_at,
    surroundings.c.fingerprint,
    surroundings.c.first_at,
    surroundings.c.reports,
)
SIGHTED = placement.outerjoin(surroundings, surroundings.c.placement == placement.c.id)


def unconfirmed(
    connection: Connection, campus: str | None = None, numbers: Collection[int] | None = None
) -> dict[int, float]:
    """The placements in doubt, by id, and from when on: of one campus, or of these alone."""
    if numbers is not None and not numbers:
        return {}
    chosen = [] if numbers is None else [surroundings.c.placement.in_(numbers)]
    # Who saw one network only is in no doubt: so it is with nearly all of a district.
    others = select(surroundings.c.placement).where(*chosen).group_by(surroundings.c.placement)
    query = select(*COLUMNS).select_from(SIGHTED).where(placement.c.id.in_(others.having(func.count() > 1)))
    if campus is not None:
        query = query.where(placement.c.campus == campus)
    rows = connection.execute(query)
    return {number: since for number, one in by_placement(rows).items() if (since := one.unconfirmed_from) is not None}
