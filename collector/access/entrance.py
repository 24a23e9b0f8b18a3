"""The way in of every request but ingest: who sends it is found out, what it changes is written down as coming from
there, and its answer gets the headers that every answer has."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from collector.access import headers
from collector.access.table import OWN_CHECK, action_of
from collector.access.visitors import API, BOARD, NOBODY, Visitor, Visitors
from collector.board.behind import GuardedPage
from collector.board.readers import Readers
from collector.store import audit
from collector.store.audit import Origin

VISITOR = "campus_wifi.visitor"
"""Where the request's scope holds its Visitor."""


class Entrance:
    """ASGI middleware. ``tls``: people reach the collector by https."""

    def __init__(self, app: ASGIApp, visitors: Visitors | None, tls: bool) -> None:
        self._app = app
        self._visitors = visitors
        self._tls = tls

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        visitor = await self._visitors.of(scope) if self._visitors is not None else NOBODY
        scope[VISITOR] = visitor
        address = scope["client"][0] if scope.get("client") else ""

        async def headed(message: Any) -> None:
            if message["type"] == "http.response.start":
                headers.add(message, tls=self._tls, personal=bool(visitor.name))
            await send(message)

        door = API if scope["path"].startswith("/v1/") else BOARD
        # Of people without an account nothing is kept, also not from where they wrote.
        origin = Origin(visitor.way or door, address if visitor.name else "")
        with audit.coming_by(origin):
            await self._app(scope, receive, headed)


def visitor_of(scope: Scope) -> Visitor:
    found: Visitor = scope.get(VISITOR, NOBODY)
    return found


class _Gate:
    """Before one route's answer: whether the visitor may ask for it."""

    def __init__(self, app: ASGIApp, action: str, readers: Readers) -> None:
        self._app = app
        self._action = action
        self._readers = readers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._readers.may(Request(scope), self._action):
            await self._app(scope, receive, send)
            return
        visitor = visitor_of(scope)
        if visitor.name:
            refusal = JSONResponse({"error": f"{visitor.name} may not {self._action}"}, 403)
        else:
            reason = visitor.fault or f"sign in, or send a bearer token of somebody who may {self._action}"
            refusal = JSONResponse({"error": reason}, 401, {"WWW-Authenticate": "Bearer"})
        await refusal(scope, receive, send)


def guarded(routes: Iterable[BaseRoute], readers: Readers) -> list[BaseRoute]:
    """The routes, each behind what the table says of it. Raises Unlisted for one that it does not name."""
    made = list(routes)
    for route in made:
        if not isinstance(route, Route):
            raise TypeError(f"{route!r} is no route of one path: the table cannot say who may ask for it")
        (method,) = (route.methods or set()) - {"HEAD"}
        action = action_of(method, route.path)
        if action not in OWN_CHECK and not isinstance(route, GuardedPage):
            route.app = _Gate(route.app, action, readers)
    return made
