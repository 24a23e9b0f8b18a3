"""One figure of an answer by its path: ``campuses.0.met_ratio_lower`` goes in, the value as the answer has it comes
out. Pure. So that a printed figure can be asked for again with one command."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


class UnknownFigure(LookupError):
    """A path that leads nowhere. ``mend``: what there is instead."""

    def __init__(self, reason: str, mend: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.mend = mend


def at(answer: Any, path: str) -> Any:
    """``path``: keys of objects and numbers of list items (from 0), divided by dots. Raises UnknownFigure."""
    found = answer
    gone: list[str] = []
    for step in path.split("."):
        where = ".".join(gone) or "the answer"
        if isinstance(found, Mapping):
            if step not in found:
                raise UnknownFigure(f"{where} has no {step[:60]!r}", f"it has {', '.join(map(str, found))}")
            found = found[step]
        elif isinstance(found, Sequence) and not isinstance(found, str):
            if not step.isascii() or not step.isdigit() or int(step) >= len(found):
                there = f"its items are numbered 0 to {len(found) - 1}" if found else "it has no items"
                raise UnknownFigure(f"{where} has no item {step[:60]!r}", there)
            found = found[int(step)]
        else:
            raise UnknownFigure(f"{where} is one value, and has no {step[:60]!r}", f"write --figure {where}")
        gone.append(step)
    return found
