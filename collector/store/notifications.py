"""What Alertmanager told somebody of a fault, as it is kept until the fault's incident is known."""

from __future__ import annotations

from msgspec import Struct
from sqlalchemy import Connection, delete, insert, select, update

from collector.store.schema import notification as table


class Told(Struct, frozen=True):
    """One alert that one receiver was told of. ``scope`` as an incident has it; instants are Unix seconds."""

    scope: str
    alert: str
    receiver: str
    starts_at: float
    told_at: float


_COLUMNS = [table.c[name] for name in Told.__struct_fields__]


def keep(connection: Connection, told: Told) -> None:
    """Once: Alertmanager repeats what lasts."""
    same = [getattr(table.c, name) == getattr(told, name) for name in ("scope", "alert", "receiver", "starts_at")]
    if connection.scalar(select(table.c.id).where(*same)) is None:
        connection.execute(insert(table).values({name: getattr(told, name) for name in Told.__struct_fields__}))


def waiting(connection: Connection) -> dict[int, Told]:
    """Those whose incident is not known yet, oldest first."""
    query = select(table.c.id, *_COLUMNS).where(table.c.incident.is_(None)).order_by(table.c.told_at, table.c.id)
    return {row[0]: Told(*row[1:]) for row in connection.execute(query)}


def belongs(connection: Connection, one: int, incident: int) -> None:
    connection.execute(update(table).where(table.c.id == one).values(incident=incident))


def forget(connection: Connection, before: float) -> None:
    """Those told before that instant (Unix seconds): the steps that came of them stay with their incidents."""
    connection.execute(delete(table).where(table.c.told_at < before))
