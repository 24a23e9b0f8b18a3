"""Enrollment tokens: made once, shown once, kept as a digest, claimed by a device's key with one conditional write."""

from __future__ import annotations

import base64
import hashlib
import secrets
import zlib

from msgspec import Struct
from sqlalchemy import Connection, insert, select, update

from collector.store import audit
from collector.store.schema import token

TTL_SECONDS = 72 * 3600.0


class Token(Struct, frozen=True):
    """What is kept. ``digest`` names it; the secret itself is not kept."""

    digest: str
    prefix: str
    campus: str
    place: str | None
    keys: int
    claimed: int
    auto_approve: bool
    created_at: float
    expires_at: float
    created_by: str


_COLUMNS = [token.c[name] for name in Token.__struct_fields__]


def create(
    connection: Connection, *, campus: str, now: float, by: str, keys: int = 1, ttl_seconds: float = TTL_SECONDS,
    place: str | None = None, auto_approve: bool = False,
) -> str:  # fmt: skip
    """Makes a token of 160 random bits and a checksum, and returns it: it cannot be shown again."""
    secret = _with_checksum(secrets.token_bytes(20))
    row = Token(digest(secret), secret[:8], campus, place, keys, 0, auto_approve, now, now + ttl_seconds, by)
    connection.execute(insert(token).values(**{name: getattr(row, name) for name in row.__struct_fields__}))
    audit.write(connection, now, by, "token created", campus, f"{row.prefix} for {keys} keys")
    return secret


def is_well_formed(secret: str) -> bool:
    """Whether the checksum is right: a slip of the pen is told from a wrong token without a look at the database."""
    try:
        raw = base64.b32decode(secret.upper() + "=" * (-len(secret) % 8))
    except ValueError:
        return False
    return len(raw) == 23 and _with_checksum(raw[:20]) == secret.lower()


def digest(secret: str) -> str:
    return hashlib.sha256(secret.lower().encode()).hexdigest()


def find(connection: Connection, digest_: str) -> Token | None:
    row = connection.execute(select(*_COLUMNS).where(token.c.digest == digest_)).first()
    return None if row is None else Token(*row)


def claim(connection: Connection, digest_: str, now: float) -> bool:
    """Takes one of the token's places; False where none is free or its time is over."""
    taken = connection.execute(
        update(token)
        .where(token.c.digest == digest_, token.c.claimed < token.c["keys"], token.c.expires_at > now)
        .values(claimed=token.c.claimed + 1)
    )
    return taken.rowcount == 1


def _with_checksum(raw: bytes) -> str:
    checksum = (zlib.crc32(raw) & 0xFFFFFF).to_bytes(3, "big")
    return base64.b32encode(raw + checksum).decode().rstrip("=").lower()
