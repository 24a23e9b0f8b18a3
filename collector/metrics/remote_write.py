"""Placed evidence goes in, a Prometheus has its samples at their true times: remote write 1.0 from a durable cursor.

The cursor moves only after the receiver took a batch, so an outage on either side back-fills. What the receiver
refuses for good is passed over, report by report, and counted; a receiver that is not there, or not one, is waited
for.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from typing import Any, Protocol

import structlog
import zstandard
from prometheus_client import CollectorRegistry

from agent import wire
from collector.metrics import prompb, series
from collector.store import evidence, outbox
from collector.store.outbox import Backlog, Waiting
from collector.transport import Client, Unreachable

log = structlog.get_logger()

REPORTS_PER_REQUEST = 16
FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS = 0.5, 30.0
IDLE_SECONDS = 1.0
# A 4xx that judges the samples. Any other says that this is not (yet) a receiver for us: no reason to drop anything.
_REFUSED = frozenset({400, 409, 413, 422})
_HEADERS = {
    "Content-Encoding": "snappy",
    "Content-Type": "application/x-protobuf",
    "X-Prometheus-Remote-Write-Version": "0.1.0",
    "User-Agent": "campus-wifi-collector",
}


class Outbox(Protocol):
    """Where waiting reports come from; ``advance`` is durable when it returns."""

    def take(self, limit: int) -> list[Waiting]: ...
    def advance(self, position: int) -> None: ...
    def backlog(self) -> Backlog: ...


class StoreOutbox:
    """The outbox of a store."""

    def __init__(self, store: Any) -> None:
        self._store = store
        with store.read() as connection:
            self._position = outbox.position(connection)

    def take(self, limit: int) -> list[Waiting]:
        with self._store.read() as connection:
            return outbox.after(connection, self._position, limit)

    def advance(self, position: int) -> None:
        self._store.write(lambda connection: outbox.advance(connection, position)).result()
        self._position = position

    def backlog(self) -> Backlog:
        with self._store.read() as connection:
            return outbox.backlog(connection, self._position)


class Forwarder:
    """Forwards what waits. ``step`` does one request; ``start`` runs steps in a thread until ``stop``."""

    def __init__(
        self,
        source: Outbox,
        url: str,
        registry: CollectorRegistry,
        *,
        now: Callable[[], float] = time.time,
        client: Client | None = None,
        chance: random.Random | None = None,
    ) -> None:
        self._outbox = source
        self._url = url
        self._now = now
        self._client = client or Client()
        self._chance = chance or random.Random()  # noqa: S311  spreads retries, hides nothing
        self._encoder = prompb.Encoder()
        self._failures = 0
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._samples = series.instrument(registry, "campus_wifi_remote_write_samples_total")
        self._requests = series.instrument(registry, "campus_wifi_remote_write_requests_total")
        self._refused = series.instrument(registry, "campus_wifi_remote_write_refused_reports_total")
        self._pending = series.instrument(registry, "campus_wifi_remote_write_pending_reports")
        self._lag = series.instrument(registry, "campus_wifi_remote_write_lag_seconds")

    def start(self) -> None:
        self._thread = threading.Thread(target=self._run, name="remote-write", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """New evidence stands: forward it now rather than at the next look."""
        self._wake.set()

    def stop(self) -> None:
        self._stopping.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join(timeout=10)
        self._client.close()

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                wait = self.step()
            except Exception as fault:  # the thread outlives whatever one batch brings: the cursor has not moved
                log.error("remote write: cannot forward, trying again", fault=repr(fault))
                wait = self._back_off()
            if wait and not self._stopping.is_set():
                # A receiver that rests is not hurried by new evidence; only an idle forwarder is woken by it.
                (self._stopping if self._failures else self._wake).wait(wait)
                self._wake.clear()

    def step(self) -> float:
        """Forwards one batch. Returns the seconds to wait before the next step; 0: more may wait."""
        batch = self._outbox.take(REPORTS_PER_REQUEST)
        self._measure_backlog()
        if not batch:
            self._failures = 0
            return IDLE_SECONDS
        status, retry_after = self._send(batch)
        if status in _REFUSED:
            return self._one_by_one(batch)
        if not 200 <= status < 300:
            return self._back_off(retry_after)
        self._failures = 0
        self._outbox.advance(batch[-1].position)
        return 0.0

    def _one_by_one(self, batch: list[Waiting]) -> float:
        """Finds the reports that the receiver refuses, so that they cost no other report its place."""
        for waiting in batch:
            status, retry_after = self._send([waiting])
            if status in _REFUSED:
                self._refused.inc()
                log.warning(
                    "remote write: the receiver refused samples of a report for good",
                    position=waiting.position,
                    agent=waiting.agent,
                    start_at=waiting.start_at,
                    status=status,
                )
            elif not 200 <= status < 300:
                return self._back_off(retry_after)
            self._outbox.advance(waiting.position)
        self._failures = 0
        return 0.0

    def _send(self, batch: list[Waiting]) -> tuple[int, float]:
        """The status of the answer (0: none came) and how long the receiver asks us to rest."""
        bodies = []
        samples = 0
        for waiting in sorted(batch, key=lambda w: w.start_at):
            report = _report(waiting)
            if report is None:
                self._refused.inc()
                continue
            origin = prompb.Origin(waiting.campus, waiting.place, waiting.simulated)
            encoded = self._encoder.encode(report, waiting.start_at, origin)
            bodies.append(encoded.body)
            samples += encoded.samples
        if not samples:
            return 204, 0.0
        try:
            answer = self._client.request("POST", self._url, content=prompb.compress(bodies), headers=_HEADERS)
        except Unreachable as fault:
            self._requests.labels("unreachable").inc()
            if not self._failures:
                log.warning("remote write: no answer; kept, and tried again", url=self._url, fault=str(fault))
            return 0, 0.0
        outcome = "taken" if answer.is_success else str(answer.status)
        self._requests.labels(outcome).inc()
        if answer.is_success:
            self._samples.inc(samples)
        elif not self._failures:
            log.warning("remote write: not taken", url=self._url, status=answer.status, answer=answer.said())
        return answer.status, _seconds(answer.headers.get("retry-after", ""))

    def _back_off(self, asked: float = 0.0) -> float:
        """Full jitter over a doubling ceiling: collectors of one receiver do not return together."""
        ceiling = min(LONGEST_WAIT_SECONDS, FIRST_WAIT_SECONDS * 2 ** min(self._failures, 10))
        self._failures += 1
        return max(asked, self._chance.uniform(ceiling / 2, ceiling))

    def _measure_backlog(self) -> None:
        backlog = self._outbox.backlog()
        self._pending.set(backlog.reports)
        oldest = backlog.oldest_received_at
        self._lag.set(0.0 if oldest is None else max(0.0, self._now() - oldest))


def _report(waiting: Waiting) -> wire.Report | None:
    """None for evidence that cannot be read (a damaged disk): it must not stop what stands behind it."""
    try:
        return wire.decode_report(evidence.unpack(waiting.body))[0]
    except (wire.WireError, zstandard.ZstdError) as fault:
        log.error("remote write: evidence cannot be read", position=waiting.position, fault=str(fault)[:200])
        return None


def _seconds(retry_after: str) -> float:
    """Retry-After in seconds; a date there is rare enough to be read as none. Bounded: a receiver cannot stop us."""
    return min(float(retry_after), 600.0) if retry_after.isdigit() else 0.0


def start(services: Any) -> Forwarder | None:
    """The running forwarder of a collector, or None where no receiver is configured."""
    url = services.config.remote_write_url
    if not url:
        return None
    forwarder = Forwarder(StoreOutbox(services.store), url, services.registry)
    forwarder.start()
    return forwarder
