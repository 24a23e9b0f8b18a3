"""Hundreds of simulated agents in one process: one queue of what is due next, a key and a spool each.

The queue is :func:`agent.schedule.due` of every device, merged; so each agent does what it would do on a device, at the
instant at which it would do it. What talks to the collector runs on a few threads, so that a slow answer delays nobody.
"""

from __future__ import annotations

import heapq
import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from agent.push import Refused, Unreachable
from agent.schedule import Due, due
from agent.simulate.clock import Time
from agent.simulate.device import Device
from agent.simulate.pace import PATIENCE_SECONDS, Pace

log = logging.getLogger(__name__)

WORKERS = 8
# In compressed time a request carries this many reports, where live ones carry one or two.
BATCH = 50
DRAIN_SECONDS = 120.0


class Progress(NamedTuple):
    """How far a run is. ``waiting``: sealed reports that the collector has not acknowledged."""

    at: float
    sealed: int
    acknowledged: int
    rejected: int
    waiting: int
    reason: str


class Fleet:
    """Runs devices from ``time_.at`` to ``until``. ``stop`` may be called from any thread or a signal handler."""

    def __init__(
        self, devices: Sequence[Device], time_: Time, until: float, *, patience_seconds: float = PATIENCE_SECONDS
    ) -> None:
        self._devices = devices
        self._time = time_
        self._until = until
        self._stopped = threading.Event()
        self._pool = ThreadPoolExecutor(WORKERS, thread_name_prefix="collector")
        self._reason = ""
        self._pace: Pace | None = None
        if time_.shared and not time_.live:
            self._pace = Pace(
                time_,
                devices,
                self._pool,
                ask_plan=self._ask_plan,
                wait=self._wait,
                patience_seconds=patience_seconds,
            )

    def stop(self) -> None:
        self._stopped.set()

    def run(self, tell: Callable[[Progress], None], tell_seconds: float) -> bool:
        """Lives the whole time. True if everything sealed was acknowledged in the end. Raises
        :class:`agent.simulate.pace.Stalled` where a collector of the same time takes no more."""
        self._time.publish()
        list(self._pool.map(self._ask_plan, self._devices))
        queue: list[tuple[float, int, Due, Iterator[Due]]] = []
        for number, device in enumerate(self._devices):
            self._queue(queue, number, due(device.plan, device.id, self._time.at, self._until))
        told = self._time.at
        while queue:
            at, number, item, rest = heapq.heappop(queue)
            if self._pace is not None and not self._pace.come_to(at):
                break
            if not self._time.go(at, self._wait):
                break
            device = self._devices[number]
            self._do(device, item.job, at)
            if device.plan_changed:
                device.plan_changed = False
                rest = due(device.plan, device.id, at, self._until)
            self._queue(queue, number, rest)
            if at - told >= tell_seconds:
                told = at
                tell(self.progress())
        return self._end(tell)

    def progress(self) -> Progress:
        standings = [device.pusher.standing for device in self._devices]
        sealed = sum(device.sealed for device in self._devices)
        kept = sum(s.accepted + s.duplicates for s in standings)
        rejected = sum(s.rejected for s in standings)
        reasons = [s.reason for s in standings if s.reason]
        waiting = max(sealed - kept - rejected, 0)
        return Progress(self._time.at, sealed, kept, rejected, waiting, reasons[0] if reasons else self._reason)

    def _queue(self, queue: list[tuple[float, int, Due, Iterator[Due]]], number: int, rest: Iterator[Due]) -> None:
        item = next(rest, None)
        if item is not None:
            heapq.heappush(queue, (item.at, number, item, rest))

    def _do(self, device: Device, job: str, at: float) -> None:
        if not device.is_on(at):
            return
        if job == "seal":
            device.seal()
        elif job == "plan":
            if self._time.live:
                self._pool.submit(self._ask_plan, device)
        elif job == "push":
            if self._time.live:
                self._pool.submit(self._push, device)
            elif self._pace is None and device.sealed % BATCH == 0:
                self._push(device)
        else:
            device.measure(job, at)

    def _push(self, device: Device) -> float | None:
        # A turn that finds the last one still under way has nothing to add.
        if not device.busy.acquire(blocking=False):
            return 0.0
        try:
            return device.push()
        finally:
            device.busy.release()

    def _ask_plan(self, device: Device) -> None:
        try:
            device.ask_plan()
        except (Unreachable, Refused) as fault:
            self._reason = str(fault)
            log.info("no plan for %s: %s", device.place.campus.id, fault)

    def _wait(self, seconds: float) -> bool:
        return self._stopped.wait(seconds) if seconds else self._stopped.is_set()

    def _end(self, tell: Callable[[Progress], None]) -> bool:
        for device in self._devices:
            device.finish()
        if self._pace is not None:
            if not self._stopped.is_set():
                self._pace.end_at(self._until)
            self._pace.deliver()
        elif not self._time.live:
            self._drain(tell)
        self._pool.shutdown(wait=True, cancel_futures=True)
        for device in self._devices:
            device.close()
        last = self.progress()
        tell(last)
        return last.waiting == 0

    def _drain(self, tell: Callable[[Progress], None]) -> None:
        """Sends what is left of a past period, for as long as the collector keeps taking."""
        idle = threading.Event()
        left, patience = self.progress().waiting, DRAIN_SECONDS
        while left and patience > 0 and not self._stopped.is_set():
            list(self._pool.map(self._push, self._devices))
            now = self.progress().waiting
            if now < left:
                left, patience = now, DRAIN_SECONDS
                tell(self.progress())
            else:
                patience -= 1.0
                idle.wait(1.0)
