"""The ingest route: pushed reports go in, and once they are committed a signed acknowledgement comes out.

Raw ASGI, because this is the hot path. Cheap checks come first and bound what the dear ones may cost; nothing of a
refused request is stored, and every refusal is counted by its reason.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

import msgspec
import structlog

from agent import wire
from collector.ingest.authenticate import Directory, KnownAgent, Refusal, verify
from collector.ingest.buckets import Buckets
from collector.ingest.unpack import unpack
from collector.ingest.validate import reason_to_refuse
from collector.metrics import series
from collector.services import Services
from collector.store import Batch, Incoming, Outcome, audit
from collector.store.evidence import pack

AGENT_RATE, AGENT_BURST = 2.0, 120.0
IN_FLIGHT = 4
BODY_SECONDS = 30.0
DRAIN_SECONDS = 2.0
WAITING_BATCHES = 2000
_TYPE = (b"content-type", b"application/json")
log = structlog.get_logger()
_push = msgspec.json.Decoder(wire.Push)


class _StillSending(Refusal):
    """Refused before the whole body had come."""


class Receive:
    """An ASGI application for ``POST /v1/reports`` alone."""

    def __init__(self, services: Services, directory: Directory, *, check_signatures: bool = True) -> None:
        self._store = services.store
        self._clock = services.clock
        self._signer = services.signer
        self._directory = directory
        # Off only in the bench, to tell what the check costs.
        self._check_signatures = check_signatures
        self._buckets = Buckets(AGENT_RATE, AGENT_BURST)
        self._in_flight: dict[str, int] = {}
        self._cloned: set[tuple[str, str]] = set()
        self._requests = series.instrument(services.registry, "campus_wifi_ingest_requests_total")
        self._bytes = series.instrument(services.registry, "campus_wifi_ingest_received_bytes_total")
        self._unknown_keys = series.instrument(services.registry, "campus_wifi_ingest_unknown_keys_total")
        self._commit = series.instrument(services.registry, "campus_wifi_ingest_commit_seconds")
        reports = series.instrument(services.registry, "campus_wifi_ingest_reports_total")
        self._became = {status: reports.labels(status) for status in ("accepted", "duplicate", "rejected")}
        self._rejected = series.instrument(services.registry, "campus_wifi_ingest_rejected_total")
        self._deliver = _Deliver()

    def count_refusal(self, reason: str) -> None:
        self._rejected.labels(reason).inc()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        began = time.perf_counter()
        self._requests.inc()
        try:
            ack = await self._take(scope, receive, began)
        except Refusal as refusal:
            self.count_refusal(refusal.reason)
            if isinstance(refusal, _StillSending):
                await _drain(receive)
            await _refuse(send, refusal)
            return
        signature = self._signer.sign("ack", ack).encode()
        headers = [_TYPE, (b"content-length", b"%d" % len(ack)), (b"campus-wifi-signature", signature)]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": ack})

    async def _take(self, scope: Any, receive: Any, began: float) -> bytes:
        if scope["method"] != "POST":
            raise Refusal(405, "method")
        headers = dict(scope["headers"])
        if headers.get(b"content-type", b"").partition(b";")[0].strip() != b"application/json":
            raise Refusal(415, "content type")
        length = headers.get(b"content-length", b"")
        if length and (not length.isdigit() or int(length) > wire.MAX_WIRE_BYTES):
            raise _StillSending(413, "body too long")
        sender = self._directory.find(headers.get(b"campus-wifi-agent", b"").decode("latin-1"))
        wait = self._buckets.take(sender.id, began)
        if wait > 0:
            raise Refusal(429, "too many requests", wait)
        if self._store.writer.waiting() > WAITING_BATCHES:
            raise Refusal(429, "collector busy", 30.0)
        if self._in_flight.get(sender.id, 0) >= IN_FLIGHT:
            raise Refusal(429, "too many requests at once", 5.0)
        self._in_flight[sender.id] = self._in_flight.get(sender.id, 0) + 1
        try:
            body = await _body(receive)
            self._bytes.inc(len(body))
            push, batch, refused = self._read(sender, unpack(body, _encoding(headers)))
            outcome = await self._keep(batch) if batch.reports else Outcome([], {}, "")
        finally:
            left = self._in_flight[sender.id] - 1
            if left:
                self._in_flight[sender.id] = left
            else:
                del self._in_flight[sender.id]
        self._commit.observe(time.perf_counter() - began)
        return self._acknowledge(sender, push, outcome, refused)

    def _read(self, sender: KnownAgent, document: bytes) -> tuple[wire.Push, Batch, list[wire.Result]]:
        try:
            push = _push.decode(document)
        except (msgspec.MsgspecError, ValueError, RecursionError) as fault:
            raise Refusal(400, "wrong body") from fault
        good: list[Incoming] = []
        refused: list[wire.Result] = []
        for sealed in push.reports:
            data = bytes(sealed.report)
            if self._check_signatures and not verify(sender.key, "report", data, sealed.signature):
                refused.append(_named(data, "wrong signature"))
                continue
            try:
                report, unknown = wire.decode_report(data)
            except wire.WireError as fault:
                refused.append(_named(data, f"wrong report: {fault.reason}"))
                continue
            reason = reason_to_refuse(report, sender)
            if reason:
                refused.append(wire.Result(report.stream, report.seq, "rejected", reason))
                continue
            if unknown:
                self._unknown_keys.inc(unknown)
            good.append(Incoming(report, wire.digest(data), sealed.signature, pack(data)))
        if not good:
            # Nothing of it can be kept: an error, so that a sender that mixed up its own bytes looks at them again.
            self._became["rejected"].inc(len(refused))
            raise Refusal(422, refused[0].reason)
        return push, Batch(sender.id, good, self._clock(), push.backlog), refused

    async def _keep(self, batch: Batch) -> Outcome:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Outcome] = loop.create_future()

        def answer(outcome: Outcome | None, fault: BaseException | None) -> None:
            if future.done():
                return
            if outcome is None:
                future.set_exception(fault or RuntimeError("not kept"))
            else:
                future.set_result(outcome)

        try:
            self._store.submit_for(batch, answer, self._deliver.bind(loop))
            return await future
        except asyncio.CancelledError:
            raise
        except Exception as fault:
            raise Refusal(503, "store unavailable", 10.0) from fault

    def _acknowledge(self, sender: KnownAgent, push: wire.Push, outcome: Outcome, refused: list[wire.Result]) -> bytes:
        for result in outcome.results:
            self._became[result.status].inc()
            if result.status == "rejected":
                self.count_refusal("cloned device")
        for result in refused:
            self._became["rejected"].inc()
            self.count_refusal(result.reason.partition(":")[0])
        if outcome.cloned:
            self._report_clone(sender.id, outcome.cloned)
        waiting = self._store.writer.waiting()
        ack = wire.Ack(
            request_id=push.request_id,
            agent=sender.id,
            results=outcome.results + refused,
            durable_through=outcome.through,
            server_at=self._clock(),
            credit=wire.MAX_REPORTS_PER_PUSH if waiting < 64 else 5,
        )
        return wire.encode(ack)

    def _report_clone(self, agent_id: str, detail: str) -> None:
        if (agent_id, detail) in self._cloned:
            return
        if len(self._cloned) < 10_000:
            self._cloned.add((agent_id, detail))
        now = self._clock()
        log.warning("cloned device: two devices use one key; revoke it and enroll both", agent=agent_id, detail=detail)
        self._store.write(lambda c: audit.write(c, now, "collector", "cloned device", agent_id, detail))


class _Deliver:
    """Takes the answers of a whole commit to the event loop with one wake-up."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None

    def __call__(self, answers: list[tuple[Any, Outcome | None, BaseException | None]]) -> None:
        assert self._loop is not None
        self._loop.call_soon_threadsafe(_answer_all, answers)

    def bind(self, loop: asyncio.AbstractEventLoop) -> _Deliver:
        self._loop = loop
        return self


def _answer_all(answers: list[tuple[Any, Outcome | None, BaseException | None]]) -> None:
    for answer, outcome, fault in answers:
        answer(outcome, fault)


def _named(data: bytes, reason: str) -> wire.Result:
    """The result of a report that is not to be trusted: it is named as it names itself."""
    try:
        name = msgspec.json.decode(data, type=_Name)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        name = _Name()
    return wire.Result(name.stream[:32], name.seq, "rejected", reason[:200])


class _Name(msgspec.Struct):
    stream: str = ""
    seq: int = 0


def _encoding(headers: dict[bytes, bytes]) -> str:
    return headers.get(b"content-encoding", b"").decode("latin-1").strip().lower()


async def _body(receive: Any) -> bytes:
    message = await receive()
    if message["type"] == "http.request" and not message.get("more_body"):
        return _bounded(message.get("body", b""))
    parts = []
    size = 0
    try:
        async with asyncio.timeout(BODY_SECONDS):
            while True:
                if message["type"] == "http.disconnect":
                    raise Refusal(400, "request broken off")
                part = message.get("body", b"")
                size += len(part)
                if size > wire.MAX_WIRE_BYTES:
                    raise _StillSending(413, "body too long")
                parts.append(part)
                if not message.get("more_body"):
                    return b"".join(parts)
                message = await receive()
    except TimeoutError:
        raise Refusal(408, "request too slow") from None


def _bounded(body: bytes) -> bytes:
    if len(body) > wire.MAX_WIRE_BYTES:
        raise Refusal(413, "body too long")
    return body


async def _drain(receive: Any) -> None:
    """Lets a sender that is only a little too long finish, so that it hears why; one that goes on is cut off."""
    size = 0
    try:
        async with asyncio.timeout(DRAIN_SECONDS):
            while size <= 4 * wire.MAX_WIRE_BYTES:
                message = await receive()
                size += len(message.get("body", b""))
                if message["type"] == "http.disconnect" or not message.get("more_body"):
                    return
    except TimeoutError:
        return


async def _refuse(send: Any, refusal: Refusal) -> None:
    body = msgspec.json.encode({"error": refusal.reason})
    headers = [_TYPE, (b"content-length", b"%d" % len(body))]
    if refusal.retry_after_seconds > 0:
        headers.append((b"retry-after", b"%d" % max(round(refusal.retry_after_seconds + 0.5), 1)))
    if refusal.status == 408:
        headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": refusal.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


wire.learn(_Name)
