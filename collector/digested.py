"""What a day is judged with is an immutable document, known by its digest: inventory, hours and policy alike."""

from __future__ import annotations

from typing import Self

import msgspec
from msgspec import Struct

from agent import wire


class Digested(Struct, frozen=True):
    """Without fields of its own."""

    def to_bytes(self) -> bytes:
        return wire.encode(self)

    @property
    def hash(self) -> str:
        return wire.digest(self.to_bytes())

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        return msgspec.json.decode(data, type=cls)
