"""Random secrets, and the digests under which they are kept: 256 random bits need no slow digest."""

from __future__ import annotations

import hashlib
import secrets

TOKEN_PREFIX = "cwa_"  # noqa: S105 - not a secret: what secrets begin with, so that scanners find those that leak
SHOWN_CHARACTERS = 12
"""What lists show of a token."""


def fresh_secret(prefix: str = "") -> str:
    return prefix + secrets.token_urlsafe(32)


def digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
