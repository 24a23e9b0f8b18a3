"""The traces that a client could leave: the forms in which an address or a name may be kept, and a quick search.

A client's address is looked for as it is written, backwards, and as a hash. One pass over the data for all of them
together: every eight bytes of it, at each offset, are looked up in a table of how traces begin (the six raw bytes of
an address in one of their own), and only what begins like a trace is compared whole. Of a hash, its first eight bytes
are enough, so that one that was cut short is found too.
"""

import base64
import hashlib
import sqlite3
import struct
from collections.abc import Iterable, Iterator
from pathlib import Path

import zstandard

from tests.lab.crowd import Client

_HEAD, _RAW = 8, 6
_HASHES = ("md5", "sha1", "sha256")
_ZSTD = b"\x28\xb5\x2f\xfd"


def forms(mac: bytes) -> Iterator[tuple[str, bytes]]:
    """Each way in which an address may stand somewhere, by name."""
    for order, one in (("", mac), ("reversed ", mac[::-1])):
        yield f"{order}raw", one
        yield f"{order}base64", base64.b64encode(one)
        for name, text in _written(one):
            yield order + name, text
    for of, text in (("raw", mac), *_written(mac)):
        for kind in _HASHES:
            digest = hashlib.new(kind, text, usedforsecurity=False).digest()
            yield f"{kind} of {of}", digest[:8]
            yield f"{kind} hex of {of}", digest[:8].hex().encode()
            yield f"{kind} HEX of {of}", digest[:8].hex().upper().encode()
            yield f"{kind} base64 of {of}", base64.b64encode(digest)[:10]


def _written(mac: bytes) -> Iterator[tuple[str, bytes]]:
    for name, separator in (("plain", ""), ("colons", ":"), ("hyphens", "-")):
        text = mac.hex(separator) if separator else mac.hex()
        yield name, text.encode()
        yield name.upper(), text.upper().encode()


def words(one: Client) -> Iterator[tuple[str, bytes]]:
    """The same for what a client says in words."""
    for name, text in (("ssid", one.ssid), ("payload", one.word), ("hostname", one.hostname)):
        yield name, text.encode()
        yield f"{name} lower", text.lower().encode()
        yield f"{name} hex", text.encode().hex().encode()
        yield f"{name} base64", base64.b64encode(text.encode())[:10]
        for kind in _HASHES:
            digest = hashlib.new(kind, text.encode(), usedforsecurity=False).digest()
            yield f"{kind} of {name}", digest[:8]
            yield f"{kind} hex of {name}", digest[:8].hex().encode()


class Traces:
    """Everything that is searched for, by what it begins with."""

    def __init__(self) -> None:
        self._heads: dict[bytes, list[tuple[str, bytes]]] = {}
        self._raw: dict[bytes, str] = {}
        self.count = 0

    def add(self, who: str, traces: Iterable[tuple[str, bytes]]) -> None:
        for name, trace in traces:
            self.count += 1
            if len(trace) == _RAW:
                self._raw[trace] = f"{who}: {name}"
            else:
                self._heads.setdefault(trace[:_HEAD], []).append((f"{who}: {name}", trace))

    def found(self, data: bytes) -> set[str]:
        """What of all that stands in the data."""
        seen = {self._raw[trace] for trace in self._raw.keys() & _windows(data, _RAW)}
        for head in self._heads.keys() & _windows(data, _HEAD):
            seen |= {name for name, trace in self._heads[head] if trace in data}
        return seen


def _windows(data: bytes, size: int) -> set[bytes]:
    """Every run of ``size`` bytes."""
    view, found = memoryview(data), set()
    for offset in range(size):
        whole = max(len(data) - offset, 0) // size * size
        found |= {run for (run,) in struct.iter_unpack(f"{size}s", view[offset : offset + whole])}
    return found


def opened(path: Path) -> Iterator[bytes]:
    """A file's bytes; of a database also each value in it, those that are packed unpacked."""
    data = path.read_bytes()
    yield data
    if not data.startswith(b"SQLite format 3\0"):
        return
    with sqlite3.connect(path) as db:
        for (table,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            for row in db.execute(f'SELECT * FROM "{table}"'):
                for value in row:
                    if isinstance(value, bytes) and value.startswith(_ZSTD):
                        yield zstandard.ZstdDecompressor().decompress(value, max_output_size=1 << 26)
    db.close()
