"""What every document of the contract shares: its scalar types, canonical JSON bytes, digest and signing input."""

from __future__ import annotations

import hashlib
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from msgspec import Meta, Struct

SCHEMA = 1
MAX_WIRE_BYTES = 1 << 20
MAX_DECODED_BYTES = 8 << 20
MAX_REPORTS_PER_PUSH = 50

Text = Annotated[str, Meta(max_length=64)]
Reason = Annotated[str, Meta(max_length=200)]
Hex32 = Annotated[str, Meta(pattern="^[0-9a-f]{32}$")]
Hex64 = Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
Count = Annotated[int, Meta(ge=0, le=2**62)]
Seconds = Annotated[float, Meta(ge=0)]
Ratio = Annotated[float, Meta(ge=0, le=1)]

ClockState = Literal["synced", "estimated", "unknown"]
Rung = Literal["radio", "association", "dhcp", "link", "gateway", "dns", "collector", "internet", "target"]
Band = Literal["2.4", "5", "6"]
Method = Literal["icmp", "arp", "tcp", "dns", "http", "link"]
Stamp = Literal["kernel", "user"]


class WireError(ValueError):
    """A document that is not of this contract. ``reason`` names the fault and the path to it."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


Document = TypeVar("Document", bound=Struct)


def encode(document: Any) -> bytes:
    """Canonical JSON bytes: fields in sorted order, shortest decimals, no spaces, UTF-8."""
    return msgspec.json.encode(document, order="sorted")


def decode(data: bytes, kind: type[Document]) -> Document:
    """One document of the contract. Unknown keys are ignored. Raises WireError with the path to the fault."""
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.MsgspecError, ValueError, RecursionError) as fault:
        raise WireError(str(fault)) from None


def learn(*kinds: type[Struct]) -> None:
    """To be called once where the types are defined. msgspec learns a type when it first reads it, and (0.22) two
    threads that read it for the first time at once end the process with a segmentation fault."""
    for kind in kinds:
        msgspec.json.Decoder(kind)


def digest(data: bytes) -> str:
    """SHA-256, 64 hexadecimal characters."""
    return hashlib.sha256(data).hexdigest()


def signing_input(kind: str, data: bytes) -> bytes:
    """The bytes that are signed: a domain, so that no signature serves twice, and the digest of the document."""
    return b"campus-wifi/1/" + kind.encode() + b"\n" + hashlib.sha256(data).digest()


def fingerprint(public_key: bytes) -> str:
    """An agent's id: the first 128 bits of SHA-256 of its raw Ed25519 public key, in hexadecimal."""
    return hashlib.sha256(public_key).hexdigest()[:32]
