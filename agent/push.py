"""Reports leave the spool here, and stay there until the pinned collector has signed that it keeps them.

Two lanes, one request in flight: the newest reports first, so that what is shown is live, then the oldest of the
backlog. Waiting is jittered, so that a thousand agents back from one outage do not come at once.
"""

from __future__ import annotations

import random
import secrets
import threading
from typing import NamedTuple, Protocol

import msgspec

from agent import wire
from agent.clock import Clock
from agent.spool import Held, Key, Spool

LIVE_REPORTS = 5
BODY_BYTES = 4 << 20
RECONNECT_SECONDS = 60.0
BACKOFF_BASE_SECONDS = 5.0
BACKOFF_CAP_SECONDS = 300.0
REFUSED_SECONDS = 3600.0
_POISON = {400, 413, 422}
_UNWANTED = {401, 403}


class Unreachable(Exception):
    """No answer of our collector: the network, TLS, a page of somebody else's, a signature that is not the pinned
    key's. Says nothing about the reports."""


class Refused(Exception):
    """An answer that is not an acknowledgement. Permanent for these bytes where ``status`` is 400, 413 or 422."""

    def __init__(self, status: int, reason: str, retry_after_seconds: float = 0.0) -> None:
        super().__init__(f"{status} {reason}")
        self.status = status
        self.reason = reason
        self.retry_after_seconds = retry_after_seconds


class Courier(Protocol):
    """Carries a push to the collector. :class:`agent.transport.Transport` is the one that uses the network."""

    def push(self, push: wire.Push) -> wire.Ack:
        """The verified acknowledgement of this very push. Raises Unreachable or Refused."""


class Standing(NamedTuple):
    """How pushing goes. ``state``: ``ok``, ``waiting`` (backing off) or ``refused`` (401, 403: hourly)."""

    state: str
    reason: str
    accepted: int
    duplicates: int
    rejected: int
    requests: int
    failures: int
    last_success_at: float | None


class Pusher:
    """One agent's way to the collector. :meth:`step` is called by whoever owns the time: a thread, or a simulator."""

    def __init__(
        self, *, agent_id: str, spool: Spool, courier: Courier, clock: Clock, chance: random.Random | None = None
    ) -> None:
        self._agent_id = agent_id
        self._spool = spool
        self._courier = courier
        self._clock = clock
        self._chance = chance or random.Random(secrets.randbits(64))  # noqa: S311 - spreads load, guards nothing
        self._lock = threading.Lock()
        self._failures = 0
        self._not_before = clock.monotonic()
        self._credit = wire.MAX_REPORTS_PER_PUSH
        self._suspects: set[Key] = set()
        self._standing = Standing("ok", "", 0, 0, 0, 0, 0, None)

    @property
    def standing(self) -> Standing:
        return self._standing

    def step(self) -> float | None:
        """Sends at most one request of each lane. Returns the seconds to wait before it is worth calling again
        (0: more is waiting), or None: nothing waits, call when a report is sealed."""
        with self._lock:
            wait = self._not_before - self._clock.monotonic()
            if wait > 0:
                return wait
            live = self._spool.newest(LIVE_REPORTS, skip=self._suspects)
            if not live:
                return self._retry_suspects()
            if not self._send(_fitting(live)):
                return self._not_before - self._clock.monotonic()
            backlog = self._spool.oldest(self._credit, skip=self._suspects)
            if backlog and not self._send(_fitting(backlog)):
                return self._not_before - self._clock.monotonic()
            wait = max(self._not_before - self._clock.monotonic(), 0.0)
            if not backlog:
                return self._retry_suspects()
            return wait

    # --- one request -------------------------------------------------------------------------------------------

    def _send(self, reports: list[Held]) -> bool:
        """True: the collector answered for these, one way or another, and the next request may follow."""
        push = wire.Push(
            request_id=secrets.token_hex(8),
            reports=[wire.Sealed(held.signature, msgspec.Raw(held.report)) for held in reports],
            backlog=max(self._spool.counts().pending - len(reports), 0),
        )
        self._count(requests=1)
        try:
            ack = self._courier.push(push)
        except Unreachable as fault:
            self._back_off(str(fault), 0.0)
            return False
        except Refused as fault:
            return self._take_refusal(fault, reports)
        self._take_ack(ack, reports)
        return True

    def _take_ack(self, ack: wire.Ack, reports: list[Held]) -> None:
        sent = {(held.stream, held.seq) for held in reports}
        kept = {(r.stream, r.seq): r.status for r in ack.results if r.status in {"accepted", "duplicate"}}
        self._spool.acknowledge(kept.keys() & sent, ack.durable_through)
        rejected = 0
        for result in ack.results:
            if result.status == "rejected" and (result.stream, result.seq) in sent:
                self._spool.reject(result.stream, result.seq, f"rejected: {result.reason}")
                rejected += 1
        duplicates = sum(status == "duplicate" for status in kept.values())
        self._failures = 0
        self._credit = min(max(ack.credit, 1), wire.MAX_REPORTS_PER_PUSH) if ack.credit else 1
        self._not_before = self._clock.monotonic() + max(ack.retry_after_seconds, 0.0)
        self._count(accepted=len(kept) - duplicates, duplicates=duplicates, rejected=rejected)
        self._standing = self._standing._replace(state="ok", reason="", last_success_at=self._clock.now())

    def _take_refusal(self, fault: Refused, reports: list[Held]) -> bool:
        if fault.status in _UNWANTED:
            # Revoked, or not yet known: the reports stay, and hourly is soon enough for a person to have decided.
            self._wait("refused", str(fault), max(REFUSED_SECONDS, fault.retry_after_seconds), spread=600.0)
            return False
        if fault.status not in _POISON:
            self._back_off(str(fault), fault.retry_after_seconds)
            return False
        if len(reports) > 1:
            half = len(reports) // 2
            return self._send(reports[:half]) and self._send(reports[half:])
        key = (reports[0].stream, reports[0].seq)
        if key in self._suspects:
            self._spool.reject(*key, f"refused: {fault.reason}")
            self._suspects.discard(key)
            self._count(rejected=1)
        else:
            # Anybody can answer 400. A report is poison only if our collector takes others and refuses it again.
            self._suspects.add(key)
            self._standing = self._standing._replace(reason=str(fault))
        return True

    def _retry_suspects(self) -> float | None:
        """Reports refused once, each alone, now that all others were acknowledged."""
        if not self._suspects:
            return None
        if self._standing.reason or self._standing.last_success_at is None:
            # Nothing was acknowledged since the refusal: the refusal proves nothing. Everything is tried again later.
            self._suspects.clear()
            self._back_off(self._standing.reason, 0.0)
            return self._not_before - self._clock.monotonic()
        for held in self._spool.oldest(wire.MAX_REPORTS_PER_PUSH):
            if (held.stream, held.seq) in self._suspects and not self._send([held]):
                return self._not_before - self._clock.monotonic()
        self._suspects.clear()
        return None

    # --- waiting -----------------------------------------------------------------------------------------------

    def _back_off(self, reason: str, floor: float) -> None:
        self._failures += 1
        if self._failures == 1:
            ceiling = RECONNECT_SECONDS
        else:
            ceiling = min(BACKOFF_CAP_SECONDS, BACKOFF_BASE_SECONDS * 2 ** min(self._failures - 1, 16))
        if floor > 0:
            self._wait("waiting", reason, floor, spread=min(ceiling, max(floor / 2, BACKOFF_BASE_SECONDS)))
        else:
            self._wait("waiting", reason, 0.0, spread=ceiling)

    def _wait(self, state: str, reason: str, floor: float, spread: float) -> None:
        self._count(failures=1)
        self._not_before = self._clock.monotonic() + floor + self._chance.uniform(0.0, spread)
        self._standing = self._standing._replace(state=state, reason=reason)

    def _count(self, **more: int) -> None:
        self._standing = self._standing._replace(**{k: getattr(self._standing, k) + n for k, n in more.items()})


def _fitting(reports: list[Held]) -> list[Held]:
    """As many from the front as one request may hold; always one."""
    size = 0
    for count, held in enumerate(reports):
        size += len(held.report)
        if size > BODY_BYTES and count:
            return reports[:count]
    return reports
