"""The half that holds the sockets and no key: runs what the plan asks and hands it to a recorder."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from agent import probes, tasks, wire
from agent.clock import Clock
from agent.config import Config
from agent.plan import InForce
from agent.recorder import Recorder
from agent.run import Runner
from agent.schedule import in_class


class Prober:
    """Runs the jobs of one device, or of the joiner alone (``role``)."""

    def __init__(
        self,
        config: Config,
        clock: Clock,
        recorder: Recorder,
        plan: Callable[[], InForce | None],
        collector: Callable[[], str],
        role: str,
    ) -> None:
        self._config = config
        self._clock = clock
        self._role = role
        self._in_force = plan
        self._collector = collector
        self.runner = Runner(recorder, clock, probes.load)

    def jobs(self) -> dict[str, Callable[[], None]]:
        """What this device can do: without a radio for it, a job is not even tried."""
        jobs: dict[str, Callable[[], None]] = {}
        if self._role != "joiner":
            jobs |= {"reach": self._reach, "path": self._path, "host": self._host}
            if self._config.wifi_interface:
                jobs |= {"airspace": self._airspace, "link": self._link}
        if self._role != "prober" and self._config.join_interface:
            jobs["join"] = self._join
        return jobs

    def _reach(self) -> None:
        plan = self._plan()
        if plan is not None and plan.access_points:
            self._run("reach", lambda: tasks.reach(plan, self._config))

    def _path(self) -> None:
        plan = self._plan()
        self._run("path", lambda: tasks.path(plan, self._config, self._collector()))

    def _host(self) -> None:
        self._run("host", lambda: tasks.host(self._config))

    def _airspace(self) -> None:
        plan = self._plan()
        if plan is not None:
            self._run("airspace", lambda: tasks.airspace(plan, self._config))

    def _link(self) -> None:
        plan = self._plan()
        if plan is not None:
            self._run("link", lambda: tasks.link(plan, self._config))

    def _join(self) -> None:
        plan = self._plan()
        if plan is not None:
            for task in plan.join:
                self._run("join", partial(tasks.join, plan, task, self._config))

    def _run(self, job: str, settings: Callable[[], Any]) -> None:
        plan = self._plan()
        full = plan is None or in_class(plan, self._clock.now())
        self.runner.run(job, settings, tasks.seconds_for(job, plan, full=full))

    def _plan(self) -> wire.Plan | None:
        in_force = self._in_force()
        return in_force.plan if in_force is not None else None
