"""Leave for throughput tests: one at a time on a campus, no more bytes in its day than it can spare, none while pupils
sit state tests or the air is full.

A lease names its own bounds and carries a mark that only this collector can make, so the process that serves the bytes
needs no database.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import NamedTuple

from sqlalchemy import Connection

from agent import wire
from collector.agents.inventories import Inventories
from collector.holding import DEFAULT_TIMEZONE
from collector.ingest.authenticate import KnownAgent
from collector.judgement.day_record import day_bounds, local_day
from collector.services import Services
from collector.store import leases
from collector.throughput import blocked

MAX_BYTES = 200_000_000
MAX_SECONDS = 15.0
# Above this a channel has no room for a test beside a lesson; the agent says what its access point told (BSS Load).
BUSY_AIR_RATIO = 0.5
BUSY_AIR_SECONDS = 600.0
# Down, then up, and the time to begin each.
MARGIN_SECONDS = 5.0
PURPOSE = "lease"
_MARK_CHARACTERS = 24


class Bounds(NamedTuple):
    """What a lease allows, in each direction."""

    expires_at: float
    max_bytes: int


class Leases:
    """Answers ``POST /v1/leases``. Blocking: called in a thread."""

    def __init__(self, services: Services, inventories: Inventories) -> None:
        self._services = services
        self._inventories = inventories
        self._secret = services.signer.secret(PURPOSE)

    def ask(self, sender: KnownAgent, request: wire.LeaseRequest) -> wire.Lease:
        now = self._services.clock()
        timezone = self._timezone(sender.campus, now)
        return self._services.store.write(lambda c: self._grant(c, sender, request, now, timezone)).result()

    def _timezone(self, campus: str, now: float) -> str:
        with self._services.store.read() as connection:
            held = self._inventories.held(connection, now)
        known = held.inventory.campuses.get(campus) if held else None
        return known.timezone if known else held.timezone if held else DEFAULT_TIMEZONE

    def _grant(
        self, connection: Connection, sender: KnownAgent, request: wire.LeaseRequest, now: float, timezone: str
    ) -> wire.Lease:
        config = self._services.config
        most_bytes = min(request.max_bytes, MAX_BYTES)
        most_seconds = min(request.max_seconds, MAX_SECONDS)
        expires = now + 2 * most_seconds + MARGIN_SECONDS
        if sender.state != "approved":
            return _refused(sender, now + 3600, "pending: this agent is not approved yet")
        block = blocked.until(config.blocked, sender.campus, timezone, now)
        if block is not None:
            return _refused(sender, block[0], f"blocked: {block[1]}")
        running = leases.running(connection, sender.campus, now)
        if running is not None:
            if running.agent == sender.id and running.request_id == request.request_id:
                return _granted(sender, running.lease, now, Bounds(running.expires_at, running.max_bytes), most_seconds)
            return _refused(sender, running.expires_at, "busy: another test runs on this campus")
        midnight, next_midnight = day_bounds(local_day(now, timezone), timezone)
        used = leases.bytes_since(connection, sender.campus, midnight)
        if 2 * (used + most_bytes) > config.campus_bytes_per_day:
            return _refused(sender, next_midnight, "busy: this campus has used its bytes of the day")
        if (request.air_utilization_ratio or 0.0) > BUSY_AIR_RATIO:
            return _refused(sender, now + BUSY_AIR_SECONDS, "busy: air")
        bounds = Bounds(expires, most_bytes)
        name = issue(self._secret, bounds)
        leases.keep(
            connection,
            leases.Granted(name, sender.id, sender.campus, request.request_id, now, expires, most_bytes),
        )
        return _granted(sender, name, now, bounds, most_seconds)


def issue(secret: bytes, bounds: Bounds) -> str:
    """A lease's name: a random number, its end, its bytes, and the mark over them."""
    text = f"{secrets.token_hex(8)}-{int(bounds.expires_at):x}-{bounds.max_bytes:x}"
    return f"{text}-{_mark(secret, text)}"


def bounds_of(secret: bytes, name: str) -> Bounds | None:
    """What the lease allows, or None where this collector did not issue it."""
    text, _, mark = name.rpartition("-")
    if not hmac.compare_digest(_mark(secret, text).encode(), mark.encode()):
        return None
    _, expires, most = text.split("-")
    return Bounds(float(int(expires, 16)), int(most, 16))


def _mark(secret: bytes, text: str) -> str:
    return hmac.new(secret, text.encode(), hashlib.sha256).hexdigest()[:_MARK_CHARACTERS]


def _granted(sender: KnownAgent, name: str, now: float, bounds: Bounds, most_seconds: float) -> wire.Lease:
    return wire.Lease(name, sender.id, True, now, bounds.expires_at, bounds.max_bytes, most_seconds)


def _refused(sender: KnownAgent, again_at: float, reason: str) -> wire.Lease:
    return wire.Lease("", sender.id, False, again_at, again_at, 0, 0.0, reason)
