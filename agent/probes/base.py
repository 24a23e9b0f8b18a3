"""What every probe shares: its deadline, and the failure that says nothing about the Wi-Fi."""

from __future__ import annotations

import time


class CouldNotRun(Exception):
    """The probe could not run (no interface, no permission): agent health, never a fact about the Wi-Fi."""

    def __init__(self, reason: str, hint: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.hint = hint


class Deadline:
    """A monotonic instant past which a probe must not be running."""

    def __init__(self, seconds: float) -> None:
        self.at = time.monotonic() + seconds

    def remaining(self) -> float:
        return max(self.at - time.monotonic(), 0.0)
