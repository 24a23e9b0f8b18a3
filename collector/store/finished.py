"""Rows of evidence that are ready to be joined: which hours of a campus are finished, and their rows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import zstandard
from sqlalchemy import ColumnElement, Connection, and_, func, select

from collector.compaction.hour import SECONDS, Entry, Hour
from collector.store import joined, outbox
from collector.store.evidence import unpack
from collector.store.schema import cursor, evidence, evidence_hour, placement

_ROWS_LOOKED_AT = 20_000
_COLUMNS = [evidence.c[name] for name in Entry.__struct_fields__ if name != "document"]


class Group(NamedTuple):
    """Rows of one agent's stream that are joined together; ``hour``: where their stretch begins, Unix seconds."""

    campus: str
    agent: str
    stream: str
    hour: int


class Limits(NamedTuple):
    """What is ready: begun before ``before``, placed at ``through`` or earlier, and before the row ``newest``."""

    before: float
    through: int | None
    newest: int


def limits(connection: Connection, before: float, *, forwards: bool) -> Limits:
    """``forwards``: what remote write has still to send stays as it is, so that it is read once and in order. The row
    with the highest number stays, and what lands meanwhile: SQLite would give their numbers to the next ones."""
    whole = before // SECONDS * SECONDS
    known = connection.scalar(select(cursor.c.position).where(cursor.c.name == outbox.CURSOR))
    through = (known or 0) if forwards else None
    return Limits(whole, through, connection.scalar(select(func.max(evidence.c.id))) or 0)


def campuses(connection: Connection) -> list[str]:
    return list(connection.scalars(select(placement.c.campus).distinct().order_by(placement.c.campus)))


def waiting(connection: Connection, limits: Limits) -> int:
    """Rows that are ready."""
    where = (evidence.c.campus.is_not(None), *_ready(limits))
    return connection.scalar(select(func.count()).select_from(evidence).where(*where)) or 0


def groups(connection: Connection, campus: str, since: float, limits: Limits) -> tuple[list[Group], float | None]:
    """A campus's groups from ``since`` on, oldest first, and from where on there are more."""
    columns = (evidence.c.agent, evidence.c.stream, evidence.c.start_at)
    query = select(*columns).where(evidence.c.campus == campus, evidence.c.start_at >= since, *_ready(limits))
    rows = connection.execute(query.order_by(evidence.c.start_at).limit(_ROWS_LOOKED_AT)).all()
    found = {Group(campus, agent, stream, int(at // SECONDS) * SECONDS) for agent, stream, at in rows}
    if len(rows) < _ROWS_LOOKED_AT:
        return sorted(found, key=_order), None
    last = int(rows[-1].start_at // SECONDS) * SECONDS
    # The last hour may have been cut off by the limit: it is looked at again, unless it is all there is.
    whole = {one for one in found if one.hour < last}
    return sorted(whole or found, key=_order), float(last if whole else last + SECONDS)


def rows(connection: Connection, group: Group, limits: Limits) -> list[Entry]:
    """A group's rows, those left out that cannot be unpacked: they stay where they are."""
    query = select(*_COLUMNS, evidence.c.body).where(_of(evidence, group), evidence.c.start_at >= group.hour)
    query = query.where(evidence.c.start_at < group.hour + SECONDS, *_ready(limits)).order_by(evidence.c.id)
    return list(_unpacked(connection.execute(query)))


def already(connection: Connection, group: Group) -> list[Hour]:
    """What of the same hour was joined before, and has not expired."""
    table = evidence_hour.c
    begin = (table.first_at >= group.hour, table.first_at < group.hour + SECONDS)
    return list(joined.read(connection, _of(evidence_hour, group), *begin, table.expired_at.is_(None)))


def _unpacked(found: Iterable[Any]) -> Iterable[Entry]:
    for row in found:
        try:
            values = [*row[:-1], unpack(row[-1])]
            yield Entry(*values)
        except (zstandard.ZstdError, MemoryError):
            continue


def _ready(limits: Limits) -> tuple[ColumnElement[bool], ...]:
    where: tuple[ColumnElement[bool], ...] = (evidence.c.start_at < limits.before, evidence.c.id < limits.newest)
    return where if limits.through is None else (*where, evidence.c.position <= limits.through)


def _of(table: Any, group: Group) -> ColumnElement[bool]:
    return and_(table.c.campus == group.campus, table.c.agent == group.agent, table.c.stream == group.stream)


def _order(group: Group) -> tuple[int, str, str]:
    return group.hour, group.agent, group.stream
