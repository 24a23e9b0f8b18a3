"""Where the board looks: the ledger, the judge and the inventory go in, views come out. The board's only way to data.

Summing a month of a district costs more than a page may: the sums are kept, and made again beside the readers, at most
a tenth of the time. Both pages take them from here, so that they can never disagree.
"""

from __future__ import annotations

import datetime
import threading
import time
from collections.abc import Mapping
from typing import Any

import structlog
from msgspec import Struct
from sqlalchemy import Connection

from collector import answers, coverage, day_verdict
from collector.board import campus as page
from collector.board import views
from collector.board.school_days import SchoolDay, school_days
from collector.board.strip import Strip, strip
from collector.board.survey import survey_lines
from collector.commitment.period import Period
from collector.day_record import DayRecord, RoomAir, local_day
from collector.holding import Held, Holding, NothingHolds
from collector.hours import class_intervals
from collector.inventory import Campus
from collector.judge import Live
from collector.moved import moved
from collector.services import Services
from collector.store import agents, ledger, surroundings
from collector.store import coverage as rooms_measured

_FRESH_SECONDS = 10.0
_STRIP_DAYS = 7
_SILENT_REPORTS = 5
_log = structlog.get_logger()


class Sums(Struct, frozen=True):
    """Each period's answer by campus, and when it was worked out."""

    at: float
    periods: dict[str, dict[str, Any]]


class Reading:
    """Safe from any thread."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._holding = Holding()
        self._lock = threading.Lock()
        self._summing = threading.Lock()
        self._sums: Sums | None = None
        self._stale_at = 0.0

    def district(self) -> views.District | None:
        """None where no inventory was imported yet."""
        now = self._services.clock()
        with self._services.store.read() as connection:
            held = self._held(connection, now)
            if held is None:
                return None
            last = _last_evidence(connection, now)
        sums = self._summed(held, now)
        return views.district(
            held,
            sums.periods,
            self._live(),
            last,
            now=now,
            summed_at=sums.at,
            timezone=held.timezone,
            late_after_seconds=float(self._services.config.grace_seconds),
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
            known, placed = agents.every(connection), agents.placements(connection)
            doubts = surroundings.unconfirmed(connection)
            surveyed: dict[str, RoomAir] = {}
            if coverage.criteria(held.policy):
                surveyed = rooms_measured.latest(connection, today.isoformat(), name).get(name, {})
            asked = self._asked(connection, today)
        sums = self._summed(held, now)
        live = self._live().get(name)
        seconds = held.policy.slot_seconds
        records = [row.record for row in rows]
        answer = sums.periods.get("30d", {}).get(name, {})
        stood = page.standing(live, records, seconds)
        access_points = held.inventory.access_points.get(name, ())
        current = held.inventory.access_points_on(name, today)
        places = held.inventory.places.get(name, ())
        names = page.Names(access_points, places)
        titles = {one.id: one.title for one in held.policy.criteria}
        measured = {place for record in records for place in record.places_measured} | surveyed.keys()
        rooms = page.rooms(places, measured, page.room_states(live, stood.criteria, places))
        strips = {row.day: _strip(row, record, held, campus) for row, record in zip(rows, records, strict=True)}
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
            periods=views.periods_of(name, sums.periods, held.policy),
            record_from=str(answer.get("record_from") or ""),
            causes=page.plain_causes(answer),
            now=shown_now,
            behind=views.is_behind(shown_now.to_at or None, now, seconds, grace),
            today=strips.pop(today.isoformat(), None),
            school_days=_school_days(campus, held, today, str(answer.get("record_from") or ""), records, asked),
            days=tuple(strips[day] for day in sorted(strips, reverse=True)[:_STRIP_DAYS]),
            spans=tuple(spans[: page.SPANS_SHOWN]),
            spans_left_out=max(0, len(spans) - page.SPANS_SHOWN),
            criteria=page.criteria_lines(held, stood.criteria, names),
            as_of=stood.as_of,
            rooms=rooms,
            rooms_never_measured=tuple(room.name for room in rooms if not room.measured),
            survey=survey_lines(held.policy, places, surveyed, names, now),
            access_points=page.radios(current, page.states_of(live, stood.criteria, current), names),
            agents=page.agent_lines(
                campus, known, placed, names, moved=moved(placed, doubts, now), now=now,
                silent_after_seconds=_SILENT_REPORTS * self._services.config.report_seconds,
            ),
            changes=tuple(reversed(changes[-page.CHANGES_SHOWN :])),
            changes_left_out=max(0, len(changes) - page.CHANGES_SHOWN),
            chain=next((row.chain for row in reversed(rows) if row.chain), ""),
        )  # fmt: skip

    def _live(self) -> Mapping[str, Live]:
        judge = self._services.judge
        found: Mapping[str, Live] = judge.latest() if judge is not None else {}
        return found

    def _held(self, connection: Connection, now: float) -> Held | None:
        with self._lock:
            self._holding.refresh(connection)
            try:
                return self._holding.at(connection, now)
            except NothingHolds:
                return None

    def _asked(self, connection: Connection, today: datetime.date) -> dict[datetime.date, bool]:
        """On which of the last days the policy of that day asked something of it."""
        days = [today - datetime.timedelta(days=back) for back in range(views.PERIODS["30d"])]
        with self._lock:
            return {day: day_verdict.required(self._holding.on(connection, day).policy) for day in days}

    def _summed(self, held: Held, now: float) -> Sums:
        """What is known, while somebody else adds up anew; only the first reader waits."""
        sums = self._sums
        if sums is None:
            with self._summing:
                return self._sums or self._add_up(held, now)
        known = set(sums.periods.get("today", {})) == set(held.inventory.campuses)
        if (time.monotonic() >= self._stale_at or not known) and self._summing.acquire(blocking=False):
            threading.Thread(target=self._add_up_beside, args=(held, now), name="board", daemon=True).start()
        return sums

    def _add_up_beside(self, held: Held, now: float) -> None:
        try:
            self._add_up(held, now)
        except Exception as fault:  # the page shows what was known before, and says from when it is
            _log.error("board: cannot add up, trying again", fault=repr(fault)[:300])
        finally:
            self._summing.release()

    def _add_up(self, held: Held, now: float) -> Sums:
        began = time.monotonic()
        today = held.today(now)
        since = {key: today - datetime.timedelta(days=days - 1) for key, days in views.PERIODS.items()}
        asked = {key: Period("days", key, first, today) for key, first in since.items()}
        periods = answers.of_periods(self._services.store, asked, now=now)
        self._sums = made = Sums(now, periods)
        self._stale_at = time.monotonic() + max(_FRESH_SECONDS, 10 * (time.monotonic() - began))
        return made


def _strip(row: ledger.LedgerRow, record: Any, held: Held, campus: Campus) -> Strip:
    day = datetime.date.fromisoformat(row.day)
    intervals = class_intervals(held.hours, campus, day)
    return strip(record, intervals, revision=row.revision, open_=row.open, always=held.hours.always)


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
