"""What leaves by remote write: a durable cursor over placed evidence. There is no second copy of anything.

Evidence gets its ``position`` when it is placed, so what an agent measured before its approval, or before its clock was
known, comes up here when it counts, and one number is the whole state of forwarding.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from sqlalchemy import Connection, and_, func, or_, select

from collector.store.schema import agent, cursor, evidence, placement
from collector.store.upsert import upsert

CURSOR = "remote_write"


class Waiting(NamedTuple):
    """A kept report that has not been forwarded, with where its agent was when it measured."""

    position: int
    agent: str
    campus: str
    place: str
    simulated: bool
    start_at: float
    received_at: float
    body: bytes


class Backlog(NamedTuple):
    """How many reports wait, and when the oldest of them was received."""

    reports: int
    oldest_received_at: float | None


def position(connection: Connection) -> int:
    """Everything up to this position has been forwarded, or refused for good."""
    found = connection.scalar(select(cursor.c.position).where(cursor.c.name == CURSOR))
    return int(found or 0)


def advance(connection: Connection, to: int) -> None:
    upsert(connection, cursor, [{"name": CURSOR, "position": to}], ("position",))


def after(connection: Connection, start: int, limit: int) -> list[Waiting]:
    """The next reports in the order in which they were placed. What a broken clock dates into the future stays out."""
    then = and_(
        placement.c.agent == evidence.c.agent,
        placement.c.from_at <= evidence.c.start_at,
        or_(placement.c.to_at.is_(None), placement.c.to_at > evidence.c.start_at),
    )
    rows: list[Any] = list(
        connection.execute(
            select(
                evidence.c.position,
                evidence.c.agent,
                evidence.c.campus,
                placement.c.place,
                agent.c.simulated,
                evidence.c.start_at,
                evidence.c.received_at,
                evidence.c.body,
            )
            .join(agent, agent.c.id == evidence.c.agent)
            .outerjoin(placement, then)
            .where(evidence.c.position > start, evidence.c.flag == "", evidence.c.campus.is_not(None))
            .order_by(evidence.c.position)
            .limit(limit)
        )
    )
    once: dict[int, Waiting] = {}
    for row in rows:  # two placements that overlap must not make two samples of one
        once.setdefault(row[0], Waiting._make((*row[:3], row[3] or "", *row[4:])))
    return list(once.values())


def backlog(connection: Connection, start: int) -> Backlog:
    waits = (evidence.c.position > start) & (evidence.c.flag == "") & evidence.c.campus.is_not(None)
    oldest = connection.scalar(select(evidence.c.received_at).where(waits).order_by(evidence.c.position).limit(1))
    if oldest is None:
        return Backlog(0, None)
    newest = connection.scalar(select(func.max(evidence.c.position)))
    return Backlog(max(1, int(newest or 0) - start), oldest)
