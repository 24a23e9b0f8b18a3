"""What the judge reads beside the evidence itself: who stood where, who ever answered, when the record begins."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection, String, column, func, select, values

from collector.judgement.beacons import Heard
from collector.store import edges, schema, surroundings
from collector.store import exclusions as planned

_TOGETHER = 5000
"""Campuses asked after in one statement: databases bound its parameters."""


class Standing(Struct, frozen=True):
    """An agent stood at a place of a campus in [from_at, to_at). ``unconfirmed_from``: since when that is in doubt,
    because its surroundings are others than those known there."""

    agent: str
    campus: str
    place: str | None
    from_at: float
    to_at: float | None
    unconfirmed_from: float | None = None

    def is_confirmed(self, at: float) -> bool:
        return self.unconfirmed_from is None or at < self.unconfirmed_from


def standings(connection: Connection) -> dict[str, list[Standing]]:
    """Who stood where, by campus: only agents that were approved have a placement."""
    table = schema.placement
    columns = (table.c.agent, table.c.campus, table.c.place, table.c.from_at, table.c.to_at)
    found: dict[str, list[Standing]] = {}
    doubts = surroundings.unconfirmed(connection)
    for row in connection.execute(select(*columns, table.c.id).order_by(table.c.from_at, table.c.id)):
        standing = Standing(*row[:-1], doubts.get(row.id))
        found.setdefault(standing.campus, []).append(standing)
    return found


def record_begins(connection: Connection, campus: str) -> float | None:
    """When a campus's first agent was placed, or its oldest evidence was measured, whichever was first. A simulated
    agent is placed since for ever (0): that begins nothing."""
    placed = schema.placement.c
    firsts = (
        select(func.min(placed.from_at)).where(placed.campus == campus, placed.from_at > 0),
        select(func.min(schema.evidence.c.start_at)).where(schema.evidence.c.campus == campus),
        select(func.min(schema.evidence_hour.c.first_at)).where(schema.evidence_hour.c.campus == campus),
    )
    found = [at for at in (connection.scalar(query) for query in firsts) if at is not None]
    return min(found, default=None)


def records_begin(connection: Connection, campuses: Iterable[str]) -> dict[str, float]:
    """The same for many campuses; one whose record has not begun is left out."""
    placed = schema.placement.c
    query = (
        select(placed.campus, func.min(placed.from_at).label("first")).where(placed.from_at > 0).group_by(placed.campus)
    )
    found = {row.campus: float(row.first) for row in connection.execute(query)}
    names = list(campuses)
    for at in range(0, len(names), _TOGETHER):
        asked = [(name,) for name in names[at : at + _TOGETHER]]
        wanted = values(column("campus", String), name="wanted").data(asked).cte("wanted")
        oldest = [
            select(func.min(when)).where(campus == wanted.c.campus).scalar_subquery()
            for when, campus in (
                (schema.evidence.c.start_at, schema.evidence.c.campus),
                (schema.evidence_hour.c.first_at, schema.evidence_hour.c.campus),
            )
        ]
        for name, *ats in connection.execute(select(wanted.c.campus, *oldest)):
            if firsts := [one for one in (found.get(name), *ats) if one is not None]:
                found[name] = min(firsts)
    return {name: found[name] for name in names if name in found}


def answered(connection: Connection, agents: Iterable[str]) -> dict[tuple[str, str], float]:
    """When each access point first answered each of these agents."""
    table = schema.answered
    query = select(table.c.agent, table.c.access_point, table.c.first_at).where(table.c.agent.in_(sorted(agents)))
    return {(agent, ap): at for agent, ap, at in connection.execute(query)}


def heard(connection: Connection, agents: Iterable[str]) -> dict[tuple[str, str], Heard]:
    """When each of these agents heard each listed BSSID in its first stretches."""
    table = schema.heard.c
    columns = (table.agent, table.bssid, table.counted_from, table.first_at, table.second_at, table.third_at)
    query = select(*columns).where(table.agent.in_(sorted(agents)))
    return {
        (agent, bssid): Heard(tuple(at for at in instants if at is not None), counted_from)
        for agent, bssid, counted_from, *instants in connection.execute(query)
    }


HEARD_AT = ("first_at", "second_at", "third_at")


def heard_row(agent: str, bssid: str, one: Heard) -> dict[str, Any]:
    """What is kept of it; ``counted_from`` stays as it is."""
    instants = (*one.at, *(None,) * (len(HEARD_AT) - len(one.at)))
    return {"agent": agent, "bssid": bssid, **dict(zip(HEARD_AT, instants, strict=True))}


def collector_gaps(connection: Connection, since: float, until: float) -> list[tuple[float, float]]:
    table = schema.collector_gap
    query = select(table.c.from_at, table.c.to_at).where(table.c.from_at < until, table.c.to_at > since)
    return [(begin, end) for begin, end in connection.execute(query.order_by(table.c.from_at))]


def exclusions(connection: Connection, campus: str, since: float, until: float) -> list[tuple[float, float, str]]:
    """Approved planned work of a campus."""
    return [(one.from_at, one.to_at, one.reason) for one in planned.approved(connection, since, until, campus)]


def edge_failed(connection: Connection, campus: str, since: float, until: float) -> list[int]:
    """The slots of [since, until) in which the campus's edge answered nothing that the collector asked."""
    return edges.failed(connection, campus, since, until)
