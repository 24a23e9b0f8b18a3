"""What is known of a campus before its first bell: when that rings, and what is broken already.

Nobody judges a slot without class, and no verdict stands there. In the last hours before the bell, agents sweep the
campus all the same, so what they find is looked at by the judge's own eyes: as if that slot were class, and nothing of
it is kept.
"""

from __future__ import annotations

import datetime
import zoneinfo
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from msgspec import structs

from collector.holding import Held
from collector.inventory import Campus
from collector.judgement.day_record import local_day
from collector.judgement.judging import CampusDay, judge_campus_day
from collector.school_time.hours import Hours, class_intervals
from collector.store import judging as sql

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from collector.judgement.evaluate import SlotVerdict

DIGEST_LEAD_SECONDS = 5400
"""A technician reads the digest an hour and a half before the first bell."""
_LOOK_AHEAD_SECONDS = DIGEST_LEAD_SECONDS + 1800
_DAYS_AHEAD = 14
_ASK_AGAIN_SECONDS = 3600.0
_REASON = "before class"


def first_bell(hours: Hours, campus: Campus, at: float) -> float | None:
    """When the campus's next school day begins: the first of a day's bells that has not rung at ``at`` (Unix seconds).
    None where none rings within a fortnight, and in demonstration hours, which have no bells."""
    if hours.always:
        return None
    today = datetime.datetime.fromtimestamp(at, zoneinfo.ZoneInfo(campus.timezone)).date()
    for offset in range(_DAYS_AHEAD):
        intervals = class_intervals(hours, campus, today + datetime.timedelta(days=offset))
        if intervals and intervals[0][0] > at:
            return intervals[0][0]
    return None


class FirstBells:
    """Each campus's next first bell, worked out again only when it has rung or when hours or inventory changed."""

    def __init__(self) -> None:
        self._of = ("", "")
        self._known: dict[str, tuple[float | None, float]] = {}

    def at(self, held: Held, now: float) -> dict[str, float]:
        of = held.hashes["hours"], held.hashes["inventory"]
        if of != self._of:
            self._of, self._known = of, {}
        found = {}
        for name, campus in held.inventory.campuses.items():
            bell, until = self._known.get(name, (None, 0.0))
            if until <= now:
                bell = first_bell(held.hours, campus, now)
                self._known[name] = bell, bell if bell is not None else now + _ASK_AGAIN_SECONDS
            if bell is not None:
                found[name] = bell
        return found


class BeforeClass:
    """``look`` gives each campus whose first bell is near the verdict that its last finished slot would have."""

    def __init__(self) -> None:
        self._seen: dict[str, tuple[int, SlotVerdict]] = {}

    def look(
        self, connection: Connection, held: Held, live: Mapping[str, Any], bells: Mapping[str, float], now: float
    ) -> dict[str, SlotVerdict]:
        near = {
            name: live[name].slot
            for name, bell in bells.items()
            if name in live and not live[name].in_class and bell - now <= _LOOK_AHEAD_SECONDS
        }
        standings = sql.standings(connection) if any(self._is_new(*one) for one in near.items()) else {}
        taught = structs.replace(held, hours=Hours(always=True))
        seen = {}
        for name, slot in near.items():
            if self._is_new(name, slot):
                campus = held.inventory.campuses[name]
                work = CampusDay(campus, local_day(slot, campus.timezone), {slot: _REASON})
                judged = judge_campus_day(connection, work, taught, standings.get(name, []))
                seen[name] = slot, judged.verdicts[slot]
            else:
                seen[name] = self._seen[name]
        self._seen = seen
        return {name: verdict for name, (_, verdict) in seen.items()}

    def _is_new(self, name: str, slot: int) -> bool:
        return name not in self._seen or self._seen[name][0] != slot
