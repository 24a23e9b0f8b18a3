"""Requests to other servers: a method, an address and bytes go in, what was answered comes out. The only module of the
collector that imports httpx."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import httpx


class Unreachable(Exception):
    """No answer came. Says why."""


class Answer(NamedTuple):
    """``headers``: names in small letters."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def is_success(self) -> bool:
        return 200 <= self.status < 300

    def said(self, most: int = 200) -> str:
        """The begin of the body, for a log."""
        return self.body[:most].decode(errors="replace")


class Client:
    """Keeps its connections. ``timeout_seconds`` bounds each wait for an answer, five seconds at most to connect."""

    def __init__(self, timeout_seconds: float = 30.0) -> None:
        self._http = httpx.Client(timeout=httpx.Timeout(timeout_seconds, connect=5.0))

    def request(
        self,
        method: str,
        url: str,
        *,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        query: Mapping[str, Any] | None = None,
    ) -> Answer:
        """Raises Unreachable."""
        try:
            answer = self._http.request(method, url, content=content, headers=headers, params=query)
        except (httpx.HTTPError, httpx.InvalidURL) as fault:
            raise Unreachable(repr(fault)[:300]) from None
        return Answer(answer.status_code, answer.headers, answer.content)

    def close(self) -> None:
        self._http.close()
