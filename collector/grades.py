"""Grades as numbers (TK -1, kindergarten 0, 1 to 12) and the school levels they make up."""

from __future__ import annotations

import re
from collections.abc import Iterable

LOWEST, HIGHEST = -1, 12
LEVELS = {"elementary": (LOWEST, 5), "middle": (6, 8), "high": (9, HIGHEST)}
_NAMED = {"P": -2, "PK": -2, "TK": -1, "K": 0, "KN": 0}


def grade(text: str) -> int | None:
    """One grade, or None where the text is none of TK-12 (adult, ungraded); a preschool is below all."""
    folded = text.strip().upper()
    if folded in _NAMED:
        return _NAMED[folded]
    return int(folded) if re.fullmatch(r"[0-9]{1,2}", folded) and 1 <= int(folded) <= HIGHEST else None


def span(text: str) -> tuple[int, int] | None:
    """From and to, of a text like K-5, 9-12 or 12."""
    found = [one for one in map(grade, re.split(r"[-,; ]+", text.strip())) if one is not None]
    return (min(found), max(found)) if found else None


def levels(text: str) -> tuple[str, ...]:
    """The levels of a school with these grades. One grade beyond a level makes no second one: K-6 is an elementary
    school and 5-8 a middle school, but K-8 is both."""
    found = span(text)
    if found is None:
        return ()
    shared = {level: min(found[1], to) - max(found[0], since) + 1 for level, (since, to) in LEVELS.items()}
    enough = 2 if max(shared.values()) >= 2 else 1
    return tuple(level for level, count in shared.items() if count >= enough)


def span_of(texts: Iterable[str]) -> str:
    """What schools with these grades make of a campus: the one level that they share, or ``span`` where there are
    several. Empty where none says its grades."""
    found = {level for text in texts for level in levels(text)}
    return "span" if len(found) > 1 else next(iter(found), "")
