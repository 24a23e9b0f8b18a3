"""A page goes in; the same page comes out for those who may open it: others are asked to sign in, or told why not."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from collector.board.language import LANGUAGES
from collector.board.pages import Pages
from collector.board.readers import Readers

Answer = Callable[[Request], Awaitable[Response]]
_SEE_OTHER = 303


class GuardedPage(Route):
    """A route that asks by itself who may open it."""


def behind(path: str, method: str, action: str, answer: Answer, readers: Readers, pages: Pages) -> GuardedPage:
    """``action``: what a reader must be allowed to do."""

    async def door(request: Request) -> Response:
        if readers.may(request, action):
            return await answer(request)
        if readers.sign_in and not readers.who(request) and request.method in ("GET", "HEAD"):
            back = request.url.path + (f"?{request.url.query}" if request.url.query else "")
            lang = request.query_params.get("lang", "")
            query = {"next": back} | ({"lang": lang} if lang in LANGUAGES else {})
            headers = {"Cache-Control": "no-store"}
            return RedirectResponse(f"{readers.sign_in}?{urlencode(query)}", _SEE_OTHER, headers)
        return await pages.refused(request, 403, "not_allowed")

    return GuardedPage(path, door, methods=[method])
