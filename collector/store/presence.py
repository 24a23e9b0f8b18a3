"""When the collector was there to receive, and when it was not."""

from __future__ import annotations

from sqlalchemy import Connection, insert, select

from collector.store.schema import collector_gap, meta
from collector.store.upsert import upsert

_ALIVE = "alive_at"


def last_alive(connection: Connection) -> float | None:
    """When a collector last said that it was there."""
    value = connection.scalar(select(meta.c.value).where(meta.c.key == _ALIVE))
    return None if value is None else float(value)


def say_alive(connection: Connection, now: float) -> None:
    upsert(connection, meta, [{"key": _ALIVE, "value": repr(now)}], ("value",))


def keep_gap(connection: Connection, from_at: float, to_at: float) -> None:
    connection.execute(insert(collector_gap).values(from_at=from_at, to_at=to_at))
