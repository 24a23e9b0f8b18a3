"""Passwords go in, argon2id digests come out, and back: whether a password is the one. The only importer of argon2.

A name that is not known costs as much time as a wrong password, so that nobody can ask which names there are.
"""

from __future__ import annotations

import secrets
import threading
from functools import lru_cache

import argon2

LEAST_CHARACTERS = 12
MOST_CHARACTERS = 256
_AT_ONCE = threading.BoundedSemaphore(2)
"""Each check takes 64 MiB: many that come at once wait for one another."""
# RFC 9106, section 4, second recommended option.
_HASHER = argon2.PasswordHasher.from_parameters(argon2.profiles.RFC_9106_LOW_MEMORY)


def fault_of(password: str, name: str) -> str:
    """What is wrong with a new password (NIST SP 800-63B: length, and not what is easy to guess); empty: nothing."""
    if not LEAST_CHARACTERS <= len(password) <= MOST_CHARACTERS:
        return f"a password has {LEAST_CHARACTERS} to {MOST_CHARACTERS} characters, this one {len(password)}"
    if name.lower() in password.lower() or len(set(password)) < 5:
        return "the password is easy to guess: it holds the account's name, or few different characters"
    return ""


def digest(password: str) -> str:
    return _HASHER.hash(password)


def is_right(kept: str | None, password: str) -> bool:
    """``kept``: the digest of the account, None where there is no such account."""
    with _AT_ONCE:
        try:
            _HASHER.verify(kept if kept is not None else _nobodys(), password[: MOST_CHARACTERS + 1])
        except (argon2.exceptions.VerifyMismatchError, argon2.exceptions.InvalidHashError):
            return False
    return kept is not None


@lru_cache(maxsize=1)
def _nobodys() -> str:
    return digest(secrets.token_urlsafe(24))


def prepare() -> None:
    """Makes what the first unknown name would wait for."""
    _nobodys()
