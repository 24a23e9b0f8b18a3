"""BSSIDs that advertise a district SSID and stand in no inventory: which, where, and when first and last heard.

A BSSID is written when it is first heard and then once an hour: a neighbour who copies the SSID costs a row, not a
write a minute.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from sqlalchemy import Connection, insert, select, update

from agent import wire
from collector.store.schema_seen import unlisted

RENEWED_SECONDS = 3600.0
MOST_OF_AN_AGENT = 2000
"""Somebody who makes up BSSIDs without end fills no disk."""


class Sighting(NamedTuple):
    bssid: str
    ssid: str
    channel: int
    at: float


class Unlisted(NamedTuple):
    """A row as readers see it. Instants in Unix seconds; ``agent``: who heard it last."""

    campus: str
    bssid: str
    ssid: str
    agent: str
    channel: int
    first_at: float
    last_at: float


class Memory:
    """What one agent's reports have told already."""

    def __init__(self) -> None:
        self._heard: dict[tuple[str, str], tuple[float, float]] = {}

    def news(self, campus: str, report: wire.Report, start_at: float) -> list[Sighting]:
        """What the report tells that is worth writing."""
        airspace = report.airspace
        if airspace is None or all(airspace.listed):
            return []
        found = {}
        for bssid, ssid, listed, channel, at in zip(
            airspace.bssid, airspace.ssid, airspace.listed, airspace.channel, airspace.at, strict=True
        ):
            when = start_at + at
            known = self._heard.get((campus, bssid))
            if listed or not ssid or (known is None and len(self._heard) >= MOST_OF_AN_AGENT):
                continue
            if known is None or when < known[0] or when >= known[1] + RENEWED_SECONDS:
                self._heard[campus, bssid] = (min(when, known[0]), max(when, known[1])) if known else (when, when)
                found[bssid] = Sighting(bssid, ssid[:64], channel, when)
        return list(found.values())


def keep(connection: Connection, campus: str, agent: str, sightings: Iterable[Sighting]) -> None:
    table = unlisted.c
    for one in sightings:
        here = (table.campus == campus) & (table.bssid == one.bssid)
        row = connection.execute(select(table.first_at, table.last_at).where(here)).first()
        if row is None:
            values = {"campus": campus, "agent": agent, "first_at": one.at, "last_at": one.at}
            said = {"bssid": one.bssid, "ssid": one.ssid, "channel": one.channel}
            connection.execute(insert(unlisted).values(values | said))
        elif one.at > row.last_at:
            newer = {"last_at": one.at, "agent": agent, "channel": one.channel, "ssid": one.ssid}
            connection.execute(update(unlisted).where(here).values(newer))
        elif one.at < row.first_at:
            connection.execute(update(unlisted).where(here).values(first_at=one.at))


def heard(connection: Connection, campus: str | None = None) -> list[Unlisted]:
    """Of a campus, or of all."""
    query = select(*(unlisted.c[name] for name in Unlisted._fields)).order_by(unlisted.c.campus, unlisted.c.bssid)
    if campus is not None:
        query = query.where(unlisted.c.campus == campus)
    return [Unlisted(*row) for row in connection.execute(query)]
