"""\"My room is bad\": what somebody says of a room is kept, changes no verdict, and asks for a survey of that room.

The survey is due on the fifth school day after the report. It counts as done with the first radio measurement in the
room after the report, by a technician's walk or by an agent that stands there; such measurements are kept under a
policy with survey criteria alone, so that under another one a survey stays due.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any

from msgspec import structs
from sqlalchemy import Connection

from collector.day_record import local_day
from collector.holding import day_at, held_at
from collector.hours import Hours, class_intervals
from collector.inventory import Campus
from collector.refusals import NotDone
from collector.store import Store, audit, coverage, incidents, room_reports

SURVEY_SCHOOL_DAYS = 5
_LOOK_AHEAD_DAYS = 120
_MAX_TEXT = 1000
_LATER = 1 << 40


def add(store: Store, clock: Callable[[], float], body: dict[str, Any], by: str) -> dict[str, Any]:
    """Keeps a report about the room ``place``, a CAMPUS/BUILDING/ROOM of the room list. Raises NotDone."""
    place, text, now = str(body["place"]), str(body.get("text") or "").strip(), clock()
    if not text or len(text) > _MAX_TEXT:
        raise NotDone("no words, or too many", f"say what is wrong in 1 to {_MAX_TEXT} characters", status=2)
    with store.read() as connection:
        held = held_at(connection, now)
    if held is None:
        raise NotDone("nothing is imported yet", "import the campuses and rooms first")
    name = place.split("/", 1)[0]
    if place not in {room.id for room in held.inventory.places.get(name, ())}:
        hint = "name it CAMPUS/BUILDING/ROOM as in the room list"
        raise NotDone(f"place {place!r} is in no room list", hint, status=2)
    due = survey_due(held.hours, held.inventory.campuses[name], now).isoformat()

    def keep(connection: Connection) -> tuple[int, int | None]:
        lasting = incidents.of_period(connection, 0, _LATER, name, only_open=True)
        incident = lasting[0].id if lasting else None
        number = room_reports.add(connection, place, now, by, text, incident, due)
        audit.write(connection, now, by, "room reported", place, f"survey due {due}")
        return number, incident

    number, incident = store.write(keep).result()
    return {"room_report": number, "place": place, "incident": incident, "survey_due": due}


def survey_due(hours: Hours, campus: Campus, now: float) -> datetime.date:
    """The fifth day of class after today. Where the calendar knows of none so far ahead, weekdays stand in."""
    today = local_day(now, campus.timezone)
    ahead = [today + datetime.timedelta(days=count) for count in range(1, _LOOK_AHEAD_DAYS + 1)]
    school = [day for day in ahead if class_intervals(hours, campus, day)]
    if len(school) < SURVEY_SCHOOL_DAYS:
        school = [day for day in ahead if day.weekday() < 5]
    return school[SURVEY_SCHOOL_DAYS - 1]


def listed(store: Store, *, now: float, campus: str | None = None) -> list[dict[str, Any]]:
    """Each report with whether its survey is done, due or overdue; the earliest due first."""
    with store.read() as connection:
        found = room_reports.every(connection, campus)
        measured = coverage.latest(connection, "9999-12-31", campus)
        today = day_at(connection, now).isoformat()
    documents = []
    for one in found:
        last = measured.get(one.campus, {}).get(one.place)
        done = last is not None and last.at > one.at
        survey = "done" if done else "overdue" if today > one.survey_due else "due"
        documents.append(structs.asdict(one) | {"survey": survey})
    return documents
