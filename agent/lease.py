"""A lease as it goes from hand to hand: the collector signs it, the agent shows it, a reflector on campus admits it.

The collector's own throughput service knows a lease by its name. A reflector shares no secret with the collector, so
it is shown the signed document, and checks it with the key pinned at its own enrollment.
"""

from __future__ import annotations

import base64
import binascii
from typing import NamedTuple

from agent import wire
from agent.identity import verify

NAME_HEADER = "Campus-Wifi-Lease"
PROOF_HEADER = "Campus-Wifi-Lease-Proof"
_MAX_CHARACTERS = 4096


class Leave(NamedTuple):
    """``proof``: the lease as the collector signed it, in a form that fits a header."""

    lease: wire.Lease
    proof: str


class NotAdmitted(Exception):
    """A lease that opens nothing. ``status`` is HTTP's."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


def proof(signed: wire.Signed) -> str:
    """The document and its signature, each in base64."""
    return f"{base64.b64encode(bytes(signed.document)).decode()}.{signed.signature}"


def headers(lease: wire.Lease, shown: str) -> dict[str, str]:
    """What a throughput service is shown. Each kind of service reads its own header."""
    return {NAME_HEADER: lease.lease} | ({PROOF_HEADER: shown} if shown else {})


def admit(collector_key: bytes, shown: str, now: float) -> wire.Lease:
    """The lease that ``shown`` proves, granted and not over. Raises NotAdmitted."""
    document, _, signature = shown.partition(".")
    if not shown or len(shown) > _MAX_CHARACTERS:
        raise NotAdmitted(401, "no lease")
    try:
        data = base64.b64decode(document, validate=True)
    except (ValueError, binascii.Error):
        raise NotAdmitted(401, "no lease") from None
    if not verify(collector_key, "lease", data, signature):
        raise NotAdmitted(401, "a lease that our collector did not sign")
    try:
        lease = wire.decode(data, wire.Lease)
    except wire.WireError:
        raise NotAdmitted(401, "a lease of the wrong shape") from None
    if not lease.granted:
        raise NotAdmitted(403, "a lease that was refused")
    if lease.expires_at <= now:
        raise NotAdmitted(403, "lease is over")
    return lease
