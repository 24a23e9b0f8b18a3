"""The ledger's rows: one a campus, local day and revision; sealed rows form a chain of digests in order of sealing.

Every function takes a connection; those that write run inside the writer's transaction.
"""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec
from msgspec import Struct
from sqlalchemy import Connection, and_, func, insert, select, update

from collector.judgement.day_record import NOT_JUDGED, DayRecord, SlotChange
from collector.store import day_sums, schema

_record = msgspec.json.Decoder(DayRecord)


class LedgerRow(Struct, frozen=True):
    """One revision of a campus's day. ``chain`` is empty while the row is open."""

    campus: str
    day: str
    revision: int
    written_at: float
    open: bool
    reason: str
    policy: str
    inventory: str
    hours: str
    evidence: str
    body: bytes
    chain: str

    @property
    def record(self) -> DayRecord:
        return _record.decode(self.body)


class Written(Struct, frozen=True):
    """A row as it stands in the table, with what is kept beside it. ``order``: its place in the chain, none while it is
    open. Of a revision that is known only as a link of the chain the ``body`` is empty and its digest alone is here."""

    row: LedgerRow
    body_digest: str
    strip: str
    order: int | None


class Named(Struct, frozen=True):
    """The digests that a day's newest revision names."""

    campus: str
    day: str
    revision: int
    policy: str
    inventory: str
    hours: str
    evidence: str


class Change(Struct, frozen=True):
    """An already judged slot that got another verdict, and why."""

    campus: str
    day: str
    slot: int
    revision: int
    old: str
    new: str
    reason: str
    at: float


def newest(connection: Connection, campus: str, day: str) -> LedgerRow | None:
    """The revision of a campus's day that holds now."""
    table = schema.ledger
    query = _select().where(table.c.campus == campus, table.c.day == day).order_by(table.c.revision.desc()).limit(1)
    row = connection.execute(query).first()
    return None if row is None else _row(row)


def newest_of_period(connection: Connection, since: str, until: str, campus: str | None = None) -> list[LedgerRow]:
    """The revisions that hold now, by campus and day, both days included."""
    return [_row(row) for row in connection.execute(_newest(_select(), since, until, campus))]


def named_of_period(connection: Connection, since: str, until: str, campus: str | None = None) -> list[Named]:
    """What the revisions that hold now name, without their bodies, by campus and day, both days included."""
    columns = select(*(getattr(schema.ledger.c, name) for name in Named.__struct_fields__))
    return [Named(*row) for row in connection.execute(_newest(columns, since, until, campus))]


def _newest(query: Any, since: str, until: str, campus: str | None) -> Any:
    table = schema.ledger
    last = (
        select(table.c.campus, table.c.day, func.max(table.c.revision).label("revision"))
        .where(table.c.day >= since, table.c.day <= until)
        .group_by(table.c.campus, table.c.day)
    )
    if campus is not None:
        last = last.where(table.c.campus == campus)
    chosen = last.subquery()
    joined = and_(table.c.campus == chosen.c.campus, table.c.day == chosen.c.day, table.c.revision == chosen.c.revision)
    return query.join(chosen, joined).order_by(table.c.campus, table.c.day)


def revisions(connection: Connection, campus: str, since: str, until: str) -> list[LedgerRow]:
    """Every revision of a campus's days."""
    table = schema.ledger
    query = _select().where(table.c.campus == campus, table.c.day >= since, table.c.day <= until)
    return [_row(row) for row in connection.execute(query.order_by(table.c.day, table.c.revision))]


def sealed(connection: Connection) -> list[LedgerRow]:
    """The chain: every sealed revision in order of sealing."""
    table = schema.ledger
    query = _select().where(table.c.sealed_order.is_not(None)).order_by(table.c.sealed_order)
    return [_row(row) for row in connection.execute(query)]


def written(connection: Connection, after: int = 0, through: int | None = None) -> Iterator[Written]:
    """The rows of the chain whose number is above ``after``, in order of sealing, one at a time."""
    table = schema.ledger
    query = _select().add_columns(table.c.strip, table.c.sealed_order).where(table.c.sealed_order > after)
    if through is not None:
        query = query.where(table.c.sealed_order <= through)
    yield from _each_written(connection, query.order_by(table.c.sealed_order))


def without_link(connection: Connection) -> Iterator[Written]:
    """The rows that are in no chain: those that are open."""
    table = schema.ledger
    query = _select().add_columns(table.c.strip, table.c.sealed_order).where(table.c.sealed_order.is_(None))
    yield from _each_written(connection, query.order_by(table.c.campus, table.c.day))


def _each_written(connection: Connection, query: Any) -> Iterator[Written]:
    for found in connection.execution_options(yield_per=200).execute(query):
        row = _row(found[:-2])
        yield Written(row, hashlib.sha256(row.body).hexdigest(), found[-2], found[-1])


def first_day(connection: Connection, campus: str | None = None) -> str | None:
    table = schema.ledger
    query = select(func.min(table.c.day))
    day: str | None = connection.scalar(query if campus is None else query.where(table.c.campus == campus))
    return day


def last_day(connection: Connection, campus: str) -> str | None:
    table = schema.ledger
    day: str | None = connection.scalar(select(func.max(table.c.day)).where(table.c.campus == campus))
    return day


def still_open(connection: Connection) -> list[tuple[str, str]]:
    table = schema.ledger
    query = select(table.c.campus, table.c.day).where(table.c.open.is_(True))
    return [(campus, day) for campus, day in connection.execute(query)]


def extent(connection: Connection, campus: str) -> tuple[int, int] | None:
    """The first and the last slot that were ever judged for a campus."""
    table = schema.ledger
    days = select(func.min(table.c.day), func.max(table.c.day)).where(table.c.campus == campus)
    bounds = connection.execute(days).one()
    rows = [newest(connection, campus, day) for day in bounds if day is not None]
    judged = [slot for row in rows if row for slot, letter in row.record.slots() if letter != NOT_JUDGED]
    return (min(judged), max(judged)) if judged else None


def doubted_slots(connection: Connection, campus: str, since: datetime.date) -> list[int]:
    """Slots of class in which not everything was met, from a day on: an earlier answer may say more of them."""
    rows = newest_of_period(connection, since.isoformat(), "9999-12-31", campus)
    return [
        slot
        for row in rows
        for span in row.record.spans
        if any(one.met < one.n for one in span.grounds.criteria) or span.grounds.verdict != "met"
        for slot in range(span.from_slot, span.to_slot, row.record.slot_seconds)
    ]


def write(connection: Connection, row: LedgerRow) -> LedgerRow:
    """Writes a revision, new or still open, and what answers add up of it. One that is no longer open is sealed: it
    takes the chain's next link."""
    table = schema.ledger
    values: dict[str, Any] = msgspec.structs.asdict(row) | {"strip": row.record.strip, "sealed_order": None}
    if not row.open:
        number, before = last_link(connection)
        values |= {"sealed_order": number + 1, "chain": link(before, row)}
    here = and_(table.c.campus == row.campus, table.c.day == row.day, table.c.revision == row.revision)
    if connection.execute(update(table).where(here, table.c.open.is_(True)).values(values)).rowcount == 0:
        connection.execute(insert(table).values(values))
    day_sums.keep(connection, row.record, row.policy, row.revision)
    return msgspec.structs.replace(row, chain=values["chain"])


def last_link(connection: Connection) -> tuple[int, str]:
    """The number and the digest of the chain's last link."""
    table = schema.ledger
    query = select(table.c.sealed_order, table.c.chain).where(table.c.sealed_order.is_not(None))
    row = connection.execute(query.order_by(table.c.sealed_order.desc()).limit(1)).first()
    return (0, "") if row is None else (int(row[0]), str(row[1]))


def link(before: str, row: LedgerRow, body_digest: str | None = None) -> str:
    """SHA-256 over the link before and all that a sealed revision says, line by line."""
    said = (
        before,
        row.campus,
        row.day,
        str(row.revision),
        repr(float(row.written_at)),
        row.reason,
        row.policy,
        row.inventory,
        row.hours,
        row.evidence,
        body_digest or hashlib.sha256(row.body).hexdigest(),
    )
    return hashlib.sha256("\n".join(said).encode()).hexdigest()


def log_changes(connection: Connection, row: LedgerRow, changes: Iterable[tuple[SlotChange, str]], at: float) -> None:
    values = [
        {
            "campus": row.campus,
            "day": row.day,
            "slot": change.slot,
            "revision": row.revision,
            "old": change.old,
            "new": change.new,
            "reason": reason,
            "at": at,
        }
        for change, reason in changes
    ]
    if values:
        connection.execute(insert(schema.slot_change), values)


def changes(connection: Connection, campus: str, since: str, until: str) -> list[Change]:
    """Every change of an already judged slot, in order of writing."""
    table = schema.slot_change
    columns = (getattr(table.c, name) for name in Change.__struct_fields__)
    query = select(*columns).where(table.c.campus == campus, table.c.day >= since, table.c.day <= until)
    return [Change(*row) for row in connection.execute(query.order_by(table.c.at, table.c.slot))]


def _select() -> Any:
    return select(*(getattr(schema.ledger.c, name) for name in LedgerRow.__struct_fields__))


def _row(row: Sequence[Any]) -> LedgerRow:
    values = dict(zip(LedgerRow.__struct_fields__, row, strict=True))
    body = values["body"]
    values["body"] = body.encode() if isinstance(body, str) else bytes(body)
    values["chain"] = values["chain"] or ""
    return LedgerRow(**values)
