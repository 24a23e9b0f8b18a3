"""Views go in, HTML over HTTP comes out: no script, a strict policy for what the page may load, small on the wire."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Callable
from importlib import resources
from typing import Any, NamedTuple

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from collector.board.language import DEFAULT, LANGUAGES, Language, chosen, percent, plain, quantity

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}
_GZIP_FROM_BYTES = 1000
STYLE = resources.files("collector.board").joinpath("static", "board.css").read_bytes()
ICON = resources.files("collector.board").joinpath("static", "icon.svg").read_bytes()
STYLE_PATH = f"/board/{hashlib.sha256(STYLE).hexdigest()[:16]}.css"
ICON_PATH = "/board/icon.svg"


class Page(NamedTuple):
    """A template with what it shows."""

    template: str
    values: dict[str, Any]
    status: int = 200


class Pages:
    """The templates in each language; ``now`` is the clock that tells today from another day."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._languages = {code: Language(code) for code in LANGUAGES}
        self._environments = {code: _environment(language) for code, language in self._languages.items()}

    def language(self, request: Request) -> str:
        return chosen(request.query_params.get("lang"), request.headers.get("accept-language", ""))

    def render(self, name: str, code: str, asked: bool, path: str, /, **values: Any) -> str:
        """``asked``: the reader chose the language in the address, so links keep it."""
        template = self._environments[code].get_template(name)
        return template.render(
            say=self._languages[code],
            lang=code,
            keep=f"?lang={code}" if asked else "",
            languages=[one for one in LANGUAGES if one != code],
            path=path,
            now=self._clock(),
            style=STYLE_PATH,
            icon=ICON_PATH,
            **values,
        )

    async def answer(self, request: Request, look: Callable[[], Page]) -> Response:
        """``look`` and the rendering run in a thread: a reader never delays ingest."""
        code = self.language(request)
        asked = request.query_params.get("lang") in LANGUAGES

        def made() -> tuple[bytes, int]:
            page = look()
            return self.render(page.template, code, asked, request.url.path, **page.values).encode(), page.status

        body, status = await run_in_threadpool(made)
        return await run_in_threadpool(packed, request, body, status, code)


def packed(request: Request, body: bytes, status: int, code: str = DEFAULT) -> Response:
    """With an ETag over the page as it reads, and gzip for who takes it."""
    small = "gzip" in request.headers.get("accept-encoding", "") and len(body) >= _GZIP_FROM_BYTES
    tag = f'W/"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = HEADERS | {"ETag": tag, "Vary": "Accept-Encoding, Accept-Language", "Content-Language": code}
    if status == 200 and tag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    if small:
        headers["Content-Encoding"] = "gzip"
        body = gzip.compress(body, 5, mtime=0)
    return Response(body, status, headers, "text/html; charset=utf-8")


def _environment(language: Language) -> Environment:
    environment = Environment(
        loader=PackageLoader("collector.board"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
        finalize=_clean,
    )
    environment.install_gettext_translations(language.catalogue, newstyle=True)  # type: ignore[attr-defined]
    environment.policies["ext.i18n.trimmed"] = True
    environment.filters["percent"] = percent
    environment.filters["quantity"] = quantity
    environment.filters["plain"] = plain
    return environment


def _clean(value: Any) -> Any:
    """Every name that a page shows passes here; markup that the templates made is left as it is."""
    return plain(value) if type(value) is str else value
