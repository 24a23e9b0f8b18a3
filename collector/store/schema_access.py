"""The tables of who may come in: accounts, their sessions, tokens of programs, and sign-ins that are under way.

Of every secret only a digest is kept: SHA-256 of what is random, argon2id of what a person chose.
"""

from __future__ import annotations

from sqlalchemy import Boolean, Column, String, Table, Text

from collector.store.schema_base import INSTANT as _Instant
from collector.store.schema_base import metadata

# `password`: argon2id with its parameters. An account is never deleted: its name stands in the audit log.
account = Table(
    "account",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("role", String(16), nullable=False),
    Column("password", Text, nullable=False),
    Column("disabled", Boolean, nullable=False),
    Column("created_at", _Instant, nullable=False),
    Column("created_by", String(64), nullable=False),
    Column("password_at", _Instant, nullable=False),
)

# `role` is empty for a local account, whose role is looked up each time; else what the identity provider's groups gave.
session = Table(
    "session",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("name", String(64), nullable=False, index=True),
    Column("way", String(16), nullable=False),
    Column("role", String(16), nullable=False),
    Column("created_at", _Instant, nullable=False),
    Column("seen_at", _Instant, nullable=False),
    Column("expires_at", _Instant, nullable=False),
)

api_token = Table(
    "api_token",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("prefix", String(12), nullable=False, unique=True),
    Column("name", String(64), nullable=False),
    Column("role", String(16), nullable=False),
    Column("created_at", _Instant, nullable=False),
    Column("created_by", String(64), nullable=False),
    Column("expires_at", _Instant, nullable=False),
    Column("revoked_at", _Instant),
)

# A sign-in that was sent to the identity provider and has not come back. Taken once.
sign_in = Table(
    "sign_in",
    metadata,
    Column("state", String(64), primary_key=True),
    Column("browser", String(64), nullable=False),
    Column("nonce", String(64), nullable=False),
    Column("verifier", String(128), nullable=False),
    Column("next", Text, nullable=False),
    Column("expires_at", _Instant, nullable=False),
)
