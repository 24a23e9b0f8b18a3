"""A block being read: what is asked of it is unpacked and put together, and nothing else.

Who wants documents gets them byte for byte; who wants some of their values reads just those columns, which is a small
part of the work.
"""

from __future__ import annotations

import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
import zstandard

from collector.compaction import column
from collector.compaction.column import INTS, TEXTS, Head, Numbers, Rows
from collector.compaction.shape import Form, Path, divides, put_together

VERSION = 1
AS_IT_IS = -1
FRONT = struct.Struct("<BI")
FORMAT = zstandard.FORMAT_ZSTD1_MAGICLESS
OWN_FRAME_BYTES = 512
"""A plane of fewer bytes stands with all other small ones in the block's front."""
_MAX_BYTES = 256 << 20
"""Far more than an hour of one agent can be."""
_DAMAGED = (
    zstandard.ZstdError, msgspec.MsgspecError, struct.error, ValueError, LookupError, TypeError, RecursionError,
    MemoryError, OverflowError, ArithmeticError,
)  # fmt: skip


class BlockError(ValueError):
    """Bytes that are no block, or a damaged one."""


class Contents(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    """What a block begins with. ``which``: the form of each document, or AS_IT_IS; ``frames``: the packed length of
    each large plane, 0 for one that is larger packed; ``small``: all other planes."""

    forms: list[Any]
    which: list[int]
    as_they_are: list[bytes]
    paths: list[str]
    heads: list[Head]
    frames: list[int]
    small: bytes


class _Unpacker(threading.local):
    """One may not be used by two threads at once."""

    def __init__(self) -> None:
        self.back = zstandard.ZstdDecompressor(format=FORMAT)


_unpacker = _Unpacker()
_contents = msgspec.msgpack.Decoder(Contents)


class Opened:
    """Raises BlockError, here and wherever it is read: what a damaged block holds may show only then."""

    def __init__(self, block: bytes) -> None:
        with damage_told():
            version, length = FRONT.unpack_from(block)
            if version != VERSION:
                raise ValueError(f"a block of version {version}; this program reads {VERSION}")
            begin = FRONT.size + length
            self._contents = _contents.decode(_unpacked(block[FRONT.size : begin], _MAX_BYTES))
            self._frames = memoryview(block)[begin:]
            self._places = self._planes()
        self._numbers_of = {path: at for at, path in enumerate(self._contents.paths)}
        self._columns: dict[int, tuple[Rows, Numbers]] = {}
        self.forms: list[Form] = self._contents.forms
        self.which: list[int] = self._contents.which

    def __len__(self) -> int:
        return len(self.which)

    @property
    def is_mixed(self) -> bool:
        """Whether values of two places of a document may stand in one column: then only whole documents are right."""
        return not all(map(divides, self.forms))

    def documents(self) -> list[bytes]:
        with damage_told():
            return list(self._documents())

    def rows(self, path: Path) -> Rows:
        """The values of a path, a list for each time that it comes in a document."""
        with damage_told():
            return self._column(self._numbers_of[path])[0]

    def kind(self, path: Path) -> type | None:
        """The type of all of a path's values that are there, NoneType where none is; None where it has several, or is
        not in the block."""
        at = self._numbers_of.get(path)
        if at is None:
            return None
        head = self._contents.heads[at]
        if head.coding == INTS:
            return int
        if head.coding != TEXTS:
            return float
        kinds = {str if text.startswith('"') else type(None) if text == "null" else None for text in head.texts}
        return kinds.pop() if len(kinds) == 1 else None

    def has_nulls(self, path: Path) -> bool:
        return self._contents.heads[self._numbers_of[path]].nulls

    def take(self) -> Callable[[Path], list[Any]]:
        """Gives the values of a path, each time the next."""
        columns: dict[Path, Iterator[list[Any]]] = {}

        def take(path: Path) -> list[Any]:
            if path not in columns:
                columns[path] = iter(self._column(self._numbers_of[path])[0])
            row = next(columns[path], None)
            if row is None:
                raise LookupError("fewer values than documents")
            return row

        return take

    def as_they_are(self) -> Iterator[bytes]:
        """The documents that stand in the block as they are."""
        return iter(self._contents.as_they_are)

    def _documents(self) -> Iterator[bytes]:
        as_they_are, take = self.as_they_are(), self.take()
        for number in self.which:
            if number == AS_IT_IS:
                yield next(as_they_are, b"")
            else:
                yield msgspec.json.encode(put_together(self.forms[number], take))

    def _planes(self) -> list[list[tuple[bool, int, int, int]]]:
        """Of each column, where each of its planes lies: whether among the small ones, begin, end and plain length."""
        lengths, small, large = iter(self._contents.frames), 0, 0
        places = []
        for head in self._contents.heads:
            of_column = []
            for size in column.plane_sizes(head):
                if size < OWN_FRAME_BYTES:
                    of_column.append((True, small, small + size, size))
                    small += size
                else:
                    packed = next(lengths, 0) or size
                    of_column.append((False, large, large + packed, size))
                    large += packed
            places.append(of_column)
        if len(places) != len(self._contents.paths):
            raise ValueError("as many columns as paths were written")
        return places

    def _column(self, at: int) -> tuple[Rows, Numbers]:
        if at not in self._columns:
            head = self._contents.heads[at]
            others = {}
            if head.base >= 0:
                table = self._contents.paths[at].rpartition("\0")[0]
                if head.base >= at or self._contents.paths[head.base].rpartition("\0")[0] != table:
                    raise ValueError("a column that follows none of its table")
                others[head.base] = self._column(head.base)[1]
            planes = b"".join(self._plane(*one) for one in self._places[at])
            self._columns[at] = column.decode(head, planes, others)
        return self._columns[at]

    def _plane(self, small: bool, begin: int, end: int, size: int) -> bytes:
        if small:
            return self._contents.small[begin:end]
        frame = bytes(self._frames[begin:end])
        return frame if end - begin == size else _unpacked(frame, size)


@contextmanager
def damage_told(*others: type[Exception]) -> Iterator[None]:
    """What goes wrong while a block is read is said to be a damaged block; ``others`` pass as they are."""
    passing: tuple[type[Exception], ...] = (BlockError, *others)
    try:
        yield
    except passing:
        raise
    except _DAMAGED as fault:
        raise BlockError(f"a damaged block: {fault}"[:200]) from None


def _unpacked(packed: bytes, most: int) -> bytes:
    data: bytes = _unpacker.back.decompress(packed, max_output_size=most)
    return data
