"""Why an administrator's request was not done, in words that say what to do."""

from __future__ import annotations


class NotDone(Exception):
    """``status`` is the command's exit status: 1 it could not be done, 2 it was asked wrongly."""

    def __init__(self, reason: str, hint: str = "", status: int = 1) -> None:
        super().__init__(reason)
        self.reason = reason
        self.hint = hint
        self.status = status
