"""Keeping evidence for years: the compactor of a store and its periodic work, as the configuration says."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import structlog

from collector import retention
from collector.compaction.compactor import Compactor, Mark
from collector.periodic import Periodic
from collector.store import space

if TYPE_CHECKING:
    from collector.config import Config
    from collector.services import Services
    from collector.store import Store

log = structlog.get_logger()
EVERY_SECONDS = 600.0
FIRST_AFTER_SECONDS = 60.0
REST = 1.0
"""Seconds of rest for each second of joining: half a core at most."""


def compactor(store: Store, config: Config, clock: Callable[[], float]) -> Compactor:
    forwards = bool(config.remote_write_url)
    return Compactor(store, clock, config.compact_after_hours * 3600.0, forwards=forwards)


def join_for(store: Store, config: Config, clock: Callable[[], float], mark: Mark, seconds: float) -> dict[str, object]:
    """Joins for about so many seconds, and says how far it came: the next call goes on there."""
    worker = compactor(store, config, clock)
    if seconds <= 0:
        return {"waiting": worker.waiting()}
    end = time.monotonic() + seconds
    done = worker.run(mark, lambda: time.monotonic() >= end)
    if done.goes_on is None:
        space.give_back(store, 0.0)
    return {
        "hours": done.hours,
        "reports": done.reports,
        "bytes_joined": done.bytes_joined,
        "left": done.left,
        "goes_on": None if done.goes_on is None else list(done.goes_on),
    }


class Keeping:
    """What runs beside the server."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._compactor = compactor(services.store, services.config, services.clock)
        self._stopping = threading.Event()
        self._periodic = Periodic()

    def start(self, ending: contextlib.ExitStack) -> None:
        self._periodic.every(EVERY_SECONDS, "keep evidence", self.turn, FIRST_AFTER_SECONDS)
        self._periodic.start()
        ending.callback(self._periodic.stop)
        ending.callback(self._stopping.set)

    def turn(self) -> None:
        done = self._compactor.run(until=self._stopping.is_set, rest=REST)
        if done.hours or done.left:
            log.info("finished hours joined", hours=done.hours, reports=done.reports, left=done.left)
        gone = retention.apply(self._services.store, self._services.config, self._services.clock, self._stopping)
        if gone:
            log.info("evidence expired", hours=gone)
        space.give_back(self._services.store, space.KEPT_FREE_RATIO, self._stopping.is_set)
