"""A request's body as received goes in, at most the agreed number of bytes comes out: bombs stop at the bound."""

from __future__ import annotations

import threading
import zlib

import zstandard

from agent import wire
from collector.ingest.authenticate import Refusal

WINDOW_BYTES = 8 << 20
_STEP = 64 << 10


class _Reader(threading.local):
    """Made once a thread: making one costs as much as using it."""

    def __init__(self) -> None:
        self.whole = zstandard.ZstdDecompressor(max_window_size=WINDOW_BYTES)


_reader = _Reader()


def unpack(body: bytes, encoding: str, most: int = wire.MAX_DECODED_BYTES) -> bytes:
    """Raises Refusal 400 for damaged bytes, 413 beyond ``most``, 415 for an unknown encoding. The length that a
    frame declares is not believed."""
    if encoding in {"", "identity"}:
        return body
    if encoding == "zstd":
        return _zstd(body, most)
    if encoding == "gzip":
        return _gzip(body, most)
    raise Refusal(415, "content encoding")


def _zstd(body: bytes, most: int) -> bytes:
    try:
        declared = zstandard.frame_content_size(body)
        if 0 <= declared <= most:
            # The usual way: the frame is no longer than it says, or the library refuses.
            document: bytes = _reader.whole.decompress(body, allow_extra_data=False)
            return document
        if declared > most:
            raise Refusal(413, "decoded body too long")
        parts = []
        size = 0
        with zstandard.ZstdDecompressor(max_window_size=WINDOW_BYTES).stream_reader(body) as reader:
            while part := reader.read(_STEP):
                size += len(part)
                if size > most:
                    raise Refusal(413, "decoded body too long")
                parts.append(part)
    except zstandard.ZstdError:
        raise Refusal(400, "damaged zstd") from None
    return b"".join(parts)


def _gzip(body: bytes, most: int) -> bytes:
    try:
        reader = zlib.decompressobj(wbits=31)
        data = reader.decompress(body, most + 1)
    except zlib.error:
        raise Refusal(400, "damaged gzip") from None
    if len(data) > most:
        raise Refusal(413, "decoded body too long")
    if not reader.eof or reader.unused_data:
        raise Refusal(400, "damaged gzip")
    return data
