"""A page's bytes as they travel: with an ETag over what a reader sees, small where the browser takes it so."""

from __future__ import annotations

import gzip
import hashlib
import threading

import zstandard
from starlette.requests import Request
from starlette.responses import Response

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    # With "no-referrer" a browser would hide from us that a form is from our own page.
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-cache",
}
PACKINGS = ("zstd", "gzip")
"""The smallest first."""
_SMALL_BYTES = 1000


class Packed:
    """Safe from any thread. Each way of packing is done once, when somebody first asks for it."""

    def __init__(self, body: bytes, status: int, language: str) -> None:
        self.status = status
        self.language = language
        self.tag = f'W/"{digest(body)[:32]}"'
        self._bodies = {"": body}
        self._lock = threading.Lock()

    def body(self, packing: str) -> bytes:
        """``packing``: zstd, gzip or empty."""
        with self._lock:
            if packing not in self._bodies:
                pack = {"zstd": _zstd, "gzip": _gzip}[packing]
                self._bodies[packing] = pack(self._bodies[""])
            return self._bodies[packing]

    @property
    def is_small(self) -> bool:
        return len(self._bodies[""]) < _SMALL_BYTES


def answered(request: Request, page: Packed) -> Response:
    headers = HEADERS | {"ETag": page.tag, "Vary": "Accept-Encoding, Accept-Language"}
    headers["Content-Language"] = page.language
    if page.status == 200 and page.tag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    packing = "" if page.is_small else _taken(request.headers.get("accept-encoding", ""))
    if packing:
        headers["Content-Encoding"] = packing
    return Response(page.body(packing), page.status, headers, "text/html; charset=utf-8")


def digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def _taken(accepted: str) -> str:
    parts = (part.replace(" ", "").partition(";") for part in accepted.split(","))
    takes = {name for name, _, weight in parts if weight not in ("q=0", "q=0.0")}
    return next((one for one in PACKINGS if one in takes), "")


def _zstd(body: bytes) -> bytes:
    return zstandard.ZstdCompressor(level=9).compress(body)


def _gzip(body: bytes) -> bytes:
    return gzip.compress(body, 6, mtime=0)
