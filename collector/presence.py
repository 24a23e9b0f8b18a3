"""Writes down when the collector is there, so that its own absence is never taken for an agent's silence."""

from __future__ import annotations

import contextlib
import threading

import structlog

from collector.services import Services
from collector.store import presence

BEAT_SECONDS = 10.0
GAP_SECONDS = 30.0
log = structlog.get_logger()


class Presence:
    """A beat into the store; at the start the time since the last beat is a gap."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="presence", daemon=True)

    def start(self, ending: contextlib.ExitStack) -> None:
        now = self._services.clock()
        with self._services.store.read() as connection:
            last = presence.last_alive(connection)
        if last is not None and now - last > GAP_SECONDS:
            self._services.store.write(lambda c: presence.keep_gap(c, last, now)).result()
            log.warning("the collector was not there", seconds=round(now - last))
        self._services.store.write(lambda c: presence.say_alive(c, now)).result()
        self._thread.start()
        ending.callback(self._stop)

    def _stop(self) -> None:
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopping.wait(BEAT_SECONDS):
            now = self._services.clock()
            self._services.store.write(lambda c, now=now: presence.say_alive(c, now))  # type: ignore[misc]
