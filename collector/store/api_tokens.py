"""Tokens of programs that read, act or bring notifications over HTTP: shown once, kept as a digest, and replaced or
revoked by their first characters."""

from __future__ import annotations

from msgspec import Struct
from sqlalchemy import Connection, insert, select, update

from collector.store import audit
from collector.store.schema import api_token as table


class ApiToken(Struct, frozen=True):
    """``role``: what whoever shows it may do, by name."""

    digest: str
    prefix: str
    name: str
    role: str
    created_at: float
    created_by: str
    expires_at: float
    revoked_at: float | None = None

    def fault(self, now: float) -> str:
        """Why it is no longer good; empty while it is."""
        if self.revoked_at is not None:
            return "revoked token"
        return "expired token" if self.expires_at <= now else ""


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


def is_any_good(connection: Connection, role: str, now: float) -> bool:
    good = (table.c.role == role, table.c.revoked_at.is_(None), table.c.expires_at > now)
    return connection.scalar(select(table.c.digest).where(*good).limit(1)) is not None


def replace(
    connection: Connection, prefix: str, digest: str, shown: str, by: str, now: float, until: float
) -> ApiToken | None:
    """A new token (``digest`` and its first characters ``shown``) of the same name, role and length of life takes the
    place of one that is still good, which ends at ``until``. None where none that is good begins so."""
    row = connection.execute(select(*_COLUMNS).where(table.c.prefix == prefix)).first()
    old = None if row is None else ApiToken(*row)
    if old is None or old.fault(now):
        return None
    lasts = old.expires_at - old.created_at
    made = ApiToken(digest, shown, old.name, old.role, now, by, now + lasts)
    add(connection, made)
    ends = min(old.expires_at, until)
    connection.execute(update(table).where(table.c.prefix == prefix).values(expires_at=ends))
    said = f"{prefix} by {shown}, ends in {round(ends - now)} s"
    audit.write(connection, now, by, "api token replaced", old.name, said)
    return made


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
