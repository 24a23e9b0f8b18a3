"""Sessions of people who signed in, and sign-ins that are under way: rows go in and come out."""

from __future__ import annotations

from msgspec import Struct
from sqlalchemy import Connection, delete, insert, select, update

from collector.store import audit
from collector.store.schema import session, sign_in

LOCAL = "account"
"""The way of a session of a local account; its role is that of the account."""


class Session(Struct, frozen=True):
    """``digest``: SHA-256 of the cookie's value. Instants are Unix seconds."""

    digest: str
    name: str
    way: str
    role: str
    created_at: float
    seen_at: float
    expires_at: float


class UnderWay(Struct, frozen=True):
    """A sign-in sent to the identity provider. ``state`` and ``browser`` are digests of what the browser brings
    back."""

    state: str
    browser: str
    nonce: str
    verifier: str
    next: str
    expires_at: float


_COLUMNS = [session.c[name] for name in Session.__struct_fields__]
_WAITING = [sign_in.c[name] for name in UnderWay.__struct_fields__]


def begin(connection: Connection, made: Session, replaces: str = "") -> None:
    """``replaces``: the digest of the session that the browser had until now. Those that are over are forgotten."""
    connection.execute(
        delete(session).where((session.c.expires_at <= made.created_at) | (session.c.digest == replaces))
    )
    connection.execute(insert(session).values({name: getattr(made, name) for name in Session.__struct_fields__}))
    audit.write(connection, made.created_at, made.name, "signed in", made.name, made.role)


def find(connection: Connection, digest: str) -> Session | None:
    row = connection.execute(select(*_COLUMNS).where(session.c.digest == digest)).first()
    return None if row is None else Session(*row)


def seen(connection: Connection, digest: str, now: float) -> None:
    connection.execute(update(session).where(session.c.digest == digest).values(seen_at=now))


def end(connection: Connection, digest: str, now: float) -> None:
    found = find(connection, digest)
    if found is not None:
        connection.execute(delete(session).where(session.c.digest == digest))
        audit.write(connection, now, found.name, "signed out", found.name)


def end_all(connection: Connection, name: str, way: str) -> None:
    connection.execute(delete(session).where(session.c.name == name, session.c.way == way))


def send_away(connection: Connection, made: UnderWay, now: float) -> None:
    """Keeps what the way back must match. Those that never came back are forgotten."""
    connection.execute(delete(sign_in).where(sign_in.c.expires_at <= now))
    connection.execute(insert(sign_in).values({name: getattr(made, name) for name in UnderWay.__struct_fields__}))


def take_back(connection: Connection, state: str) -> UnderWay | None:
    """Once: whoever comes with the same state again finds nothing."""
    row = connection.execute(delete(sign_in).where(sign_in.c.state == state).returning(*_WAITING)).first()
    return None if row is None else UnderWay(*row)
