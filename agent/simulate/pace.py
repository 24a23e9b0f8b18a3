"""A past period lived together with a collector: at each step of model time everybody's reports are delivered.

The collector's clock is the model's. It judges a slot when its grace is over; with a grace longer than a step, all that
could be told of the slot was told by then, and what was not lay behind a line that the model had cut.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from datetime import date, datetime
from zoneinfo import ZoneInfo

from agent.simulate.clock import Time
from agent.simulate.device import Device

STEP_SECONDS = 3000.0
"""With a slot more it is shorter than the longest grace of a collector, an hour."""
PATIENCE_SECONDS = 120.0
_ZONE = ZoneInfo("America/Los_Angeles")
_WAIT_SECONDS = 0.2


class Stalled(Exception):
    """The collector takes no more. Says why."""


class Pace:
    """Steps of ``step_seconds``, whole in Unix time. ``wait`` waits real seconds, and is true when told to stop;
    ``patience_seconds``: how long a collector may take nothing."""

    def __init__(
        self,
        time_: Time,
        devices: Sequence[Device],
        pool: Executor,
        *,
        ask_plan: Callable[[Device], None],
        wait: Callable[[float], bool],
        step_seconds: float = STEP_SECONDS,
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> None:
        self._time = time_
        self._devices = devices
        self._pool = pool
        self._ask_plan = ask_plan
        self._wait = wait
        self._step = step_seconds
        self._patience = patience_seconds
        self._next = (time_.at // step_seconds + 1) * step_seconds
        self._planned: dict[str, date] = {}

    def come_to(self, at: float) -> bool:
        """Takes the steps up to ``at``; false if told to stop meanwhile. Raises Stalled."""
        while at >= self._next:
            self._time.at = max(self._time.at, self._next)
            self._next += self._step
            self._time.publish()
            if not self.deliver():
                return False
            self._plans()
        return True

    def end_at(self, until: float) -> None:
        """Takes the last steps. Raises Stalled."""
        if self.come_to(until):
            self._time.at = max(self._time.at, until)
            self._time.publish()

    def deliver(self) -> bool:
        """Until nothing waits at any device whose line works; false if told to stop meanwhile. Raises Stalled."""
        owing, patience = [device for device in self._devices if not device.cut()], self._patience
        while owing:
            waits = list(self._pool.map(Device.push, owing))
            left = [device for device, wait in zip(owing, waits, strict=True) if wait is not None]
            patience = self._patience if len(left) < len(owing) else patience - _WAIT_SECONDS
            if patience <= 0:
                raise Stalled(f"{len(left)} agents could not deliver: {left[0].pusher.standing.reason or 'no answer'}")
            owing = left
            if owing and self._wait(_WAIT_SECONDS):
                return False
        return not self._wait(0.0)

    def _plans(self) -> None:
        """Each agent that has power asks for its plan once a day: the hours of the days to come are in it."""
        today = datetime.fromtimestamp(self._time.at, _ZONE).date()
        asking = [
            device
            for device in self._devices
            if self._planned.get(device.id) != today and device.is_on(self._time.at) and not device.cut()
        ]
        list(self._pool.map(self._ask_plan, asking))
        self._planned |= {device.id: today for device in asking}
