"""The headers that every answer carries, so that no page can be framed, sniffed, or made to load what is not ours."""

from __future__ import annotations

from typing import Any

from starlette.datastructures import MutableHeaders

from collector.board.packed import HEADERS as PAGE

HSTS_SECONDS = 31_536_000
_ALWAYS = ("Content-Security-Policy", "X-Content-Type-Options", "Referrer-Policy")


def add(message: Any, *, tls: bool, personal: bool) -> None:
    """To the message that begins an answer. ``tls``: people reach the collector by https; ``personal``: the answer is
    for one signed-in visitor, so nobody in between may keep it."""
    headers = MutableHeaders(scope=message)
    for name in _ALWAYS:
        headers.setdefault(name, PAGE[name])
    if tls:
        headers.setdefault("Strict-Transport-Security", f"max-age={HSTS_SECONDS}")
    if personal:
        headers["Cache-Control"] = "private, no-cache"
        headers.add_vary_header("Cookie")
        headers.add_vary_header("Authorization")
