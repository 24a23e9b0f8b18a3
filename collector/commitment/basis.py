"""What the answers of one reading rest on, read once for all of its periods: sums of days, when each record begins,
planned work, and the hours by which class time without a row in the ledger is counted."""

from __future__ import annotations

import bisect
import datetime
import operator
from collections.abc import Iterable

from sqlalchemy import Connection

from collector.commitment.day_sums import DaySums
from collector.commitment.planned_work import Part
from collector.holding import Held, Holding
from collector.inventory import Campus
from collector.judgement import day_verdict
from collector.judgement.day_record import DayRecord, day_bounds, local_day
from collector.school_time.hours import instructional, schedules_of
from collector.store import day_sums, ledger
from collector.store import exclusions as kept_exclusions
from collector.store import judging as sql
from collector.store.exclusions import Exclusion

_ONE_DAY = datetime.timedelta(days=1)
_day = operator.attrgetter("day")


class Basis:
    """``held``: what held on the last day asked about. ``now`` in Unix seconds. Good while the connection is."""

    def __init__(
        self,
        connection: Connection,
        holding: Holding,
        held: Held,
        campuses: Iterable[Campus],
        days: tuple[datetime.date, datetime.date],
        now: float,
    ) -> None:
        self.connection = connection
        self.held = held
        self.now = now
        self.campuses = list(campuses)
        self._holding = holding
        only = self.campuses[0].id if len(self.campuses) == 1 else None
        self._sums = day_sums.of_period(connection, days[0].isoformat(), days[1].isoformat(), only)
        self.begins = sql.records_begin(connection, (one.id for one in self.campuses))
        self._exclusions: dict[str, list[Exclusion]] = {}
        for one in kept_exclusions.ever_approved(connection, *_widely(days), only):
            self._exclusions.setdefault(one.campus, []).append(one)
        self._asks_of: dict[str, bool] = {}
        self._held_on: dict[datetime.date, Held] = {}
        self._bells: dict[tuple[str, str], tuple[str, ...]] = {}
        self._class: dict[tuple[str, tuple[str, ...], str, datetime.date, int], dict[int, int]] = {}

    def sums(self, campus: str, first: datetime.date, last: datetime.date) -> list[DaySums]:
        known = self._sums.get(campus, [])
        since = bisect.bisect_left(known, first.isoformat(), key=_day)
        return known[since : bisect.bisect_right(known, last.isoformat(), key=_day)]

    def held_on(self, day: datetime.date) -> Held:
        if day not in self._held_on:
            self._held_on[day] = self._holding.on(self.connection, day)
        return self._held_on[day]

    def asks_of(self, day: str) -> bool:
        """Whether the policy of that day requires something of a day."""
        if day not in self._asks_of:
            self._asks_of[day] = day_verdict.required(self.held_on(datetime.date.fromisoformat(day)).policy)
        return self._asks_of[day]

    def policies(self, first: datetime.date, last: datetime.date) -> set[str]:
        """The digests of all policies that hold on these days, both included."""
        count = (min(last, local_day(self.now, self.held.timezone)) - first).days + 1
        return {self.held_on(first + n * _ONE_DAY).hashes["policy"] for n in range(count)}

    def class_time(self, held: Held, campus: Campus, day: datetime.date) -> dict[int, int]:
        """Instructional seconds of the day's slots. Campuses that keep the same bells share one working out."""
        if held.hours.always:
            return instructional(held.hours, campus, day, held.policy.slot_seconds)
        whose = (held.hashes["hours"], campus.id)
        if whose not in self._bells:
            self._bells[whose] = tuple(schedules_of(held.hours, campus))
        key = (held.hashes["hours"], self._bells[whose], campus.timezone, day, held.policy.slot_seconds)
        if key not in self._class:
            self._class[key] = instructional(held.hours, campus, day, held.policy.slot_seconds)
        return self._class[key]

    def unrecorded(
        self, campus: Campus, days: set[str], first: datetime.date, last: datetime.date
    ) -> dict[str, list[Part]]:
        """The class time, by day, of the record's finished days that are not among ``days``: the ledger lost them."""
        begins = self.begins.get(campus.id)
        if begins is None:
            return {}
        day = max(first, local_day(begins, campus.timezone))
        last = min(last, local_day(self.now, campus.timezone) - _ONE_DAY)
        lost: dict[str, list[Part]] = {}
        while day <= last:
            if day.isoformat() not in days:
                held = self.held_on(day)
                seconds = held.policy.slot_seconds
                weights = self.class_time(held, campus, day)
                lost[day.isoformat()] = [
                    (slot, slot + seconds, "unknown", weight) for slot, weight in weights.items() if slot >= begins
                ]
            day += _ONE_DAY
        return lost

    def exclusions(self, campus: Campus, first: datetime.date, last: datetime.date) -> list[Exclusion]:
        """Planned work of the period that counts, or that counted until it was withdrawn."""
        begin, end = day_bounds(first, campus.timezone)[0], day_bounds(last, campus.timezone)[1]
        return [one for one in self._exclusions.get(campus.id, ()) if one.touches(begin, end)]

    def records(self, campus: Campus, days: Iterable[tuple[datetime.date, datetime.date]]) -> list[DayRecord]:
        """The ledger's records of a campus for these ranges of days, each day once."""
        found = {}
        for first, last in days:
            for row in ledger.newest_of_period(self.connection, first.isoformat(), last.isoformat(), campus.id):
                found[row.day] = row.record
        return [found[day] for day in sorted(found)]


def _widely(days: tuple[datetime.date, datetime.date]) -> tuple[float, float]:
    """Unix seconds that hold the days in every time zone."""
    begin, _ = day_bounds(days[0] - _ONE_DAY, "UTC")
    _, end = day_bounds(days[1] + _ONE_DAY, "UTC")
    return begin, end
