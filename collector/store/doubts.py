"""What reports tell of surroundings becomes rows, and slots to judge again wherever a doubt begins or moves."""

from __future__ import annotations

from operator import itemgetter

from sqlalchemy import Connection, delete, select

from collector.store import joined, marks
from collector.store.known import Known, Placed
from collector.store.schema import evidence, placement, surroundings
from collector.store.surroundings import COLUMNS, SIGHTED, Surroundings, by_placement
from collector.store.upsert import upsert

REASON = "surroundings changed"


class Watch:
    """Collects what one commit's reports tell."""

    def __init__(self) -> None:
        self._seen: dict[int, Surroundings] = {}
        self._ended: set[tuple[int, str]] = set()
        self._turned: dict[str, float] = {}

    def look(self, agent: str, placed: Placed, fingerprint: str | None, at: float) -> None:
        around = placed.surroundings
        if fingerprint is None or around is None or around.knows(fingerprint, at):
            return
        before = around.unconfirmed_from
        ended = around.see(fingerprint, at)
        after = around.unconfirmed_from
        self._seen[placed.id] = around
        self._ended |= {(placed.id, name) for name in ended}
        if before != after:
            since = min(one for one in (before, after) if one is not None)
            self._turned[agent] = min(since, self._turned.get(agent, since))

    def write(self, connection: Connection, memory: Known, slot_seconds: int, now: float | None) -> None:
        """After the evidence itself is written, so that every slot of it is marked."""
        for number, name in self._ended:
            one = (surroundings.c.placement == number) & (surroundings.c.fingerprint == name)
            connection.execute(delete(surroundings).where(one))
        _keep(connection, self._seen)
        for agent, since in self._turned.items():
            slots = _slots_since(connection, agent, since, slot_seconds)
            marks.mark(connection, memory, slots, slot_seconds, now)


def retrace(connection: Connection, number: int, agent: str) -> None:
    """Looks again at what was measured in a placement that begins in the past."""
    row = connection.execute(select(placement.c.from_at, placement.c.to_at).where(placement.c.id == number)).one()
    around = by_placement(connection.execute(select(*COLUMNS).select_from(SIGHTED).where(placement.c.id == number)))
    told = select(evidence.c.surroundings, evidence.c.start_at).where(
        evidence.c.agent == agent, evidence.c.start_at >= row.from_at, evidence.c.surroundings.is_not(None)
    )
    if row.to_at is not None:
        told = told.where(evidence.c.start_at < row.to_at)
    until = float("inf") if row.to_at is None else row.to_at
    before = (
        (entry.surroundings, entry.start_at)
        for hour in joined.of_agent(connection, agent, row.from_at, row.to_at)
        for entry in joined.index(hour)
        if entry.surroundings is not None and entry.start_at is not None and row.from_at <= entry.start_at < until
    )
    landed = ((fingerprint, at) for fingerprint, at in connection.execute(told))
    for fingerprint, at in sorted([*before, *landed], key=itemgetter(1)):
        if not around[number].knows(fingerprint, at):
            around[number].see(fingerprint, at)
    _keep(connection, around)


def forget(connection: Connection, numbers: list[int]) -> None:
    """With their placements: a number may be given again."""
    connection.execute(delete(surroundings).where(surroundings.c.placement.in_(numbers)))


def _keep(connection: Connection, around: dict[int, Surroundings]) -> None:
    rows = [
        {"placement": number, "fingerprint": name, "first_at": one.first_at, "reports": one.reports}
        for number, some in around.items()
        for name, one in some.sightings.items()
    ]
    if rows:
        upsert(connection, surroundings, rows, ("first_at", "reports"))


def _slots_since(connection: Connection, agent: str, since: float, slot_seconds: int) -> dict[tuple[str, int], str]:
    rows = connection.execute(
        select(evidence.c.campus, evidence.c.start_at, evidence.c.end_at).where(
            evidence.c.agent == agent, evidence.c.start_at >= since, evidence.c.campus.is_not(None)
        )
    )
    before = (
        (entry.campus, entry.start_at, entry.end_at)
        for hour in joined.of_agent(connection, agent, since)
        for entry in joined.index(hour)
        if entry.start_at is not None and entry.start_at >= since and entry.campus is not None
    )
    return {
        (campus, slot): REASON
        for campus, start_at, end_at in (*rows, *before)
        for slot in marks.slots_of(start_at, end_at, slot_seconds)
    }
