"""The audit log: who did what to what, by which way and from where, in a chain of digests, so that a line cannot be
taken out unseen."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Iterator
from contextvars import ContextVar
from typing import NamedTuple

from msgspec import Struct
from sqlalchemy import Connection, func, insert, select

from collector.store.schema import audit


class Origin(NamedTuple):
    """``way``: the door by which a change comes in; ``address``: from where, empty for people without an account, of
    whom nothing is kept."""

    way: str = ""
    address: str = ""


class Head(NamedTuple):
    """A line by its number, with the digest that vouches for it and for all before it."""

    number: int
    chain: str


NOTHING = Head(0, "")
"""Before the first line."""


class Entry(Struct, frozen=True):
    at: float
    actor: str
    action: str
    subject: str
    detail: str
    way: str = ""
    address: str = ""


_NOWHERE = Origin()
_ORIGIN: ContextVar[Origin] = ContextVar("origin", default=_NOWHERE)
_SAID = Entry.__struct_fields__


@contextlib.contextmanager
def coming_by(origin: Origin) -> Iterator[None]:
    """What is written down within came by ``origin``. It follows into threads that are given work, and into the
    writer's."""
    before = _ORIGIN.set(origin)
    try:
        yield
    finally:
        _ORIGIN.reset(before)


def origin() -> Origin:
    return _ORIGIN.get()


def write(connection: Connection, at: float, actor: str, action: str, subject: str, detail: str = "") -> None:
    """Adds a line in the transaction of the act itself."""
    before = connection.scalar(select(audit.c.chain).order_by(audit.c.id.desc()).limit(1)) or ""
    way, address = _ORIGIN.get()
    values = {
        "at": float(at), "actor": actor[:64], "action": action[:64], "subject": subject[:200], "detail": detail,
        "way": way[:16], "address": address[:64],
    }  # fmt: skip
    connection.execute(insert(audit).values(**values, chain=_link(before, values)))


def entries(connection: Connection, action: str | None = None, count: int = 1000) -> list[Entry]:
    """The newest lines, newest first."""
    query = select(*(audit.c[name] for name in _SAID))
    if action is not None:
        query = query.where(audit.c.action == action)
    return [Entry(*row) for row in connection.execute(query.order_by(audit.c.id.desc()).limit(count))]


def count(connection: Connection) -> int:
    return connection.scalar(select(func.count()).select_from(audit)) or 0


def is_whole(connection: Connection) -> bool:
    """Whether every line still follows from the one before it."""
    return first_fault(connection) is None


def first_fault(connection: Connection, after: int = 0) -> int | None:
    """The number of the first line that does not follow from the one before it; None where all do. ``after``: only the
    lines after that one are looked at."""
    before = _chain_of(connection, after)
    for row in connection.execute(select(audit).where(audit.c.id > after).order_by(audit.c.id)):
        if row.chain != _link(before, {name: getattr(row, name) for name in _SAID}):
            return int(row.id)
        before = row.chain
    return None


def head(connection: Connection) -> Head:
    """The newest line."""
    row = connection.execute(select(audit.c.id, audit.c.chain).order_by(audit.c.id.desc()).limit(1)).first()
    return NOTHING if row is None else Head(int(row.id), row.chain)


def stands(connection: Connection, known: Head) -> bool:
    """Whether the line is there and still ends the same chain."""
    return _chain_of(connection, known.number) == known.chain


def before_newest(connection: Connection, count: int) -> int:
    """The number of the line before the ``count`` newest; nought where there are no more."""
    query = select(audit.c.id).order_by(audit.c.id.desc()).offset(count).limit(1)
    return connection.scalar(query) or 0


def _chain_of(connection: Connection, number: int) -> str:
    """Empty before the first line, and for one that is not there."""
    return connection.scalar(select(audit.c.chain).where(audit.c.id == number)) or ""


def _link(before: str, values: dict[str, object]) -> str:
    if values["way"] or values["address"]:
        # Begins as no line of the older form does: none can be read as one of the other.
        text = "2\n" + json.dumps([before, *(values[name] for name in _SAID)])
    else:
        old = ("actor", "action", "subject", "detail")
        text = "\n".join([before, repr(values["at"]), *(str(values[name]) for name in old)])
    return hashlib.sha256(text.encode()).hexdigest()
