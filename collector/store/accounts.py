"""Accounts of people that this collector keeps itself. Rows go in and come out; what a password is good for is decided
in :mod:`collector.access`."""

from __future__ import annotations

from msgspec import Struct
from sqlalchemy import Connection, insert, select, update

from collector.store import audit, sessions
from collector.store.schema import account as table


class Account(Struct, frozen=True):
    """``password``: its argon2id digest with parameters."""

    name: str
    role: str
    password: str
    disabled: bool
    created_at: float
    created_by: str
    password_at: float


_COLUMNS = [table.c[name] for name in Account.__struct_fields__]


def add(connection: Connection, made: Account) -> bool:
    """False where the name is taken."""
    if find(connection, made.name) is not None:
        return False
    connection.execute(insert(table).values({name: getattr(made, name) for name in Account.__struct_fields__}))
    audit.write(connection, made.created_at, made.created_by, "account added", made.name, made.role)
    return True


def find(connection: Connection, name: str) -> Account | None:
    row = connection.execute(select(*_COLUMNS).where(table.c.name == name)).first()
    return None if row is None else Account(*row)


def every(connection: Connection) -> list[Account]:
    return [Account(*row) for row in connection.execute(select(*_COLUMNS).order_by(table.c.name))]


def give_role(connection: Connection, name: str, role: str, by: str, now: float) -> bool:
    """False where there is no such account; so do the others below."""
    return _changed(connection, name, {"role": role}, ("account role", role), by, now)


def enable(connection: Connection, name: str, by: str, now: float) -> bool:
    return _changed(connection, name, {"disabled": False}, ("account enabled", ""), by, now)


def disable(connection: Connection, name: str, by: str, now: float) -> bool:
    """Its sessions end with it."""
    sessions.end_all(connection, name, sessions.LOCAL)
    return _changed(connection, name, {"disabled": True}, ("account disabled", ""), by, now)


def reset(connection: Connection, name: str, password: str, by: str, now: float) -> bool:
    """A new password; whoever is signed in with the old one is signed out."""
    sessions.end_all(connection, name, sessions.LOCAL)
    return _changed(
        connection, name, {"password": password, "password_at": now}, ("account password reset", ""), by, now
    )


def _changed(
    connection: Connection, name: str, values: dict[str, object], said: tuple[str, str], by: str, now: float
) -> bool:
    if connection.execute(update(table).where(table.c.name == name).values(values)).rowcount == 0:
        return False
    audit.write(connection, now, by, said[0], name, said[1])
    return True
