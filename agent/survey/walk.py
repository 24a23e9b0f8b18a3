"""One walk: a room's name goes in; the air and the path are measured there, sealed as of that room and spooled.

The recorder, the spool and the push are those of the agent that stays in one place, with its lock: one path to the
collector, and one owner of the spool. Without a network everything waits in the spool.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec

from agent import status, tasks, wire
from agent.clock import Clock
from agent.config import Config
from agent.doctor import radio
from agent.probes.base import CouldNotRun
from agent.push import Standing
from agent.recorder import Recorder
from agent.run import Last, Load, Runner
from agent.service import ServiceError, Shipper

# A scan of every channel of three bands, listening only, takes some 20 s.
PROBES = {"airspace": 60.0, "path": 15.0}
_PLAN_SECONDS = 10.0


class Room(NamedTuple):
    """What a room gave: tables by kind, and how each probe went. ``reports``: how many hold it."""

    place: str
    tables: dict[str, wire.Table]
    probes: dict[str, Last]
    reports: int


Settings = Callable[[str, wire.Plan | None, Config, str], Any]
"""A probe's name, the plan, the config and the collector's address go in, the probe's settings come out."""


def settings_of(name: str, plan: wire.Plan | None, config: Config, collector: str) -> Any:
    """The settings of each probe of a walk."""
    if name == "path":
        return tasks.path(plan, config, collector)
    if plan is None:
        # Without it every access point would be a stranger's, and the room would look as if nothing covered it.
        raise CouldNotRun(
            "no plan yet: the district's networks are not known", "approve this agent, and go online once"
        )
    # The first radio where none is named: a laptop has one.
    found = [interface for one in radio.found() for interface in one.interfaces]
    listening = config.wifi_interface or config.interface or next(iter(found), "")
    # All channels: a walk looks at a room once.
    settings = tasks.airspace(plan, msgspec.structs.replace(config, wifi_interface=listening))
    return msgspec.structs.replace(settings, rotate=False)


class Walk:
    """Owns the spool from its making to :meth:`close`. Raises ServiceError where an agent already does."""

    def __init__(self, config: Config, clock: Clock, load: Load, settings: Settings = settings_of) -> None:
        if status.look(config)["running"]:
            raise ServiceError(
                f"{config.data_dir}: an agent runs here and owns the spool; stop it for the walk (systemctl stop "
                "campus-wifi-prober campus-wifi-shipper) and start it again afterwards"
            )
        self._config = config
        self._clock = clock
        self._load = load
        self._settings = settings
        self._shipper = Shipper(config, clock, "survey")
        self._shipper.start(on_plan=lambda: None)
        self._await_plan()

    def _await_plan(self) -> None:
        """A device that was never online since its enrollment does not know which networks are the district's."""
        until = self._clock.monotonic() + _PLAN_SECONDS
        while self._shipper.plans.in_force is None and not self._shipper.status()["plan_fault"]:
            if self._clock.monotonic() > until:
                return
            time.sleep(0.05)

    def measure(self, place: str, during: Callable[[str], None] = lambda _: None) -> Room:
        """Measures here and seals it as of ``place``, what was measured before an interruption too. ``during`` is told
        the probe that runs."""
        seen = _Seen(self._shipper.recorder)
        runner = Runner(seen, self._clock, self._load)
        plan = self._shipper.plans.in_force.plan if self._shipper.plans.in_force is not None else None
        reports = 0
        try:
            for name, seconds in PROBES.items():
                during(name)
                runner.run(name, lambda name=name: self._asked(name, plan), seconds)  # type: ignore[misc]
        finally:
            if seen.anything:
                reports = self._shipper.seal_room(place)
        return Room(place, seen.tables, dict(runner.last), reports)

    def _asked(self, name: str, plan: wire.Plan | None) -> Any:
        return self._settings(name, plan, self._config, self._shipper.collector)

    @property
    def waiting(self) -> int:
        """Reports that the collector has not acknowledged."""
        return self._shipper.spool.counts().pending

    @property
    def standing(self) -> Standing:
        """How pushing goes."""
        return self._shipper.pusher.standing

    def hand_over(self, seconds: float) -> None:
        """Waits until the collector has everything, or a push failed, or ``seconds`` are over."""
        until = self._clock.monotonic() + seconds
        while self.waiting and self.standing.state == "ok" and self._clock.monotonic() < until:
            time.sleep(0.1)

    def close(self) -> int:
        """Seals and pushes as an agent that stops does. Returns how many reports are left waiting."""
        return self._shipper.close()


class _Seen:
    """A recorder that also shows what went through it."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self.tables: dict[str, wire.Table] = {}
        self.anything = False

    def record(self, kind: str, table: wire.Table) -> None:
        self.anything = True
        # The recorder keeps the table it is given; what is shown is ours.
        self.tables[kind] = msgspec.structs.replace(table)
        self._recorder.record(kind, table)

    def not_run(self, fault: wire.NotRun) -> None:
        self.anything = True
        self._recorder.not_run(fault)
