"""What answers add up, a row a campus and day beside the ledger's newest revision of it. Written with each revision, in
the same transaction; made of the record alone, so that it can be made again."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import msgspec
from sqlalchemy import Connection, and_, bindparam, exists, func, select
from sqlalchemy.exc import NoResultFound

from collector.commitment.day_sums import DaySums, More, room_criteria, sums
from collector.judgement.day_record import DayRecord
from collector.policies.policy import Policy
from collector.store import schema, snapshots
from collector.store.upsert import upsert

_more = msgspec.json.Decoder(More)
_record = msgspec.json.Decoder(DayRecord)
_COUNTS = (
    "met_slots",
    "short_slots",
    "unknown_slots",
    "met_seconds",
    "short_seconds",
    "unknown_seconds",
    "day_verdict",
)
_COLUMNS = ("campus", "day", *_COUNTS, "more")
_KEPT = (*_COLUMNS, "revision")
_CHANGED = (*_COUNTS, "more", "revision")


class Rebuilt(msgspec.Struct):
    """How many days there are, and each whose sums are not what its record says."""

    days: int
    differing: list[tuple[str, str]]


def keep(connection: Connection, record: DayRecord, policy: str, revision: int) -> None:
    """``policy``: the digest of the one that judged the day."""
    made = sums(record, _of_rooms(connection, policy))
    upsert(connection, schema.day_sums, [_values(made, revision)], _CHANGED)


def of_period(connection: Connection, since: str, until: str, campus: str | None = None) -> dict[str, list[DaySums]]:
    """By campus, oldest day first, both days included. Sums whose revision the ledger does not hold are of a row that
    was lost: they count for nothing."""
    table, row = schema.day_sums.c, schema.ledger.c
    stands = exists().where(row.campus == table.campus, row.day == table.day, row.revision == table.revision)
    query = select(*(table[name] for name in _COLUMNS)).where(table.day >= since, table.day <= until, stands)
    if campus is not None:
        query = query.where(table.campus == campus)
    found: dict[str, list[DaySums]] = {}
    for one in connection.execute(query.order_by(table.day)):
        more = _read(one.more)
        made = DaySums(*one[: len(_COLUMNS) - 1], more.causes, more.outcomes, more.places, more.rooms)  # type: ignore[call-arg]
        found.setdefault(made.campus, []).append(made)
    return found


def last_judged(connection: Connection, since: str) -> dict[str, tuple[str, int]]:
    """Each campus's last school day from ``since`` on that was judged as a day, with the revision that holds."""
    table = schema.day_sums.c
    judged = select(table.campus, func.max(table.day).label("day"))
    judged = judged.where(table.day >= since, table.day_verdict.is_not(None)).group_by(table.campus)
    last = judged.subquery()
    query = select(table.campus, table.day, table.revision)
    query = query.join(last, and_(last.c.campus == table.campus, last.c.day == table.day))
    return {campus: (day, revision) for campus, day, revision in connection.execute(query)}


def rebuild(connection: Connection, *, write: bool) -> Rebuilt:
    """Makes every day's sums again from the ledger; with ``write`` those that differ are put right."""
    found = Rebuilt(0, [])
    standing = connection.execute(select(*(schema.day_sums.c[name] for name in _KEPT)))
    kept = {(row.campus, row.day): tuple(row) for row in standing}
    for campus, day, body, policy, revision in _newest(connection):
        found.days += 1
        try:
            values = _values(sums(_record.decode(body), _of_rooms(connection, policy)), revision)
        except (msgspec.MsgspecError, ValueError, NoResultFound):  # verify's other checks name what is wrong there
            found.differing.append((campus, day))
            continue
        if kept.pop((campus, day), None) != tuple(values[name] for name in _KEPT):
            found.differing.append((campus, day))
            if write:
                upsert(connection, schema.day_sums, [values], _CHANGED)
    found.differing += sorted(kept)
    return found


def _newest(connection: Connection) -> Iterator[tuple[str, str, bytes, str, int]]:
    table = schema.ledger.c
    keys = connection.execute(select(table.campus, table.day).distinct().order_by(table.campus, table.day)).all()
    newest = (
        select(table.body, table.policy, table.revision)
        .where(table.campus == bindparam("campus"), table.day == bindparam("day"))
        .order_by(table.revision.desc())
        .limit(1)
    )
    for campus, day in keys:
        body, policy, revision = connection.execute(newest, {"campus": campus, "day": day}).one()
        yield campus, day, body, policy, revision


def _values(made: DaySums, revision: int) -> dict[str, Any]:
    values = msgspec.structs.asdict(made)
    more = More(**{name: values.pop(name) for name in More.__struct_fields__})
    return values | {"more": msgspec.json.encode(more).decode(), "revision": revision}


@lru_cache(maxsize=16384)
def _read(more: str) -> More:
    """Quiet days of a campus say the same."""
    return _more.decode(more)


_criteria: dict[str, frozenset[str]] = {}


def _of_rooms(connection: Connection, policy: str) -> frozenset[str]:
    """A policy's document never changes under its digest, so that each is read once."""
    if policy not in _criteria:
        _criteria[policy] = room_criteria(Policy.from_bytes(snapshots.body(connection, "policy", policy)))
    return _criteria[policy]
