"""The audit log: who did what to what, in a chain of digests, so that a line cannot be taken out unseen."""

from __future__ import annotations

import hashlib

from msgspec import Struct
from sqlalchemy import Connection, insert, select

from collector.store.schema import audit


class Entry(Struct, frozen=True):
    at: float
    actor: str
    action: str
    subject: str
    detail: str


def write(connection: Connection, at: float, actor: str, action: str, subject: str, detail: str = "") -> None:
    """Adds a line in the transaction of the act itself."""
    before = connection.scalar(select(audit.c.chain).order_by(audit.c.id.desc()).limit(1)) or ""
    values = {"at": float(at), "actor": actor[:64], "action": action[:64], "subject": subject[:200], "detail": detail}
    connection.execute(insert(audit).values(**values, chain=_link(before, values)))


def entries(connection: Connection, action: str | None = None, count: int = 1000) -> list[Entry]:
    """The newest lines, newest first."""
    query = select(audit.c.at, audit.c.actor, audit.c.action, audit.c.subject, audit.c.detail)
    if action is not None:
        query = query.where(audit.c.action == action)
    return [Entry(*row) for row in connection.execute(query.order_by(audit.c.id.desc()).limit(count))]


def is_whole(connection: Connection) -> bool:
    """Whether every line still follows from the one before it."""
    before = ""
    for row in connection.execute(select(audit).order_by(audit.c.id)):
        values = {name: getattr(row, name) for name in ("at", "actor", "action", "subject", "detail")}
        if row.chain != _link(before, values):
            return False
        before = row.chain
    return True


def _link(before: str, values: dict[str, object]) -> str:
    text = "\n".join([before, repr(values["at"]), *(str(values[k]) for k in ("actor", "action", "subject", "detail"))])
    return hashlib.sha256(text.encode()).hexdigest()
