"""Joined evidence that is older than it is to be kept: found, counted by campus, and let go in small steps.

Documents and signatures go; who measured what when, and the digest of each report, stay: with them the ledger can
still be checked to rest on these reports and no others.
"""

from __future__ import annotations

import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, and_, case, exists, func, not_, or_, select

from collector.store import audit, joined
from collector.store.schema import evidence_hour, hold

_HOURS = 64
_table = evidence_hour.c


class Old(NamedTuple):
    """A campus's evidence past its time. ``bytes``: of documents and signatures; ``held``: reports a hold keeps."""

    campus: str
    reports: int
    held: int
    first_at: float
    last_at: float
    bytes: int


def old(connection: Connection, before: float) -> list[Old]:
    """By campus: what ended before ``before`` and has not expired."""
    held = func.sum(case((_held(), _table.reports), else_=0))
    size = func.sum(func.length(_table.body) + func.coalesce(func.length(_table.signatures), 0))
    columns = (_table.campus, func.sum(_table.reports), held, func.min(_table.first_at), func.max(_table.last_at), size)
    query = select(*columns).where(*_past(before)).group_by(_table.campus).order_by(_table.campus)
    return [
        Old(row[0], int(row[1]), int(row[2]), row[3], row[4], int(row[5] or 0)) for row in connection.execute(query)
    ]


def let_go(connection: Connection, before: float, kept_days: int, now: float) -> int:
    """One step: the oldest hours that nothing holds expire. Returns how many did; with a line in the audit log for each
    campus."""
    free = (*_past(before), not_(_held()), or_(_table.anchors.is_(False), not_(_older_is_kept())))
    names = [_table[name] for name in joined.NAMES]
    query = select(*names).where(*free).order_by(_table.first_at, _table.id).limit(_HOURS)
    hours = [joined.hour_of(row) for row in connection.execute(query).all()]
    gone: dict[str, list[Any]] = {}
    for hour in hours:
        if joined.exchange(connection, hour, hour.expired(now, kept_days)):
            gone.setdefault(hour.campus or "", []).append(hour)
    for campus, some in gone.items():
        days = [datetime.datetime.fromtimestamp(one.first_at, datetime.UTC).date() for one in some]
        reports = sum(one.reports for one in some)
        said = f"{reports} reports of {min(days)} to {max(days)}, kept {kept_days} days; their digests stay"
        audit.write(connection, now, "retention", "evidence expired", campus, said)
    return sum(map(len, gone.values()))


def _past(before: float) -> tuple[ColumnElement[bool], ...]:
    return _table.last_at < before, _table.expired_at.is_(None), _table.campus.is_not(None)


def _held() -> ColumnElement[bool]:
    over = and_(hold.c.from_at <= _table.last_at, hold.c.to_at > _table.first_at)
    return exists().where(hold.c.campus == _table.campus, hold.c.released_at.is_(None), over)


def _older_is_kept() -> ColumnElement[bool]:
    """A report that sets a clock stays as long as any that it may have set."""
    older = evidence_hour.alias()
    where = (older.c.agent == _table.agent, older.c.first_at < _table.first_at, older.c.expired_at.is_(None))
    return exists().where(*where)
