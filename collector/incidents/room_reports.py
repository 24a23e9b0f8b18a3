"""\"My room is bad\": what somebody says of a room is kept, changes no verdict, and asks for a survey of that room.

The survey is due on the fifth school day after the report. It counts as done with the first radio measurement in the
room after the report, by a technician's walk or by an agent that stands there; such measurements are kept under a
policy with survey criteria alone, so that under another one a survey stays due.

What people write is free text and may name somebody: nobody but operators reads it before an operator has (`review`).
Readers of the board report without an account: their number is bounded for each room and for each campus in a day.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any

from msgspec import structs
from sqlalchemy import Connection

from collector.administration.refusals import NotDone
from collector.holding import day_at, held_at
from collector.inventory import Campus
from collector.judgement.day_record import local_day
from collector.school_time.hours import Hours, class_intervals
from collector.store import Store, audit, coverage, incidents, room_reports
from collector.store.room_reports import ERASED, SHOWN, WITHHELD

SURVEY_SCHOOL_DAYS = 5
_LOOK_AHEAD_DAYS = 120
MAX_TEXT = 1000
NOTICED_DAYS = 30
"""How long ago a room may have been bad: the longest time that the board shows."""
BOARD = "board"
"""Who reports, where a reader of the board did: no name is asked and none is kept."""
ROOM_PER_DAY, CAMPUS_PER_DAY = 10, 100
REVIEWS = (SHOWN, WITHHELD, ERASED)
_LATER = 1 << 40
_AHEAD_SECONDS = 300.0


class Enough(NotDone):
    """The room, or the campus, was reported so often today that one more would tell nothing. ``room``: which of the
    two."""

    def __init__(self, reason: str, hint: str, *, room: bool) -> None:
        super().__init__(reason, hint)
        self.room = room


def add(store: Store, clock: Callable[[], float], body: dict[str, Any], by: str) -> dict[str, Any]:
    """Keeps a report about the room ``place``, a CAMPUS/BUILDING/ROOM of the room list; ``noticed_at`` of the body:
    when it was bad (Unix seconds). Raises NotDone."""
    place, text, now = str(body["place"]), str(body.get("text") or "").strip(), clock()
    if not text or len(text) > MAX_TEXT:
        raise NotDone("no words, or too many", f"say what is wrong in 1 to {MAX_TEXT} characters", status=2)
    noticed = None if body.get("noticed_at") is None else float(body["noticed_at"])
    if noticed is not None and not now - NOTICED_DAYS * 86400 <= noticed <= now + _AHEAD_SECONDS:
        raise NotDone("the time is no time of the last month", f"give one of the last {NOTICED_DAYS} days", status=2)
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
        if by == BOARD:
            _bound(connection, place, now)
        lasting = incidents.of_period(connection, 0, _LATER, name, only_open=True)
        incident = lasting[0].id if lasting else None
        number = room_reports.add(connection, place, now, by, text, incident, due, noticed)
        audit.write(connection, now, by, "room reported", place, f"survey due {due}")
        return number, incident

    number, incident = store.write(keep).result()
    return {"room_report": number, "place": place, "incident": incident, "survey_due": due}


def review(store: Store, clock: Callable[[], float], body: dict[str, Any], by: str) -> dict[str, Any]:
    """An operator has read the words of ``report``: ``as`` one of REVIEWS. Raises NotDone."""
    number, said, now = int(body["report"]), str(body["as"]), clock()
    if said not in REVIEWS:
        raise NotDone(f"no review {said!r}", f"there are {', '.join(REVIEWS)}", status=2)

    def keep(connection: Connection) -> None:
        one = room_reports.find(connection, number)
        if one is None:
            raise NotDone(f"no room report {number}", "see `wifi-collector room-report list`", status=2)
        if one.review == ERASED:
            raise NotDone(f"the words of room report {number} were erased", "nothing is left to show or withhold")
        room_reports.review(connection, number, said)
        audit.write(connection, now, by, "room report reviewed", f"{number} {one.place}", said)

    store.write(keep).result()
    return {"room_report": number, "review": said, "by": by}


def survey_due(hours: Hours, campus: Campus, now: float) -> datetime.date:
    """The fifth day of class after today. Where the calendar knows of none so far ahead, weekdays stand in."""
    today = local_day(now, campus.timezone)
    ahead = [today + datetime.timedelta(days=count) for count in range(1, _LOOK_AHEAD_DAYS + 1)]
    school = [day for day in ahead if class_intervals(hours, campus, day)]
    if len(school) < SURVEY_SCHOOL_DAYS:
        school = [day for day in ahead if day.weekday() < 5]
    return school[SURVEY_SCHOOL_DAYS - 1]


def place_of(store: Store, number: int) -> str | None:
    """The room of a report; None where there is none of that number."""
    with store.read() as connection:
        one = room_reports.find(connection, number)
    return None if one is None else one.place


def listed(
    store: Store,
    *,
    now: float,
    campus: str | None = None,
    place: str | None = None,
    today: datetime.date | None = None,
) -> list[dict[str, Any]]:
    """Each report with whether its survey is done, due or overdue; the earliest due first. ``surveyed_at``: when the
    room was last measured after it; ``today``: the district's date, of who knows it."""
    with store.read() as connection:
        found = room_reports.every(connection, campus, place=place)
        measured = coverage.latest(connection, "9999-12-31", campus)
        day = (today or day_at(connection, now)).isoformat()
    documents = []
    for one in found:
        last = measured.get(one.campus, {}).get(one.place)
        done = last is not None and last.at > one.at
        survey = "done" if done else "overdue" if day > one.survey_due else "due"
        surveyed_at = last.at if last is not None and done else None
        documents.append(structs.asdict(one) | {"survey": survey, "surveyed_at": surveyed_at})
    return documents


def _bound(connection: Connection, place: str, now: float) -> None:
    """Anybody may report, so nobody may fill the list. Raises Enough."""
    today = room_reports.count_since(connection, place.split("/", 1)[0], now - 86400, BOARD)
    if today.get(place, 0) >= ROOM_PER_DAY:
        raise Enough(f"{place} was reported {today[place]} times in a day", "its survey is due already", room=True)
    if sum(today.values()) >= CAMPUS_PER_DAY:
        raise Enough(f"{sum(today.values())} reports of one campus in a day", "try again tomorrow", room=False)
