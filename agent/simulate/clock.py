"""The fleet's time: the machine's own, or a past period gone through as fast as the reports can be made.

A past period is told afterwards to a collector of today, or lived together with a collector whose clock is the model's
(``clock_file``): then lines that are cut hold reports back until model time has mended them.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from pathlib import Path

from agent import wire

_UP_SECONDS = 3600.0


class Time:
    """``at`` is the instant that everything modelled happens at, Unix seconds. ``clock_file``: where a collector that
    lives in the same time reads it, in decimal."""

    def __init__(self, begin: float, *, live: bool, clock_file: Path | None = None) -> None:
        self.live = live
        self.at = begin
        self._begin = begin
        self._clock_file = clock_file

    @property
    def shared(self) -> bool:
        """Whether the collector lives in this time too."""
        return self.live or self._clock_file is not None

    def publish(self) -> None:
        """Tells the collector what time it is."""
        if self._clock_file is not None:
            fresh = self._clock_file.with_name(self._clock_file.name + ".new")
            fresh.write_text(f"{self.at:.3f}\n", encoding="ascii")
            fresh.replace(self._clock_file)

    def monotonic(self) -> float:
        """Real seconds: what is waited for is a real collector, however fast the model's time runs. In a shared time
        the model's seconds count too: what was put off for a minute is due when a modelled minute is over."""
        modelled = self.at - self._begin if self._clock_file is not None else 0.0
        return time.monotonic() + modelled

    def go(self, to: float, stopped: Callable[[float], bool]) -> bool:
        """Lets time come to ``to``; False if ``stopped`` (told how long it may wait) said so meanwhile."""
        while self.live and (wait := to - time.time()) > 0:
            if stopped(min(wait, 1.0)):
                return False
        self.at = max(self.at, to)
        return not stopped(0.0)


class ModelClock:
    """An :class:`agent.clock.Clock` that is always right, of a device switched on an hour before ``begin``."""

    def __init__(self, time_: Time, boot_id: str) -> None:
        self._time = time_
        self._boot_id = boot_id
        # A whole second: instants of the schedule are then exact boot seconds too, and a window is sealed in the turn
        # in which it ends, not by a hair in the next one.
        self.boot_at = math.floor(time_.at) - _UP_SECONDS

    def now(self) -> float:
        return self._time.at

    def boottime(self) -> float:
        return self._time.at - self.boot_at

    def monotonic(self) -> float:
        return self._time.monotonic()

    def boot_id(self) -> str:
        return self._boot_id

    def reading(self) -> wire.Clock:
        return wire.Clock("synced", round(self.boottime(), 6), 0.0, 0.001)

    def learn(self, server_at: float, round_trip_seconds: float) -> None:
        """Nothing to learn: the model's time is the truth."""
