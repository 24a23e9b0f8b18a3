"""What a judging pass is to judge: slots that ended and marks go in, campus-days come out, the newest first."""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from typing import TYPE_CHECKING

from msgspec import Struct, structs
from sqlalchemy import Connection

from collector.judgement.day_record import day_bounds, local_day
from collector.judgement.judging import FIRST, CampusDay, Outcome
from collector.store import joined, ledger, marks
from collector.store import judging as sql

if TYPE_CHECKING:
    from collector.inventory import Inventory

_SLOTS_A_PASS = 60_000
"""All of them are in memory until they are written: 200 whole campus-days."""
_REASONS = {"evidence": "late evidence", "anchor": "clock learnt"}


class Plan(Struct, frozen=True):
    """``begins``: the first slot of each campus's record."""

    now: list[CampusDay]
    later: list[CampusDay]
    begins: dict[str, int]

    @property
    def slots(self) -> int:
        """How many are to be judged now."""
        return sum(len(one.slots) for one in self.now)

    def of(self, slot: int) -> Plan:
        """Only this slot now, of those campuses of which it was never judged; all else later."""
        now, rest = [], []
        for one in self.now:
            here = {at: why for at, why in one.slots.items() if at == slot and why == FIRST}
            others = {at: why for at, why in one.slots.items() if at not in here}
            now += [structs.replace(one, slots=here)] if here else []
            rest += [structs.replace(one, slots=others)] if others else []
        return Plan(now, [*rest, *self.later], self.begins)

    def without(self, at_once: Plan, marked: list[marks.Dirty]) -> Rest:
        """What ``at_once``, a part of this plan by :meth:`of`, leaves of what was to be judged now, once all that it
        puts off is marked."""
        now = at_once.later[: len(at_once.later) - len(self.later)]
        mine = {(one.campus.id, at): why for one in now for at, why in one.slots.items()}
        known = [one for one in marked if (one.campus, one.slot) in mine]
        new = mine.keys() - {(one.campus, one.slot) for one in known}
        marks_of_rest = [*known, *(marks.Dirty(campus, at, 1, FIRST) for campus, at in new)]
        return Rest(Plan(now, [], self.begins), marks_of_rest)


class Rest(Struct, frozen=True):
    """What is judged after the live slots, with its marks."""

    plan: Plan
    marked: list[marks.Dirty]


class Planner:
    """Remembers how far each campus was judged."""

    def __init__(self) -> None:
        self._begins: dict[str, int] = {}
        self._through: dict[str, int] = {}
        self._judged_before: dict[str, int] = {}

    @property
    def through(self) -> dict[str, int]:
        """The last slot of each campus that was judged, by this program or an earlier run."""
        return self._judged_before | self._through

    def plan(
        self, connection: Connection, inventory: Inventory, seconds: int, finished: int, marked: list[marks.Dirty]
    ) -> Plan:
        """What is to be judged, newest day first: live state before back-fill. A mark of a campus that is in no
        inventory, or of a slot before the record begins, has nothing to say and goes away."""
        wanted: dict[str, dict[int, str]] = {}
        for one in marked:
            wanted.setdefault(one.campus, {})[one.slot] = _REASONS.get(one.reason, one.reason)
        begins_of: dict[str, int] = {}
        days: dict[tuple[str, datetime.date], dict[int, str]] = {}
        for name, campus in inventory.campuses.items():
            if self._through.get(name, -1) >= finished and name not in wanted:
                continue
            begin = begins(connection, name, seconds)
            if begin is None:
                continue
            begins_of[name] = begin
            slots = dict.fromkeys(self._not_judged(connection, name, begin, seconds, finished), FIRST)
            slots |= {slot: why for slot, why in wanted.get(name, {}).items() if slot >= begin and slot not in slots}
            for slot, why in _with_evidence(connection, name, slots, seconds).items():
                days.setdefault((name, local_day(slot, campus.timezone)), {})[slot] = why
        ordered = sorted(days, key=lambda key: (key[1], key[0]), reverse=True)
        work = [CampusDay(inventory.campuses[name], day, days[name, day]) for name, day in ordered]
        taken = slots_taken = 0
        while taken < len(work) and slots_taken < _SLOTS_A_PASS:
            slots_taken += len(work[taken].slots)
            taken += 1
        return Plan(work[:taken], work[taken:], begins_of)

    def _not_judged(
        self, connection: Connection, campus: str, begins: int, seconds: int, finished: int
    ) -> Iterable[int]:
        """Finished slots of the record that were never judged: usually the one that has just ended; all of an outage
        of ours; and the time before the first row, where older evidence has moved the record's begin."""
        through = self._through.get(campus)
        if through is not None and begins >= self._begins.get(campus, begins):
            return range(max(through + seconds, begins), finished + seconds, seconds)
        extent = ledger.extent(connection, campus)
        if extent is None:
            return range(begins, finished + seconds, seconds)
        first, last = extent
        self._judged_before[campus] = last
        # The last finished slot is judged again after a start, so that what is live is known again.
        return [*range(begins, first, seconds), *range(min(last + seconds, finished), finished + seconds, seconds)]

    def remember(self, plan: Plan, outcomes: Iterable[Outcome]) -> None:
        """Once they are written."""
        self._begins |= plan.begins
        for one in outcomes:
            name = one.work.campus.id
            self._through[name] = max(self._through.get(name, 0), *one.verdicts)


class LocalDays:
    """The local days of campuses; one that is in no inventory has Greenwich's."""

    def __init__(self, inventory: Inventory) -> None:
        self._zones = {name: one.timezone for name, one in inventory.campuses.items()}
        self._last: dict[str, tuple[int, int]] = {}

    def around(self, campus: str, slot: int) -> tuple[int, int]:
        """Begin and end of the one that the slot begins in."""
        zone = self._zones.get(campus, "UTC")
        begin, end = self._last.get(zone, (0, 0))
        if not begin <= slot < end:
            begin, end = self._last[zone] = day_bounds(local_day(slot, zone), zone)
        return begin, end


def begins(connection: Connection, campus: str, seconds: int) -> int | None:
    """The first full slot of a campus's record."""
    at = sql.record_begins(connection, campus)
    return None if at is None else -int(-at // seconds) * seconds


def with_evidence(connection: Connection, work: CampusDay, seconds: int) -> CampusDay:
    """Without the slots of which evidence has expired."""
    return structs.replace(work, slots=_with_evidence(connection, work.campus.id, work.slots, seconds))


def _with_evidence(connection: Connection, campus: str, slots: dict[int, str], seconds: int) -> dict[int, str]:
    """What is judged from less than it once rested on would be a new verdict, and a wrong one."""
    gone = joined.expired_within(connection, campus, min(slots), max(slots) + seconds) if slots else []
    return {slot: why for slot, why in slots.items() if not any(a < slot + seconds and slot < b for a, b in gone)}
