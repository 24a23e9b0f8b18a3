"""Evidence as readers see it, whichever way it is kept: as reports came, or joined by finished hours.

The one reading path: who asks for a campus's or an agent's reports gets them in one order and in one form.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec
import zstandard
from sqlalchemy import ColumnElement, Connection, func, or_, select

from agent import wire
from collector.compaction.hour import Entry
from collector.compaction.pages import Page
from collector.judgement import testimony
from collector.judgement.testimony import Report, Testimony
from collector.store import joined
from collector.store.schema import evidence

FUTURE_SECONDS = 300.0
_LONGEST_SECONDS = 3600
"""A report is at most an hour long, so that the index on its start bounds a search."""


class Kept(msgspec.Struct, frozen=True):
    """One row of evidence as readers see it."""

    id: int
    agent: str
    stream: str
    seq: int
    digest: str
    signature: str
    campus: str | None
    start_at: float | None
    end_at: float | None
    received_at: float
    flag: str
    position: int | None
    body: bytes | Page

    def report(self) -> wire.Report:
        return wire.decode_report(self.document())[0]

    def document(self) -> bytes:
        """The canonical bytes that the agent signed. Of a joined hour that was made wrong it raises BlockError."""
        return self.body.document() if isinstance(self.body, Page) else unpack(self.body)

    def testimony(self) -> Report:
        """What the judge reads of it. Raises WireError and BlockError."""
        return self.body.testimony() if isinstance(self.body, Page) else testimony.of(unpack(self.body))

    def whereabouts(self) -> Testimony:
        return self.body.whereabouts() if isinstance(self.body, Page) else testimony.whereabouts(unpack(self.body))

    def holds(self, part: bytes) -> bool:
        """Whether the document has these bytes in it; what cannot be unpacked is looked at as if it had."""
        try:
            return part in self.document()
        except zstandard.ZstdError:
            return True


class _Packers(threading.local):
    """Making one costs as much as using it; one may not be used by two threads at once."""

    def __init__(self) -> None:
        self.compressor = zstandard.ZstdCompressor(1)
        self.decompressor = zstandard.ZstdDecompressor()


_packers = _Packers()


def pack(document: bytes) -> bytes:
    packed: bytes = _packers.compressor.compress(document)
    return packed


def unpack(body: bytes) -> bytes:
    """A document of a joined hour stands there as it is: no packed one begins like JSON."""
    if body.startswith(b"{"):
        return body
    document: bytes = _packers.decompressor.decompress(body, max_output_size=wire.MAX_DECODED_BYTES)
    return document


_ANCHORS = b'"anchors":[{'
_COLUMNS = [evidence.c[name] for name in Kept.__struct_fields__]


def count_kept(connection: Connection, agent: str | None = None) -> int:
    """Reports kept, of one agent or of all; of those that have expired the digest is kept."""
    query = select(func.count()).select_from(evidence)
    if agent is not None:
        query = query.where(evidence.c.agent == agent)
    return (connection.scalar(query) or 0) + joined.count(connection, agent)


def of_campus(connection: Connection, campus: str, from_at: float, to_at: float) -> list[Kept]:
    """Placed evidence of a campus that overlaps [from_at, to_at), oldest first."""
    return _overlapping(connection, lambda table: table.c.campus == campus, from_at, to_at)


def of_agents(connection: Connection, agents: Sequence[str], from_at: float, to_at: float) -> list[Kept]:
    """Evidence of these agents that overlaps [from_at, to_at), wherever it was measured."""
    return _overlapping(connection, lambda table: table.c.agent.in_(agents), from_at, to_at)


def of_campus_or_agents(
    connection: Connection, campus: str, agents: Sequence[str], from_at: float, to_at: float
) -> list[Kept]:
    """Both at once, each report once."""
    return _overlapping(
        connection, lambda table: or_(table.c.campus == campus, table.c.agent.in_(agents)), from_at, to_at
    )


def anchoring(connection: Connection, agent: str, boot_id: str) -> Iterator[Kept]:
    """Placed evidence of one boot of an agent that may set a clock, one at a time."""
    query = select(*_COLUMNS).where(
        evidence.c.agent == agent, evidence.c.boot_id == boot_id, evidence.c.start_at.is_not(None)
    )
    for row in connection.execute(query.order_by(evidence.c.id).execution_options(yield_per=200)):
        if (kept := Kept(*row)).holds(_ANCHORS):
            yield kept
    for hour in joined.anchoring(connection, agent):
        for entry in joined.rows(hour):
            if entry.boot_id == boot_id and _ANCHORS in entry.document:
                yield _kept(entry, entry.document)


def _kept(entry: Entry, body: bytes | Page) -> Kept:
    return Kept(
        entry.id, entry.agent, entry.stream, entry.seq, entry.digest, entry.signature, entry.campus, entry.start_at,
        entry.end_at, entry.received_at, entry.flag, entry.position, body,
    )  # fmt: skip


def _overlapping(
    connection: Connection, chosen: Callable[[Any], ColumnElement[bool]], from_at: float, to_at: float
) -> list[Kept]:
    query = (
        select(*_COLUMNS)
        .where(chosen(evidence), evidence.c.start_at < to_at, evidence.c.start_at >= from_at - _LONGEST_SECONDS)
        .where(evidence.c.end_at >= from_at)
    )
    found = [Kept(*row) for row in connection.execute(query)]
    for hour in joined.between(connection, chosen, from_at, to_at):
        pages = joined.pages(hour)
        for number, entry in enumerate(pages.entries if pages is not None else ()):
            start, end = entry.start_at, entry.end_at
            if pages is not None and start is not None and end is not None and start < to_at and end >= from_at:
                found.append(_kept(entry, Page(pages, number)))
    return sorted(found, key=lambda row: (row.start_at, row.id))
