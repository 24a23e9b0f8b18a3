"""One simulated agent: the real spool, recorder and pusher around modelled probes."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import msgspec

from agent import wire
from agent.identity import Identity
from agent.push import Courier, Pusher, Unreachable
from agent.recorder import WindowRecorder
from agent.simulate.clock import ModelClock, Time
from agent.simulate.faults import Truth
from agent.simulate.probes import ModelProbes, Place
from agent.spool import Spool


class Collector(Courier, Protocol):
    """What a simulated agent needs of its collector; made from :class:`agent.transport.Transport`."""

    def plan(self) -> tuple[wire.Plan, str] | None:
        """The plan and its hash if there is a new one. Raises Unreachable or Refused."""


class Device:
    """One agent; ``in_force`` is the plan that it kept from its last run. The fleet's loop calls :meth:`measure` and
    :meth:`seal`; a worker thread calls :meth:`push` and :meth:`ask_plan`, never two at once for one device."""

    def __init__(
        self,
        place: Place,
        identity: Identity,
        folder: Path,
        *,
        collector: Collector,
        faults: Truth,
        seed: int,
        time_: Time,
        version: str,
        in_force: tuple[wire.Plan, str] | None = None,
    ) -> None:
        self.place = place
        self.id = identity.id
        self.plan: wire.Plan | None = None
        self.plan_changed = False
        self.sealed = 0
        self.busy = threading.Lock()
        self._time = time_
        self._collector = collector
        self._identity = identity
        self._faults = faults
        self._seed = seed
        self._version = version
        self._off = False
        self._digest: str | None = None
        clock = ModelClock(time_, secrets.token_hex(16))
        # Hundreds share one disk: none holds a reserve of it.
        self.spool = Spool(folder / "spool.sqlite", clock, reserve_bytes=0)
        self.pusher = Pusher(agent_id=identity.id, spool=self.spool, courier=_Line(collector, self.cut), clock=clock)
        self._boot(clock)
        if in_force is not None:
            self._follow(*in_force)

    def _boot(self, clock: ModelClock) -> None:
        self.probes = ModelProbes(self.place, self._faults, self._seed, clock.boot_at)
        self.recorder = WindowRecorder(
            identity=self._identity,
            spool=self.spool,
            clock=clock,
            report_seconds=float(self.plan.report_seconds) if self.plan else 60.0,
            agent_version=self._version,
            plan=self._digest,
            simulated=True,
        )

    def is_on(self, at: float) -> bool:
        """Whether it has power. Without it nothing is measured and sealed, and with it a new boot begins: what was
        measured last and not yet sealed is lost, as on a device."""
        off = self.probes.conditions(at).off
        if self._off and not off:
            self._boot(ModelClock(self._time, secrets.token_hex(16)))
        self._off = off
        return not off

    def ask_plan(self) -> None:
        """Takes a new plan if there is one. Raises what the collector's answer was."""
        if self.cut():
            return
        answer = self._collector.plan()
        if answer is not None:
            self._follow(*answer)

    def _follow(self, plan: wire.Plan, digest: str) -> None:
        if not plan.simulated:
            raise ValueError(f"campus {plan.campus} is not flagged simulated: a model must not speak for it")
        if not self._time.shared:
            # The plan's windows are those of the days to come: of a past period, every hour is asked in full.
            plan = msgspec.structs.replace(plan, cadence=msgspec.structs.replace(plan.cadence, windows=None))
        self.plan = plan
        self._digest = self.recorder.plan = digest
        self.recorder.report_seconds = float(plan.report_seconds)
        self.plan_changed = True

    def measure(self, job: str, at: float) -> None:
        """Asks the model what the probe called ``job`` would have found."""
        if self.plan is None:
            return
        if job == "reach":
            self.recorder.record(job, self.probes.reach(self.plan, at))
        elif job == "path":
            self.recorder.record(job, self.probes.path(self.plan, at))
        elif job == "host":
            self.recorder.record(job, self.probes.host(at))
        elif job == "airspace":
            for kind, table in self.probes.airspace(self.plan, at).items():
                self.recorder.record(kind, table)
        elif job == "link":
            self.recorder.record(job, self.probes.link(self.plan, at))
        elif job == "join":
            self.recorder.record(job, self.probes.join(self.plan, at))
        elif job == "throughput" and self.plan.throughput is not None:
            self.recorder.record(job, self.probes.throughput(self.plan.throughput, at))

    def seal(self) -> None:
        self.sealed += len(self.recorder.seal())

    def push(self) -> float | None:
        """Sends what waits; see :meth:`agent.push.Pusher.step` for the answer."""
        wait: float | None = 0.0
        while wait == 0.0:
            wait = self.pusher.step()
        return wait

    def finish(self) -> None:
        """Seals what was measured last, the window that is not over too."""
        if not self._off:
            self.sealed += len(self.recorder.flush())

    def close(self) -> None:
        self.spool.close()

    def cut(self) -> bool:
        """Whether no word gets out now. What is told of a past period afterwards is told over a line that works."""
        if not self._time.shared:
            return False
        now = self.probes.conditions(self._time.at)
        return now.cut or now.cut_off


class _Line:
    """The campus's line to the outside, which the model may have cut."""

    def __init__(self, courier: Courier, cut: Callable[[], bool]) -> None:
        self._courier = courier
        self._cut = cut

    def push(self, push: wire.Push) -> wire.Ack:
        if self._cut():
            raise Unreachable("the model has cut this campus off")
        return self._courier.push(push)
