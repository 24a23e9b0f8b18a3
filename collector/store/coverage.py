"""Each room's last radio measurement of a day, taken from the ledger's row of that day, so that a room's latest is one
look and not half a year of rows."""

from __future__ import annotations

from collections.abc import Collection

import msgspec
from sqlalchemy import Connection, and_, delete, func, select

from collector.judgement.day_record import RoomAir
from collector.store import schema
from collector.store.upsert import upsert

_room = msgspec.json.Decoder(RoomAir)


def keep(connection: Connection, campus: str, day: str, rooms: dict[str, RoomAir]) -> None:
    rows = [
        {"campus": campus, "place": room, "day": day, "at": one.at, "verdicts": msgspec.json.encode(one).decode()}
        for room, one in rooms.items()
    ]
    if rows:
        upsert(connection, schema.coverage, rows, ("at", "verdicts"))


def forget(connection: Connection, campus: str, day: str, places: Collection[str]) -> None:
    table = schema.coverage.c
    if places:
        mine = (table.campus == campus) & (table.day == day) & table.place.in_(places)
        connection.execute(delete(schema.coverage).where(mine))


def latest(connection: Connection, until: str, campus: str | None = None) -> dict[str, dict[str, RoomAir]]:
    """For each campus, each room's last measurement up to a day, that day included."""
    table = schema.coverage
    last = (
        select(table.c.campus, table.c.place, func.max(table.c.day).label("day"))
        .where(table.c.day <= until)
        .group_by(table.c.campus, table.c.place)
    )
    if campus is not None:
        last = last.where(table.c.campus == campus)
    chosen = last.subquery()
    same = and_(table.c.campus == chosen.c.campus, table.c.place == chosen.c.place, table.c.day == chosen.c.day)
    found: dict[str, dict[str, RoomAir]] = {}
    query = select(table.c.campus, table.c.place, table.c.verdicts).join(chosen, same)
    for name, room, text in connection.execute(query):
        found.setdefault(name, {})[room] = _room.decode(text)
    return found
