"""The device's Ed25519 key, made on the device and never leaving it: documents go in, signatures come out."""

from __future__ import annotations

import base64
import binascii
import os
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from agent import wire


class IdentityError(Exception):
    """The key cannot be used. The text says what, where and what to do."""


class Identity:
    """One key pair and the agent id that follows from it."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        self.public_key: bytes = key.public_key().public_bytes_raw()
        self.id: str = wire.fingerprint(self.public_key)

    @classmethod
    def generate(cls) -> Identity:
        """A key in memory only: for simulated agents and tests."""
        return cls(Ed25519PrivateKey.generate())

    @classmethod
    def from_seed(cls, seed: bytes) -> Identity:
        """The same key for the same 32 bytes: a simulated agent returns as itself."""
        return cls(Ed25519PrivateKey.from_private_bytes(seed))

    @classmethod
    def load(cls, path: Path) -> Identity:
        """Reads the key; raises IdentityError where it is missing, damaged or readable by others."""
        try:
            mode = path.stat().st_mode
            seed = path.read_bytes()
        except FileNotFoundError:
            raise IdentityError(f"{path}: no key yet; run `wifi-agent enroll` first") from None
        except OSError as fault:
            raise IdentityError(f"{path}: cannot read the key: {fault.strerror}; run as the agent's user") from None
        if mode & 0o077:
            raise IdentityError(f"{path}: others may read the key (mode {mode & 0o777:04o}); chmod 0600 {path}")
        if len(seed) != 32:
            raise IdentityError(
                f"{path}: the key is damaged ({len(seed)} bytes, not 32); move it away and enroll again"
            )
        return cls.from_seed(seed)

    @classmethod
    def load_or_create(cls, path: Path) -> Identity:
        """The key at ``path``, made there first if there is none; on disk for good before it is used."""
        if path.exists():
            return cls.load(path)
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        seed = os.urandom(32)
        write_durably(path, seed)
        return cls.from_seed(seed)

    def sign(self, kind: str, data: bytes) -> str:
        """Base64 Ed25519 signature over the wire's signing input of ``kind``."""
        return base64.b64encode(self._key.sign(wire.signing_input(kind, data))).decode()

    @property
    def private_key(self) -> Ed25519PrivateKey:
        """For the RFC 9421 library, which signs by itself."""
        return self._key


def verify(public_key: bytes, kind: str, data: bytes, signature: str) -> bool:
    """Whether ``signature`` over ``data`` is by ``public_key``; False for anything malformed."""
    try:
        raw = base64.b64decode(signature, validate=True)
        Ed25519PublicKey.from_public_bytes(public_key).verify(raw, wire.signing_input(kind, data))
    except (InvalidSignature, ValueError, binascii.Error):
        return False
    return True


def write_durably(path: Path, data: bytes) -> None:
    """A file that is there whole after a power cut, or not at all; readable by its owner alone."""
    fresh = path.with_name(path.name + ".new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
