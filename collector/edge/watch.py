"""The collector's own look at each campus's edge: asks, and keeps what failed as facts that the judge reads.

A campus with one agent that falls silent may have lost its agent or its line. The edge, asked from here, tells which.
Nothing is asked of simulated campuses, nor of any without an ``edge_address``.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

import structlog

from collector.agents.inventories import Inventories
from collector.edge import ask
from collector.edge.rounds import ROUNDS_A_SLOT, Slots
from collector.services import Services
from collector.store import edges, marks

if TYPE_CHECKING:
    from sqlalchemy import Connection

PATIENCE_SECONDS = 2.0
log = structlog.get_logger()
Ask = Callable[[list[str], float], set[str]]


class Watch:
    """``ask``: who of these addresses answers within so many seconds."""

    def __init__(self, services: Services, slot_seconds: int, asker: Ask = ask.answered) -> None:
        self._services = services
        self._seconds = slot_seconds
        self._ask = asker
        self._inventories = Inventories()
        with services.store.read() as connection:
            self._slots = Slots(slot_seconds, edges.answered(connection))
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="edges", daemon=True)

    def start(self, ending: contextlib.ExitStack) -> None:
        self._thread.start()
        ending.callback(self._stop)

    def _stop(self) -> None:
        self._stopping.set()
        self._thread.join(timeout=30)

    def _run(self) -> None:
        step = self._seconds / ROUNDS_A_SLOT
        while not self._stopping.wait(step - self._services.clock() % step):
            try:
                self.round()
            except Exception as fault:  # one round is missing; the next one asks again
                log.error("the campus edges could not be asked", fault=repr(fault)[:300])

    def round(self) -> None:
        """Asks every edge once, and writes what the slots that have ended showed."""
        at = self._services.clock()
        with self._services.store.read() as connection:
            held = self._inventories.held(connection, at)
        campuses = held.inventory.campuses.values() if held else ()
        asked = {one.id: one.edge_address for one in campuses if one.edge_address and not one.simulated}
        answered = self._ask(sorted(set(asked.values())), min(PATIENCE_SECONDS, self._seconds / 10)) if asked else set()
        with self._services.store.read() as connection:
            came = edges.reports_since(connection, at)
        fresh = self._slots.take(at, asked, answered, reports_came=came)
        failures = self._slots.finished(self._services.clock())
        if not fresh and not failures:
            return
        for one in failures:
            log.warning("a campus edge does not answer", campus=one.campus, slot=one.slot, asked=one.sent)

        def write(connection: Connection) -> None:
            edges.keep_answered(connection, fresh, at)
            edges.keep_failures(connection, failures)
            for one in failures:
                marks.mark_slots(connection, one.campus, [one.slot], "campus edge asked")

        self._services.store.write(write).result()
