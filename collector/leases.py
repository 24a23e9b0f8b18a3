"""Leave for throughput tests: one at a time on a campus, and no more bytes a day than a campus can spare.

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
from collector.authenticate import KnownAgent
from collector.services import Services
from collector.store import leases

MAX_BYTES = 200_000_000
MAX_SECONDS = 15.0
BYTES_PER_DAY = 4_000_000_000
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

    def __init__(self, services: Services) -> None:
        self._services = services
        self._secret = services.signer.secret(PURPOSE)

    def ask(self, sender: KnownAgent, request: wire.LeaseRequest) -> wire.Lease:
        now = self._services.clock()
        return self._services.store.write(lambda c: self._grant(c, sender, request, now)).result()

    def _grant(self, connection: Connection, sender: KnownAgent, request: wire.LeaseRequest, now: float) -> wire.Lease:
        most_bytes = min(request.max_bytes, MAX_BYTES)
        most_seconds = min(request.max_seconds, MAX_SECONDS)
        expires = now + 2 * most_seconds + MARGIN_SECONDS
        if sender.state != "approved":
            return _refused(sender, now + 3600, "pending: this agent is not approved yet")
        running = leases.running(connection, sender.campus, now)
        if running is not None:
            if running.agent == sender.id and running.request_id == request.request_id:
                return _granted(sender, running.lease, now, Bounds(running.expires_at, running.max_bytes), most_seconds)
            return _refused(sender, running.expires_at, "busy: another test runs on this campus")
        used = leases.bytes_since(connection, sender.campus, now - 86400)
        if 2 * (used + most_bytes) > BYTES_PER_DAY:
            return _refused(sender, now + 3600, "busy: this campus has used its bytes of the day")
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
