"""Documents of one agent's hour as one block of bytes, and back: each byte for byte, or the block is not made.

A document that its tree does not give back byte for byte (another writer's spaces, a key twice) stands in the block as
it is. A block is read again before it is given out: what comes back is what went in.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

import msgspec
import zstandard

from collector.compaction import column
from collector.compaction.column import Numbers, Rows
from collector.compaction.opened import AS_IT_IS, FORMAT, FRONT, OWN_FRAME_BYTES, VERSION, BlockError, Contents, Opened
from collector.compaction.shape import taken_apart

LEVEL = 9


class _Packers(threading.local):
    """One may not be used by two threads at once."""

    def __init__(self) -> None:
        self.best, self.quick = (
            zstandard.ZstdCompressor(
                compression_params=zstandard.ZstdCompressionParameters.from_level(
                    level, format=FORMAT, write_content_size=0
                )
            )
            for level in (LEVEL, 1)
        )


_packers = _Packers()


def encode(documents: Sequence[bytes]) -> bytes:
    """The block of these documents. Raises BlockError where it would not give each back byte for byte."""
    contents = Contents([], [], [], [], [], [], b"")
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
            if size < OWN_FRAME_BYTES:
                small.append(plane)
                continue
            packed = _packers.best.compress(plane)
            contents.frames.append(len(packed) if len(packed) < size else 0)
            frames.append(packed if len(packed) < size else plane)
    contents.small = b"".join(small)
    front = _packers.best.compress(msgspec.msgpack.encode(contents))
    block = b"".join([FRONT.pack(VERSION, len(front)), front, *frames])
    if decode(block) != list(documents):
        raise BlockError("the block does not give its documents back")
    return block


def decode(block: bytes) -> list[bytes]:
    """The documents of a block. Raises BlockError."""
    return Opened(block).documents()


def _columns(documents: Sequence[bytes], contents: Contents) -> dict[str, Rows]:
    """The values of all documents by path; what is no column goes into ``contents``."""
    values: dict[str, Rows] = {}
    known: dict[bytes, int] = {}
    for document in documents:
        tree = _tree(document)
        if tree is None:
            contents.which.append(AS_IT_IS)
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


def _quick_size(data: bytes) -> int:
    return min(len(data), len(_packers.quick.compress(data)))
