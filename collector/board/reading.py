"""Where the district and campus pages look: the ledger, the judge and the inventory go in, views come out.

Summing a month of a district costs more than a page may: the sums are kept, and made again beside the readers, at most
a tenth of the time. Both pages take them from here, so that they can never disagree.
"""

from __future__ import annotations

import contextlib
import datetime
import threading
from collections.abc import Mapping
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection

from collector.agents.moved import moved
from collector.board import campus as page
from collector.board import views
from collector.board.kept import Kept
from collector.board.month import Month, month
from collector.board.school_days import SchoolDay, school_days
from collector.board.strip import Strip, strip
from collector.board.survey import survey_lines
from collector.commitment import answers
from collector.commitment.period import GAUGES, Dates, Known, Period, UnknownPeriod, parse
from collector.holding import DEFAULT_TIMEZONE, Held, Holding
from collector.inventory import Campus
from collector.judgement import coverage, day_verdict
from collector.judgement.day_record import DayRecord, RoomAir, local_day
from collector.judgement.judge import Live
from collector.school_time.hours import class_intervals
from collector.services import Services
from collector.store import agents, ledger, surroundings
from collector.store import coverage as rooms_measured

_LOOKS_A_SLOT = 5
"""An answer moves with each judged slot: kept sums are made again this often in one."""
SILENT_REPORTS = 5
"""A device is silent after as many reports that did not come."""


class Sum(Struct, frozen=True):
    """A period's answer by campus, and when it was worked out."""

    at: float
    campuses: dict[str, Any]


class Reading:
    """Safe from any thread."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._holding = Holding()
        self._lock = threading.Lock()
        self._kept: Kept[Sum] = Kept(most=16)

    def district(self, period: str = views.DEFAULT_PERIOD, find: str = "") -> views.District | None:
        """``period``: a key of GAUGES; one that the calendar does not know is the usual one; ``find``: what a campus
        must be called. None where no inventory was imported yet."""
        now = self._services.clock()
        with self._services.store.read() as connection:
            held = self._held(connection, now)
            if held is None:
                return None
            last = _last_evidence(connection, now)
            spans = self._spans(connection, held, now)
        wanted = views.shown_beside(period if period in spans else views.DEFAULT_PERIOD)
        sums = self._sums(held, now, {key: spans[key] for key in wanted})
        return views.district(
            held,
            {key: one.campuses for key, one in sums.items()},
            self._live(),
            last,
            now=now,
            summed_at=min(one.at for one in sums.values()),
            timezone=held.timezone,
            late_after_seconds=float(self._services.config.grace_seconds),
            spans=spans,
            find=find,
        )

    def campus(self, name: str) -> page.CampusPage | None:
        """None where no inventory names it."""
        now = self._services.clock()
        with self._services.store.read() as connection:
            held = self._held(connection, now)
            campus = held.inventory.campuses.get(name) if held else None
            if held is None or campus is None:
                return None
            today = local_day(now, campus.timezone)
            since = (today - datetime.timedelta(days=views.PERIODS["30d"] - 1)).isoformat()
            rows = ledger.newest_of_period(connection, since, today.isoformat(), name)
            changes = ledger.changes(connection, name, since, today.isoformat())
            known, placed = agents.every(connection, name), agents.placements(connection, campus=name)
            doubts = surroundings.unconfirmed(connection, name)
            surveyed: dict[str, RoomAir] = {}
            if coverage.criteria(held.policy):
                surveyed = rooms_measured.latest(connection, today.isoformat(), name).get(name, {})
            asked = self._asked(connection, today)
            periods = self._spans(connection, held, now)
        wanted = {key: periods[key] for key in views.PERIODS}
        sums = {key: one.campuses for key, one in self._sums(held, now, wanted).items()}
        live = self._live().get(name)
        seconds = held.policy.slot_seconds
        records = [row.record for row in rows]
        answer = sums[views.DEFAULT_PERIOD].get(name, {})
        stood = page.standing(live, records, seconds)
        access_points = held.inventory.access_points.get(name, ())
        current = held.inventory.access_points_on(name, today)
        places = held.inventory.places.get(name, ())
        names = page.Names(access_points, places)
        titles = {one.id: one.title for one in held.policy.criteria}
        measured = {place for record in records for place in record.places_measured} | surveyed.keys()
        rooms = page.rooms(places, measured, page.room_states(live, stood.criteria, places))
        begun = str(answer.get("record_from") or "")
        spans = [line for record in records[-1:] for line in page.span_lines(record, titles, names)]
        spans.reverse()
        newest = records[-1] if records else None
        shown_now = page.now_of(live, newest, seconds)
        grace = float(self._services.config.grace_seconds)
        return page.CampusPage(
            id=campus.id,
            name=campus.name or campus.id,
            region=campus.region,
            timezone=campus.timezone,
            simulated=campus.simulated,
            demonstration=held.hours.always,
            policy=views.policy_now(held),
            hashes=held.hashes,
            periods=views.periods_of(name, sums, held.policy),
            record_from=begun,
            causes=page.plain_causes(answer),
            now=shown_now,
            behind=views.is_behind(shown_now.to_at or None, now, seconds, grace),
            today=_strip(records[-1], held, campus) if records and records[-1].day == today.isoformat() else None,
            month=_month(campus, today, rows, records),
            school_days=_school_days(campus, held, today, begun, records, asked),
            spans=tuple(spans[: page.SPANS_SHOWN]),
            spans_left_out=max(0, len(spans) - page.SPANS_SHOWN),
            criteria=page.criteria_lines(held, stood.criteria, names),
            as_of=stood.as_of,
            rooms=rooms,
            rooms_never_measured=tuple(room for room in rooms if not room.measured),
            survey=survey_lines(held.policy, places, surveyed, names, now),
            access_points=page.radios(current, page.states_of(live, stood.criteria, current), names),
            agents=page.agent_lines(
                campus, known, placed, names, moved=moved(placed, doubts, now), now=now,
                silent_after_seconds=SILENT_REPORTS * self._services.config.report_seconds,
            ),
            changes=tuple(reversed(changes[-page.CHANGES_SHOWN :])),
            changes_left_out=max(0, len(changes) - page.CHANGES_SHOWN),
            chain=next((row.chain for row in reversed(rows) if row.chain), ""),
        )  # fmt: skip

    def held(self) -> Held | None:
        """What holds now; None where no inventory was imported yet."""
        with self._services.store.read() as connection:
            return self._held(connection, self._services.clock())

    def timezone(self) -> str:
        """The district's own."""
        held = self.held()
        return held.timezone if held else DEFAULT_TIMEZONE

    def version(self) -> tuple[str, ...]:
        """What every page depends on: another one wherever a list, the hours or the policy has changed."""
        held = self.held()
        return (*held.hashes.values(),) if held else ()

    def _live(self) -> Mapping[str, Live]:
        judge = self._services.judge
        found: Mapping[str, Live] = judge.latest() if judge is not None else {}
        return found

    def _held(self, connection: Connection, now: float) -> Held | None:
        with self._lock:
            return self._holding.newest_at(connection, now)

    def _asked(self, connection: Connection, today: datetime.date) -> dict[datetime.date, bool]:
        """On which of the last days the policy of that day asked something of it."""
        days = [today - datetime.timedelta(days=back) for back in range(views.PERIODS["30d"])]
        with self._lock:
            return {day: day_verdict.required(self._holding.on(connection, day).policy) for day in days}

    def _spans(self, connection: Connection, held: Held, now: float) -> dict[str, Dates]:
        """The days of each period that the calendar knows and that has begun, up to today."""
        today = held.today(now)
        with self._lock:
            known = Known(today, self._holding.calendars(connection), self._services.config.term)
        found = {}
        for key, text in GAUGES.items():
            with contextlib.suppress(UnknownPeriod):
                period = parse(text, known)
                if period.first <= today:
                    found[key] = (period.first, min(period.last, today))
        return found

    def _sums(self, held: Held, now: float, spans: Mapping[str, Dates]) -> dict[str, Sum]:
        holds = (held.hashes["inventory"], held.hashes["policy"])
        fresh_seconds = held.policy.slot_seconds / _LOOKS_A_SLOT

        def of(period: str, days: Dates) -> Sum:
            key = (period, *map(str, days), *holds)
            return self._kept.get(key, lambda: self._summed(Period("days", period, *days), now), fresh_seconds)

        return {period: of(period, days) for period, days in spans.items()}

    def _summed(self, period: Period, now: float) -> Sum:
        return Sum(now, answers.of_periods(self._services.store, {period.name: period}, now=now)[period.name])


def _strip(record: DayRecord, held: Held, campus: Campus) -> Strip:
    intervals = class_intervals(held.hours, campus, datetime.date.fromisoformat(record.day))
    return strip(record, intervals, always=held.hours.always)


def _month(
    campus: Campus, today: datetime.date, rows: list[ledger.LedgerRow], records: list[DayRecord]
) -> Month | None:
    days = [today - datetime.timedelta(days=back) for back in range(views.PERIODS["30d"] - 1, -1, -1)]
    by_day = {record.day: record for record in records}
    return month(days, by_day, {row.day: row.revision for row in rows}, campus.timezone)


def _school_days(
    campus: Campus,
    held: Held,
    today: datetime.date,
    record_from: str,
    records: list[DayRecord],
    asked: Mapping[datetime.date, bool],
) -> tuple[SchoolDay, ...]:
    """Those since the record's begin, of the longest period."""
    if not record_from:
        return ()
    return school_days(
        max(min(asked), datetime.date.fromisoformat(record_from[:10])),
        today,
        {record.day: record for record in records},
        teaches=lambda day: bool(class_intervals(held.hours, campus, day)),
        asked=lambda day: asked.get(day, False),
        titles={one.id: one.title for one in held.policy.criteria},
    )


def _last_evidence(connection: Connection, now: float) -> dict[str, float]:
    """When each campus was last heard of: from any of its approved agents."""
    seen = {agent.id: agent.last_seen_at for agent in agents.every(connection) if agent.state == "approved"}
    found: dict[str, float] = {}
    for one in agents.placements(connection):
        at = seen.get(one.agent)
        if at is not None and one.from_at <= now and (one.to_at is None or now < one.to_at):
            found[one.campus] = max(at, found.get(one.campus, at))
    return found
