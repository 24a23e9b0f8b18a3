"""Sentences that are written for people and read again by programs: a template with named fields writes the text, and
the same template reads the fields back.

What was written once is never written again in other words: the ledger's chain holds it byte for byte. So a reader's
language is found by reading the sentence, and another wording needs a sentence of its own beside the old one.
"""

from __future__ import annotations

import re
import string
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import NamedTuple

COUNT = r"\d+"
KEY = r"\w+"
"""A word of ours: a cause, a stage."""
ID = r"[^\s:;,()]+"
"""What an operator or a program calls a thing, in one word."""
IDS = rf"{ID}(?:, {ID})*"
NAMES = r".*"
"""Whatever people call their things, one or several; the default."""


class Told(NamedTuple):
    """What a text says: the sentence and its fields."""

    sentence: Sentence
    fields: Mapping[str, str | Row]


class Row(NamedTuple):
    """What sentences that stand in a row say, and what stands between them; mostly it is one."""

    told: tuple[Told, ...]
    separator: str


class Sentence:
    """``kinds``: for each field that is no NAMES a pattern, or the sentences that it is made of."""

    def __init__(self, template: str, **kinds: str | Sentences) -> None:
        self.template = template
        self.fields = tuple(name for _, name, _, _ in string.Formatter().parse(template) if name)
        if unknown := kinds.keys() - set(self.fields):
            raise ValueError(f"{template!r} has no field {', '.join(sorted(unknown))}")
        self._kinds = kinds

    def kind(self, field: str) -> str | Sentences:
        """The pattern of a field, or the sentences that it is made of."""
        return self._kinds.get(field, NAMES)

    def __repr__(self) -> str:
        return f"Sentence({self.template!r})"

    def say(self, **fields: object) -> str:
        """The text. Raises TypeError where the fields are not the template's."""
        if fields.keys() != set(self.fields):
            raise TypeError(f"{self.template!r} is said with {', '.join(self.fields)}, not {', '.join(fields)}")
        return self.template.format(**fields)

    def read(self, text: str) -> Told | None:
        """What the text says; None where it is not this sentence."""
        found = self._whole.fullmatch(text)
        if found is None:
            return None
        fields: dict[str, str | Row] = {}
        for name, value in found.groupdict().items():
            kind = self.kind(name)
            if isinstance(kind, str):
                fields[name] = value
            else:
                inner = kind.read(value)
                if inner is None:
                    return None
                fields[name] = inner
        return Told(self, fields)

    @property
    def pattern(self) -> str:
        """A pattern that matches the sentence inside another one."""
        return "".join(piece for piece, _ in self._pieces())

    @cached_property
    def _whole(self) -> re.Pattern[str]:
        named = (f"(?P<{name}>{piece})" if name else piece for piece, name in self._pieces())
        return re.compile("".join(named), re.DOTALL)

    def _pieces(self) -> Iterator[tuple[str, str]]:
        for literal, name, _, _ in string.Formatter().parse(self.template):
            yield re.escape(literal), ""
            if name:
                kind = self.kind(name)
                yield (kind if isinstance(kind, str) else kind.pattern), name


class Sentences:
    """One of several sentences; with a ``separator`` a row of them."""

    def __init__(self, *forms: Sentence, separator: str = "") -> None:
        self.forms = forms
        self.separator = separator

    @property
    def pattern(self) -> str:
        one = f"(?:{'|'.join(form.pattern for form in self.forms)})"
        return f"{one}(?:{re.escape(self.separator)}{one})*" if self.separator else one

    def read(self, text: str) -> Row | None:
        """What each of the row says, its items as short as they can be; None where it is no such row."""
        pieces = text.split(self.separator) if self.separator else [text]
        rows: list[tuple[Told, ...] | None] = [None] * len(pieces) + [()]
        for begin in reversed(range(len(pieces))):
            rows[begin] = next(self._rows(pieces, begin, rows), None)
        return None if rows[0] is None else Row(rows[0], self.separator)

    def _rows(self, pieces: list[str], begin: int, rows: list[tuple[Told, ...] | None]) -> Iterator[tuple[Told, ...]]:
        """The rows from the piece ``begin`` to the end; a name may hold the separator too."""
        for end in range(begin + 1, len(pieces) + 1):
            rest = rows[end]
            if rest is None:
                continue
            whole = self.separator.join(pieces[begin:end])
            for form in self.forms:
                if told := form.read(whole):
                    yield (told, *rest)

    def join(self, said: Iterable[str]) -> str:
        return self.separator.join(said)
