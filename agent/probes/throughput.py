"""Throughput: bytes down, then up, over HTTP, bounded in bytes and seconds and only with the collector's leave.

Beside the rates stand the round trip when idle and while loaded (TCP handshakes with the same server) and the speed of
the network card, so that a figure at the card's ceiling is not taken for the campus's.
"""

from __future__ import annotations

import statistics
import threading
from collections.abc import Callable
from typing import Any, Literal
from urllib.parse import urlsplit

from msgspec import Struct

from agent import lease as leave
from agent import tcp, uplink, wire
from agent.names import Unresolved, address_of
from agent.probes.base import CouldNotRun, Deadline
from agent.probes.figures import boottime
from agent.probes.host import nic_speed
from agent.probes.transfer import Direction, Transfer

KIND = "throughput"
_MAX_STREAMS = 6  # the agent's connection pool holds eight
_IDLE_HANDSHAKES = 5
_LOADED_EVERY_SECONDS = 0.05
_SHORT = "short: no warm-up cut"


class Settings(Struct, frozen=True):
    """``http`` gives the httpx client (agent.transport makes it). Half of ``max_bytes`` and of the time go each way.
    ``proof``: the lease as the collector signed it. ``progress`` hears the phase and its share done."""

    url: str
    http: Callable[[], Any]
    lease: wire.Lease | None = None
    max_bytes: int = 25_000_000
    max_seconds: float = 5.0
    streams: int = 4
    proof: str = ""
    far_end: Literal["collector", "reflector"] = "collector"
    progress: Callable[[str, float], None] | None = None


def probe(settings: Settings, deadline: Deadline) -> wire.Throughput:
    """One row; a lease that was refused is a row too: ``deferred`` or ``blocked``."""
    began = boottime()
    url = urlsplit(settings.url)
    if url.scheme not in ("http", "https") or not url.hostname:
        raise CouldNotRun(f"{settings.url!r} is no http address", "give http://HOST:PORT of the throughput service")
    row = _Row(began, f"{url.hostname}"[:64], settings.far_end)
    if settings.lease is not None and not settings.lease.granted:
        return row.ended(_withheld(settings.lease.reason))
    port = url.port or (443 if url.scheme == "https" else 80)
    try:
        place = (address_of(url.hostname, min(2.0, deadline.remaining())), port)
    except Unresolved as fault:
        return row.ended(("resolve", str(fault)[:200]))
    if settings.progress is not None:
        settings.progress("idle", 0.0)
    row.idle = [one.seconds for _ in range(_IDLE_HANDSHAKES) for one in tcp.handshakes([place], 1.0) if one.seconds]
    client = settings.http()
    headers = leave.headers(settings.lease, settings.proof) if settings.lease else {}
    seconds = max(min(settings.max_seconds, deadline.remaining() - 0.5) / 2, 0.1)
    row.streams = max(1, min(settings.streams, _MAX_STREAMS))
    base, budget = settings.url.rstrip("/"), max(settings.max_bytes // 2, 1)
    for way in ("download", "upload"):
        direction = Direction(client, base, headers, way, budget, seconds)
        with _Loaded(place) as loaded:
            moved = direction.run(row.streams, settings.progress)
        row.moved[way] = moved
        row.loaded.append(loaded.between(moved.began, moved.ended))
        if moved.fault is not None:
            return row.ended(moved.fault)
    route = uplink.route(place[0])
    row.nic = nic_speed(route and route.interface)
    return row.ended(None)


def _withheld(reason: str) -> tuple[str, str]:
    """The outcome of a test that was not to be: never silent, since a day without tests must say why."""
    if reason.startswith("blocked:"):
        return "blocked", reason[:200]
    said = reason or "no lease now"
    return "deferred", (said if said.partition(" ")[0].endswith(":") else f"busy: {said}")[:200]


class _Loaded:
    """Handshakes beside the transfer, for as long as it lasts; a lost SYN delays none of the others."""

    def __init__(self, place: tuple[str, int]) -> None:
        self._place = place
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._ask, name="loaded rtt", daemon=True)
        self._found: list[tuple[float, float]] = []

    def __enter__(self) -> _Loaded:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join(2.0)

    def between(self, began: float, ended: float) -> list[float]:
        """Round trips that were begun while data flowed."""
        return [seconds for at, seconds in self._found if began <= at <= ended]

    def _ask(self) -> None:
        for at, one in tcp.repeated(self._place, _LOADED_EVERY_SECONDS, self._done):
            # After a repeated SYN the time says when it was sent again, not how long the way is.
            if one.seconds and one.kernel:
                self._found.append((at, one.seconds))


class _Row:
    """What is known of the test so far; whatever ends it, that much is told."""

    def __init__(self, began: float, target: str, far_end: str) -> None:
        self._began, self._target, self._far_end = began, target, far_end
        self.idle: list[float] = []
        self.loaded: list[list[float]] = []
        self.moved: dict[str, Transfer] = {}
        self.streams: int | None = None
        self.nic: float | None = None

    def ended(self, fault: tuple[str, str] | None) -> wire.Throughput:
        """The row. Where nothing failed, the reason may say that a rate is of the whole transfer."""
        at = boottime()
        down, up = self.moved.get("download"), self.moved.get("upload")
        # Each direction fills a queue of its own: one median over both would jump between the two.
        medians = [statistics.median(found) for found in self.loaded if found]
        every = [seconds for found in self.loaded for seconds in found]
        short = [way for way, one in self.moved.items() if one.short]
        reason = fault[1] if fault else f"{_SHORT} ({', '.join(short)})" if short else None
        return wire.Throughput(
            at=[round(at, 6)],
            duration_seconds=[round(at - self._began, 6)],
            outcome=[fault[0] if fault else "ok"],
            reason=[reason],
            target=[self._target],
            download_bits_per_second=[_rate(down)],
            upload_bits_per_second=[_rate(up)],
            download_bytes=[down.moved if down else None],
            upload_bytes=[up.moved if up else None],
            streams=[self.streams if down else None],
            rtt_idle_seconds=[round(statistics.median(self.idle), 7) if self.idle else None],
            rtt_loaded_seconds=[round(statistics.mean(medians), 7) if medians else None],
            nic_speed_bits_per_second=[self.nic],
            far_end=[self._far_end],
            responsiveness_rounds_per_minute=[round(60 / statistics.mean(every), 1) if every else None],
            retransmitted_segments=[up.retransmitted if up else None],
        )


def _rate(transfer: Transfer | None) -> float | None:
    if transfer is None or transfer.fault is not None or transfer.bits_per_second is None:
        return None
    return float(round(transfer.bits_per_second))
