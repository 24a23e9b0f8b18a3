"""What the collector's own look at campus edges found: which ever answered, and in which slots one failed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from sqlalchemy import Connection, select

from collector.store.schema import edge_answered, edge_failure, stream
from collector.store.upsert import upsert

if TYPE_CHECKING:
    from collector.edge.rounds import Failure


def answered(connection: Connection) -> list[tuple[str, str]]:
    """(campus, address) pairs that answered the collector at least once."""
    table = edge_answered
    return [(campus, address) for campus, address in connection.execute(select(table.c.campus, table.c.address))]


def keep_answered(connection: Connection, pairs: Iterable[tuple[str, str]], at: float) -> None:
    rows = [{"campus": campus, "address": address, "first_at": at} for campus, address in sorted(pairs)]
    if rows:
        upsert(connection, edge_answered, rows, ())


def keep_failures(connection: Connection, failures: Iterable[Failure]) -> None:
    rows = [{"campus": one.campus, "slot": one.slot, "address": one.address, "requests": one.sent} for one in failures]
    if rows:
        upsert(connection, edge_failure, rows, ())


def failed(connection: Connection, campus: str, since: float, until: float) -> list[int]:
    """The slots that start in [since, until) in which the campus's edge answered nothing."""
    table = edge_failure
    query = select(table.c.slot).where(table.c.campus == campus, table.c.slot >= since, table.c.slot < until)
    return list(connection.scalars(query.order_by(table.c.slot)))


def reports_since(connection: Connection, at: float) -> bool:
    """Whether any agent's report was received since then."""
    return connection.scalar(select(stream.c.agent).where(stream.c.last_at >= at).limit(1)) is not None
