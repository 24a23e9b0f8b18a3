"""``POST /v1/notifications``: where Alertmanager's webhook brings what it told, with a bearer token from a file."""

from __future__ import annotations

import hmac
from pathlib import Path

import msgspec
import structlog
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from collector.alerting import notifications
from collector.alerting.notifications import Webhook
from collector.ingest.body import read
from collector.ingest.buckets import Buckets
from collector.metrics import series
from collector.services import Services

MAX_BODY_BYTES = 4 << 20
"""A group of two thousand access points; `max_alerts` of the webhook keeps it shorter."""
LEAST_TOKEN_CHARACTERS = 20
_WRONG_RATE, _WRONG_BURST = 1.0, 30.0
log = structlog.get_logger()


class NoToken(Exception):
    """The configured file holds no token. Says which and what to do."""


def read_token(path: Path) -> bytes:
    """The bearer token that the file holds. Raises NoToken."""
    try:
        token = path.read_bytes().strip()
    except OSError as fault:
        raise NoToken(
            f"notifications_token_file {path}: {fault.strerror}: make it readable for the collector"
        ) from None
    if len(token) < LEAST_TOKEN_CHARACTERS:
        hint = f"write at least {LEAST_TOKEN_CHARACTERS} random characters: openssl rand -hex 32"
        raise NoToken(f"notifications_token_file {path} holds {len(token)} characters: {hint}")
    return token


class Door:
    """Where notifications come in."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._wrong = Buckets(_WRONG_RATE, _WRONG_BURST)
        self._outcomes = series.instrument(services.registry, "campus_wifi_notifications_total")
        self._watchdog = series.instrument(services.registry, "campus_wifi_watchdog_timestamp_seconds")
        if services.config.notifications_token_file is not None:
            # From now on its absence counts, also where it never came.
            self._watchdog.set(services.clock())

    async def endpoint(self, request: Request) -> Response:
        path = self._services.config.notifications_token_file
        if path is None:
            return self._refused(404, "not configured: set notifications_token_file in collector.toml")
        try:
            token = await run_in_threadpool(read_token, path)
        except NoToken as fault:
            log.error("notifications cannot be taken", fault=str(fault))
            return self._refused(503, "the collector's token cannot be read; its journal says why")
        scheme, _, shown = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not hmac.compare_digest(shown.strip().encode(), token):
            sender = request.client.host if request.client else ""
            if wait := self._wrong.take(sender, self._services.clock()):
                return self._refused(429, "too many wrong tokens", {"Retry-After": str(int(wait) + 1)})
            return self._refused(401, "wrong or no bearer token", {"WWW-Authenticate": "Bearer"})
        body = await read(request, MAX_BODY_BYTES)
        if body is None:
            return self._refused(413, f"more than {MAX_BODY_BYTES} bytes: set max_alerts of the webhook")
        try:
            webhook = msgspec.json.decode(body, type=Webhook)
        except msgspec.MsgspecError as fault:
            return self._refused(400, f"not a notification of Alertmanager (version 4): {fault}"[:300])
        return JSONResponse(await run_in_threadpool(self._take, webhook))

    def _take(self, webhook: Webhook) -> dict[str, int]:
        now = self._services.clock()
        if notifications.is_watchdog(webhook):
            self._watchdog.set(now)
        told = notifications.told(webhook, now)
        steps = 0
        if told:
            steps = self._services.store.write(lambda c: notifications.keep(c, told, now)).result()
        self._outcomes.labels("taken").inc()
        return {"alerts": len(told), "steps": steps}

    def _refused(self, status: int, reason: str, headers: dict[str, str] | None = None) -> Response:
        self._outcomes.labels(str(status)).inc()
        return JSONResponse({"error": reason}, status, headers)


def routes(services: Services) -> list[BaseRoute]:
    """The route, and what writes down those told before their incident opened."""
    if services.judge is not None:
        services.judge.on_judged(lambda: notifications.follow(services))
    return [Route("/v1/notifications", Door(services).endpoint, methods=["POST"])]
