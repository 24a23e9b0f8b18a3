"""Which agents may have been carried away, for people: placements and doubts go in, since when and in which words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec import Struct

from collector.inventory import WALKING
from collector.store.agents import Placement

TOGETHER_SECONDS = 3600.0
ALONE = "gateway or segment changed"
ALL_TOGETHER = "gateway or segment changed for all agents of the campus within an hour: a new gateway?"


class Moved(Struct, frozen=True):
    """``together``: so did every other agent of the campus, and that is rather a new gateway than many thieves."""

    since: float
    together: bool

    @property
    def words(self) -> str:
        return ALL_TOGETHER if self.together else ALONE


def moved(placements: Iterable[Placement], doubts: Mapping[int, float], now: float) -> dict[str, Moved]:
    """The agents whose present placement is in doubt. ``doubts``: placement id to since when."""
    campuses: dict[str, list[Placement]] = {}
    for one in placements:
        if one.place != WALKING and one.from_at <= now and (one.to_at is None or now < one.to_at):
            campuses.setdefault(one.campus, []).append(one)
    found: dict[str, Moved] = {}
    for here in campuses.values():
        since = {one.agent: doubts[one.id] for one in here if one.id in doubts}
        together = len(since) == len(here) >= 2 and max(since.values()) - min(since.values()) <= TOGETHER_SECONDS
        found |= {agent: Moved(at, together) for agent, at in since.items()}
    return found
