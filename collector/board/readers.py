"""What a reader of the board may do, as the composition root decides it. Without one everybody reads and may say that a
room is bad, and nobody may do more."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from starlette.requests import Request

from collector.access.roles import ACT, OPEN_WHERE_PUBLIC, READ, REPORT_ROOM, REVIEW

__all__ = ["ACT", "OPEN_TO_ALL", "PUBLIC", "READ", "REPORT_ROOM", "REVIEW", "Readers"]
OPEN_TO_ALL = OPEN_WHERE_PUBLIC


class Readers(NamedTuple):
    """``may``: whether the reader behind a request may do an action of :mod:`collector.access.roles`; ``who``: the
    account, which stands with what is done; empty for a reader without one. ``sign_in``: the path of the page where
    readers sign in; empty where there is none."""

    may: Callable[[Request, str], bool]
    who: Callable[[Request], str]
    sign_in: str = ""


PUBLIC = Readers(lambda _, action: action in OPEN_TO_ALL, lambda _: "")
