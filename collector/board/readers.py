"""What a reader of the board may do, as the composition root decides it. Without one everybody reads and may say that a
room is bad, and nobody may do more."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from starlette.requests import Request

READ = "read"
REPORT_ROOM = "report a room"
ACT = "act on an incident"
"""Steps, notes and the last word; who may act also reads the notes and names of others."""
REVIEW = "review a room report"
"""Reads what people wrote of a room, and says whether others may."""
OPEN_TO_ALL = frozenset({READ, REPORT_ROOM})


class Readers(NamedTuple):
    """``may``: whether the reader behind a request may do an action of the above; ``who``: the account, which stands
    with what is done; empty for a reader without one."""

    may: Callable[[Request, str], bool]
    who: Callable[[Request], str]


PUBLIC = Readers(lambda _, action: action in OPEN_TO_ALL, lambda _: "")
