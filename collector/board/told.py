"""What the judge wrote, in the reader's language: a stored text goes in, is read by its sentence, and comes out said by
the same sentence of the catalogue.

A text that no sentence of today reads, of an older ledger, stays as it was written.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from collector.incidents import words as incident_words
from collector.judgement import cause_words, reason_words
from collector.judgement.causes import PLANNED_WORK
from collector.judgement.sentence import Row, Sentence, Told

WRITTEN_IN = "en"


class Words(NamedTuple):
    """``lang``: in which language they are where it is not the page's; empty too where nobody knows, as for what people
    write."""

    text: str
    lang: str = ""


class Telling:
    """The judge's texts in one language. ``word``: a sentence's field and its value go in, what to show comes out."""

    def __init__(self, code: str, translate: Callable[[str], str], word: Callable[[str, str], str]) -> None:
        self._code = code
        self._translate = translate
        self._word = word

    def evidence(self, cause: str, text: str) -> Words:
        """The evidence of a cause. That of planned work is its reason, in the words of whoever asked for it."""
        if cause == PLANNED_WORK:
            row = cause_words.EXCLUDED.read(text)
            return Words(self._translate(row.sentence.template) if row else text)
        return self._said(cause_words.read, text)

    def of_incident(self, text: str) -> Words:
        """What the judge noted beside an incident, or why something was not done about it."""
        return self._said(incident_words.read, text)

    def reason(self, text: str) -> Words:
        """Why a slot was judged again."""
        return self._said(reason_words.read, text)

    def _said(self, read: Callable[[str], Row | None], text: str) -> Words:
        if self._code == WRITTEN_IN or not text:
            return Words(text)
        row = read(text)
        return Words(text, WRITTEN_IN) if row is None else Words(self._row(row))

    def _row(self, row: Row) -> str:
        return row.separator.join(self._one(told) for told in row.told)

    def _one(self, told: Told) -> str:
        fields = {
            name: self._row(value) if isinstance(value, Row) else self._word(name, value)
            for name, value in told.fields.items()
        }
        return self._translate(told.sentence.template).format(**fields)


def sentences() -> tuple[Sentence, ...]:
    """All that the catalogue must say."""
    return (*cause_words.every(), *incident_words.every(), *reason_words.every())
