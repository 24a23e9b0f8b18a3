"""The collector's Ed25519 key, which enrollment pins: plans, leases and acknowledgements go in, signatures come out."""

from __future__ import annotations

import base64
import hashlib
import os
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from agent import wire

FILE = "collector.key"


class SignerError(Exception):
    """The key cannot be used. Says what, where and what to do."""


class Signer:
    """Holds the key in memory only."""

    def __init__(self, seed: bytes) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        self._seed = seed
        self.public_key: bytes = self._key.public_key().public_bytes_raw()

    @classmethod
    def load_or_create(cls, data_dir: Path) -> Signer:
        """The key in ``data_dir``, made there first if there is none; on disk for good before it is used."""
        path = data_dir / FILE
        try:
            seed = path.read_bytes()
            mode = path.stat().st_mode
        except FileNotFoundError:
            data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
            seed = os.urandom(32)
            _write_durably(path, seed)
            return cls(seed)
        except OSError as fault:
            raise SignerError(f"{path}: cannot be read: {fault.strerror}; run as the collector's user") from None
        if mode & 0o077:
            raise SignerError(f"{path}: others may read the key (mode {mode & 0o777:04o}); chmod 0600 {path}")
        if len(seed) != 32:
            raise SignerError(f"{path}: the key is damaged ({len(seed)} bytes, not 32); restore it from a backup")
        return cls(seed)

    def sign(self, kind: str, document: bytes) -> str:
        """Base64 signature over the wire's signing input of ``kind``."""
        return base64.b64encode(self._key.sign(wire.signing_input(kind, document))).decode()

    def secret(self, purpose: str) -> bytes:
        """A secret of its own for one purpose, from which the key cannot be found."""
        return hashlib.sha256(b"campus-wifi/1/secret/" + purpose.encode() + b"\n" + self._seed).digest()


def _write_durably(path: Path, data: bytes) -> None:
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
