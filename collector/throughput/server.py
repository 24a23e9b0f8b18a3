"""Serves the bytes of throughput tests, in a process of its own, so that a test never delays ingest.

``GET /v1/throughput/down?bytes=N`` sends, ``POST /v1/throughput/up`` takes; both only with a lease (header
``Campus-Wifi-Lease``), within its time and its bytes in each direction.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

import msgspec
import uvicorn
import uvloop

from collector.throughput.leases import bounds_of

ROUTES = (("GET", "/healthz"), ("GET", "/v1/throughput/down"), ("POST", "/v1/throughput/up"))
"""All that this process serves; but for the first, which tells nothing, only with a lease."""
_CHUNK = bytes(64 << 10)
_REMEMBERED = 10_000


class Settings(msgspec.Struct):
    """What the collector tells this process on its standard input: the secret never stands in argv or environment."""

    secret: bytes
    host: str
    port: int
    tls_certificate: str = ""
    tls_key: str = ""


class Throughput:
    """A raw ASGI application: moving bytes is all it does."""

    def __init__(self, secret: bytes, clock: Callable[[], float]) -> None:
        self._secret = secret
        self._clock = clock
        self._used: dict[tuple[str, str], int] = {}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        route = (scope["method"], scope["path"])
        if route not in ROUTES:
            await _answer(send, 404, {"error": "no such path"})
            return
        if route == ROUTES[0]:
            await _answer(send, 200, {"status": "ok"})
            return
        name = dict(scope["headers"]).get(b"campus-wifi-lease", b"").decode("latin-1")
        bounds = bounds_of(self._secret, name) if name else None
        if bounds is None:
            await _answer(send, 401, {"error": "no lease"})
        elif bounds.expires_at <= self._clock():
            await _answer(send, 403, {"error": "lease is over"})
        elif scope["method"] == "GET":
            await self._down(scope, send, name, bounds.expires_at, bounds.max_bytes)
        else:
            await self._up(receive, send, name, bounds.expires_at, bounds.max_bytes)

    def _take(self, name: str, way: str, most: int, wanted: int) -> int:
        """How many of ``wanted`` bytes the lease still allows; they count as used. The same lease may be used by
        several streams at once."""
        used = self._used.pop((name, way), 0)
        granted = max(min(wanted, most - used), 0)
        self._used[name, way] = used + granted
        if len(self._used) > _REMEMBERED:
            self._used.pop(next(iter(self._used)))
        return granted

    async def _down(self, scope: Any, send: Any, name: str, until: float, most: int) -> None:
        asked = parse_qs(scope["query_string"].decode("latin-1")).get("bytes", [""])[0]
        wanted = int(asked) if asked.isdigit() and len(asked) < 16 else most
        granted = self._take(name, "down", most, wanted)
        if granted == 0:
            await _answer(send, 403, {"error": "lease has no bytes left"})
            return
        headers = [(b"content-type", b"application/octet-stream"), (b"content-length", b"%d" % granted)]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        left = granted
        while left > 0 and self._clock() < until:
            part = _CHUNK if left >= len(_CHUNK) else _CHUNK[:left]
            left -= len(part)
            await send({"type": "http.response.body", "body": part, "more_body": left > 0})
            # The server's buffer lets `send` return at once at first: others get their turn.
            await asyncio.sleep(0)

    async def _up(self, receive: Any, send: Any, name: str, until: float, most: int) -> None:
        taken = 0
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            part = len(message.get("body", b""))
            if self._take(name, "up", most, part) < part:
                await _answer(send, 413, {"error": "lease has no bytes left"})
                return
            taken += part
            if self._clock() >= until:
                await _answer(send, 403, {"error": "lease is over"})
                return
            if not message.get("more_body"):
                await _answer(send, 200, {"bytes": taken})
                return


async def _answer(send: Any, status: int, content: dict[str, Any]) -> None:
    body = msgspec.json.encode(content)
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def main() -> None:
    """Reads its settings, serves, and ends when whoever started it closes this process's standard input."""
    settings = msgspec.json.decode(sys.stdin.buffer.readline(), type=Settings)
    config = uvicorn.Config(
        Throughput(settings.secret, time.time),
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        http="httptools",
        lifespan="off",
        access_log=False,
        log_level="warning",
        server_header=False,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=1,
        ssl_certfile=settings.tls_certificate or None,
        ssl_keyfile=settings.tls_key or None,
    )
    server = uvicorn.Server(config)

    async def serve() -> None:
        loop = asyncio.get_running_loop()

        def parent_is_gone() -> None:
            if not os.read(sys.stdin.fileno(), 1024):
                loop.remove_reader(sys.stdin.fileno())
                server.should_exit = True

        loop.add_reader(sys.stdin.fileno(), parent_is_gone)
        await server.serve()

    with contextlib.suppress(KeyboardInterrupt), asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve())


if __name__ == "__main__":
    main()
