"""When each thing is due: a plan and an agent's id go in, instants come out. The one importer of apscheduler.

Periodic work has a phase that is a hash of the agent's id, so that a thousand agents do not ask at the same instant.
:func:`next_due` and :func:`due` are pure, so that the simulator lives the same schedule in compressed time.
"""

from __future__ import annotations

import hashlib
import heapq
import logging
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.base import BaseTrigger

from agent import wire
from agent.clock import Clock

PLAN_SECONDS = 300.0
JOBS = ("plan", "reach", "path", "host", "airspace", "link", "join", "throughput", "seal", "push")


class Due(NamedTuple):
    """``job`` is to run at ``at`` (Unix seconds)."""

    at: float
    job: str


def phase(agent_id: str, job: str, interval: float) -> float:
    """Seconds in [0, interval), the same for ever for this agent and job."""
    word = hashlib.sha256(f"{agent_id}/{job}".encode()).digest()[:8]
    return int.from_bytes(word, "big") / 2**64 * interval


def in_class(plan: wire.Plan, at: float) -> bool:
    """Whether full cadence holds: within the plan's windows, or always where it names none."""
    windows = plan.cadence.windows
    return windows is None or any(begin <= at < end for begin, end in windows)


def next_due(plan: wire.Plan | None, agent_id: str, job: str, after: float) -> float | None:
    """The first instant later than ``after`` at which ``job`` is due, or None if the plan does not ask for it.
    Without a plan the device watches itself, its path, and for a plan."""
    report_seconds = float(plan.report_seconds) if plan else 60.0
    if job == "seal":
        return _next(report_seconds, min(5.0, report_seconds / 5), after)
    if job == "push":
        # Everybody's windows end together, so each agent speaks at its own moment of the half window that follows.
        lag = min(5.0, report_seconds / 5)
        return _next(report_seconds, lag + phase(agent_id, job, report_seconds / 2), after)
    if job == "plan":
        interval = min(PLAN_SECONDS, 5 * report_seconds)
        return _next(interval, phase(agent_id, job, interval), after)
    if job == "host" or plan is None:
        return _next(report_seconds, phase(agent_id, job, report_seconds), after) if job in {"host", "path"} else None
    if job == "throughput":
        task = plan.throughput
        return None if task is None else _next(task.every_seconds, phase(agent_id, job, task.every_seconds), after)
    if job == "airspace":
        every = plan.airspace_seconds
        return _next(every, phase(agent_id, job, every), after) if every > 0 else None
    if job == "join":
        every = min((task.every_seconds for task in plan.join), default=0.0)
        return _next(every, phase(agent_id, job, every), after) if every > 0 else None
    if job == "link" and plan.airspace_seconds <= 0:
        return None
    if (job == "reach" and not plan.access_points) or (job == "path" and not plan.paths):
        return None
    return _by_cadence(plan, agent_id, job, after)


def due(plan: wire.Plan | None, agent_id: str, start: float, until: float) -> Iterator[Due]:
    """All that is due in (start, until], in order; at one instant in the order of :data:`JOBS`."""
    heap: list[tuple[float, int]] = []
    for rank, job in enumerate(JOBS):
        at = next_due(plan, agent_id, job, start)
        if at is not None:
            heap.append((at, rank))
    heapq.heapify(heap)
    while heap and heap[0][0] <= until:
        at, rank = heapq.heappop(heap)
        yield Due(at, JOBS[rank])
        again = next_due(plan, agent_id, JOBS[rank], at)
        if again is not None:
            heapq.heappush(heap, (again, rank))


def _by_cadence(plan: wire.Plan, agent_id: str, job: str, after: float) -> float:
    full, idle = plan.cadence.full_seconds, plan.cadence.idle_seconds
    if in_class(plan, after):
        at = _next(full, phase(agent_id, job, full), after)
        if in_class(plan, at):
            return at
    at = _next(idle, phase(agent_id, job, idle), after)
    # A window that opens before the idle turn brings its own first turn.
    for begin, _ in sorted(plan.cadence.windows or ()):
        if begin > after:
            first = _next(full, phase(agent_id, job, full), begin - 1e-3)
            return min(at, first) if in_class(plan, first) else at
    return at


def _next(interval: float, offset: float, after: float) -> float:
    turn = int((after - offset) // interval) + 1
    at = turn * interval + offset
    # Floating point may return `after` itself.
    return at if at > after + 1e-6 else at + interval


class Schedule:
    """Runs jobs on threads, each at most once at a time, missed turns joined into one. Many agents may share one."""

    def __init__(self, clock: Clock, *, workers: int = 4) -> None:
        self._clock = clock
        self._scheduler = _JumpProof(
            clock,
            timezone=UTC,
            executors={"default": ThreadPoolExecutor(workers)},
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": 30},
        )
        logging.getLogger("apscheduler").setLevel(logging.ERROR)

    def every(self, name: str, when: Callable[[float], float | None], run: Callable[[], None]) -> None:
        """Runs ``run`` at each instant of ``when(after)``, in Unix seconds of the clock passed in. ``when`` is asked
        again after each turn, so it may follow a plan; None means not now (asked again within a minute)."""
        turns = _Turns(self._clock, when, run)
        self._scheduler.add_job(turns.take, turns, id=name, replace_existing=True)

    def changed(self) -> None:
        """Asks every job anew when it is next due: after a new plan or a step of the clock."""
        self._scheduler.realign()

    def start(self) -> None:
        self._scheduler.start()

    def stop(self) -> None:
        """Lets running jobs end, starts no more."""
        if self._scheduler.running:
            self._scheduler.shutdown(wait=True)


class _Turns(BaseTrigger):  # type: ignore[misc]
    """One job's turns. Instants are of our clock; apscheduler only ever sees how far away they are, and looks again
    within a minute, so that a new plan or a corrected clock is followed."""

    def __init__(self, clock: Clock, when: Callable[[float], float | None], run: Callable[[], None]) -> None:
        self._clock = clock
        self._when = when
        self._run = run
        self._done = clock.now()

    def get_next_fire_time(self, _previous: datetime | None, now: datetime) -> datetime:
        at = self._clock.now()
        turn = self._when(self._after(at))
        away = 60.0 if turn is None else min(max(turn - at, 0.0), 60.0)
        return now + timedelta(seconds=away)

    def take(self) -> None:
        """Runs the job if a turn has come since the last one; a mere look again runs nothing."""
        at = self._clock.now()
        # Far ahead means that the clock stepped back: then only a turn of this very moment counts.
        after = self._done if self._done - at < 5 else at - 0.05
        turn = self._when(after)
        if turn is not None and turn <= at:
            self._done = max(turn, at)
            self._run()

    def _after(self, at: float) -> float:
        # The last turn may lie a hair ahead of the clock; far ahead means that the clock stepped back.
        return max(at, self._done) if self._done - at < 5 else at


class _JumpProof(BackgroundScheduler):  # type: ignore[misc]
    """apscheduler compares with the wall clock and stalls when that steps back: each wake-up (whose wait is
    monotonic) first looks whether the wall clock stepped, and if so asks every job anew."""

    def __init__(self, clock: Clock, **options: Any) -> None:
        self._clock = clock
        self._offset = _wall_offset(clock)
        super().__init__(**options)

    def realign(self) -> None:
        with self._jobstores_lock:
            now = datetime.now(UTC)
            for job in self.get_jobs():
                job.modify(next_run_time=job.trigger.get_next_fire_time(None, now))

    def _process_jobs(self) -> Any:
        offset = _wall_offset(self._clock)
        if abs(offset - self._offset) > 1.0:
            self._offset = offset
            self.realign()
        return super()._process_jobs()


def _wall_offset(clock: Clock) -> float:
    return datetime.now(UTC).timestamp() - clock.monotonic()
