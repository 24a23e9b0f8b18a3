"""What a page says, text by text with the language that is marked for it, and which of it is English."""

import re
from html.parser import HTMLParser

from collector.board import catalogue

_FIELD = re.compile(r"%\(\w+\)s|{\w+}")
_SHORT = 12


def _pattern(text: str) -> str:
    return ".+".join(re.escape(piece) for piece in _FIELD.split(re.sub("</?b>", "", text)))


ENGLISH_TEXT = re.compile(
    "|".join(
        _pattern(text)
        for one in catalogue.written("es")
        for text in ((one.id,) if isinstance(one.id, str) else one.id)
        if text and text != one.string and (not _FIELD.search(text) or len(_FIELD.sub("", text)) > _SHORT)
    )
)
"""Every text of the catalogue that reads otherwise in Spanish; of those with fields, the ones with words enough."""


class Texts(HTMLParser):
    """Each text of a page with the language that is marked for it; code and style are nobody's language."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, str]] = []
        self._open: list[tuple[str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        lang = given.get("lang") or (self._open[-1][1] if self._open else "")
        if tag not in ("meta", "link", "input", "br"):
            self._open.append((tag, lang))
        for name in ("aria-label", "data-is", "title", "placeholder"):
            if given.get(name):
                self.found.append((str(given[name]), lang))

    def handle_endtag(self, tag: str) -> None:
        if tag in [name for name, _ in self._open]:
            while self._open.pop()[0] != tag:
                pass

    def handle_data(self, data: str) -> None:
        if (text := " ".join(data.split())) and self._open and self._open[-1][0] not in ("style", "code"):
            self.found.append((text, self._open[-1][1]))


def texts(page: str) -> list[tuple[str, str]]:
    parser = Texts()
    parser.feed(page)
    return parser.found
