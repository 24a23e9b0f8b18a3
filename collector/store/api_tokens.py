"""Tokens of programs that read or act over HTTP: shown once, kept as a digest, revocable by their first characters."""

from __future__ import annotations

from msgspec import Struct
from sqlalchemy import Connection, insert, select, update

from collector.store import audit
from collector.store.schema import api_token as table


class ApiToken(Struct, frozen=True):
    digest: str
    prefix: str
    name: str
    role: str
    created_at: float
    created_by: str
    expires_at: float
    revoked_at: float | None = None


_COLUMNS = [table.c[name] for name in ApiToken.__struct_fields__]


def add(connection: Connection, made: ApiToken) -> None:
    connection.execute(insert(table).values({name: getattr(made, name) for name in ApiToken.__struct_fields__}))
    said = f"{made.prefix} as {made.role}"
    audit.write(connection, made.created_at, made.created_by, "api token created", made.name, said)


def find(connection: Connection, digest: str) -> ApiToken | None:
    row = connection.execute(select(*_COLUMNS).where(table.c.digest == digest)).first()
    return None if row is None else ApiToken(*row)


def every(connection: Connection) -> list[ApiToken]:
    return [ApiToken(*row) for row in connection.execute(select(*_COLUMNS).order_by(table.c.created_at))]


def revoke(connection: Connection, prefix: str, by: str, now: float) -> ApiToken | None:
    """None where no token that is still good begins so."""
    good = (table.c.prefix == prefix, table.c.revoked_at.is_(None))
    row = connection.execute(select(*_COLUMNS).where(*good)).first()
    if row is None:
        return None
    connection.execute(update(table).where(*good).values(revoked_at=now))
    found = ApiToken(*row)
    audit.write(connection, now, by, "api token revoked", found.name, prefix)
    return found
