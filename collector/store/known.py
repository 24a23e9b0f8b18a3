"""What the writer remembers of agents, so that the usual report needs no query: placements, streams, anchors.

Only the writer's thread touches it. It is a copy: forgotten after a failed transaction and whenever somebody changes
agents, and on PostgreSQL (where other collectors write too) before every commit.
"""

from __future__ import annotations

from bisect import insort
from typing import Any, NamedTuple

from sqlalchemy import Connection, String, bindparam, func, select, update

from agent import wire
from collector.inventory import WALKING
from collector.judgement.beacons import Heard
from collector.store import joined, judging, unlisted
from collector.store.schema import agent, anchor, answered, counter, evidence, heard, loss, placement, stream
from collector.store.surroundings import COLUMNS, SIGHTED, Surroundings, by_placement

stream_table = stream
answered_table = answered
heard_table = heard
SEEN_SECONDS = 5.0
_MAX_STREAMS = 16
_MAX_BOOTS = 16
_SEEN = (
    update(agent)
    .where(agent.c.id == bindparam("b_id"))
    .values(
        last_seen_at=bindparam("b_at"),
        waiting_reports=bindparam("b_waiting"),
        # A push of nothing but duplicates tells nothing new of the device.
        version=func.coalesce(bindparam("b_version", type_=String), agent.c.version),
        clock_state=func.coalesce(bindparam("b_clock", type_=String), agent.c.clock_state),
    )
)


class Placed(NamedTuple):
    """Where an agent was in [from_at, to_at). ``surroundings``: None for a device that is carried about anyhow."""

    id: int
    from_at: float
    to_at: float | None
    campus: str
    surroundings: Surroundings | None


class StreamState:
    """Which numbers of a stream are kept or given up."""

    def __init__(self, through: int, beyond: set[int], lost: list[tuple[int, int]], highest: int) -> None:
        self.through = through
        self.highest = highest
        self._beyond = beyond
        self._lost = sorted(lost)
        self._advance()

    def add(self, seq: int) -> None:
        self.highest = max(self.highest, seq)
        if seq > self.through:
            self._beyond.add(seq)
            self._advance()

    def lose(self, first: int, last: int) -> None:
        if last > self.through and last >= first:
            insort(self._lost, (first, last))
            self._advance()

    def _advance(self) -> None:
        moved = True
        while moved:
            moved = False
            while self.through + 1 in self._beyond:
                self._beyond.discard(self.through + 1)
                self.through += 1
                moved = True
            while self._lost and self._lost[0][0] <= self.through + 1:
                last = self._lost.pop(0)[1]
                if last > self.through:
                    self.through = last
                    moved = True
        if self._beyond and min(self._beyond) <= self.through:
            self._beyond = {seq for seq in self._beyond if seq > self.through}


class AgentState:
    """One agent as the writer knows it."""

    def __init__(self, connection: Connection, agent_id: str) -> None:
        self.id = agent_id
        self.seen_at = 0.0
        self.waiting_reports = 0
        self._newest = 0.0
        self._version: str | None = None
        self._clock: str | None = None
        self._placements = _placements(connection, agent_id)
        rows = connection.execute(select(anchor.c.boot_id, anchor.c.offset_seconds).where(anchor.c.agent == agent_id))
        self.anchors: dict[str, float] = {row[0]: row[1] for row in rows}
        rows = connection.execute(
            select(answered.c.access_point, answered.c.first_at).where(answered.c.agent == agent_id)
        )
        self._answered: dict[str, float] = {row[0]: row[1] for row in rows}
        self._last_first_at = max(self._answered.values(), default=0.0)
        self._heard = {bssid: one for (_, bssid), one in judging.heard(connection, [agent_id]).items()}
        self._streams: dict[str, StreamState] = {}
        self._boots: dict[str, tuple[float, float]] = {}
        self.unlisted = unlisted.Memory()

    def hear(self, report: wire.Report) -> None:
        """Keeps what the report says of the device itself, unless a newer one has said it: a backlog comes later."""
        if report.start_at is None or report.start_at >= self._newest:
            self._newest = report.start_at or self._newest
            self._version, self._clock = report.agent_version, report.clock.state

    def seen(self) -> dict[str, Any]:
        """The values of ``_SEEN``."""
        told = {"b_version": self._version, "b_clock": self._clock, "b_waiting": self.waiting_reports}
        return {"b_id": self.id, "b_at": self.seen_at, **told}

    def placed_at(self, at: float) -> Placed | None:
        for placed in self._placements:
            if placed.from_at <= at and (placed.to_at is None or at < placed.to_at):
                return placed
        return None

    def campus_at(self, at: float) -> str | None:
        placed = self.placed_at(at)
        return None if placed is None else placed.campus

    def stream(self, connection: Connection, name: str) -> StreamState:
        state = self._streams.get(name)
        if state is None:
            if len(self._streams) >= _MAX_STREAMS:
                self._streams.pop(next(iter(self._streams)))
            state = self._streams[name] = self._load(connection, name)
        return state

    def _load(self, connection: Connection, name: str) -> StreamState:
        own = (stream.c.agent == self.id) & (stream.c.stream == name)
        through = connection.scalar(select(stream.c.through).where(own)) or 0
        mine = (evidence.c.agent == self.id) & (evidence.c.stream == name)
        beyond = set(connection.scalars(select(evidence.c.seq).where(mine, evidence.c.seq > through)))
        for first, last in joined.numbers(connection, self.id, name, through):
            beyond.update(range(first, last + 1))
        ranges = select(loss.c.first_seq, loss.c.last_seq).where(
            loss.c.agent == self.id, loss.c.stream == name, loss.c.last_seq > through
        )
        lost = [(row[0], row[1]) for row in connection.execute(ranges)]
        return StreamState(through, beyond, lost, max(through, max(beyond, default=0)))

    def new_answers(self, report: wire.Report, start_at: float) -> list[tuple[str, float]]:
        """Access points that this report heard for the first time, or earlier than was known."""
        reach = report.reach
        if reach is None:
            return []
        known = self._answered
        # Nearly every report is later than the first answer of all that it names.
        if start_at >= self._last_first_at and known.keys() >= set(reach.target):
            return []
        found = []
        for target, received, at in zip(reach.target, reach.received, reach.at, strict=True):
            if received:
                first = known.get(target)
                when = start_at + at
                if first is None or when < first:
                    known[target] = when
                    self._last_first_at = max(self._last_first_at, when)
                    found.append((target, when))
        return found

    def new_beacons(self, report: wire.Report, start_at: float) -> list[dict[str, Any]]:
        """Rows of listed BSSIDs that this report heard in one of their first stretches, or earlier in it than was
        known."""
        airspace = report.airspace
        if airspace is None:
            return []
        found: set[str] = set()
        for bssid, listed, at in zip(airspace.bssid, airspace.listed, airspace.at, strict=True):
            if listed:
                before = self._heard.get(bssid)
                after = Heard((start_at + at,)) if before is None else before.also(start_at + at)
                if after is not before:
                    self._heard[bssid] = after
                    found.add(bssid)
        return [judging.heard_row(self.id, bssid, self._heard[bssid]) for bssid in sorted(found)]

    def alternates(self, report: wire.Report) -> str:
        """A boot never comes back once the device has started again: where it does, two devices hold one key."""
        if report.start_at is None:
            return ""
        at = report.start_at
        first, last = self._boots.pop(report.boot_id, (at, at))
        for boot_id, (other_first, other_last) in self._boots.items():
            if first < other_first and at > other_last:
                return f"boots {report.boot_id} and {boot_id} alternate"
        if len(self._boots) >= _MAX_BOOTS:
            self._boots.pop(next(iter(self._boots)))
        self._boots[report.boot_id] = (min(first, at), max(last, at))
        return ""


def _placements(connection: Connection, agent_id: str) -> list[Placed]:
    columns = (placement.c.from_at, placement.c.to_at, placement.c.campus, placement.c.place)
    rows = connection.execute(
        select(*COLUMNS, *columns).select_from(SIGHTED).where(placement.c.agent == agent_id).order_by(placement.c.id)
    ).all()
    around = by_placement(row[: len(COLUMNS)] for row in rows)
    return [
        Placed(row.id, row.from_at, row.to_at, row.campus, None if row.place == WALKING else around[row.id])
        for row in {row.id: row for row in rows}.values()
    ]


class Known:
    """The writer's memory."""

    def __init__(self, *, shared: bool) -> None:
        self.marked: set[tuple[str, int]] = set()
        self._shared = shared
        self._agents: dict[str, AgentState] = {}
        self._position: int | None = None
        self._seen_written = 0.0

    def begin(self) -> None:
        """Before each transaction."""
        if self._shared:
            self.forget()

    def forget(self) -> None:
        self._agents.clear()
        self.marked.clear()
        self._position = None

    def agent(self, connection: Connection, agent_id: str) -> AgentState:
        state = self._agents.get(agent_id)
        if state is None:
            state = self._agents[agent_id] = AgentState(connection, agent_id)
        return state

    def next_position(self, connection: Connection) -> int:
        """The next number of placed evidence. Where others write too, the row of the counter keeps the order."""
        if self._shared:
            taken = connection.scalar(
                update(counter)
                .where(counter.c.name == "position")
                .values(value=counter.c.value + 1)
                .returning(counter.c.value)
            )
            assert taken is not None
            return int(taken)
        if self._position is None:
            landed = connection.scalar(select(func.max(evidence.c.position))) or 0
            self._position = max(landed, joined.last_position(connection))
        self._position += 1
        return self._position

    def flush_seen(self, connection: Connection, now: float) -> None:
        """Writes when agents were last heard, a few seconds' worth at once."""
        if now - self._seen_written < SEEN_SECONDS and not self._shared:
            return
        since, self._seen_written = self._seen_written, now
        rows = [state.seen() for state in self._agents.values() if state.seen_at >= since and state.seen_at]
        if rows:
            connection.execute(_SEEN, rows)
