"""What Alertmanager told somebody of a fault: kept until the fault's incident is known, and beside it from then on, so
that it can be said of each alert what its faults turned out to be."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container

from msgspec import Struct
from sqlalchemy import Connection, insert, select, update

from collector.store.schema import incident
from collector.store.schema import notification as table

UNRESOLVED, NO_INCIDENT = "unresolved", "no_incident"


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


def waiting(connection: Connection, since: float) -> dict[int, Told]:
    """Those told from that instant on whose incident is not known yet, oldest first."""
    query = select(table.c.id, *_COLUMNS).where(table.c.incident.is_(None), table.c.told_at >= since)
    return {row[0]: Told(*row[1:]) for row in connection.execute(query.order_by(table.c.told_at, table.c.id))}


def belongs(connection: Connection, one: int, incident: int) -> None:
    connection.execute(update(table).where(table.c.id == one).values(incident=incident))


def outcomes(connection: Connection, left_out: Container[str], since: float) -> dict[tuple[str, str], int]:
    """How many faults somebody was told of, by alert and by what became of them: the last word on the incident,
    UNRESOLVED where it has none yet, NO_INCIDENT where none came of what was told before ``since`` (Unix seconds).
    However many receivers were told and however often, one fault counts once for an alert. ``left_out``: scopes that
    do not count."""
    query = select(
        table.c.scope, table.c.alert, table.c.starts_at, table.c.told_at, incident.c.id, incident.c.resolution
    )
    found: dict[tuple[str, object], str] = {}
    for row in connection.execute(query.outerjoin_from(table, incident, incident.c.id == table.c.incident)):
        if row.scope in left_out:
            continue
        if row.id is not None:
            found[row.alert, row.id] = row.resolution or UNRESOLVED
        else:
            waits = row.told_at >= since
            found[row.alert, (row.scope, row.starts_at)] = UNRESOLVED if waits else NO_INCIDENT
    return dict(Counter((alert, became) for (alert, _), became in found.items()))
