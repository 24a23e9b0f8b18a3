"""Who is asking: an agent's id or an RFC 9421 signature goes in, a known agent or a refusal comes out.

Reports carry their own signatures; every other request of an agent is signed as a request, with a creation time within
300 seconds and a nonce that was not seen before. Keys are kept in memory and follow each change in the store at once.
"""

from __future__ import annotations

import base64
import binascii
import datetime
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from cryptography.exceptions import InvalidSignature as WrongSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from http_message_signatures import (
    HTTPMessageSignaturesException,
    HTTPMessageVerifier,
    HTTPSignatureKeyResolver,
    InvalidSignature,
    algorithms,
)

from agent import wire
from collector.store import Store, agents

CREATED_SECONDS = 300.0
REVOKED_SECONDS = 3.0
_NONCES = 200_000


class Refusal(Exception):
    """An answer other than yes: an HTTP status and the reason, which is also what is counted."""

    def __init__(self, status: int, reason: str, retry_after_seconds: float = 0.0) -> None:
        super().__init__(f"{status} {reason}")
        self.status = status
        self.reason = reason
        self.retry_after_seconds = retry_after_seconds


class KnownAgent(NamedTuple):
    """An enrolled device."""

    id: str
    key: Ed25519PublicKey
    campus: str
    state: str
    simulated: bool


class Directory:
    """Every enrolled agent, in memory. Where other collectors write to the same database it looks again every few
    seconds, so that a revocation there holds here within five."""

    def __init__(self, store: Store, clock: Callable[[], float]) -> None:
        self._store = store
        self._clock = clock
        self._agents: dict[str, KnownAgent] = {}
        self._generation = -1
        self._read_at = 0.0

    def find(self, agent_id: str) -> KnownAgent:
        """Raises Refusal for an agent that is not known or revoked."""
        self._refresh()
        known = self._agents.get(agent_id)
        if known is None:
            raise Refusal(401, "unknown agent")
        if known.state == "revoked":
            raise Refusal(403, "revoked agent")
        return known

    def _refresh(self) -> None:
        generation = self._store.agents_generation
        now = self._clock()
        stale = not self._store.sqlite and not 0 <= now - self._read_at < REVOKED_SECONDS
        if generation == self._generation and not stale:
            return
        with self._store.read() as connection:
            rows = agents.every(connection)
        before = self._agents
        self._agents = {
            row.id: KnownAgent(
                row.id,
                before[row.id].key if row.id in before else Ed25519PublicKey.from_public_bytes(row.public_key),
                row.campus,
                row.state,
                row.simulated,
            )
            for row in rows
        }
        self._generation = generation
        self._read_at = now


def verify(key: Ed25519PublicKey, kind: str, document: bytes, signature: str) -> bool:
    """Whether ``signature`` (base64) over ``document`` is by ``key``; False for anything malformed."""
    try:
        key.verify(base64.b64decode(signature, validate=True), wire.signing_input(kind, document))
    except (WrongSignature, ValueError, binascii.Error):
        return False
    return True


class Message(NamedTuple):
    """The request as the agent signed it. ``headers``: lower-case names."""

    method: str
    url: str
    headers: Mapping[str, str]


class Requests:
    """Checks RFC 9421 signatures of requests."""

    def __init__(self, directory: Directory, clock: Callable[[], float]) -> None:
        self._directory = directory
        self._clock = clock
        self._nonces: OrderedDict[tuple[str, str], float] = OrderedDict()
        self._lock = threading.Lock()

    def agent(self, message: Message, body: bytes) -> KnownAgent:
        """The agent that signed this very request. Raises Refusal."""
        named = message.headers.get("campus-wifi-agent", "")
        if not named or "signature" not in message.headers:
            raise Refusal(401, "unsigned request")
        known = self._directory.find(named)
        verifier = _Verifier(self._clock, known)
        covered = ("@method", "@authority", "@path") + (("content-digest",) if body else ())
        try:
            results = verifier.verify(message, max_age=None, require_components=covered, body=body or None)
        except (HTTPMessageSignaturesException, InvalidSignature, ValueError, KeyError) as fault:
            if verifier.created_is_off:
                raise Refusal(401, "signature created at another time") from None
            raise Refusal(401, "wrong signature") from fault
        nonce = results[0].nonce
        if len(results) != 1 or not isinstance(nonce, str) or not 8 <= len(nonce) <= 128:
            raise Refusal(401, "signature without nonce")
        self._use(known.id, nonce)
        return known

    def _use(self, agent_id: str, nonce: str) -> None:
        now = self._clock()
        with self._lock:
            while self._nonces and (
                len(self._nonces) > _NONCES or now - next(iter(self._nonces.values())) > 2 * CREATED_SECONDS
            ):
                self._nonces.popitem(last=False)
            if (agent_id, nonce) in self._nonces:
                raise Refusal(401, "repeated request")
            self._nonces[agent_id, nonce] = now


class _Verifier(HTTPMessageVerifier):
    """The library's verifier with one key and our clock."""

    def __init__(self, clock: Callable[[], float], known: KnownAgent) -> None:
        super().__init__(signature_algorithm=algorithms.ED25519, key_resolver=_OneKey(known))
        self.created_is_off = False
        self._clock = clock

    def validate_created_and_expires(self, sig_input: Any, max_age: datetime.timedelta | None = None) -> None:
        created = sig_input.params.get("created")
        if type(created) is not int:
            raise InvalidSignature("a signature without a creation time")
        if abs(self._clock() - created) > CREATED_SECONDS:
            self.created_is_off = True
            raise InvalidSignature("a signature of another time")


class _OneKey(HTTPSignatureKeyResolver):
    def __init__(self, known: KnownAgent) -> None:
        self._known = known

    def resolve_public_key(self, key_id: str) -> Ed25519PublicKey:
        if key_id != self._known.id:
            raise InvalidSignature("a signature of another agent")
        return self._known.key
