"""Documents of one agent's hour as one block of bytes, and back: each byte for byte, or the block is not made.

A document that its tree does not give back byte for byte (another writer's spaces, a key twice) stands in the block as
it is. A block is read again before it is given out: what comes back is what went in.
"""

from __future__ import annotations

import struct
import threading
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
import zstandard

from collector.compaction import column
from collector.compaction.column import Head, Numbers, Rows
from collector.compaction.shape import Form, put_together, taken_apart

LEVEL = 9
VERSION = 1
_FRONT = struct.Struct("<BI")
_MAX_BYTES = 256 << 20
"""Far more than an hour of one agent can be."""
_OWN_FRAME_BYTES = 512
_AS_IT_IS = -1
_DAMAGED = (
    zstandard.ZstdError, msgspec.MsgspecError, struct.error, ValueError, LookupError, TypeError, RecursionError,
    MemoryError, OverflowError, ArithmeticError,
)  # fmt: skip


class BlockError(ValueError):
    """Bytes that are no block, or a damaged one."""


class _Contents(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    """What a block begins with. ``which``: the form of each document, or _AS_IT_IS; ``frames``: the packed length of
    each large plane, 0 for one that is larger packed; ``small``: all other planes."""

    forms: list[Any]
    which: list[int]
    as_they_are: list[bytes]
    paths: list[str]
    heads: list[Head]
    frames: list[int]
    small: bytes


class _Packers(threading.local):
    """One may not be used by two threads at once."""

    def __init__(self) -> None:
        self.best, self.quick = (
            zstandard.ZstdCompressor(
                compression_params=zstandard.ZstdCompressionParameters.from_level(
                    level, format=zstandard.FORMAT_ZSTD1_MAGICLESS, write_content_size=0
                )
            )
            for level in (LEVEL, 1)
        )
        self.back = zstandard.ZstdDecompressor(format=zstandard.FORMAT_ZSTD1_MAGICLESS)


_packers = _Packers()


def encode(documents: Sequence[bytes]) -> bytes:
    """The block of these documents. Raises BlockError where it would not give each back byte for byte."""
    contents = _Contents([], [], [], [], [], [], b"")
    frames: list[bytes] = []
    small: list[bytes] = []
    groups: dict[str, dict[int, Numbers]] = {}
    for at, (path, rows) in enumerate(_columns(documents, contents).items()):
        # A column may follow another one of its table.
        group = groups.setdefault(path.rpartition("\0")[0], {})
        head, planes, group[at] = column.encode(rows, group, _quick_size)
        contents.paths.append(path)
        contents.heads.append(head)
        begin = 0
        for size in column.plane_sizes(head):
            plane, begin = planes[begin : begin + size], begin + size
            if size < _OWN_FRAME_BYTES:
                small.append(plane)
                continue
            packed = _packers.best.compress(plane)
            contents.frames.append(len(packed) if len(packed) < size else 0)
            frames.append(packed if len(packed) < size else plane)
    contents.small = b"".join(small)
    front = _packers.best.compress(msgspec.msgpack.encode(contents))
    block = b"".join([_FRONT.pack(VERSION, len(front)), front, *frames])
    if decode(block) != list(documents):
        raise BlockError("the block does not give its documents back")
    return block


def decode(block: bytes) -> list[bytes]:
    """The documents of a block. Raises BlockError."""
    try:
        return list(_documents(block))
    except _DAMAGED as fault:
        raise BlockError(f"a damaged block: {fault}"[:200]) from None


def _columns(documents: Sequence[bytes], contents: _Contents) -> dict[str, Rows]:
    """The values of all documents by path; what is no column goes into ``contents``."""
    values: dict[str, Rows] = {}
    known: dict[bytes, int] = {}
    for document in documents:
        tree = _tree(document)
        if tree is None:
            contents.which.append(_AS_IT_IS)
            contents.as_they_are.append(document)
            continue
        form = taken_apart(tree, values)
        number = known.setdefault(msgspec.msgpack.encode(form), len(known))
        if number == len(contents.forms):
            contents.forms.append(form)
        contents.which.append(number)
    return values


def _tree(document: bytes) -> Any:
    """None where the tree would not become this document again."""
    try:
        tree = msgspec.json.decode(document)
        return tree if isinstance(tree, dict) and msgspec.json.encode(tree) == document else None
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None


def _documents(block: bytes) -> Iterator[bytes]:
    version, length = _FRONT.unpack_from(block)
    if version != VERSION:
        raise ValueError(f"a block of version {version}; this program reads {VERSION}")
    begin = _FRONT.size + length
    front = _unpacked(block[_FRONT.size : begin], _MAX_BYTES)
    contents = msgspec.msgpack.decode(front, type=_Contents)
    columns = _read_columns(contents, memoryview(block)[begin:])
    as_they_are = iter(contents.as_they_are)
    for number in contents.which:
        if number == _AS_IT_IS:
            yield next(as_they_are, b"")
        else:
            form: Form = contents.forms[number]
            yield msgspec.json.encode(put_together(form, lambda path: next(columns[path])))


def _read_columns(contents: _Contents, frames: memoryview) -> dict[str, Iterator[list[Any]]]:
    found: dict[str, Iterator[list[Any]]] = {}
    groups: dict[str, dict[int, Numbers]] = {}
    lengths, small, large = iter(contents.frames), 0, 0
    for at, (path, head) in enumerate(zip(contents.paths, contents.heads, strict=True)):
        planes = []
        for size in column.plane_sizes(head):
            if size < _OWN_FRAME_BYTES:
                planes.append(contents.small[small : small + size])
                small += size
                continue
            packed = next(lengths, 0)
            frame, large = bytes(frames[large : large + (packed or size)]), large + (packed or size)
            planes.append(_unpacked(frame, size) if packed else frame)
        group = groups.setdefault(path.rpartition("\0")[0], {})
        rows, group[at] = column.decode(head, b"".join(planes), group)
        found[path] = iter(rows)
    return found


def _unpacked(packed: bytes, most: int) -> bytes:
    data: bytes = _packers.back.decompress(packed, max_output_size=most)
    return data


def _quick_size(data: bytes) -> int:
    return min(len(data), len(_packers.quick.compress(data)))
