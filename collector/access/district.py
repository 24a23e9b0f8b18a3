"""The doors to the district's identity provider and back: each sign-in is bound to one browser and taken once."""

from __future__ import annotations

import hmac

import structlog
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from collector.access.doors import Doors
from collector.access.oidc import Person, Provider, ProviderFault
from collector.access.secrets import digest, fresh_secret
from collector.ingest.buckets import Buckets
from collector.services import Services
from collector.store import sessions
from collector.store.sessions import UnderWay

THERE, BACK = "/sign-in/district", "/sign-in/back"
WAY = "oidc"
UNDER_WAY_SECONDS = 600
SENDER_RATE, SENDER_BURST = 1 / 3, 30.0
_SEE_OTHER = 303
_log = structlog.get_logger()


class District:
    """Each method answers one route. ``doors`` begins the session and shows what went wrong."""

    def __init__(self, services: Services, provider: Provider, doors: Doors) -> None:
        self._services = services
        self._provider = provider
        self._doors = doors
        self._senders = Buckets(SENDER_RATE, SENDER_BURST)
        self._back = f"{services.config.url}{BACK}"
        self._cookie = "__Host-sign-in" if services.config.https else "sign-in"

    async def there(self, request: Request) -> Response:
        asked = request.query_params.get("next", "")
        now = self._services.clock()
        if wait := self._senders.take(request.client.host if request.client else "", now):
            answer = await self._doors.form(request, asked, "too_many", 429)
            answer.headers["Retry-After"] = str(int(wait) + 1)
            return answer
        state, nonce, verifier, browser = (fresh_secret() for _ in range(4))
        made = UnderWay(digest(state), digest(browser), nonce, verifier, asked[:1000], now + UNDER_WAY_SECONDS)
        try:
            address = await run_in_threadpool(self._provider.way_there, self._back, state, nonce, verifier)
        except ProviderFault as fault:
            return await self._failed(request, asked, fault)
        kept = self._services.store.write(lambda c: sessions.send_away(c, made, now))
        await run_in_threadpool(kept.result)
        sent = RedirectResponse(address, _SEE_OTHER, {"Cache-Control": "no-store"})
        sent.set_cookie(
            self._cookie, browser, UNDER_WAY_SECONDS, path="/", secure=self._services.config.https, httponly=True,
            samesite="lax",
        )  # fmt: skip
        return sent

    async def back(self, request: Request) -> Response:
        query = request.query_params
        state, browser = digest(query.get("state", "")), digest(request.cookies.get(self._cookie, ""))
        taken = self._services.store.write(lambda c: sessions.take_back(c, state))
        known = await run_in_threadpool(taken.result)
        bound = known is not None and hmac.compare_digest(known.browser, browser)
        if known is None or not bound or known.expires_at <= self._services.clock():
            return await self._doors.form(request, "", "gone", 403)
        try:
            person = await run_in_threadpool(self._person, request, known)
        except ProviderFault as fault:
            return await self._failed(request, known.next, fault)
        if not person.role:
            return await self._doors.form(request, known.next, "no_role", 403)
        begun = await self._doors.begun(request, person.name, WAY, person.role.word, known.next)
        begun.delete_cookie(self._cookie, path="/", secure=self._services.config.https, httponly=True, samesite="lax")
        return begun

    def _person(self, request: Request, known: UnderWay) -> Person:
        query = request.query_params
        if error := query.get("error"):
            raise ProviderFault(f"the provider refused: {error[:100]}")
        return self._provider.person(query.get("code", "")[:2000], self._back, known.nonce, known.verifier)

    async def _failed(self, request: Request, asked: str, fault: ProviderFault) -> Response:
        _log.warning("sign-in by the district failed", fault=str(fault))
        return await self._doors.form(request, asked, "provider", 502)
