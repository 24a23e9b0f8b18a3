"""Room reports as they are kept: somebody's word about a room, and by when it is to be surveyed."""

from __future__ import annotations

from msgspec import Struct
from sqlalchemy import Connection, insert, select

from collector.store.schema import room_report as table


class RoomReport(Struct, frozen=True):
    """``survey_due``: the last day (ISO date) for the survey; ``incident``: what was open at the campus then."""

    id: int
    campus: str
    place: str
    at: float
    by: str
    text: str
    incident: int | None
    survey_due: str


def add(
    connection: Connection, place: str, at: float, by: str, text: str, incident: int | None, survey_due: str
) -> int:
    values = {"campus": place.split("/", 1)[0], "place": place, "at": at, "by": by, "text": text}
    made = connection.execute(insert(table).values(**values, incident=incident, survey_due=survey_due))
    key = made.inserted_primary_key
    assert key is not None
    return int(key[0])


def every(connection: Connection, campus: str | None = None, incident: int | None = None) -> list[RoomReport]:
    """By the day on which their survey is due."""
    columns = [getattr(table.c, name) for name in RoomReport.__struct_fields__]
    query = select(*columns).order_by(table.c.survey_due, table.c.id)
    if campus is not None:
        query = query.where(table.c.campus == campus)
    if incident is not None:
        query = query.where(table.c.incident == incident)
    return [RoomReport(*row) for row in connection.execute(query)]
