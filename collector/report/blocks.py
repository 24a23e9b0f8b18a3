"""What pages are made of: plain values that each form of the report sets in its own way. Pure.

A name from somebody's list is only ever the text of a run: no form reads it as markup.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from collector.board.language import plain

Kind = Literal["", "strong", "code", "soft", "name", "state"]


class Run(Struct, frozen=True):
    """Some text of one kind. ``state``: the key of a verdict, which gives the mark and the colour beside its word;
    ``lang``: where the text is not in the report's language."""

    text: str
    kind: Kind = ""
    state: str = ""
    lang: str = ""


Runs = tuple[Run, ...]


class Heading(Struct, frozen=True, tag="heading"):
    """``level`` from 1; a sheet begins with one of level 1."""

    level: int
    runs: Runs


class Paragraph(Struct, frozen=True, tag="paragraph"):
    """``look``: ``note`` stands in a frame of its own."""

    runs: Runs
    look: Literal["", "lead", "soft", "note"] = ""


class Listing(Struct, frozen=True, tag="listing"):
    items: tuple[Runs, ...]


class Table(Struct, frozen=True, tag="table"):
    """``widths``: each column's share of the width; ``right``: columns of numbers. The first column heads its row.
    ``lines``: a PDF sets its rows as lines of text. A cell of a table costs typst 16 kB, and a district's report has
    hundreds of campuses' figures."""

    caption: str
    columns: tuple[str, ...]
    widths: tuple[int, ...]
    right: tuple[int, ...]
    rows: tuple[Runs, ...]
    lines: bool = False


class Picture(Struct, frozen=True, tag="picture"):
    """``alt``: the same in words; ``caption`` stands below."""

    svg: str
    alt: str
    caption: str


Block = Heading | Paragraph | Listing | Table | Picture


class Sheet(Struct, frozen=True):
    """What begins on a page of its own."""

    blocks: tuple[Block, ...]


class Document(Struct, frozen=True):
    """``foot`` stands below each page."""

    title: str
    language: str
    foot: str
    sheets: tuple[Sheet, ...]


def text(words: object, lang: str = "") -> Run:
    return Run(plain(words), lang=lang)


def strong(words: object) -> Run:
    return Run(plain(words), "strong")


def soft(words: object, lang: str = "") -> Run:
    return Run(plain(words), "soft", lang=lang)


def code(words: object) -> Run:
    return Run(plain(words), "code")


def name(words: object) -> Run:
    """Of a campus, a room or whatever else other people call it."""
    return Run(plain(words), "name")


def state(key: str, word: str) -> Run:
    return Run(word, "state", key)


def heading(level: int, *runs: Run) -> Heading:
    return Heading(level, runs)


def paragraph(*runs: Run, look: Literal["", "lead", "soft", "note"] = "") -> Paragraph:
    return Paragraph(runs, look)
