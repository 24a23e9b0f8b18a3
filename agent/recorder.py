"""Measurements in, sealed reports out: one report a wall-clock window, signed once and never changed.

Probes give instants of CLOCK_BOOTTIME. When a window is over (and a moment more, so that a sweep just ending is not
split) its rows are placed: with a known clock by Unix time, otherwise relative to boot, and a later report of the same
boot carries the anchor that places them.
"""

from __future__ import annotations

import math
import threading
from typing import Any, Protocol

import msgspec

from agent import wire
from agent.clock import Clock
from agent.identity import Identity
from agent.spool import Draft, Held, Numbered, Spool


class Recorder(Protocol):
    """Where measurements go. Both methods return at once and never raise for the disk's or the network's sake."""

    def record(self, kind: str, table: wire.Table) -> None:
        """Takes one probe's table; its ``at`` are CLOCK_BOOTTIME seconds."""

    def not_run(self, fault: wire.NotRun) -> None:
        """Takes what kept a probe from running; its ``at`` is CLOCK_BOOTTIME seconds."""


class WindowRecorder:
    """Collects one agent's measurements and seals them. Thread-safe. ``plan`` (the hash in force), ``report_seconds``
    and ``in_class`` are set by its owner as the plan changes, ``place`` by a technician who walks."""

    def __init__(
        self,
        *,
        identity: Identity,
        spool: Spool,
        clock: Clock,
        report_seconds: float,
        agent_version: str,
        plan: str | None = None,
        simulated: bool = False,
    ) -> None:
        self.plan = plan
        self.report_seconds = report_seconds
        self.in_class = True
        self.place: str | None = None
        self._identity = identity
        self._spool = spool
        self._clock = clock
        self._version = agent_version
        self._simulated = simulated
        self._lock = threading.Lock()
        self._tables: list[tuple[str, wire.Table]] = []
        self._not_run: list[wire.NotRun] = []
        # Boot seconds up to which windows are sealed: no window is reported twice.
        self._sealed_to = clock.boottime()

    @property
    def lag_seconds(self) -> float:
        """How long after a window's end it is sealed."""
        return min(5.0, self.report_seconds / 5)

    def record(self, kind: str, table: wire.Table) -> None:
        with self._lock:
            self._tables.append((kind, table))

    def not_run(self, fault: wire.NotRun) -> None:
        with self._lock:
            self._not_run.append(fault)

    def seal(self) -> list[Held]:
        """Seals each window that is over: the last one always, so that silence means absence; earlier ones only for
        rows that belong there."""
        return self._seal(whole_windows=True)

    def flush(self) -> list[Held]:
        """Seals everything at once, the window that is not over too: before the process ends."""
        return self._seal(whole_windows=False)

    def _seal(self, *, whole_windows: bool) -> list[Held]:
        reading = self._clock.reading()
        boottime = reading.boottime_seconds
        offset = self._clock.now() - self._clock.boottime() if reading.state != "unknown" else 0.0
        width = self.report_seconds
        now = boottime + offset
        limit = math.floor((now - self.lag_seconds) / width) * width if whole_windows else now
        with self._lock:
            rows = _rows_by_window(self._tables, self._not_run, offset, width, limit if whole_windows else math.inf)
            self._tables, self._not_run = rows.left_tables, rows.left_not_run
            begins = sorted(rows.windows)
            last = limit - width if whole_windows else math.floor(now / width) * width
            # The window before the last too, should its turn have been missed by a hair.
            for begin in (last - width, last):
                if begin not in rows.windows and begin + width > self._sealed_to + offset + 1e-6 and now > begin:
                    begins.append(begin)
            begins.sort()
            self._sealed_to = max(self._sealed_to, limit - offset)
        return [
            self._seal_window(begin, min(begin + width, now), offset, reading, rows.windows.get(begin))
            for begin in begins
        ]

    def _seal_window(
        self, begin: float, end: float, offset: float, reading: wire.Clock, window: _Window | None
    ) -> Held:
        known = reading.state != "unknown"
        window = window or _Window()

        def make(number: Numbered) -> Draft:
            boot_id = self._clock.boot_id()
            anchored = known and self._spool.wants_anchor(boot_id)
            report = wire.Report(
                schema=wire.SCHEMA,
                agent=self._identity.id,
                agent_version=self._version,
                stream=number.stream,
                seq=number.seq,
                boot_id=boot_id,
                start_at=round(begin, 6) if known else None,
                duration_seconds=max(round(end - begin, 6), 0.001),
                clock=msgspec.structs.replace(reading, boottime_seconds=round(max(begin - offset, 0.0), 6)),
                plan=self.plan,
                not_run=window.not_run,
                losses=list(number.losses),
                anchors=[wire.Anchor(boot_id, round(offset, 6), reading.error_seconds)] if anchored else [],
                simulated=self._simulated,
                # A window in which nothing was measured is of no room.
                place=self.place if window.columns or window.not_run else None,
            )
            kinds = window.tables()
            if self._spool.pressed:
                # Nearly full: what says nothing about the Wi-Fi is the first to go, and is told.
                for kind in ("host", "throughput"):
                    if (table := kinds.pop(kind, None)) is not None:
                        report.losses.append(
                            wire.Loss(
                                kind, len(table.at), number.seq, number.seq, number.stream, "spool nearly full",
                                report.start_at, report.start_at and end,
                            )
                        )  # fmt: skip
            for kind, table in kinds.items():
                setattr(report, kind, table)
            body = wire.encode(report)
            measured = "reach" in kinds or "path" in kinds
            return Draft(
                report=body,
                signature=self._identity.sign("report", body),
                boot_id=boot_id,
                start_at=report.start_at,
                end_at=end if known else None,
                anchors=anchored,
                priority=(2 if self.in_class else 1) if measured else 0,
            )

        return self._spool.seal(make)


class _Window:
    """The rows of one window, with ``at`` already relative to its start."""

    def __init__(self) -> None:
        self.columns: dict[str, dict[str, list[Any]]] = {}
        self.not_run: list[wire.NotRun] = []

    def add(self, kind: str, table: wire.Table, chosen: list[int], shift: float) -> None:
        columns = self.columns.setdefault(kind, {name: [] for name in table.__struct_fields__})
        for name, into in columns.items():
            values = getattr(table, name)
            if name == "at":
                into += [round(values[i] + shift, 6) for i in chosen]
            else:
                into += [values[i] for i in chosen]

    def tables(self) -> dict[str, wire.Table]:
        return {kind: wire.KINDS[kind](**columns) for kind, columns in self.columns.items()}


class _Rows:
    def __init__(self) -> None:
        self.windows: dict[float, _Window] = {}
        self.left_tables: list[tuple[str, wire.Table]] = []
        self.left_not_run: list[wire.NotRun] = []


def _rows_by_window(
    tables: list[tuple[str, wire.Table]], faults: list[wire.NotRun], offset: float, width: float, limit: float
) -> _Rows:
    rows = _Rows()
    for kind, table in tables:
        chosen: dict[float, list[int]] = {}
        left: list[int] = []
        for index, at in enumerate(table.at):
            if at + offset < limit:
                chosen.setdefault(math.floor((at + offset) / width) * width, []).append(index)
            else:
                left.append(index)
        for begin, indexes in chosen.items():
            rows.windows.setdefault(begin, _Window()).add(kind, table, indexes, offset - begin)
        if len(left) == len(table.at):
            rows.left_tables.append((kind, table))
        elif left:
            rest = {name: [getattr(table, name)[i] for i in left] for name in table.__struct_fields__}
            rows.left_tables.append((kind, type(table)(**rest)))
    for fault in faults:
        if fault.at + offset < limit:
            begin = math.floor((fault.at + offset) / width) * width
            window = rows.windows.setdefault(begin, _Window())
            window.not_run.append(msgspec.structs.replace(fault, at=round(fault.at + offset - begin, 6)))
        else:
            rows.left_not_run.append(fault)
    return rows
