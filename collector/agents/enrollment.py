"""Enrollment: a token and a key that proves itself go in, a known agent comes out.

The claim is one conditional write, and the same key may ask again and again: a lost answer never burns a token, and of
many keys that race for one place exactly one wins.
"""

from __future__ import annotations

import base64
import binascii

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import Connection

from agent import wire
from collector.agents.inventories import Inventories
from collector.ingest.authenticate import Refusal, verify
from collector.services import Services
from collector.store import agents, audit, tokens

REAL_AT_SIMULATED = "campus is simulated"
SIMULATED_AT_REAL = "campus is real"


class Enrollment:
    """Answers ``POST /v1/enroll``. Blocking: called in a thread."""

    def __init__(self, services: Services, inventories: Inventories) -> None:
        self._services = services
        self._inventories = inventories

    def enroll(self, request: wire.EnrollRequest) -> wire.EnrollReply:
        """Raises Refusal."""
        public = _public_key(request)
        if not tokens.is_well_formed(request.token):
            raise Refusal(401, "token is not well formed")
        agent_id = wire.fingerprint(public)
        now = self._services.clock()
        known = self._services.store.write(lambda c: self._claim(c, request, public, agent_id, now)).result()
        return wire.EnrollReply(
            agent=known.id,
            campus=known.campus,
            state="approved" if known.state == "approved" else "pending",
            collector_key=base64.b64encode(self._services.signer.public_key).decode(),
            server_at=self._services.clock(),
        )

    def _claim(
        self, connection: Connection, request: wire.EnrollRequest, public: bytes, agent_id: str, now: float
    ) -> agents.Agent:
        digest = tokens.digest(request.token)
        token = tokens.find(connection, digest)
        if token is None:
            raise Refusal(401, "token unknown")
        known = agents.find(connection, agent_id)
        if known is not None:
            if known.state == "revoked":
                raise Refusal(403, "revoked agent")
            # The same key again: whether its answer was lost or its disk restored, it is who it was.
            return known
        if token.expires_at <= now:
            raise Refusal(401, "token expired")
        if self._inventories.is_simulated(connection, token.campus, now) != request.simulated:
            raise Refusal(403, SIMULATED_AT_REAL if request.simulated else REAL_AT_SIMULATED)
        if not tokens.claim(connection, digest, now):
            raise Refusal(409, "token used up")
        values = {
            "id": agent_id,
            "public_key": public,
            "campus": token.campus,
            "state": "pending",
            "name": request.name,
            "simulated": request.simulated,
            "version": request.agent_version,
            "token": digest,
            "created_at": now,
        }
        made = agents.enroll(connection, values)
        audit.write(connection, now, "collector", "agent enrolled", agent_id, f"campus {token.campus}")
        if token.auto_approve or self._services.config.auto_approve:
            slot_seconds = self._services.store.writer.slot_seconds
            made = agents.approve(connection, agent_id, token.place, "token", now, slot_seconds)
        return made


def _public_key(request: wire.EnrollRequest) -> bytes:
    try:
        public = base64.b64decode(request.public_key, validate=True)
        key = Ed25519PublicKey.from_public_bytes(public)
    except (ValueError, binascii.Error):
        raise Refusal(400, "public key is not Ed25519") from None
    if not verify(key, "enroll", request.token.encode() + b"\n" + public, request.proof):
        raise Refusal(401, "wrong proof of the key")
    return public
