"""The doors of sign-in: a name and a password come in, a session goes out; who am I; sign out; the audit log's page."""

from __future__ import annotations

import re

import structlog
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from collector.access import passwords
from collector.access.audit_log import AuditLog
from collector.access.entrance import visitor_of
from collector.access.secrets import digest, fresh_secret
from collector.access.visitors import Visitors
from collector.board.forms import FIELD, Refused, Tokens, fields
from collector.board.language import LANGUAGES
from collector.board.pages import Page, Pages
from collector.holding import held_at
from collector.ingest.buckets import Buckets
from collector.services import Services
from collector.store import accounts, audit, sessions
from collector.store.audit import Origin
from collector.store.sessions import Session

SIGN_IN, SIGN_OUT, ACCOUNT, AUDIT_LOG = "/sign-in", "/sign-out", "/account", "/audit"
SENDER_RATE, SENDER_BURST = 1 / 10, 20.0
NAME_RATE, NAME_BURST = 1 / 30, 10.0
"""Tries with one name, whoever makes them."""
_LINES = 500
_SEE_OTHER = 303
_LOCAL = re.compile(r"/(?![/\\])[^\\\x00-\x20\x7f]*")
_log = structlog.get_logger()


class Doors:
    """Each method answers one route."""

    def __init__(
        self,
        services: Services,
        visitors: Visitors,
        pages: Pages,
        tokens: Tokens,
        audit_log: AuditLog,
        provider: str = "",
    ) -> None:
        """``provider``: the path that leads to the identity provider; empty where there is none."""
        self._services = services
        self._visitors = visitors
        self._pages = pages
        self._tokens = tokens
        self._audit_log = audit_log
        self._provider = provider
        self._senders = Buckets(SENDER_RATE, SENDER_BURST)
        self._names = Buckets(NAME_RATE, NAME_BURST)

    async def ask(self, request: Request) -> Response:
        """The page where people sign in."""
        return await self.form(request, request.query_params.get("next", ""))

    async def sign_in(self, request: Request) -> Response:
        try:
            given = await self._fields(request)
        except Refused as refused:
            return await self._pages.refused(request, refused.status, refused.why)
        name, password, back = given.get("name", "").strip(), given.get("password", ""), given.get("next", "")
        sender = request.client.host if request.client else ""
        now = self._services.clock()
        if wait := max(self._senders.take(sender, now), self._names.take(name[:64], now)):
            answer = await self.form(request, back, "too_many", 429)
            answer.headers["Retry-After"] = str(int(wait) + 1)
            return answer
        kept = await run_in_threadpool(self._account, name)
        right = await run_in_threadpool(passwords.is_right, kept.password if kept else None, password)
        if kept is None or not right or kept.disabled:
            # Without the name: people type a password where a name belongs.
            _log.warning("sign-in refused", sender=sender)
            return await self.form(request, back, "wrong", 403)
        return await self.begun(request, kept.name, sessions.LOCAL, "", back)

    async def begun(self, request: Request, name: str, way: str, role: str, back: str) -> Response:
        """A session of its own, whatever the browser had before, and the way to where the reader wanted to go."""
        services, secret = self._services, fresh_secret()
        now = services.clock()
        lasts = services.config.session_hours * 3600
        made = Session(digest(secret), name, way, role, now, now, now + lasts)
        before = request.cookies.get(self._visitors.cookie, "")
        with audit.coming_by(Origin(way, request.client.host if request.client else "")):
            kept = services.store.write(lambda c: sessions.begin(c, made, digest(before) if before else ""))
        await run_in_threadpool(kept.result)
        answer = RedirectResponse(local(back), _SEE_OTHER, {"Cache-Control": "no-store"})
        self._set(answer, secret, lasts)
        return answer

    async def sign_out(self, request: Request) -> Response:
        visitor = visitor_of(request.scope)
        try:
            await self._fields(request)
        except Refused as refused:
            return await self._pages.refused(request, refused.status, refused.why)
        if visitor.session:
            now = self._services.clock()
            await run_in_threadpool(self._services.store.write(lambda c: sessions.end(c, visitor.session, now)).result)
        lang = request.query_params.get("lang", "")
        answer = RedirectResponse(SIGN_IN + (f"?lang={lang}" if lang in LANGUAGES else ""), _SEE_OTHER)
        answer.headers["Cache-Control"] = "no-store"
        self._set(answer, "", 0)
        return answer

    async def account(self, request: Request) -> Response:
        """Who am I."""
        visitor = visitor_of(request.scope)
        return await self._pages.answer(request, lambda: Page("account.html", {"visitor": visitor}))

    async def audit_log(self, request: Request) -> Response:
        def look() -> Page:
            now = self._services.clock()
            with self._services.store.read() as connection:
                lines = audit.entries(connection, count=_LINES)
                fault = self._audit_log.first_fault(connection, _LINES)
                held = held_at(connection, now)
            zone = held.timezone if held is not None else "UTC"
            return Page("audit.html", {"lines": lines, "fault": fault, "most": _LINES, "zone": zone})

        return await self._pages.answer(request, look)

    async def form(self, request: Request, back: str, problem: str = "", status: int = 200) -> Response:
        shown = {"next": local(back), "problem": problem, "provider": self._provider}
        answer = await self._pages.answer(request, lambda: Page("sign_in.html", shown, status))
        answer.headers["Cache-Control"] = "no-store"
        return answer

    async def _fields(self, request: Request) -> dict[str, str]:
        """Raises Refused."""
        given = await fields(request)
        who = visitor_of(request.scope).name
        self._tokens.check(given.get(FIELD, ""), request.url.path, who, self._services.clock())
        return given

    def _account(self, name: str) -> accounts.Account | None:
        with self._services.store.read() as connection:
            return accounts.find(connection, name)

    def _set(self, answer: Response, secret: str, lasts: int) -> None:
        answer.set_cookie(
            self._visitors.cookie,
            secret,
            max_age=lasts,
            path="/",
            secure=self._services.config.https,
            httponly=True,
            samesite="lax",
        )


def local(address: str) -> str:
    """An address of this site as it was asked for; the first page for one that leads anywhere else."""
    return address if _LOCAL.fullmatch(address) else "/"
