"""One HTTP page asked as a device asks that has just joined: is there a captive portal, and when is the first byte.

A page is ``http://HOST[:PORT]/PATH``. What is behind ``#`` is never sent: it is a text that the true page holds, so
that a portal which answers 200 to everything is seen. A path that ends with ``generate_204`` must be answered with 204.
"""

from __future__ import annotations

import socket
import time
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

_MAX_BYTES = 256 << 10


class Page(NamedTuple):
    """Where to ask, and what the answer must hold (empty: anything)."""

    host: str
    port: int
    path: str
    marker: str


class Answer(NamedTuple):
    """``first_byte_seconds``: from the begin of the TCP handshake to the first byte of the answer."""

    status: int
    location: str
    body: bytes
    first_byte_seconds: float


class NoAnswer(Exception):
    """The page did not come. Says why."""


def page(text: str) -> Page:
    """Raises ValueError for what is no http address."""
    parts = urlsplit(text)
    if parts.scheme != "http" or not parts.hostname or parts.username or parts.port == 0:
        raise ValueError(f"{text[:60]!r} is no http address; write http://HOST/PATH (https cannot show a portal)")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if any(ord(letter) <= 32 or ord(letter) > 126 for letter in path):
        raise ValueError(f"{text[:60]!r}: write the path in ASCII without spaces")
    return Page(parts.hostname, parts.port or 80, path, unquote(parts.fragment))


def get(page: Page, address: str, interface: str, seconds: float) -> Answer:
    """One GET over a new connection, never following. Raises NoAnswer."""
    began = time.monotonic()
    until = began + seconds
    host = page.host if page.port == 80 else f"{page.host}:{page.port}"
    request = f"GET {page.path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: campus-wifi\r\nConnection: close\r\n\r\n"
    received, first = b"", 0.0
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as sock:
        try:
            if interface:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, interface.encode())
            sock.settimeout(max(seconds, 0.01))
            sock.connect((address, page.port))
            sock.sendall(request.encode("ascii"))
            while (left := until - time.monotonic()) > 0 and len(received) < _MAX_BYTES:
                sock.settimeout(left)
                data = sock.recv(65536)
                first = first or time.monotonic() - began
                received += data
                if not data or _whole(received):
                    break
        except OSError as fault:
            # A page that stops half way has still shown its first byte and who it is.
            if not received:
                silent = isinstance(fault, TimeoutError)
                why = "does not answer" if silent else f"cannot be asked: {fault.strerror or fault}"
                raise NoAnswer(f"{page.host[:60]} {why}") from None
    return _parsed(received, first, page)


def verdict(page: Page, answer: Answer) -> str:
    """Why this answer is a portal's, or an empty text where it is the page's own."""
    if answer.status == 511:
        return "the network asks for a login (511)"
    if 300 <= answer.status < 400:
        there = urlsplit(answer.location).hostname or page.host
        # To https of the same site is what honest pages do.
        return "" if there.removeprefix("www.") == page.host.removeprefix("www.") else f"redirected to {there[:80]}"
    if page.path.partition("?")[0].endswith("generate_204") and answer.status == 200:
        return "200 where 204 was due"
    if page.marker and answer.status == 200 and page.marker.encode() not in answer.body:
        return "another body than the page's own"
    return ""


def _whole(received: bytes) -> bool:
    """Whether the answer is complete before the server closes, where its length says so."""
    head, found, body = received.partition(b"\r\n\r\n")
    if not found:
        return False
    status, fields = _head(head)
    length = fields.get("content-length", "")
    return status in (204, 304) or (length.isdigit() and len(body) >= int(length))


def _parsed(received: bytes, first: float, page: Page) -> Answer:
    head, _, body = received.partition(b"\r\n\r\n")
    status, fields = _head(head)
    if not status:
        raise NoAnswer(
            f"{page.host[:60]} does not speak HTTP" if received else f"{page.host[:60]} closed without a word"
        )
    return Answer(status, fields.get("location", ""), body, first)


def _head(head: bytes) -> tuple[int, dict[str, str]]:
    first, *lines = head.decode("latin-1").split("\r\n")
    words = first.split(" ", 2)
    if len(words) < 2 or not words[0].startswith("HTTP/") or not words[1].isdigit():
        return 0, {}
    pairs = (line.partition(":") for line in lines)
    return int(words[1]), {name.strip().lower(): value.strip() for name, _, value in pairs}
