"""Views go in, HTML over HTTP comes out: no script, a strict policy for what the page may load, small on the wire."""

from __future__ import annotations

from collections.abc import Callable
from importlib import resources
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from collector.board.forms import Tokens
from collector.board.kept import Kept
from collector.board.language import LANGUAGES, Language, chosen, percent, plain, quantity
from collector.board.packed import PACKINGS, Packed, answered, digest
from collector.board.readers import Readers

STYLE = resources.files("collector.board").joinpath("static", "board.css").read_bytes()
ICON = resources.files("collector.board").joinpath("static", "icon.svg").read_bytes()
STYLE_PATH = f"/board/{digest(STYLE)[:16]}.css"
ICON_PATH = "/board/icon.svg"
FRESH_SECONDS = 10.0
"""How long a page that everybody shares is shown before it is made again, beside its readers."""


class Page(NamedTuple):
    """A template with what it shows."""

    template: str
    values: dict[str, Any]
    status: int = 200


class Pages:
    """The templates in each language; ``clock`` tells today from another day."""

    def __init__(self, clock: Callable[[], float], readers: Readers, tokens: Tokens) -> None:
        self._clock = clock
        self._readers = readers
        self._tokens = tokens
        self._languages = {code: Language(code) for code in LANGUAGES}
        self._environments = {code: _environment(language) for code, language in self._languages.items()}
        self._kept: Kept[Packed] = Kept()

    def language(self, request: Request) -> str:
        return chosen(request.query_params.get("lang"), request.headers.get("accept-language", ""))

    async def answer(
        self, request: Request, look: Callable[[], Page], *, shared: Callable[[], tuple[str, ...]] | None = None
    ) -> Response:
        """``look`` and the rendering run in a thread: a reader never delays ingest. ``shared``: what the page depends
        on beside the path and the language, where it is the same for every reader without an account; it is then made
        once for all of them."""
        code = self.language(request)
        asked = request.query_params.get("lang") in LANGUAGES
        who = self._readers.who(request)

        def made() -> Packed:
            page = look()
            body = self._rendered(request, page, code, asked, who)
            return Packed(body.encode(), page.status, code)

        def made_for_all() -> Packed:
            packed = made()
            for packing in PACKINGS:
                packed.body(packing)
            return packed

        def found() -> Response:
            if shared is None or who:
                return answered(request, made())
            key = (request.url.path, code, str(asked), *shared())
            return answered(request, self._kept.get(key, made_for_all, FRESH_SECONDS))

        return await run_in_threadpool(found)

    async def refused(self, request: Request, status: int, why: str) -> Response:
        """``why``: a key of the page's words."""
        return await self.answer(request, lambda: Page("refused.html", {"why": why}, status))

    def _rendered(self, request: Request, page: Page, code: str, asked: bool, who: str) -> str:
        """``asked``: the reader chose the language in the address, so links keep it."""
        path = request.url.path
        others = {key: value for key, value in request.query_params.items() if key != "lang"}

        def to(place: str, **query: Any) -> str:
            wanted = {key: value for key, value in query.items() if value not in (None, "")}
            return _address(place, wanted | ({"lang": code} if asked else {}))

        now = self._clock()
        template = self._environments[code].get_template(page.template)
        return template.render(
            say=self._languages[code],
            lang=code,
            keep_language=asked,
            to=to,
            languages=[(one, _address(path, others | {"lang": one})) for one in LANGUAGES if one != code],
            now=now,
            style=STYLE_PATH,
            icon=ICON_PATH,
            may=lambda action: self._readers.may(request, action),
            who=who,
            sign_in=self._readers.sign_in,
            here=path,
            token=lambda action_path: self._tokens.make(action_path, who, now),
            **page.values,
        )


def _address(path: str, query: dict[str, Any]) -> str:
    return quote(path) + (f"?{urlencode(query)}" if query else "")


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
