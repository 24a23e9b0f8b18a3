"""``POST /v1/notifications``: where Alertmanager's webhook brings what it told, with a bearer token: one that ``token
create --kind notifications`` made, or the one of a file that both were given."""

from __future__ import annotations

import hmac
from pathlib import Path

import msgspec
import structlog
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from collector.access.roles import NOTIFIER
from collector.access.secrets import TOKEN_PREFIX, digest
from collector.alerting import notifications
from collector.alerting.notifications import Webhook
from collector.ingest.body import read
from collector.ingest.buckets import Buckets
from collector.metrics import series
from collector.services import Services
from collector.store import api_tokens

MAX_BODY_BYTES = 4 << 20
"""A group of two thousand access points; `max_alerts` of the webhook keeps it shorter."""
LEAST_TOKEN_CHARACTERS = 20
_WRONG_RATE, _WRONG_BURST = 1.0, 30.0
log = structlog.get_logger()


NOT_CONFIGURED = "not configured: wifi-collector token create --kind notifications --name alertmanager"


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
        self._expecting = False
        self.expect()

    def expect(self) -> None:
        """From the moment on that somebody may bring it the watchdog's absence counts, also where it never came."""
        now, before = self._services.clock(), self._expecting
        with self._services.store.read() as connection:
            good = api_tokens.is_any_good(connection, NOTIFIER, now)
        self._expecting = good or self._services.config.notifications_token_file is not None
        if self._expecting != before:
            self._watchdog.set(now if self._expecting else 0)

    async def endpoint(self, request: Request) -> Response:
        scheme, _, shown = request.headers.get("authorization", "").partition(" ")
        secret = shown.strip() if scheme.lower() == "bearer" else ""
        try:
            fault = await run_in_threadpool(self._fault, secret)
        except NoToken as none:
            log.error("notifications cannot be taken", fault=str(none))
            return self._refused(503, "the collector's token cannot be read; its journal says why")
        if fault == NOT_CONFIGURED:
            return self._refused(404, fault)
        if fault:
            sender = request.client.host if request.client else ""
            if wait := self._wrong.take(sender, self._services.clock()):
                return self._refused(429, "too many wrong tokens", {"Retry-After": str(int(wait) + 1)})
            return self._refused(401, fault, {"WWW-Authenticate": "Bearer"})
        body = await read(request, MAX_BODY_BYTES)
        if body is None:
            return self._refused(413, f"more than {MAX_BODY_BYTES} bytes: set max_alerts of the webhook")
        try:
            webhook = msgspec.json.decode(body, type=Webhook)
        except msgspec.MsgspecError as fault:
            return self._refused(400, f"not a notification of Alertmanager (version 4): {fault}"[:300])
        return JSONResponse(await run_in_threadpool(self._take, webhook))

    def _fault(self, secret: str) -> str:
        """Why nothing is taken from whoever shows this secret; empty where it is good. Raises NoToken."""
        path, now = self._services.config.notifications_token_file, self._services.clock()
        with self._services.store.read() as connection:
            found = api_tokens.find(connection, digest(secret)) if secret.startswith(TOKEN_PREFIX) else None
            configured = path is not None or api_tokens.is_any_good(connection, NOTIFIER, now)
        if found is not None:
            return found.fault(now) or ("" if found.role == NOTIFIER else "a token for something else")
        if not configured:
            return NOT_CONFIGURED
        good = path is not None and hmac.compare_digest(secret.encode(), read_token(path))
        return "" if good else "wrong or no bearer token"

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
    door = Door(services)
    if services.judge is not None:
        services.judge.on_judged(lambda: notifications.follow(services))
        services.judge.on_judged(door.expect)
    return [Route("/v1/notifications", door.endpoint, methods=["POST"])]
