"""Reports go in, bytes of a remote-write 1.0 request come out, without building an object for each sample.

A request is the plain concatenation of its time series, so one report is encoded alone and requests are made by
joining. A series' label bytes differ only in the metric's name and in the row's own labels; both are kept ready, and a
sample costs four pieces of one join. Samples of one report leave in the order of their time.
"""

from __future__ import annotations

import struct
from collections import OrderedDict
from typing import Any, NamedTuple

import cramjam

from agent import wire
from collector.metrics import series

STALE = struct.unpack("<d", struct.pack("<Q", 0x7FF0000000000002))[0]
"""Prometheus's stale marker: this series has no value from here on."""

# A series that has targets ends where its target stops answering; a marker says so at that instant.
_MARK_ABSENCE = frozenset({"reach", "path"})
# Milliseconds whose varint has six bytes: 1971 to 2109. Anything else is a broken clock, not a measurement.
_LEAST_MS, _LIMIT_MS = 1 << 35, 1 << 42
_SAMPLE = b"\x12\x10\x09"  # field 2, 16 bytes: field 1, a double; then field 2, a varint of six bytes
_SAMPLE_BYTES = 18
_BLANK = bytes(15)  # where a sample's value and stamp go
_MANY_ROWS = 24
MAX_KEPT = 8192
"""Agents whose label bytes are kept: about 15 kB each at 100 access points."""


class Origin(NamedTuple):
    """Where a report's samples belong: the labels that are not in the report itself."""

    campus: str
    place: str
    simulated: bool


class Encoded(NamedTuple):
    """Bytes to join with others into one request, and how many samples they hold."""

    body: bytes
    samples: int


def compress(bodies: list[bytes]) -> bytes:
    """One request's body: snappy's block format, never the framed one."""
    return bytes(cramjam.snappy.compress_raw(b"".join(bodies)))


class _Rows:
    """The rows of a table that a column fills, in the order of their time; ``strides`` where they are many of one
    length: the n-th bytes of all stamps together."""

    def __init__(self, rows: list[bytes], stamps: list[bytes], order: list[int]) -> None:
        self.order = order
        self.rows = [rows[row] for row in order]
        self.stamps = [stamps[row] for row in order]
        self.strides: list[bytes] | None = None
        if len(self.rows) >= _MANY_ROWS and len(set(map(len, self.rows))) == 1:
            joined = b"".join(self.stamps)
            self.strides = [joined[n::7] for n in range(7)]


class Encoder:
    """Turns reports into time series. Not safe for two threads at once."""

    def __init__(self) -> None:
        self._rows: OrderedDict[tuple[Any, ...], list[bytes]] = OrderedDict()
        self._heads: dict[tuple[str, int], bytes] = {}
        self._stamps = _Stamps()

    def encode(self, report: wire.Report, start_at: float, origin: Origin) -> Encoded:
        """``start_at``: Unix seconds of the report's start, placed by an anchor where the report itself has none."""
        bodies: list[bytes] = []
        samples = 0
        for kind in wire.KINDS:
            table = getattr(report, kind)
            if table is not None and table.at:
                body, count = self._table(kind, table, report.agent, start_at, origin)
                bodies.append(body)
                samples += count
        return Encoded(b"".join(bodies), samples)

    def _table(self, kind: str, table: wire.Table, agent: str, start_at: float, origin: Origin) -> tuple[bytes, int]:
        order = _time_order(table.at)
        if len(self._stamps) > _MAX_STAMPS:
            self._stamps.clear()
        try:
            stamps = [self._stamps[round((start_at + at) * 1000)] for at in table.at]
        except OverflowError:
            return b"", 0
        rows = self._labels(kind, table, agent, origin)
        # A table without row labels has one series: every row's labels are the same.
        rows = rows if len(rows) == len(stamps) else rows * len(stamps)
        every = list(range(len(rows))) if order is None else order
        whole = _Rows(rows, stamps, every)
        bodies: list[bytes | bytearray] = []
        samples = 0
        for column in _FORWARDED[kind]:
            cells: list[Any] = getattr(table, column.column)
            taken = whole
            if None in cells:
                if kind in _MARK_ABSENCE:
                    cells = [STALE if cell is None else cell for cell in cells]
                else:
                    taken = _Rows(rows, stamps, [row for row in every if cells[row] is not None])
            if taken is not whole or order is not None:
                cells = [cells[row] for row in taken.order]
            if column.divide != 1.0:
                cells = [cell / column.divide for cell in cells]
            bodies.append(self._column(column.series.name, cells, taken))
            samples += len(cells)
        return b"".join(bodies), samples

    def _column(self, name: str, cells: list[Any], taken: _Rows) -> bytes | bytearray:
        values = struct.pack(f"<{len(cells)}d", *cells)
        if taken.strides is None:
            pieces: list[bytes] = [b""] * (4 * len(cells))
            pieces[0::4] = [self._head(name, len(row)) for row in taken.rows]
            pieces[1::4] = taken.rows
            pieces[2::4] = [values[n : n + 8] for n in range(0, len(values), 8)]
            pieces[3::4] = taken.stamps
            return b"".join(pieces)
        # Labels of one length put every value at one stride: all of a column's bytes are then set in fifteen strokes.
        row_bytes = len(taken.rows[0])
        head = self._head(name, row_bytes)
        start, stride = len(head) + row_bytes, len(head) + row_bytes + len(_BLANK)
        body = bytearray(head + (_BLANK + head).join(taken.rows) + _BLANK)
        for n in range(8):
            body[start + n :: stride] = values[n::8]
        for n, stroke in enumerate(taken.strides):
            body[start + 8 + n :: stride] = stroke
        return body

    def _head(self, name: str, row_bytes: int) -> bytes:
        key = (name, row_bytes)
        head = self._heads.get(key)
        if head is None:
            label = _label("__name__", name)
            head = b"\x0a" + _varint(len(label) + row_bytes - len(_SAMPLE) + _SAMPLE_BYTES) + label
            if len(self._heads) > MAX_KEPT:
                self._heads.clear()
            self._heads[key] = head
        return head

    def _labels(self, kind: str, table: wire.Table, agent: str, origin: Origin) -> list[bytes]:
        """Label bytes of each row after the name, sorted by label as the protocol asks, with the sample's head."""
        columns = [getattr(table, column) for column, _ in _KEYS[kind]]
        key = (kind, agent, origin, *map(tuple, columns))
        found = self._rows.get(key)
        if found is None:
            always = {"campus": origin.campus, "place": origin.place, "agent": agent}
            if origin.simulated:
                always[series.SIMULATED_LABEL] = "true"
            names = [label for _, label in _KEYS[kind]]
            found = [
                _labels({**always, **{n: "" if v is None else str(v) for n, v in zip(names, row, strict=True)}})
                for row in zip(*columns, strict=True)
            ]
            found = found if columns else [_labels(always)]
            self._rows[key] = found
            if len(self._rows) > MAX_KEPT:
                self._rows.popitem(last=False)
        return found


_FORWARDED = {kind: [f for f in series.WIRE if f.kind == kind] for kind in wire.KINDS}
_KEYS = {kind: forwarded[0].keys for kind, forwarded in _FORWARDED.items()}


def _labels(labels: dict[str, str]) -> bytes:
    # An empty label is the same as none, and the protocol forbids sending it.
    return b"".join(_label(name, labels[name]) for name in sorted(labels) if labels[name]) + _SAMPLE


def _label(name: str, value: str) -> bytes:
    pair = _text(1, name) + _text(2, value)
    return b"\x0a" + _varint(len(pair)) + pair


def _text(number: int, value: str) -> bytes:
    data = value.encode()
    return bytes((number << 3 | 2,)) + _varint(len(data)) + data


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


class _Stamps(dict[int, bytes]):
    """Field 2 of a sample, a varint of six bytes, by its milliseconds. Rows of one burst share theirs, and agents that
    sweep in step share them too. Raises OverflowError for a time that no sample can have."""

    def __missing__(self, milliseconds: int) -> bytes:
        if not _LEAST_MS <= milliseconds < _LIMIT_MS:
            raise OverflowError(milliseconds)
        low, middle, high = milliseconds & 16383, milliseconds >> 14 & 16383, milliseconds >> 28
        made = _PAIRS[low] + _PAIRS[middle] + bytes((high & 127 | 128, high >> 7))
        stamp = self[milliseconds] = b"\x10" + made
        return stamp


_PAIRS = [bytes((pair & 127 | 128, pair >> 7 | 128)) for pair in range(1 << 14)]
_MAX_STAMPS = 65_536


def _time_order(at: list[float]) -> list[int] | None:
    """The rows by time, or None where they are in order already, as agents seal them."""
    return None if at == sorted(at) else sorted(range(len(at)), key=at.__getitem__)
