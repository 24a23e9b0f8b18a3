"""The collector's composition root: services go in, the application that serves agents and people comes out.

Ingest leaves by the first door, before any routing: it is the hot path. Everything else is a Starlette route.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
import structlog
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from agent import wire
from collector import openapi
from collector.access.entrance import Entrance, guarded
from collector.access.visitors import Visitors
from collector.agents.enrollment import Enrollment
from collector.agents.inventories import Inventories
from collector.agents.plans import Plans
from collector.board.readers import PUBLIC, Readers
from collector.ingest.authenticate import Directory, Message, Refusal, Requests
from collector.ingest.body import read
from collector.ingest.buckets import Buckets
from collector.ingest.receive import Receive
from collector.services import Services
from collector.throughput.leases import Leases

SMALL_BODY_BYTES = 16 << 10
ENROLL_RATE, ENROLL_BURST = 1.0, 200.0
REQUEST_RATE, REQUEST_BURST = 1.0, 60.0
log = structlog.get_logger()


class Application(Starlette):
    """Starlette, with ingest served before it."""

    ingest: Receive

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http" and scope["path"] == "/v1/reports":
            await self.ingest(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


def create_app(
    services: Services, pages: Iterable[BaseRoute] = (), readers: Readers = PUBLIC, visitors: Visitors | None = None
) -> Application:
    """The application over ``services``, with the pages that show what was judged, each behind what ``readers`` may do.
    ``visitors`` tells who sends a request. Starts nothing: see :mod:`collector.serve`."""
    directory = Directory(services.store, services.clock)
    agents_door = _Door(services, directory)
    routes: list[BaseRoute] = [
        Route("/v1/enroll", agents_door.enroll, methods=["POST"]),
        Route("/v1/plan", agents_door.plan, methods=["GET"]),
        Route("/v1/leases", agents_door.lease, methods=["POST"]),
        Route("/v1/time", agents_door.time, methods=["GET"]),
        Route("/healthz", _alive, methods=["GET"]),
        Route("/readyz", _Ready(services), methods=["GET"]),
        Route("/openapi.json", openapi.document, methods=["GET"]),
        Route("/docs", openapi.page, methods=["GET"]),
        *pages,
        # Reached only where no page shows more.
        Route("/metrics", _Health(services), methods=["GET"]),
    ]
    entrance = Middleware(Entrance, visitors=visitors, tls=services.config.https)
    app = Application(routes=guarded(routes, readers), middleware=[entrance])
    app.state.services = services
    app.ingest = agents_door.ingest
    return app


class _Door:
    """Where agents come in."""

    def __init__(self, services: Services, directory: Directory) -> None:
        inventories = Inventories()
        self.ingest = Receive(services, directory)
        self._services = services
        self._requests = Requests(directory, services.clock)
        self._plans = Plans(services, inventories)
        self._leases = Leases(services, inventories)
        self._enrollment = Enrollment(services, inventories)
        self._enrolling = Buckets(ENROLL_RATE, ENROLL_BURST)
        self._asking = Buckets(REQUEST_RATE, REQUEST_BURST)

    async def enroll(self, request: Request) -> Response:
        async def answer() -> Response:
            sender = request.client.host if request.client else ""
            if wait := self._enrolling.take(sender, self._services.clock()):
                raise Refusal(429, "too many requests", wait)
            body = _decoded(await _small_body(request), wire.EnrollRequest)
            return _json(wire.encode(await run_in_threadpool(self._enrollment.enroll, body)))

        return await self._answered(answer)

    async def plan(self, request: Request) -> Response:
        async def answer() -> Response:
            sender = self._signed(request, b"")
            issued = await run_in_threadpool(self._plans.issue, sender)
            headers = {"ETag": f'"{issued.etag}"'}
            if request.headers.get("if-none-match", "").strip().strip('"') == issued.etag:
                return Response(status_code=304, headers=headers)
            return _json(issued.body, headers)

        return await self._answered(answer)

    async def lease(self, request: Request) -> Response:
        async def answer() -> Response:
            body = await _small_body(request)
            sender = self._signed(request, body)
            asked = _decoded(body, wire.LeaseRequest)
            document = wire.encode(await run_in_threadpool(self._leases.ask, sender, asked))
            signature = self._services.signer.sign("lease", document)
            return _json(wire.encode(wire.Signed("lease", signature, msgspec.Raw(document))))

        return await self._answered(answer)

    async def time(self, _: Request) -> Response:
        return _json(msgspec.json.encode({"server_at": self._services.clock()}))

    def _signed(self, request: Request, body: bytes) -> Any:
        url = f"{request.url.scheme}://{request.headers.get('host', '')}{request.scope['path']}"
        if query := request.scope["query_string"].decode("latin-1"):
            url += f"?{query}"
        sender = self._requests.agent(Message(request.method, url, request.headers), body)
        if wait := self._asking.take(sender.id, self._services.clock()):
            raise Refusal(429, "too many requests", wait)
        return sender

    async def _answered(self, answer: Any) -> Response:
        try:
            response: Response = await answer()
        except Refusal as refusal:
            self.ingest.count_refusal(refusal.reason)
            headers = {"Retry-After": str(int(refusal.retry_after_seconds) + 1)} if refusal.retry_after_seconds else {}
            return JSONResponse({"error": refusal.reason}, refusal.status, headers)
        return response


async def _alive(_: Request) -> Response:
    return JSONResponse({"status": "ok"})


class _Health:
    """The collector's own metrics alone."""

    def __init__(self, services: Services) -> None:
        self._registry = services.registry

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        text = Response(generate_latest(self._registry), media_type=CONTENT_TYPE_PLAIN_0_0_4)
        await text(scope, receive, send)


class _Ready:
    """Whether reports can be kept: the writer answers, and readers read."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        fault = await run_in_threadpool(self._fault)
        content = {"status": "ready"} if not fault else {"status": "not ready", "error": fault}
        await JSONResponse(content, 200 if not fault else 503)(scope, receive, send)

    def _fault(self) -> str:
        try:
            self._services.store.write(lambda _: None).result(timeout=5)
            with self._services.store.read():
                return ""
        except Exception as fault:  # whatever it is, it is why we are not ready
            log.error("not ready", fault=f"{type(fault).__name__}: {fault}"[:300])
            return type(fault).__name__


async def _small_body(request: Request) -> bytes:
    body = await read(request, SMALL_BODY_BYTES)
    if body is None:
        raise Refusal(413, "body too long")
    return body


def _decoded(body: bytes, kind: type[wire.Document]) -> wire.Document:
    try:
        return wire.decode(body, kind)
    except wire.WireError:
        raise Refusal(400, "wrong body") from None


def _json(content: bytes, headers: dict[str, str] | None = None) -> Response:
    return Response(content, 200, headers, "application/json")
