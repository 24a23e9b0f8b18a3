"""Planned work as it is kept: who asked for it, who approved it, who withdrew it. Only what was approved and not
withdrawn counts anywhere."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct
from sqlalchemy import Connection, insert, select, update

from collector.store.schema import exclusion as table


class Exclusion(Struct, frozen=True):
    """Planned work at a campus in [from_at, to_at); ``approved_at`` None: it waits and counts for nothing;
    ``withdrawn_at`` None: it was not withdrawn."""

    id: int
    campus: str
    from_at: float
    to_at: float
    reason: str
    requested_by: str
    requested_at: float
    approved_by: str | None
    approved_at: float | None
    withdrawn_by: str | None = None
    withdrawn_at: float | None = None
    withdrawn_reason: str | None = None

    @property
    def counts(self) -> bool:
        return self.approved_at is not None and self.withdrawn_at is None

    def touches(self, begin: float, end: float) -> bool:
        return self.from_at < end and self.to_at > begin


_COLUMNS = tuple(getattr(table.c, name) for name in Exclusion.__struct_fields__)


def ask(connection: Connection, campus: str, from_at: float, to_at: float, reason: str, by: str, now: float) -> int:
    values = {"campus": campus, "from_at": from_at, "to_at": to_at, "reason": reason}
    made = connection.execute(insert(table).values(**values, requested_by=by, requested_at=now))
    key = made.inserted_primary_key
    assert key is not None
    return int(key[0])


def approve(connection: Connection, one: int, by: str, now: float) -> None:
    connection.execute(update(table).where(table.c.id == one).values(approved_by=by, approved_at=now))


def withdraw(connection: Connection, one: int, by: str, reason: str, now: float) -> None:
    values = {"withdrawn_by": by, "withdrawn_at": now, "withdrawn_reason": reason}
    connection.execute(update(table).where(table.c.id == one).values(values))


def find(connection: Connection, ids: Iterable[int]) -> dict[int, Exclusion]:
    rows = connection.execute(select(*_COLUMNS).where(table.c.id.in_(sorted(ids))))
    return {row.id: Exclusion(*row) for row in rows}


def every(connection: Connection, campus: str | None = None) -> list[Exclusion]:
    """All of them, those that wait and those that were withdrawn too, by their begin."""
    query = select(*_COLUMNS).order_by(table.c.from_at, table.c.id)
    if campus is not None:
        query = query.where(table.c.campus == campus)
    return [Exclusion(*row) for row in connection.execute(query)]


def approved(connection: Connection, since: float, until: float, campus: str | None = None) -> list[Exclusion]:
    """Those that count and touch [since, until), by their begin."""
    return [one for one in ever_approved(connection, since, until, campus) if one.counts]


def ever_approved(connection: Connection, since: float, until: float, campus: str | None = None) -> list[Exclusion]:
    """Those that count or counted until they were withdrawn, and touch [since, until), by their begin."""
    query = select(*_COLUMNS).where(table.c.approved_at.is_not(None), table.c.from_at < until, table.c.to_at > since)
    if campus is not None:
        query = query.where(table.c.campus == campus)
    return [Exclusion(*row) for row in connection.execute(query.order_by(table.c.from_at, table.c.id))]
