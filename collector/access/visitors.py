"""A request goes in; who sends it comes out: by a program's bearer token, the word of a proxy, a
session's cookie, or nobody known.

A secret is looked up by its SHA-256, so that neither the database nor the time it takes tells anything of it.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct
from sqlalchemy import Connection
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from collector.access import proxy
from collector.access.roles import NAMED, NOTIFIER, Role
from collector.access.secrets import TOKEN_PREFIX, digest
from collector.services import Services
from collector.store import accounts, api_tokens, sessions
from collector.store.sessions import Session

API, BOARD, PROXY = "api", "board", "proxy"
_SEEN_AGAIN_SECONDS = 60.0


class Visitor(Struct, frozen=True):
    """``name``: the account or the token's name, empty for nobody that we know; ``session``: the digest of the session;
    ``fault``: why what a program showed is not good."""

    role: Role = Role.PUBLIC
    name: str = ""
    way: str = ""
    session: str = ""
    fault: str = ""


NOBODY = Visitor()


class Visitors:
    """Looks up who comes. ``cookie``: the name of the session's cookie."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._idle_seconds = services.config.session_idle_minutes * 60.0
        # A browser takes a cookie of this name only over https, for the whole site, and from no other host.
        self.cookie = "__Host-session" if services.config.https else "session"

    async def of(self, scope: Any) -> Visitor:
        request = Request(scope)
        shown = request.headers.get("authorization")
        if shown is not None:
            return await self._program(shown)
        settings = self._services.config.proxy
        if settings is not None and (found := proxy.said(scope, settings)) is not None:
            name, role = found
            # Somebody whom no group gives a role reads what everybody may.
            return Visitor(role, name if role else "", PROXY)
        cookie = request.cookies.get(self.cookie)
        return await run_in_threadpool(self._person, cookie) if cookie else NOBODY

    async def _program(self, shown: str) -> Visitor:
        scheme, _, secret = shown.partition(" ")
        secret = secret.strip()
        if scheme.lower() != "bearer" or not secret.startswith(TOKEN_PREFIX) or len(secret) > 100:
            return Visitor(fault="not a token of this collector")
        return await run_in_threadpool(self._token, digest(secret))

    def _token(self, digest_: str) -> Visitor:
        with self._services.store.read() as connection:
            found = api_tokens.find(connection, digest_)
        if found is None:
            return Visitor(fault="unknown token")
        if fault := found.fault(self._services.clock()):
            return Visitor(fault=fault)
        if found.role == NOTIFIER:
            return Visitor(fault="a token for notifications alone")
        return Visitor(NAMED[found.role], f"token {found.name}", API)

    def _person(self, cookie: str) -> Visitor:
        now = self._services.clock()
        with self._services.store.read() as connection:
            found = sessions.find(connection, digest(cookie))
            role = self._role(connection, found) if found is not None else None
        if found is None or role is None or found.expires_at <= now or found.seen_at + self._idle_seconds <= now:
            return NOBODY
        if now - found.seen_at >= _SEEN_AGAIN_SECONDS:
            self._services.store.write(lambda c: sessions.seen(c, found.digest, now)).result()
        return Visitor(role, found.name, found.way, found.digest)

    def _role(self, connection: Connection, found: Session) -> Role | None:
        """None where the account is no more."""
        if found.way != sessions.LOCAL:
            return NAMED.get(found.role)
        kept = accounts.find(connection, found.name)
        return NAMED[kept.role] if kept is not None and not kept.disabled else None
