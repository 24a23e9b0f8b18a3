"""Signed reports become evidence: checked batches go in, one row a report and an outcome for each come out.

Runs in the writer's transaction. Whether a report is new is known from memory in the usual case; the unique key of the
table, and what was joined already, decide in the end. Nothing here looks at the Wi-Fi: only when, where and whether it
counts once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection, insert, select, update

from agent import wire
from collector.store import joined, known, marks, unlisted
from collector.store.doubts import Watch
from collector.store.evidence import FUTURE_SECONDS, unpack
from collector.store.judging import HEARD_AT
from collector.store.known import AgentState, Known
from collector.store.schema import anchor, evidence, loss
from collector.store.upsert import upsert

CONFLICT = "409 conflict: cloned device"


class Incoming(NamedTuple):
    """One report whose signature and shape are good. ``body``: the canonical bytes under zstd."""

    report: wire.Report
    digest: str
    signature: str
    body: bytes


class Batch(NamedTuple):
    """What one agent pushed at once. ``waiting_reports``: how many its spool still holds."""

    agent: str
    reports: Sequence[Incoming]
    received_at: float
    waiting_reports: int = 0


class Outcome(NamedTuple):
    """``through``: for each stream of the batch the seq up to which everything is kept or known to be lost.
    ``cloned``: why it seems that two devices use this key, or empty."""

    results: list[wire.Result]
    through: dict[str, int]
    cloned: str


def keep(connection: Connection, memory: Known, batches: Iterable[Batch], slot_seconds: int) -> list[Outcome]:
    """Stores what is new of ``batches``. The caller commits, then answers; on any exception it forgets ``memory``."""
    group = _Group(connection, memory, slot_seconds)
    outcomes = [group.take(batch) for batch in batches]
    group.write()
    return outcomes


class _Group:
    """The rows of one commit."""

    def __init__(self, connection: Connection, memory: Known, slot_seconds: int) -> None:
        self._connection = connection
        self._memory = memory
        self._slot_seconds = slot_seconds
        self._rows: list[dict[str, Any]] = []
        self._digests: dict[tuple[str, str, int], str] = {}
        self._streams: dict[tuple[str, str], dict[str, Any]] = {}
        self._answered: dict[tuple[str, str], dict[str, Any]] = {}
        self._heard: dict[tuple[str, str], dict[str, Any]] = {}
        self._losses: list[dict[str, Any]] = []
        self._anchors: dict[tuple[str, str], dict[str, Any]] = {}
        self._slots: dict[tuple[str, int], str] = {}
        self._watch = Watch()
        self._now = 0.0

    def take(self, batch: Batch) -> Outcome:
        self._now = max(self._now, batch.received_at)
        state = self._memory.agent(self._connection, batch.agent)
        state.seen_at = batch.received_at
        state.waiting_reports = batch.waiting_reports
        results = []
        cloned = ""
        touched = []
        for incoming in batch.reports:
            report = incoming.report
            stream = state.stream(self._connection, report.stream)
            held = self._held(stream, batch.agent, report)
            if held is None:
                self._add(state, batch, incoming)
                state.hear(report)
                cloned = cloned or state.alternates(report)
                results.append(wire.Result(report.stream, report.seq, "accepted"))
            elif held == incoming.digest:
                results.append(wire.Result(report.stream, report.seq, "duplicate"))
            else:
                cloned = f"stream {report.stream} number {report.seq} came with two contents"
                results.append(wire.Result(report.stream, report.seq, "rejected", CONFLICT))
            touched.append((report.stream, stream))
        return Outcome(results, {name: stream.through for name, stream in touched}, cloned)

    def _held(self, stream: known.StreamState, agent: str, report: wire.Report) -> str | None:
        """The digest under which this number is kept already."""
        if report.seq > stream.highest:
            return None
        now = self._digests.get((agent, report.stream, report.seq))
        if now is not None:
            return now
        where = (evidence.c.agent == agent) & (evidence.c.stream == report.stream) & (evidence.c.seq == report.seq)
        landed = self._connection.scalar(select(evidence.c.digest).where(where))
        return landed or joined.digest(self._connection, agent, report.stream, report.seq)

    def _add(self, state: AgentState, batch: Batch, incoming: Incoming) -> None:
        report = incoming.report
        for given in report.anchors:
            self._anchors[batch.agent, given.boot_id] = {
                "agent": batch.agent,
                "boot_id": given.boot_id,
                "offset_seconds": given.offset_seconds,
                "error_seconds": given.error_seconds,
                "received_at": batch.received_at,
            }
            state.anchors[given.boot_id] = given.offset_seconds
        start_at = report.start_at
        if start_at is None and (offset := state.anchors.get(report.boot_id)) is not None:
            start_at = report.clock.boottime_seconds + offset
        end_at = None if start_at is None else start_at + report.duration_seconds
        placed = None if start_at is None else state.placed_at(start_at)
        campus = None if placed is None else placed.campus
        around = _surroundings(report)
        self._digests[batch.agent, report.stream, report.seq] = incoming.digest
        self._rows.append(
            {
                "agent": batch.agent,
                "stream": report.stream,
                "seq": report.seq,
                "digest": incoming.digest,
                "signature": incoming.signature,
                "boot_id": report.boot_id,
                "boottime_seconds": report.clock.boottime_seconds,
                "campus": campus,
                "start_at": start_at,
                "end_at": end_at,
                "slot": None if start_at is None else int(start_at // self._slot_seconds) * self._slot_seconds,
                "received_at": batch.received_at,
                "flag": "future" if end_at is not None and end_at > batch.received_at + FUTURE_SECONDS else "",
                "surroundings": around,
                "position": self._memory.next_position(self._connection) if campus else None,
                "body": incoming.body,
            }
        )
        if start_at is not None:
            self._note_answers(state, batch.agent, report, start_at)
            if placed is not None and campus is not None:
                self._watch.look(batch.agent, placed, around, start_at)
                unlisted.keep(self._connection, campus, batch.agent, state.unlisted.news(campus, report, start_at))
                for slot in marks.slots_of(start_at, start_at + report.duration_seconds, self._slot_seconds):
                    self._slots[campus, slot] = "evidence"
        stream = state.stream(self._connection, report.stream)
        stream.add(report.seq)
        self._streams[batch.agent, report.stream] = {
            "agent": batch.agent,
            "stream": report.stream,
            "through": stream.through,
            "boot_id": report.boot_id,
            "last_at": batch.received_at,
        }
        for lost in report.losses:
            self._lose(state, batch, lost)

    def _lose(self, state: AgentState, batch: Batch, lost: wire.Loss) -> None:
        row = msgspec.structs.asdict(lost)
        self._losses.append({**row, "agent": batch.agent, "received_at": batch.received_at})
        stream = state.stream(self._connection, lost.stream)
        stream.lose(lost.first_seq, lost.last_seq)
        key = (batch.agent, lost.stream)
        kept = self._streams.get(key, {"boot_id": "", "last_at": batch.received_at})
        self._streams[key] = {**kept, "agent": batch.agent, "stream": lost.stream, "through": stream.through}

    def _note_answers(self, state: AgentState, agent: str, report: wire.Report, start_at: float) -> None:
        for target, first_at in state.new_answers(report, start_at):
            self._answered[agent, target] = {"agent": agent, "access_point": target, "first_at": first_at}
        for row in state.new_beacons(report, start_at):
            self._heard[agent, row["bssid"]] = row

    def write(self) -> None:
        connection = self._connection
        if self._rows:
            connection.execute(insert(evidence), self._rows)
        if self._streams:
            upsert(connection, known.stream_table, list(self._streams.values()), ("through", "last_at"))
        if self._losses:
            upsert(connection, loss, self._losses, ())
        if self._answered:
            upsert(connection, known.answered_table, list(self._answered.values()), ("first_at",))
        if self._heard:
            upsert(connection, known.heard_table, list(self._heard.values()), HEARD_AT)
        if self._anchors:
            upsert(connection, anchor, list(self._anchors.values()), ("offset_seconds", "error_seconds", "received_at"))
            for (agent, boot_id), row in self._anchors.items():
                place_boot(connection, self._memory, agent, boot_id, row["offset_seconds"], self._slot_seconds)
        marks.mark(connection, self._memory, self._slots, self._slot_seconds, self._now)
        self._watch.write(connection, self._memory, self._slot_seconds, self._now)
        self._memory.flush_seen(connection, self._now)


def place_boot(
    connection: Connection, memory: Known, agent: str, boot_id: str, offset: float, slot_seconds: int
) -> int:
    """Gives the reports of a boot whose clock was unknown their time, now that an anchor has come."""
    waiting = (evidence.c.agent == agent) & (evidence.c.boot_id == boot_id) & evidence.c.start_at.is_(None)
    rows = connection.execute(select(evidence).where(waiting)).all()
    state = memory.agent(connection, agent)
    slots: dict[tuple[str, int], str] = {}
    watch = Watch()
    for row in rows:
        report = wire.decode_report(unpack(row.body))[0]
        start_at = row.boottime_seconds + offset
        end_at = start_at + report.duration_seconds
        placed = state.placed_at(start_at)
        campus = None if placed is None else placed.campus
        values = {
            "start_at": start_at,
            "end_at": end_at,
            "slot": int(start_at // slot_seconds) * slot_seconds,
            "campus": campus,
            "position": memory.next_position(connection) if campus else None,
        }
        connection.execute(update(evidence).where(evidence.c.id == row.id).values(values))
        answers = [
            {"agent": agent, "access_point": target, "first_at": at}
            for target, at in state.new_answers(report, start_at)
        ]
        if answers:
            upsert(connection, known.answered_table, answers, ("first_at",))
        if beacons := state.new_beacons(report, start_at):
            upsert(connection, known.heard_table, beacons, HEARD_AT)
        if placed is not None and campus:
            watch.look(agent, placed, row.surroundings, start_at)
            unlisted.keep(connection, campus, agent, state.unlisted.news(campus, report, start_at))
            slots.update(((campus, slot), "anchor") for slot in marks.slots_of(start_at, end_at, slot_seconds))
    marks.mark(connection, memory, slots, slot_seconds, None)
    watch.write(connection, memory, slot_seconds, None)
    return len(rows)


def _surroundings(report: wire.Report) -> str | None:
    """The last that the report tells. What a walking technician measures says nothing of where a device stands."""
    if report.host is None or report.place is not None:
        return None
    return next((one for one in reversed(report.host.surroundings) if one is not None), None)
