"""Where the pages of a room and of what was said of it look."""

from __future__ import annotations

import datetime
import zoneinfo
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from collector.agents.moved import moved
from collector.board import campus as campuses
from collector.board import room as page
from collector.board.reading import SILENT_REPORTS, Reading
from collector.board.views import PERIODS, policy_now
from collector.holding import Held
from collector.incidents import room_reports
from collector.inventory import Campus, Place
from collector.judgement.day_record import DayRecord, RoomAir, local_day
from collector.services import Services
from collector.store import agents, coverage, ledger, surroundings


@dataclass(frozen=True, slots=True)
class CampusRooms:
    """A campus with its room list, for the form and the sheet to hang up. ``today``: its local date and time of day."""

    id: str
    name: str
    timezone: str
    simulated: bool
    rooms: tuple[tuple[str, str], ...]
    today: datetime.datetime

    @property
    def earliest(self) -> str:
        """The first day that a report may name."""
        return (self.today.date() - datetime.timedelta(days=room_reports.NOTICED_DAYS)).isoformat()


class RoomReading:
    """Safe from any thread."""

    def __init__(self, services: Services, reading: Reading) -> None:
        self._services = services
        self._reading = reading

    def campus(self, name: str) -> CampusRooms | None:
        """None where no inventory names it."""
        held = self._reading.held()
        campus = held.inventory.campuses.get(name) if held else None
        if held is None or campus is None:
            return None
        rooms = sorted((campuses.room_name(one), one.id) for one in held.inventory.places.get(name, ()))
        today = datetime.datetime.fromtimestamp(self._services.clock(), zoneinfo.ZoneInfo(campus.timezone))
        listed = tuple((place, shown) for shown, place in rooms)
        return CampusRooms(campus.id, campus.name or campus.id, campus.timezone, campus.simulated, listed, today)

    def room(self, place_id: str, *, may_read: bool) -> page.RoomPage | None:
        """None where it is in no room list."""
        held = self._reading.held()
        found = _find(held, place_id)
        if held is None or found is None:
            return None
        campus, place = found
        now = self._services.clock()
        with self._services.store.read() as connection:
            records, air = self._evidence(connection, campus, place_id, now)
            placed, known = agents.placements(connection, campus=campus.id), agents.every(connection, campus.id)
            doubts = surroundings.unconfirmed(connection, campus.id)
        reports = room_reports.listed(self._services.store, now=now, place=place_id, today=held.today(now))
        here = [one for one in placed if one.place == place_id]
        last = page.last_measured(held.policy, place_id, records, air)
        slots = [span for record in records[-1:] for span in page.spans_of(held.policy, place_id, record)]
        return page.RoomPage(
            campus=campus.id,
            campus_name=campus.name or campus.id,
            timezone=campus.timezone,
            simulated=campus.simulated,
            demonstration=held.hours.always,
            policy=policy_now(held),
            place=place_id,
            name=campuses.room_name(place),
            chosen=place.chosen,
            measured_at=last.to_at if last.kind != page.NEVER else None,
            how=last.kind,
            state=slots[-1].state if slots else "",
            criteria=page.criteria_of(held.policy, place_id, records, air),
            days=page.days_of(held.policy, place_id, records),
            devices=campuses.agent_lines(
                campus, known, here, campuses.Names((), (place,)), moved=moved(placed, doubts, now), now=now,
                silent_after_seconds=SILENT_REPORTS * self._services.config.report_seconds,
                waiting=False,
            ),
            reports=tuple(page.report_line(one, may_read=may_read) for one in reports),
        )  # fmt: skip

    def report(self, number: int, *, may_read: bool) -> page.ReportStatus | None:
        """None where there is none of that number, or its room left the list."""
        now = self._services.clock()
        held = self._reading.held()
        document = self._document(number, now, held)
        found = _find(held, document["place"]) if document is not None else None
        if held is None or document is None or found is None:
            return None
        campus, place = found
        line = page.report_line(document, may_read=may_read)
        with self._services.store.read() as connection:
            records, air = self._evidence(connection, campus, place.id, now)
        return page.ReportStatus(
            report=line,
            campus=campus.id,
            campus_name=campus.name or campus.id,
            room=campuses.room_name(place),
            timezone=campus.timezone,
            simulated=campus.simulated,
            demonstration=held.hours.always,
            nearest=page.nearest(held.policy, place.id, records, air, line.when),
        )

    def reports(self) -> list[tuple[page.ReportLine, str, str]]:
        """Every report with its room's and its campus's name, those that nobody has read first, then by due day."""
        held = self._reading.held()
        documents = room_reports.listed(self._services.store, now=self._services.clock())
        documents.sort(key=lambda one: one["review"] != "")
        lines = []
        for document in documents:
            found = _find(held, document["place"])
            name = campuses.room_name(found[1]) if found else document["place"]
            campus = (found[0].name or found[0].id) if found else document["campus"]
            lines.append((page.report_line(document, may_read=True), name, campus))
        return lines

    def _document(self, number: int, now: float, held: Held | None) -> dict[str, Any] | None:
        place = room_reports.place_of(self._services.store, number)
        if place is None or held is None:
            return None
        listed = room_reports.listed(self._services.store, now=now, place=place, today=held.today(now))
        return next((one for one in listed if one["id"] == number), None)

    def _evidence(
        self, connection: Connection, campus: Campus, place: str, now: float
    ) -> tuple[list[DayRecord], RoomAir | None]:
        """The records of the longest period, oldest first, and the room's last radio measurement."""
        today = local_day(now, campus.timezone)
        since = today - datetime.timedelta(days=PERIODS["30d"] - 1)
        rows = ledger.newest_of_period(connection, since.isoformat(), today.isoformat(), campus.id)
        air = coverage.latest(connection, today.isoformat(), campus.id).get(campus.id, {}).get(place)
        return [row.record for row in rows], air


def _find(held: Held | None, place_id: str) -> tuple[Campus, Place] | None:
    name = place_id.partition("/")[0]
    if held is None or name not in held.inventory.campuses:
        return None
    for place in held.inventory.places.get(name, ()):
        if place.id == place_id:
            return held.inventory.campuses[name], place
    return None
