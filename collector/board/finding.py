"""Finds campuses by what people call them: typed words go in, the campuses that have all of them come out. Pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from collector.inventory import Campus

MAX_TEXT = 100
"""A longer search is cut: no campus is called so."""


def found(campuses: Iterable[Campus], text: str) -> list[Campus]:
    """Those in whose name, id, schools, region, board district or address every word of ``text`` stands somewhere,
    whatever its accents and capitals; all of them where nothing was asked for."""
    words = _folded(text).split()
    return [one for one in campuses if all(word in _spoken(one) for word in words)] if words else list(campuses)


def _spoken(campus: Campus) -> str:
    schools = (school.name for school in campus.schools)
    return _folded("\n".join((campus.id, campus.name, campus.region, campus.board_district, campus.address, *schools)))


def _folded(text: str) -> str:
    """Letters without their accents and capitals: "Peña" is found by "pena"."""
    apart = unicodedata.normalize("NFKD", text)
    return "".join(letter for letter in apart if not unicodedata.combining(letter)).casefold()
