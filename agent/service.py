"""The composition root: config goes in, a running agent comes out, in one process or as prober and shipper."""

from __future__ import annotations

import fcntl
import logging
import os
import threading
import time
from collections.abc import Callable
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TextIO

import msgspec

from agent import enroll, probes, tasks, wire
from agent.air import Air
from agent.clock import Clock, RealClock
from agent.config import Config
from agent.identity import Identity
from agent.metrics import MetricsServer, Status
from agent.plan import FILE, InForce, PlanError, PlanKeeper
from agent.prober import Prober
from agent.push import Pusher, Refused, Unreachable
from agent.recorder import Recorder, WindowRecorder
from agent.relay import RecorderServer, SocketRecorder
from agent.run import Runner
from agent.schedule import JOBS, Schedule, in_class, next_due
from agent.spool import Spool
from agent.transport import Transport, client
from agent.watchdog import Pulse, Watchdog, notify

log = logging.getLogger(__name__)

RUNNING = "run.json"
_PULSE_SECONDS = 30.0
PROBER_JOBS = ("reach", "path", "host", "airspace", "link", "join")


class ServiceError(Exception):
    """The agent cannot start. Says what, where and what to do."""


def agent_version() -> str:
    try:
        return version("campus-wifi")
    except PackageNotFoundError:
        return "0"


class Service:
    """One running agent. :meth:`run` returns after :meth:`stop` (SIGTERM) with everything measured sealed and, where
    the collector answers at once, pushed."""

    def __init__(self, config: Config, role: str, clock: Clock | None = None) -> None:
        self.config = config
        self.role = role
        self._clock = clock or RealClock(config.data_dir / "clock.json")
        self._stopping = threading.Event()
        self._schedule = Schedule(self._clock)
        self._prober: Prober | None = None
        self._pulse: Pulse | None = None
        self._shipper: Shipper | None = None
        self._started_at = self._clock.now()
        if role in ("prober", "joiner"):
            self._relay = SocketRecorder(config.recorder_socket, self._clock, self._schedule.changed)
            recorded: Callable[[], None] = partial(Watchdog(("recorded",)).progress, "recorded")
            relay = self._relay
            if role == "joiner":
                self._pulse = Pulse(recorded, self._clock.monotonic)
                recorded = self._pulse.worked
            self._prober = Prober(
                config,
                self._clock,
                _Watched(relay, recorded),
                plan=lambda: relay.in_force,
                collector=lambda: config.collector or relay.collector,
                role=role,
            )
            self._agent_id = f"{role}/{os.uname().nodename}"
        else:
            self._shipper = Shipper(config, self._clock, role)
            self._agent_id = self._shipper.identity.id
            if role == "all":
                shipper = self._shipper
                self._prober = Prober(
                    config,
                    self._clock,
                    shipper.recorder,
                    plan=lambda: shipper.plans.in_force,
                    collector=lambda: shipper.collector,
                    role=role,
                )

    def run(self) -> None:
        """Blocks until :meth:`stop`."""
        server = self._serve_metrics()
        for job in JOBS:
            run = self._job(job)
            if run is not None:
                self._schedule.every(job, lambda after, job=job: self._due(job, after), run)  # type: ignore[misc]
        if self._pulse is not None:
            pulse = self._pulse
            self._schedule.every("pulse", _next_pulse, lambda: pulse.turn(self._joins_within()))
        if self._prober is not None and self._shipper is None:
            self._relay.start()
        if self._shipper is not None:
            self._shipper.start(on_plan=self._schedule.changed)
        self._schedule.start()
        notify("READY=1")
        log.info("agent %s runs as %s", self._agent_id, self.role)
        try:
            self._stopping.wait()
        finally:
            notify("STOPPING=1")
            self._schedule.stop()
            if self._shipper is None:
                self._relay.stop()
            if self._shipper is not None:
                self._shipper.close()
            if server is not None:
                server.stop()
            (self.config.data_dir / RUNNING).unlink(missing_ok=True)

    def stop(self) -> None:
        """May be called from a signal handler."""
        self._stopping.set()

    def status(self) -> Status:
        """What `wifi-agent status` and `/metrics` show."""
        in_force = self._in_force()
        runner = self._prober.runner if self._prober is not None else None
        found: Status = {
            "agent": self._agent_id,
            "role": self.role,
            "version": agent_version(),
            "pid": os.getpid(),
            "started_at": self._started_at,
            "campus": in_force.plan.campus if in_force else None,
            "place": in_force.plan.place if in_force else None,
            "plan": in_force.digest if in_force else None,
            "access_points": len(in_force.plan.access_points) if in_force else 0,
            "clock": msgspec.to_builtins(self._clock.reading()),
            "runs": dict(runner.runs) if runner else {},
            "probes": {name: last._asdict() for name, last in runner.last.items()} if runner else {},
        }
        if self._shipper is not None:
            found |= self._shipper.status()
        return found

    def _in_force(self) -> InForce | None:
        return self._relay.in_force if self._shipper is None else self._shipper.plans.in_force

    def _due(self, job: str, after: float) -> float | None:
        in_force = self._in_force()
        return next_due(in_force.plan if in_force else None, self._agent_id, job, after)

    def _job(self, job: str) -> Callable[[], None] | None:
        if job in PROBER_JOBS:
            return self._prober.jobs().get(job) if self._prober is not None else None
        return self._shipper.jobs().get(job) if self._shipper is not None else None

    def _joins_within(self) -> float | None:
        """By when after a try to join the next one must have been recorded; None where the plan asks for none."""
        in_force = self._in_force()
        tries = in_force.plan.join if in_force is not None else []
        if not tries:
            return None
        return min(task.every_seconds for task in tries) + (len(tries) + 1) * tasks.JOIN_SECONDS

    def _serve_metrics(self) -> MetricsServer | None:
        try:
            server = MetricsServer(self.config.metrics_port, self.status)
        except OSError as fault:
            log.error("no /metrics: port %d on loopback: %s; set metrics_port", self.config.metrics_port, fault)
            return None
        server.start()
        running = {"pid": os.getpid(), "port": server.port, "role": self.role}
        (self.config.data_dir / RUNNING).write_bytes(msgspec.json.encode(running))
        return server


class Shipper:
    """Holds key, plan, leases and spool: seals, pushes, asks for the plan."""

    def __init__(self, config: Config, clock: Clock, role: str) -> None:
        self._config = config
        self._clock = clock
        self._lock = _only_one(config.data_dir)
        enrollment = enroll.load(config.data_dir)
        if enrollment is None:
            raise ServiceError(f"{config.data_dir}: this device is not enrolled; run `wifi-agent enroll` first")
        self.identity = Identity.load(config.data_dir / enroll.IDENTITY)
        self.collector = config.collector or enrollment.collector
        self._authority = enroll.authority(config.data_dir, config.ca_file, enrollment)
        self._http = client(self._authority, clock)
        self.transport = Transport(
            self.collector, identity=self.identity, clock=clock, http=self._http, collector_key=enrollment.key()
        )
        self.plans = PlanKeeper(config.data_dir / FILE, enrollment.key(), self.identity.id)
        in_force = self.plans.load()
        self.spool = Spool(config.data_dir / "spool.sqlite3", clock, quota_bytes=config.spool_quota_bytes)
        self._window = WindowRecorder(
            identity=self.identity,
            spool=self.spool,
            clock=clock,
            report_seconds=in_force.plan.report_seconds if in_force else 60.0,
            agent_version=agent_version(),
            plan=in_force.digest if in_force else None,
        )
        self._dog = Watchdog(("recorded", "sealed", "push turned"))
        self._air = Air(self._window, clock)
        self.recorder: Recorder = _Watched(self._air, partial(self._dog.progress, "recorded"))
        self._runner = Runner(self.recorder, clock, probes.load)
        self.pusher = Pusher(agent_id=self.identity.id, spool=self.spool, courier=self.transport, clock=clock)
        self._wake = threading.Event()
        self._closing = threading.Event()
        self._plan_fault = ""
        self._on_plan: Callable[[], None] = lambda: None
        self._thread = threading.Thread(target=self._push, name="push", daemon=True)
        self._relay: RecorderServer | None = None
        if role == "shipper":
            self._relay = RecorderServer(
                config.recorder_socket, self.recorder, lambda: self.plans.in_force, self.collector
            )

    def start(self, on_plan: Callable[[], None]) -> None:
        self._on_plan = on_plan
        if self._relay is not None:
            self._relay.start()
        self._thread.start()
        threading.Thread(target=self._plan, name="first plan", daemon=True).start()

    def jobs(self) -> dict[str, Callable[[], None]]:
        return {"seal": self._seal, "push": self._wake.set, "plan": self._plan, "throughput": self._throughput}

    def status(self) -> Status:
        return {
            "collector": self.collector,
            "plan_fault": self._plan_fault,
            "spool": {**self.spool.counts()._asdict(), "fault": self.spool.fault, "stream": self.spool.stream},
            "push": self.pusher.standing._asdict(),
        }

    def seal_room(self, place: str) -> int:
        """Seals what was measured since the last call as measured at ``place``, and has it pushed when that is
        possible. Returns how many reports it made."""
        self._window.place = place
        held = self._window.flush()
        self._window.place = None
        self._wake.set()
        return len(held)

    def close(self) -> int:
        """Seals what was measured, gives the collector one chance to take it, and lets the disk settle. Returns how
        many reports are left waiting."""
        if self._relay is not None:
            self._relay.stop()
        self._window.flush()
        self._closing.set()
        self._wake.set()
        self._thread.join(20.0)
        left = self.spool.counts().pending
        self.spool.close()
        self._http.close()
        self._lock.close()
        return left

    def _seal(self) -> None:
        in_force = self.plans.in_force
        self._window.in_class = in_force is None or in_class(in_force.plan, self._clock.now())
        self._window.seal()
        self._dog.progress("sealed")

    def _push(self) -> None:
        while True:
            closing = self._closing.is_set()
            try:
                wait = self.pusher.step()
            except Exception:
                log.exception("pushing crashed")
                wait = 60.0
            self._dog.progress("push turned")
            if closing:
                return
            if wait is None or wait > 0:
                # The push turn wakes this thread; the bound only guards against a lost wake.
                self._wake.wait(min(wait if wait is not None else 120.0, 120.0))
                self._wake.clear()

    def _plan(self) -> None:
        in_force = self.plans.in_force
        try:
            signed = self.transport.plan(in_force.digest if in_force else None)
            self._plan_fault = ""
            if signed is not None and self.plans.take(signed) and self.plans.in_force is not None:
                self._follow(self.plans.in_force)
        except (Unreachable, Refused, PlanError) as fault:
            self._plan_fault = str(fault)
            log.info("no new plan: %s", fault)

    def _follow(self, in_force: InForce) -> None:
        log.info("plan %s for %s", in_force.digest[:12], in_force.plan.campus)
        self._window.report_seconds = float(in_force.plan.report_seconds)
        self._window.plan = in_force.digest
        self._on_plan()

    def _throughput(self) -> None:
        in_force = self.plans.in_force
        if in_force is None:
            return
        plan = in_force.plan
        # A pool of its own: the test must not hold up a push, nor a push spoil the test.
        with client(self._authority, self._clock) as http:
            self._runner.run(
                "throughput",
                lambda: tasks.throughput(plan, self.collector, self.transport, lambda: http, self._air.now()),
                tasks.seconds_for("throughput", plan, full=True),
            )


def _next_pulse(after: float) -> float:
    return (after // _PULSE_SECONDS + 1) * _PULSE_SECONDS


class _Watched:
    """A recorder that also says that work was done."""

    def __init__(self, recorder: Recorder, worked: Callable[[], None]) -> None:
        self._recorder = recorder
        self._worked = worked

    def record(self, kind: str, table: wire.Table) -> None:
        self._recorder.record(kind, table)
        self._worked()

    def not_run(self, fault: wire.NotRun) -> None:
        self._recorder.not_run(fault)
        self._worked()


def _only_one(data_dir: Path) -> TextIO:
    """Two agents on one spool would be two connections on one file."""
    try:
        data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = (data_dir / "lock").open("w")
    except OSError as fault:
        raise ServiceError(f"{data_dir}: {fault.strerror}; set data_dir to a folder the agent may write") from None
    until = time.monotonic() + 3
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return lock
        except OSError:
            if time.monotonic() > until:
                raise ServiceError(f"{data_dir}: another agent runs here; stop it first") from None
            time.sleep(0.1)
