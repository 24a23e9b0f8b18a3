"""The agent's way to its collector: documents go in, verified answers come out. The one importer of httpx.

Certificate checks are never off, answers are read up to a bound, nothing is followed or unpacked, and what matters
(plan, lease, acknowledgement) counts only if the collector key pinned at enrollment signed it.
"""

from __future__ import annotations

import base64
import hashlib
import math
import secrets
import ssl
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import zstandard
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from http_message_signatures import HTTPMessageSigner, HTTPSignatureKeyResolver, algorithms

from agent import wire
from agent.clock import Clock
from agent.identity import Identity, verify
from agent.lease import Leave, proof
from agent.push import Refused, Unreachable

# httpx offers a command of its own, which would bring rich and click into every agent: 6 MiB that nothing here uses.
sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]
import httpx  # noqa: E402

Client = httpx.Client
TIMEOUT = httpx.Timeout(connect=5.0, read=15.0, write=15.0, pool=5.0)
ANSWER_SECONDS = 30.0
ANSWER_BYTES = 256 << 10
PLAN_BYTES = 2 << 20
_NO_CHECK_TIME = 0x200000
_COVERED = ("@method", "@authority", "@path")


class Answer(NamedTuple):
    """Status, headers and at most the agreed number of bytes."""

    status: int
    headers: httpx.Headers
    body: bytes


def tls_context(ca_file: Path | None, clock: Clock) -> ssl.SSLContext:
    """Trust in our CA alone where there is one, else in the system's. While nobody vouches for this device's clock,
    certificate dates are left to :meth:`Transport._check_dates`: a device that boots in 1970 must still connect."""
    if ca_file is None:
        return ssl.create_default_context()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_verify_locations(cafile=ca_file)
    if clock.reading().state != "synced":
        context.verify_flags |= _NO_CHECK_TIME
    return context


def client(ca_file: Path | None, clock: Clock) -> httpx.Client:
    """A connection pool that may be shared by many agents of one collector."""
    return httpx.Client(
        verify=tls_context(ca_file, clock),
        timeout=TIMEOUT,
        follow_redirects=False,
        trust_env=False,
        headers={"Accept-Encoding": "identity", "User-Agent": "campus-wifi-agent"},
        limits=httpx.Limits(max_connections=8, max_keepalive_connections=4, keepalive_expiry=70),
    )


class Transport:
    """One agent's requests. ``collector_key`` None (before enrollment): only :meth:`enroll` may be called."""

    def __init__(
        self,
        collector: str,
        *,
        identity: Identity,
        clock: Clock,
        http: httpx.Client,
        collector_key: bytes | None = None,
    ) -> None:
        self._collector = httpx.URL(collector.rstrip("/") + "/")
        self._identity = identity
        self._clock = clock
        self._http = http
        self._collector_key = collector_key
        self._signer = HTTPMessageSigner(
            signature_algorithm=algorithms.ED25519, key_resolver=_OwnKey(identity.private_key)
        )

    def enroll(self, request: wire.EnrollRequest) -> wire.EnrollReply:
        """Raises Refused (the token is no good) or Unreachable."""
        sent_at = self._clock.monotonic()
        answer = self._ask("POST", "v1/enroll", body=wire.encode(request))
        reply = _decode(answer, wire.EnrollReply)
        self._clock.learn(reply.server_at, self._clock.monotonic() - sent_at)
        return reply

    def plan(self, etag: str | None) -> bytes | None:
        """The signed plan's bytes as received, or None where the collector has none newer than ``etag``."""
        headers = {"If-None-Match": f'"{etag}"'} if etag else {}
        answer = self._ask_signed("GET", "v1/plan", headers=headers, bound=PLAN_BYTES)
        return None if answer.status == 304 else answer.body

    def push(self, push: wire.Push) -> wire.Ack:
        """The acknowledgement of this push, signed by the pinned key; all else raises."""
        sent_at = self._clock.monotonic()
        body = zstandard.ZstdCompressor(3).compress(wire.encode(push))
        headers = {"Content-Encoding": "zstd", "Campus-Wifi-Agent": self._identity.id}
        answer = self._ask("POST", "v1/reports", body=body, headers=headers)
        signature = answer.headers.get("Campus-Wifi-Signature", "")
        if self._collector_key is None or not verify(self._collector_key, "ack", answer.body, signature):
            raise Unreachable("an answer that our collector did not sign (a captive portal or a filter?)")
        ack = _decode(answer, wire.Ack)
        if ack.request_id != push.request_id or ack.agent != self._identity.id:
            raise Unreachable("an acknowledgement of another request")
        self._clock.learn(ack.server_at, self._clock.monotonic() - sent_at)
        return ack

    def lease(self, request: wire.LeaseRequest) -> Leave:
        """Leave for one throughput test, or its refusal; signed by the pinned key."""
        answer = self._ask_signed("POST", "v1/leases", body=wire.encode(request))
        signed = _decode(answer, wire.Signed)
        lease = self._verified(signed, "lease", wire.Lease)
        if lease.agent != self._identity.id:
            raise Unreachable("a lease for another agent")
        return Leave(lease, proof(signed))

    def _verified(self, signed: wire.Signed, kind: str, document: type[wire.Document]) -> wire.Document:
        data = bytes(signed.document)
        if self._collector_key is None or not verify(self._collector_key, kind, data, signed.signature):
            raise Unreachable(f"a {kind} that our collector did not sign")
        try:
            return wire.decode(data, document)
        except wire.WireError as fault:
            raise Unreachable(f"a {kind} of the wrong shape: {fault}") from None

    # --- one request -------------------------------------------------------------------------------------------

    def _ask_signed(
        self,
        method: str,
        path: str,
        *,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        bound: int = ANSWER_BYTES,
    ) -> Answer:
        """A request under RFC 9421. On 401 the clock may be at fault: the collector's time is asked, once."""
        created = self._clock.now()
        for again in (False, True):
            signed = {"Campus-Wifi-Agent": self._identity.id, **(headers or {})}
            covered: tuple[str, ...] = _COVERED
            if body is not None:
                digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
                signed["Content-Digest"] = f"sha-256=:{digest}:"
                covered = (*_COVERED, "content-digest")
            message = _Message(method, str(self._collector.join(path)), signed)
            self._signer.sign(
                message,
                key_id=self._identity.id,
                created=datetime.fromtimestamp(created, UTC),
                nonce=secrets.token_hex(16),
                label="sig1",
                covered_component_ids=covered,
                use_existing_digest=body is not None,
            )
            try:
                return self._ask(method, path, body=body, headers=message.headers, bound=bound)
            except Refused as fault:
                if fault.status != 401 or again:
                    raise
                created = self._server_time()
        raise AssertionError("unreachable")

    def _server_time(self) -> float:
        answer = self._ask("GET", "v1/time")
        return _decode(answer, _Time).server_at

    def _ask(
        self,
        method: str,
        path: str,
        *,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        bound: int = ANSWER_BYTES,
    ) -> Answer:
        """Raises Unreachable unless the answer can be our collector's, Refused where it says no."""
        sent = dict(headers or {})
        if body is not None:
            sent["Content-Type"] = "application/json"
        until = self._clock.monotonic() + ANSWER_SECONDS
        try:
            with self._http.stream(method, self._collector.join(path), content=body, headers=sent) as response:
                self._check_dates(response)
                parts: list[bytes] = []
                size = 0
                for part in response.iter_raw(16 << 10):
                    size += len(part)
                    if size > bound:
                        raise Unreachable(f"an answer longer than {bound} bytes")
                    if self._clock.monotonic() > until:
                        raise Unreachable(f"an answer slower than {ANSWER_SECONDS:.0f} s")
                    parts.append(part)
                answer = Answer(response.status_code, response.headers, b"".join(parts))
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, ssl.SSLError, OSError) as fault:
            raise Unreachable(f"{self._collector}: {type(fault).__name__}: {fault}"[:200]) from None
        if answer.status in {200, 304}:
            return answer
        if 300 <= answer.status < 400:
            raise Unreachable(f"redirected to {answer.headers.get('Location', 'nowhere')} (a captive portal?)"[:200])
        raise _refusal(answer)

    def _check_dates(self, response: httpx.Response) -> None:
        stream = response.extensions.get("network_stream")
        tls = stream.get_extra_info("ssl_object") if stream is not None else None
        if tls is None or self._clock.reading().state == "unknown":
            return
        certificate = tls.getpeercert()
        now = self._clock.now()
        begin, end = (ssl.cert_time_to_seconds(certificate[key]) for key in ("notBefore", "notAfter"))
        if not begin <= now <= end:
            raise Unreachable("the collector's certificate is not valid today; renew it on the collector")


class _Time(msgspec.Struct):
    server_at: float


class _Error(msgspec.Struct):
    error: str = ""


class _Message:
    """What the RFC 9421 library signs."""

    def __init__(self, method: str, url: str, headers: dict[str, str]) -> None:
        self.method = method
        self.url = url
        self.headers = headers


class _OwnKey(HTTPSignatureKeyResolver):
    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key

    def resolve_private_key(self, _key_id: str) -> Any:
        return self._key

    def resolve_public_key(self, _key_id: str) -> Any:
        return self._key.public_key()


def _decode(answer: Answer, kind: type[wire.Document]) -> wire.Document:
    try:
        return wire.decode(answer.body, kind)
    except wire.WireError:
        raise Unreachable("an answer that is not our collector's (a captive portal or a filter?)") from None


def _refusal(answer: Answer) -> Refused | Unreachable:
    try:
        reason = msgspec.json.decode(answer.body, type=_Error).error
    except msgspec.MsgspecError:
        reason = ""
    retry = _retry_after(answer.headers.get("Retry-After", ""))
    if not reason and answer.status not in {429, 503}:
        # Our collector always says why; a filter's block page does not.
        return Unreachable(f"status {answer.status} without a reason")
    return Refused(answer.status, reason[:200] or "busy", retry)


def _retry_after(value: str) -> float:
    """Seconds, from either form of the header. Bounded: nobody may silence an agent for a week."""
    try:
        seconds = float(value)
    except ValueError:
        try:
            seconds = (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds()
        except (ValueError, TypeError):
            return 0.0
    return min(max(seconds, 0.0), 3600.0) if math.isfinite(seconds) else 0.0


wire.learn(_Error)
