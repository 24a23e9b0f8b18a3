"""What leaves by remote write: a durable cursor over placed evidence. There is no second copy of anything.

Evidence gets its ``position`` when it is placed, so what an agent measured before its approval, or before its clock was
known, comes up here when it counts, and one number is the whole state of forwarding.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from sqlalchemy import Connection, and_, func, or_, select

from collector.compaction.hour import Entry, Hour
from collector.store import joined, surroundings
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
    """The next reports in the order in which they were placed. What a broken clock dates into the future stays out;
    what was measured while nobody knows where the agent stood leaves without a room."""
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
                placement.c.id,
            )
            .join(agent, agent.c.id == evidence.c.agent)
            .outerjoin(placement, then)
            .where(evidence.c.position > start, evidence.c.flag == "", evidence.c.campus.is_not(None))
            .order_by(evidence.c.position)
            .limit(limit)
        )
    )
    doubts = surroundings.unconfirmed(connection, numbers={row[-1] for row in rows} - {None})
    once: dict[int, Waiting] = {}
    for *row, number in rows:  # two placements that overlap must not make two samples of one
        waiting = Waiting._make((*row[:3], row[3] or "", *row[4:]))
        if waiting.start_at >= doubts.get(number, math.inf):
            waiting = waiting._replace(place="")
        once.setdefault(waiting.position, waiting)
    through = max(once, default=None) if len(once) >= limit else None
    joined_before = _joined(connection, start, limit, through)
    return sorted([*once.values(), *joined_before], key=lambda one: one.position)[:limit]


def _joined(connection: Connection, start: int, limit: int, through: int | None) -> list[Waiting]:
    """The same of joined hours, up to a position. Seldom any: what waits to be forwarded is not joined, unless remote
    write was set up afterwards."""
    found: list[tuple[Entry, Hour]] = []
    for hour in joined.after(connection, start, through):
        last = found[limit - 1][0].position if len(found) >= limit else None
        if last is not None and hour.first_position is not None and hour.first_position > last:
            break
        waiting = [(one, hour) for one in joined.index(hour) if (one.position or 0) > start and one.flag == ""]
        found = sorted([*found, *waiting], key=_position)[:limit]
    if not found:
        return []
    documents: dict[int, bytes] = {}
    for hour in {hour.seal: hour for _, hour in found}.values():
        documents |= {one.id: one.document for one in joined.rows(hour)}
    stood = [_stood(connection, one) for one, _ in found]
    doubts = surroundings.unconfirmed(connection, numbers={number for number, _ in stood} - {0})
    simulated = {row.id: row.simulated for row in connection.execute(select(agent.c.id, agent.c.simulated))}
    return [
        Waiting(
            one.position or 0, one.agent, one.campus or "", _place(one, where, doubts), simulated[one.agent],
            one.start_at or 0.0, one.received_at, documents[one.id],
        )
        for (one, _), where in zip(found, stood, strict=True) if one.id in documents and one.agent in simulated
    ]  # fmt: skip


def _position(found: tuple[Entry, Hour]) -> int:
    return found[0].position or 0


def _stood(connection: Connection, entry: Entry) -> tuple[int, str]:
    """The placement in which it was measured, and its room; 0 for none."""
    at = entry.start_at or 0.0
    stood = (placement.c.agent == entry.agent, placement.c.from_at <= at)
    still = or_(placement.c.to_at.is_(None), placement.c.to_at > at)
    query = select(placement.c.id, placement.c.place).where(*stood, still).order_by(placement.c.id).limit(1)
    row = connection.execute(query).first()
    return (0, "") if row is None else (row.id, row.place or "")


def _place(entry: Entry, stood: tuple[int, str], doubts: Mapping[int, float]) -> str:
    number, place = stood
    return place if (entry.start_at or 0.0) < doubts.get(number, math.inf) else ""


def backlog(connection: Connection, start: int) -> Backlog:
    waits = (evidence.c.position > start) & (evidence.c.flag == "") & evidence.c.campus.is_not(None)
    oldest = connection.scalar(select(evidence.c.received_at).where(waits).order_by(evidence.c.position).limit(1))
    hour = next(joined.after(connection, start, None), None)
    before = [] if hour is None else [one for one in joined.index(hour) if (one.position or 0) > start]
    received = [one.received_at for one in before] + ([] if oldest is None else [oldest])
    if not received:
        return Backlog(0, None)
    newest = max(connection.scalar(select(func.max(evidence.c.position))) or 0, joined.last_position(connection))
    return Backlog(max(1, int(newest) - start), min(received))
