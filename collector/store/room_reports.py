"""Room reports as they are kept: somebody's word about a room, and by when it is to be surveyed."""

from __future__ import annotations

from msgspec import Struct
from sqlalchemy import Connection, func, insert, select, update

from collector.store.schema import room_report as table

SHOWN, WITHHELD, ERASED = "shown", "withheld", "erased"


class RoomReport(Struct, frozen=True):
    """``survey_due``: the last day (ISO date) for the survey; ``incident``: what was open at the campus then;
    ``noticed_at``: when it was bad, where that was said; ``review``: empty until an operator has read the words, then
    SHOWN, WITHHELD or ERASED."""

    id: int
    campus: str
    place: str
    at: float
    by: str
    text: str
    incident: int | None
    survey_due: str
    noticed_at: float | None
    review: str


_COLUMNS = [getattr(table.c, name) for name in RoomReport.__struct_fields__]


def add(
    connection: Connection,
    place: str,
    at: float,
    by: str,
    text: str,
    incident: int | None,
    survey_due: str,
    noticed_at: float | None = None,
) -> int:
    values = {"campus": place.split("/", 1)[0], "place": place, "at": at, "by": by, "text": text}
    values |= {"incident": incident, "survey_due": survey_due, "noticed_at": noticed_at, "review": ""}
    made = connection.execute(insert(table).values(values))
    key = made.inserted_primary_key
    assert key is not None
    return int(key[0])


def find(connection: Connection, number: int) -> RoomReport | None:
    row = connection.execute(select(*_COLUMNS).where(table.c.id == number)).first()
    return None if row is None else RoomReport(*row)


def every(
    connection: Connection, campus: str | None = None, incident: int | None = None, place: str | None = None
) -> list[RoomReport]:
    """By the day on which their survey is due."""
    query = select(*_COLUMNS).order_by(table.c.survey_due, table.c.id)
    if campus is not None:
        query = query.where(table.c.campus == campus)
    if incident is not None:
        query = query.where(table.c.incident == incident)
    if place is not None:
        query = query.where(table.c.place == place)
    return [RoomReport(*row) for row in connection.execute(query)]


def count_since(connection: Connection, campus: str, since: float, by: str) -> dict[str, int]:
    """How many reports each room of the campus got from ``by`` after ``since``."""
    query = select(table.c.place, func.count()).where(table.c.campus == campus, table.c.at > since, table.c.by == by)
    return {place: int(count) for place, count in connection.execute(query.group_by(table.c.place))}


def review(connection: Connection, number: int, said: str) -> None:
    """An operator has read the words. Of what is erased none is kept."""
    values = {"review": said} | ({"text": ""} if said == ERASED else {})
    connection.execute(update(table).where(table.c.id == number).values(values))
