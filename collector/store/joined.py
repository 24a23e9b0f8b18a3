"""Finished hours of evidence in their table: found by campus, agent, number or position, and put in for the rows that
they join. Their form is of :mod:`collector.compaction.hour`; here is only where they lie."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

import msgspec
import structlog
from sqlalchemy import ColumnElement, Connection, delete, func, insert, select, update

from collector.compaction import hour as hours
from collector.compaction.hour import Entry, Hour
from collector.compaction.opened import BlockError
from collector.compaction.pages import Pages
from collector.store.schema import evidence, evidence_hour

T = TypeVar("T")
log = structlog.get_logger()
NAMES = Hour.__struct_fields__
_COLUMNS = [evidence_hour.c[name] for name in NAMES]
_LONGEST_SECONDS = hours.SECONDS + 3600
"""From the first report of a joined hour to the end of its last one."""


def read(connection: Connection, *where: ColumnElement[bool], order: Any = evidence_hour.c.id) -> Iterator[Hour]:
    # A few at a time: nobody needs a year of hours in memory.
    query = select(*_COLUMNS).where(*where).order_by(order).execution_options(yield_per=20)
    for row in connection.execute(query):
        yield hour_of(row)


def hour_of(row: Sequence[Any]) -> Hour:
    return Hour(*row)


def rows(hour: Hour) -> list[Entry]:
    """The hour's reports. Of a damaged one none: the log says so, and `verify` names it."""
    return _safely(hours.rows, hour)


def pages(hour: Hour) -> Pages | None:
    """The hour, to read of its reports what is wanted. None where it is damaged: the log says so."""
    found = _safely(lambda one: [Pages(one)], hour)
    return found[0] if found else None


def index(hour: Hour) -> list[Entry]:
    """The same without documents, of an hour that has expired too."""
    return _safely(hours.index, hour)


def between(
    connection: Connection, chosen: Callable[[Any], ColumnElement[bool]], from_at: float, to_at: float
) -> Iterator[Hour]:
    """Hours with documents that overlap [from_at, to_at)."""
    return read(connection, chosen(evidence_hour), evidence_hour.c.expired_at.is_(None), *_within(from_at, to_at))


def expired(
    connection: Connection, chosen: Callable[[Any], ColumnElement[bool]], from_at: float, to_at: float
) -> Iterator[Hour]:
    """Hours that overlap [from_at, to_at) and of which only the digests are left."""
    return read(connection, chosen(evidence_hour), evidence_hour.c.expired_at.is_not(None), *_within(from_at, to_at))


def expired_within(connection: Connection, campus: str, from_at: float, to_at: float) -> list[tuple[float, float]]:
    """Begin and end of the campus's expired hours that overlap [from_at, to_at)."""
    table = evidence_hour.c
    gone = (table.campus == campus, table.expired_at.is_not(None), *_within(from_at, to_at))
    return [(begin, end) for begin, end in connection.execute(select(table.first_at, table.last_at).where(*gone))]


def expired_spans(connection: Connection, agents: Sequence[str]) -> list[tuple[str, float, float]]:
    """When these agents measured what has expired: agent, begin, end."""
    table = evidence_hour.c
    query = select(table.agent, table.first_at, table.last_at).where(table.agent.in_(agents))
    query = query.where(table.expired_at.is_not(None)).order_by(table.agent, table.first_at)
    return [(agent, begin, end) for agent, begin, end in connection.execute(query)]


def all_of(connection: Connection, chosen: Callable[[Any], ColumnElement[bool]]) -> Iterator[Hour]:
    """Hours of any time."""
    return read(connection, chosen(evidence_hour))


def anchoring(connection: Connection, agent: str) -> Iterator[Hour]:
    """Hours in which a report sets a clock."""
    table = evidence_hour.c
    return read(connection, table.agent == agent, table.anchors.is_(True), table.expired_at.is_(None))


def of_agent(connection: Connection, agent: str, from_at: float, to_at: float | None = None) -> Iterator[Hour]:
    """Every hour of an agent that begins or lasts since ``from_at``, expired ones too, oldest first."""
    table = evidence_hour.c
    until = [] if to_at is None else [table.first_at < to_at]
    where = (table.agent == agent, table.first_at >= from_at - _LONGEST_SECONDS, table.last_at >= from_at, *until)
    return read(connection, *where, order=table.first_at)


def count(connection: Connection, agent: str | None = None) -> int:
    """Reports in joined hours."""
    query = select(func.sum(evidence_hour.c.reports))
    return connection.scalar(query if agent is None else query.where(evidence_hour.c.agent == agent)) or 0


def digest(connection: Connection, agent: str, stream: str, seq: int) -> str | None:
    """The digest under which this number was joined."""
    table = evidence_hour.c
    where = (table.agent == agent, table.stream == stream, table.last_seq >= seq, table.first_seq <= seq)
    found = (entry.digest for hour in read(connection, *where) for entry in index(hour) if entry.seq == seq)
    return next(found, None)


def numbers(connection: Connection, agent: str, stream: str, after: int = -1) -> list[tuple[int, int]]:
    """The numbers of a stream above ``after`` that were joined, as [first, last]; ranges may touch."""
    table = evidence_hour.c
    mine = (table.agent == agent, table.stream == stream, table.last_seq > after)
    dense = table.reports == table.last_seq - table.first_seq + 1
    spans = select(table.first_seq, table.last_seq).where(*mine, dense)
    found = [(max(first, after + 1), last) for first, last in connection.execute(spans)]
    loose = (entry.seq for hour in read(connection, *mine, ~dense) for entry in index(hour))
    return sorted([*found, *((seq, seq) for seq in loose if seq > after)])


def last_position(connection: Connection) -> int:
    return connection.scalar(select(func.max(evidence_hour.c.last_position))) or 0


def after(connection: Connection, position: int, through: int | None) -> Iterator[Hour]:
    """Hours with documents in which a report was placed after ``position``, by the first one placed in each."""
    table = evidence_hour.c
    until = [] if through is None else [table.first_position <= through]
    where = (table.last_position > position, table.expired_at.is_(None), *until)
    return read(connection, *where, order=table.first_position)


def put(connection: Connection, made: Hour, entries: Sequence[Entry], instead_of: Sequence[Hour]) -> bool:
    """Puts an hour in for the rows of evidence and the hours whose reports it holds. False, and nothing is changed,
    where one of them was moved or joined by somebody else meanwhile."""
    wanted = {entry.id: (entry.campus, entry.position) for entry in entries}
    columns = (evidence.c.id, evidence.c.campus, evidence.c.position)
    # In one order: two collectors that take the same rows wait for one another and not in a circle.
    query = select(*columns).where(evidence.c.id.in_(list(wanted))).order_by(evidence.c.id).with_for_update()
    found = {number: (campus, position) for number, campus, position in connection.execute(query)}
    if found != wanted or not all(_is_there(connection, hour) for hour in instead_of):
        return False
    for hour in instead_of:
        connection.execute(delete(evidence_hour).where(*_just(hour)))
    connection.execute(delete(evidence).where(evidence.c.id.in_(list(wanted))))
    connection.execute(insert(evidence_hour).values(msgspec.structs.asdict(made)))
    return True


def exchange(connection: Connection, old: Hour, new: Hour) -> bool:
    """False where the old one is not there any more."""
    values = msgspec.structs.asdict(new)
    return connection.execute(update(evidence_hour).where(*_just(old)).values(values)).rowcount == 1


def thaw(connection: Connection, hour: Hour, pack: Callable[[bytes], bytes]) -> list[Entry]:
    """The hour's rows stand in the table of evidence again, to be changed there. Raises BlockError."""
    found = hours.rows(hour)
    values = [msgspec.structs.asdict(one) for one in found]
    for one in values:
        one["body"] = pack(one.pop("document"))
    connection.execute(insert(evidence), values)
    connection.execute(delete(evidence_hour).where(*_just(hour)))
    return found


def _just(hour: Hour) -> tuple[ColumnElement[bool], ...]:
    """This hour and no other, found by an index."""
    table = evidence_hour.c
    mine = (table.agent == hour.agent, table.stream == hour.stream, table.last_seq == hour.last_seq)
    return (*mine, table.seal == hour.seal)


def _is_there(connection: Connection, hour: Hour) -> bool:
    return connection.scalar(select(evidence_hour.c.id).where(*_just(hour)).with_for_update()) is not None


def _within(from_at: float, to_at: float) -> tuple[ColumnElement[bool], ...]:
    table = evidence_hour.c
    return table.first_at < to_at, table.first_at >= from_at - _LONGEST_SECONDS, table.last_at >= from_at


def _safely(function: Callable[[Hour], list[T]], hour: Hour) -> list[T]:
    try:
        return function(hour)
    except BlockError as fault:
        log.error("joined evidence cannot be read; wifi-collector verify names it", fault=str(fault))
        return []
