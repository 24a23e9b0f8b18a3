"""Leases of throughput tests as they were granted."""

from __future__ import annotations

from msgspec import Struct
from sqlalchemy import Connection, func, insert, select

from collector.store.schema import lease


class Granted(Struct, frozen=True):
    """Leave for one test: ``max_bytes`` in each direction until ``expires_at``."""

    lease: str
    agent: str
    campus: str
    request_id: str
    granted_at: float
    expires_at: float
    max_bytes: int


def running(connection: Connection, campus: str, now: float) -> Granted | None:
    """The lease that holds on a campus now."""
    columns = (lease.c[name] for name in Granted.__struct_fields__)
    query = select(*columns).where(lease.c.campus == campus, lease.c.expires_at > now).limit(1)
    row = connection.execute(query).first()
    return None if row is None else Granted(*row)


def bytes_since(connection: Connection, campus: str, since: float) -> int:
    """Bytes granted to a campus in one direction since then."""
    query = select(func.sum(lease.c.max_bytes)).where(lease.c.campus == campus, lease.c.granted_at >= since)
    return int(connection.scalar(query) or 0)


def keep(connection: Connection, granted: Granted) -> None:
    connection.execute(insert(lease).values({name: getattr(granted, name) for name in Granted.__struct_fields__}))
