"""How busy the air was when this device last heard it: one figure, so that a test need not fall into a full channel."""

from __future__ import annotations

from agent import wire
from agent.clock import Clock
from agent.recorder import Recorder

_FRESH_SECONDS = 900.0


class Air:
    """A recorder that passes everything on, and remembers the newest utilization of the channel this device uses."""

    def __init__(self, recorder: Recorder, clock: Clock) -> None:
        self._recorder = recorder
        self._clock = clock
        self._heard: tuple[float, float] | None = None

    def record(self, kind: str, table: wire.Table) -> None:
        self._recorder.record(kind, table)
        if isinstance(table, wire.Airspace):
            self._hear(table)

    def not_run(self, fault: wire.NotRun) -> None:
        self._recorder.not_run(fault)

    def now(self) -> float | None:
        """The utilization (0 to 1), or None where it was not heard in the last quarter of an hour."""
        if self._heard is None or self._clock.boottime() - self._heard[0] > _FRESH_SECONDS:
            return None
        return self._heard[1]

    def _hear(self, table: wire.Airspace) -> None:
        """Of the listed access points, the strongest one's channel is taken for this device's own."""
        rows = zip(table.at, table.listed, table.signal_dbm, table.utilization_ratio, strict=True)
        heard = [(dbm, at, busy) for at, listed, dbm, busy in rows if listed and dbm is not None and busy is not None]
        if heard:
            _, at, busy = max(heard)
            self._heard = (at, busy)
