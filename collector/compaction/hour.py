"""One agent's finished hours, two together: rows of evidence go in, one joined hour comes out, and each row back.

Of a row the document goes into one block, what the collector wrote beside it into another, digests and signatures stand
as the bytes that they are: nothing makes those shorter. The seal is the digest over all of it, so that a changed byte
is found before anything is read. Where evidence has expired, body and signatures are gone and the rest stays.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Sequence
from typing import Any, get_type_hints

import msgspec
from msgspec import Struct

from collector.compaction import block
from collector.compaction.opened import BlockError, Opened
from collector.compaction.shape import ONE

SECONDS = 2 * 3600
"""Evidence is joined by two hours: against one, half of the heads and of the file's half-empty pages; against four,
half the work to look at one slot again."""
_DIGEST_BYTES, _SIGNATURE_BYTES = 32, 64


class Entry(Struct, frozen=True):
    """A row of evidence; ``document``: the canonical bytes that the agent signed, empty where they have expired.
    The other fields are the columns of the table."""

    id: int
    agent: str
    stream: str
    seq: int
    digest: str
    signature: str
    boot_id: str
    boottime_seconds: float
    campus: str | None
    start_at: float | None
    end_at: float | None
    slot: int | None
    received_at: float
    flag: str
    surroundings: str | None
    position: int | None
    document: bytes = b""


class _Line(Struct, frozen=True, forbid_unknown_fields=True):
    """What stands in the index of each row. ``signature``: only where it is not 64 bytes in canonical base64."""

    id: int
    seq: int
    boot_id: str
    boottime_seconds: float
    start_at: float | None
    end_at: float | None
    slot: int | None
    received_at: float
    flag: str
    surroundings: str | None
    position: int | None
    signature: str


_KINDS = {name: list[kind] for name, kind in get_type_hints(_Line).items()}  # type: ignore[valid-type]
_FORM = dict.fromkeys(_KINDS, ONE)


class Hour(Struct, frozen=True):
    """Evidence of one campus, agent and stream that begins within one stretch of SECONDS (UTC). ``anchors``: whether a
    report in it sets a clock. ``body`` and ``signatures`` are None once it has expired; ``expired_at`` says when, and
    ``kept_days`` after how many days."""

    campus: str | None
    agent: str
    stream: str
    reports: int
    first_seq: int
    last_seq: int
    first_at: float | None
    last_at: float | None
    first_position: int | None
    last_position: int | None
    anchors: bool
    index: bytes
    digests: bytes
    signatures: bytes | None
    body: bytes | None
    expired_at: float | None = None
    kept_days: int | None = None
    seal: str = ""

    @property
    def name(self) -> str:
        return (
            f"joined evidence of agent {self.agent}, stream {self.stream}, numbers {self.first_seq} to {self.last_seq}"
        )

    def sealed(self) -> Hour:
        return msgspec.structs.replace(self, seal=_seal(self))

    def is_whole(self) -> bool:
        return self.seal == _seal(self)

    def expired(self, at: float, kept_days: int) -> Hour:
        """The same without documents and signatures; who measured what when, and the digests, stay."""
        left = msgspec.structs.replace(self, body=None, signatures=None, expired_at=at, kept_days=kept_days)
        return left.sealed()


def join(entries: Sequence[Entry]) -> Hour:
    """Raises BlockError where a row would not come back as it is, or is not what its digest says."""
    first = entries[0]
    for one in entries:
        if hashlib.sha256(one.document).hexdigest() != one.digest:
            raise BlockError(f"report {one.agent}/{one.stream}/{one.seq} is not what its digest says")
        if (one.campus, one.agent, one.stream) != (first.campus, first.agent, first.stream):
            raise BlockError("rows of more than one campus, agent or stream")
    raw = [_raw(one.signature) for one in entries]
    lines = [_line(one, "" if known else one.signature) for one, known in zip(entries, raw, strict=True)]
    positions = [one.position for one in entries if one.position is not None]
    made = Hour(
        campus=first.campus,
        agent=first.agent,
        stream=first.stream,
        reports=len(entries),
        first_seq=min(one.seq for one in entries),
        last_seq=max(one.seq for one in entries),
        first_at=min((one.start_at for one in entries if one.start_at is not None), default=None),
        last_at=max((one.end_at for one in entries if one.end_at is not None), default=None),
        first_position=min(positions, default=None),
        last_position=max(positions, default=None),
        anchors=any(b'"anchors":[{' in one.document for one in entries),
        index=block.encode(lines),
        digests=b"".join(bytes.fromhex(one.digest) for one in entries),
        signatures=b"".join(raw),
        body=block.encode([one.document for one in entries]),
    ).sealed()
    if rows(made) != list(entries):
        raise BlockError("the joined hour does not give its rows back")
    return made


def rows(hour: Hour) -> list[Entry]:
    """Every row with its document, or without where the hour has expired. Raises BlockError."""
    found = index(hour)
    if hour.body is None:
        return found
    documents = opened(hour, len(found)).documents()
    if len(documents) != len(found):
        raise BlockError("as many documents as rows were written")
    return [msgspec.structs.replace(one, document=text) for one, text in zip(found, documents, strict=True)]


def opened(hour: Hour, reports: int) -> Opened:
    """The documents of an hour that has not expired, to read as much of them as is wanted. Raises BlockError."""
    found = Opened(hour.body or b"")
    if len(found) != reports:
        raise BlockError("as many documents as rows were written")
    return found


def index(hour: Hour) -> list[Entry]:
    """The rows without their documents: a hundredth of the work. Raises BlockError."""
    if not hour.is_whole():
        raise BlockError(f"{hour.name}: these are not the bytes that were sealed")
    try:
        lines = _lines(Opened(hour.index))
    except (msgspec.MsgspecError, ValueError) as fault:
        raise BlockError(f"a damaged index: {fault}"[:200]) from None
    digests = [hour.digests[at : at + _DIGEST_BYTES].hex() for at in range(0, len(hour.digests), _DIGEST_BYTES)]
    if not len(lines) == len(digests) == hour.reports:
        raise BlockError("an index of another length than its digests")
    signatures = hour.signatures or b""
    found, at = [], 0
    for line, digest in zip(lines, digests, strict=True):
        number, seq, boot_id, boottime, start_at, end_at, slot, received_at, flag, around, position, signature = line
        if not signature and signatures:
            signature = base64.b64encode(signatures[at : at + _SIGNATURE_BYTES]).decode()
            at += _SIGNATURE_BYTES
        beside = (hour.campus, start_at, end_at, slot, received_at, flag, around, position)
        found.append(Entry(number, hour.agent, hour.stream, seq, digest, signature, boot_id, boottime, *beside))
    return found


def _lines(opened: Opened) -> list[tuple[Any, ...]]:
    """The values of the index's lines: column by column, where all have the one form that :func:`join` writes."""
    if opened.forms == [_FORM] and not any(opened.which):
        columns = [msgspec.convert([one for (one,) in opened.rows("\0" + name)], kind) for name, kind in _KINDS.items()]
        return [*zip(*columns, strict=True)]
    return [msgspec.structs.astuple(msgspec.json.decode(one, type=_Line)) for one in opened.documents()]


def _line(entry: Entry, signature: str) -> bytes:
    values = {name: getattr(entry, name) for name in _Line.__struct_fields__} | {"signature": signature}
    return msgspec.json.encode(_Line(**values))


def _raw(signature: str) -> bytes:
    """The 64 bytes of a signature; nothing where the text would not become the same again."""
    try:
        raw = base64.b64decode(signature, validate=True)
    except (ValueError, binascii.Error):
        return b""
    return raw if len(raw) == _SIGNATURE_BYTES and base64.b64encode(raw).decode() == signature else b""


def _seal(hour: Hour) -> str:
    digest = hashlib.sha256()
    for name in Hour.__struct_fields__:
        if name != "seal":
            value = getattr(hour, name)
            data = value if isinstance(value, bytes) else repr(value).encode()
            digest.update(f"{name} {len(data)}\n".encode() + data)
    return digest.hexdigest()
