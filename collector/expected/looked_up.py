"""What the store knows of campuses, put beside the inventory: for the command and for the API."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from sqlalchemy import Connection

from collector.expected.seen import Missing, Seen, missing
from collector.holding import Held
from collector.store import agents, coverage, judging, ledger, unlisted


class UnknownCampus(LookupError):
    pass


def look(
    connection: Connection, held: Held, now: float, campus: str | None, advance: Callable[[], None] = lambda: None
) -> Iterator[Missing]:
    """Of one campus, or of every one in the order of the inventory. Raises UnknownCampus."""
    inventory, today = held.inventory, held.today(now)
    if campus is not None and campus not in inventory.campuses:
        raise UnknownCampus(f"no campus {campus!r}")
    listed = {bssid: ap.id for aps in inventory.access_points.values() for ap in aps for bssid in ap.bssids}
    everyone: dict[str, list[agents.Agent]] = {}
    for agent in agents.every(connection):
        everyone.setdefault(agent.campus, []).append(agent)
    placements: dict[str, list[agents.Placement]] = {}
    for placement in agents.placements(connection):
        placements.setdefault(placement.campus, []).append(placement)
    strangers: dict[str, list[unlisted.Unlisted]] = {}
    for stranger in unlisted.heard(connection, campus):
        strangers.setdefault(stranger.campus, []).append(stranger)
    surveyed = coverage.latest(connection, "9999-12-31", campus)
    for name in inventory.campuses if campus is None else (campus,):
        stood = {one.agent for one in placements.get(name, ())}
        rows = ledger.newest_of_period(connection, "", "9999-12-31", name) if inventory.places.get(name) else []
        seen = Seen(
            begins=judging.record_begins(connection, name),
            answered={ap for _, ap in judging.answered(connection, stood)},
            heard={bssid for _, bssid in judging.heard(connection, stood)},
            measured={place for row in rows for place in row.record.places_measured} | surveyed.get(name, {}).keys(),
            unlisted=strangers.get(name, ()),
            agents=everyone.get(name, ()),
            placements=placements.get(name, ()),
        )
        yield missing(inventory, name, today, seen, listed)
        advance()
