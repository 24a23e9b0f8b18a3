"""Throughput: bytes down, then up, over HTTP, bounded in bytes and seconds and only with the collector's leave.

Beside the rates stand the round trip when idle and while loaded (TCP handshakes with the same server) and the speed of
the network card, so that a figure at the card's ceiling is not taken for the campus's.
"""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from msgspec import Struct

from agent import tcp, uplink, wire
from agent.names import Unresolved, address_of
from agent.probes.base import CouldNotRun, Deadline
from agent.probes.figures import boottime
from agent.probes.host import nic_speed

KIND = "throughput"
_CHUNK = 64 << 10
_MAX_STREAMS = 6  # the agent's connection pool holds eight
_IDLE_HANDSHAKES = 5
_LOADED_EVERY_SECONDS = 0.1


class Settings(Struct, frozen=True):
    """``http`` gives the httpx client (agent.transport makes it). Half of ``max_bytes`` and of the time go each way."""

    url: str
    http: Callable[[], Any]
    lease: wire.Lease | None = None
    max_bytes: int = 25_000_000
    max_seconds: float = 5.0
    streams: int = 4


class Transfer(NamedTuple):
    """One direction. ``fault``: the outcome and the reason where it failed."""

    moved: int
    seconds: float
    fault: tuple[str, str] | None


def probe(settings: Settings, deadline: Deadline) -> wire.Throughput:
    """One row; a lease that was refused is a row too: ``deferred``."""
    began = boottime()
    url = urlsplit(settings.url)
    if url.scheme not in ("http", "https") or not url.hostname:
        raise CouldNotRun(f"{settings.url!r} is no http address", "give http://HOST:PORT of the throughput service")
    lease, name = settings.lease, f"{url.hostname}"[:64]
    if lease is not None and not lease.granted:
        return _row(began, name, ("deferred", f"busy: {lease.reason or 'no lease now'}"[:200]))
    port = url.port or (443 if url.scheme == "https" else 80)
    try:
        place = (address_of(url.hostname, min(2.0, deadline.remaining())), port)
    except Unresolved as fault:
        return _row(began, name, ("resolve", str(fault)[:200]))
    idle = [one.seconds for _ in range(_IDLE_HANDSHAKES) for one in tcp.handshakes([place], 1.0) if one.seconds]
    client = settings.http()
    seconds = max(min(settings.max_seconds, deadline.remaining() - 0.5) / 2, 0.1)
    streams = max(1, min(settings.streams, _MAX_STREAMS))
    moving = _Moving(client, settings, settings.max_bytes // 2, seconds)
    loaded = _Loaded(place)
    with loaded:
        down = moving.run(moving.down, streams)
    if down.fault is not None:
        return _row(began, name, down.fault, idle=idle)
    up = _Moving(client, settings, settings.max_bytes // 2, seconds)
    with loaded:
        sent = up.run(up.up, streams)
    way = uplink.route(place[0])
    return _row(began, name, sent.fault, down, sent, streams, idle, loaded.seconds, nic_speed(way and way.interface))


class _Moving:
    """One direction's budget, shared by its streams."""

    def __init__(self, client: Any, settings: Settings, budget: int, seconds: float) -> None:
        self._client = client
        self._base = settings.url.rstrip("/")
        self._headers = {"Campus-Wifi-Lease": settings.lease.lease} if settings.lease else {}
        self._budget, self._seconds = budget, seconds
        self._lock = threading.Lock()
        self._taken = self._moved = 0
        self._began = self._until = 0.0
        self._first = self._last = 0.0

    def run(self, stream: Callable[[int], None], streams: int) -> Transfer:
        share = max(self._budget // streams, 1)
        self._began = time.monotonic()
        self._until = self._began + self._seconds
        fault: tuple[str, str] | None = None
        with ThreadPoolExecutor(streams, thread_name_prefix="throughput") as pool:
            for done in [pool.submit(stream, share) for _ in range(streams)]:
                error = done.exception()
                if isinstance(error, _Refused):
                    fault = ("refused", str(error))
                elif error is not None:
                    # Any of the HTTP library's errors: it is imported in one place, and that is not here.
                    fault = fault or ("transfer", f"{type(error).__name__}: {error}"[:200])
        if self._moved and fault is not None and fault[0] == "transfer":
            fault = None  # one stream of several broke off: what moved was moved
        took = self._last - (self._first if self._last - self._first > 0.001 else self._began)
        return Transfer(self._moved, max(took, 0.0), fault)

    def down(self, share: int) -> None:
        url = f"{self._base}/v1/throughput/down?bytes={share}"
        with self._client.stream("GET", url, headers=self._headers, timeout=self._seconds) as response:
            _check(response)
            for chunk in response.iter_raw(_CHUNK):
                if not self._count(len(chunk)):
                    return

    def up(self, share: int) -> None:
        def body() -> Iterator[bytes]:
            left = share
            while left > 0:
                size = min(left, _CHUNK)
                yield _FILL[:size]
                left -= size
                if not self._count(size):
                    return

        url = f"{self._base}/v1/throughput/up"
        with self._client.stream("POST", url, headers=self._headers, content=body(), timeout=self._seconds) as response:
            _check(response)
        with self._lock:
            # The server has it all only now; what a socket buffer took is not throughput.
            self._last = time.monotonic()

    def _count(self, size: int) -> bool:
        now = time.monotonic()
        with self._lock:
            self._first = self._first or now
            self._last = now
            self._moved += size
            return now < self._until and self._moved < self._budget


class _Refused(Exception):
    """The server said no."""


def _check(response: Any) -> None:
    if response.status_code != 200:
        response.read()
        raise _Refused(f"HTTP {response.status_code}: {response.text[:120]}".strip())


class _Loaded:
    """Handshakes beside the transfer, for as long as it lasts."""

    def __init__(self, place: tuple[str, int]) -> None:
        self._place = place
        self._done = threading.Event()
        self._thread = threading.Thread()
        self.seconds: list[float] = []

    def __enter__(self) -> None:
        self._done.clear()
        self._thread = threading.Thread(target=self._ask, name="loaded rtt", daemon=True)
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join(2.0)

    def _ask(self) -> None:
        while not self._done.wait(_LOADED_EVERY_SECONDS):
            self.seconds += [one.seconds for one in tcp.handshakes([self._place], 1.0) if one.seconds]


_FILL = bytes(range(256)) * (_CHUNK // 256)


def _row(
    began: float,
    target: str,
    fault: tuple[str, str] | None,
    down: Transfer | None = None,
    up: Transfer | None = None,
    streams: int | None = None,
    idle: list[float] | None = None,
    loaded: list[float] | None = None,
    nic: float | None = None,
) -> wire.Throughput:
    at = boottime()

    def rate(transfer: Transfer | None) -> float | None:
        if transfer is None or not transfer.moved or transfer.seconds <= 0 or (transfer is up and fault):
            return None
        return float(round(transfer.moved * 8 / transfer.seconds))

    return wire.Throughput(
        at=[round(at, 6)],
        duration_seconds=[round(at - began, 6)],
        outcome=[fault[0] if fault else "ok"],
        reason=[fault[1] if fault else None],
        target=[target],
        download_bits_per_second=[rate(down)],
        upload_bits_per_second=[rate(up)],
        download_bytes=[down.moved if down else None],
        upload_bytes=[up.moved if up else None],
        streams=[streams],
        rtt_idle_seconds=[round(statistics.median(idle), 7) if idle else None],
        rtt_loaded_seconds=[round(statistics.median(loaded), 7) if loaded else None],
        nic_speed_bits_per_second=[nic],
        far_end=["collector"],
        responsiveness_rounds_per_minute=[round(60 / statistics.mean(loaded), 1) if loaded else None],
        retransmitted_segments=[None],
    )
