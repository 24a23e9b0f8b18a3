"""Inventory, hours and policy as immutable snapshots, named by their digest and valid from a day.

A change never overwrites: a day is judged with what held on that day, and the ledger names it by digest.
"""

from __future__ import annotations

import datetime

from msgspec import Struct
from sqlalchemy import Connection, insert, select

from agent.wire import digest
from collector.store import schema


class Snapshot(Struct, frozen=True):
    """What is known of one without its body, which :func:`body` reads."""

    kind: str
    hash: str
    valid_from: datetime.date
    created_at: float


def keep(connection: Connection, kind: str, body: bytes, valid_from: datetime.date, now: float) -> Snapshot:
    """Keeps a snapshot, unless the one that holds from that day on is the same already."""
    made = Snapshot(kind, digest(body), valid_from, now)
    standing = every(connection, kind)
    if standing and standing[-1].hash == made.hash and standing[-1].valid_from <= valid_from:
        return standing[-1]
    connection.execute(
        insert(schema.snapshot).values(
            kind=kind, hash=made.hash, valid_from=valid_from.isoformat(), created_at=now, body=body
        )
    )
    return made


def every(connection: Connection, kind: str) -> list[Snapshot]:
    """All snapshots of a kind, those that hold later last; of one day the one kept later holds."""
    table = schema.snapshot
    rows = connection.execute(
        select(table.c.kind, table.c.hash, table.c.valid_from, table.c.created_at)
        .where(table.c.kind == kind)
        .order_by(table.c.valid_from, table.c.created_at)
    )
    return [Snapshot(k, h, datetime.date.fromisoformat(str(v)), c) for k, h, v, c in rows]


def body(connection: Connection, kind: str, hash_: str) -> bytes:
    table = schema.snapshot
    query = select(table.c.body).where(table.c.kind == kind, table.c.hash == hash_).limit(1)
    return bytes(connection.execute(query).scalar_one())


def holding(snapshots: list[Snapshot], day: datetime.date) -> Snapshot | None:
    """The one that holds on a day. What was kept for the first day holds for the days before it too: it is the best
    that is known of them."""
    if not snapshots:
        return None
    day = max(day, snapshots[0].valid_from)
    return [one for one in snapshots if one.valid_from <= day][-1]
