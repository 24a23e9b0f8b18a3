"""One probe, one deadline: a probe's name and settings go in, a table goes to the recorder.

The two failures meet here and stay apart: what could not run becomes a NotRun (agent health), what ran and failed is
a row like any other.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Callable
from typing import Any, NamedTuple

from agent import wire
from agent.clock import Clock
from agent.probes.base import CouldNotRun, Deadline
from agent.recorder import Recorder

log = logging.getLogger(__name__)

Probe = Callable[[Any, Deadline], "wire.Table | dict[str, wire.Table]"]
"""Settings and a deadline go in, a table of the probe's own kind comes out, or tables by kind."""
Load = Callable[[str], Probe]


class Last(NamedTuple):
    """How the latest run of a probe went. ``result``: ``measured``, ``not_run`` or ``crashed``."""

    result: str
    reason: str
    rows: int
    at: float
    seconds: float


class Runner:
    """Runs probes and counts how they went."""

    def __init__(self, recorder: Recorder, clock: Clock, load: Load) -> None:
        self._recorder = recorder
        self._clock = clock
        self._load = load
        self._lock = threading.Lock()
        self.runs: Counter[tuple[str, str]] = Counter()
        self.last: dict[str, Last] = {}

    def run(self, name: str, settings: Callable[[], Any], seconds: float) -> str:
        """Runs probe ``name`` once within ``seconds``. ``settings`` is called here, because gathering them (a lease)
        can fail in the same way. Returns the result; never raises."""
        began = self._clock.monotonic()
        rows, reason, hint = 0, "", ""
        try:
            probe = self._load(name)
            found = probe(settings(), Deadline(seconds))
            for kind, table in found.items() if isinstance(found, dict) else ((name, found),):
                rows += len(table.at)
                self._recorder.record(kind, table)
            result = "measured"
        except CouldNotRun as fault:
            result, reason, hint = "not_run", fault.reason, fault.hint or ""
        except Exception as fault:
            # A fault of ours must not stop the other probes, and must not be silent either.
            log.exception("probe %s crashed", name)
            result, reason, hint = "crashed", f"crashed: {type(fault).__name__}: {fault}", "report this as a bug"
        if result != "measured":
            before = self.last.get(name)
            # Once: a device that cannot do a thing cannot do it at every turn.
            level = logging.DEBUG if before is not None and before.reason == reason else logging.WARNING
            log.log(level, "%s could not run: %s (%s)", name, reason, hint)
            self._recorder.not_run(wire.NotRun(self._clock.boottime(), name, reason[:200], hint[:200]))
        with self._lock:
            self.runs[name, result] += 1
            self.last[name] = Last(result, reason, rows, self._clock.now(), self._clock.monotonic() - began)
        return result
