"""One campus's inventory against what agents ever saw of it: a pure function of what the store knows.

An access point that never answered may stand behind a closed management network, or in a box: either way nobody knows
that it works, and the list of those is the first thing to clear up. ``since`` is when it could first have been seen.
"""

from __future__ import annotations

import datetime
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from msgspec import Struct, to_builtins

from collector.inventory import Inventory
from collector.judgement.day_record import day_bounds
from collector.store.agents import Agent, Placement
from collector.store.unlisted import Unlisted


class Seen(Struct, frozen=True):
    """What the store knows of a campus. ``begins``: when its record began, Unix seconds; ``answered`` and ``heard``:
    access points and BSSIDs that any of its agents ever got an echo of, or heard; ``measured``: places."""

    begins: float | None
    answered: Collection[str]
    heard: Collection[str]
    measured: Collection[str]
    unlisted: Iterable[Unlisted]
    agents: Iterable[Agent]
    placements: Iterable[Placement]


class NeverSeen(Struct, frozen=True):
    """An access point, and since when it could have been seen: None where nobody could have."""

    id: str
    name: str
    address: str
    place: str | None
    since: str | None
    why: str = ""


class Stranger(Struct, frozen=True):
    """A BSSID with one of the campus's SSIDs, which no access point of any campus has in the inventory."""

    bssid: str
    ssid: str
    channel: int
    first_heard: str
    last_heard: str


class NoPlace(Struct, frozen=True):
    """An approved agent that stands in no room: its measurements count for the campus and for no room of it."""

    agent: str
    name: str
    since: str


class Missing(Struct, frozen=True):
    """What is expected of a campus and was not seen, and what was seen and is not expected."""

    campus: str
    name: str
    simulated: bool
    record_from: str | None
    access_points: int
    never_answered: list[NeverSeen]
    never_heard: list[NeverSeen]
    without_bssids: int
    unlisted: list[Stranger]
    rooms: int
    never_measured: list[str]
    agents_without_place: list[NoPlace]

    @property
    def findings(self) -> int:
        lists = (self.never_answered, self.never_heard, self.unlisted, self.never_measured, self.agents_without_place)
        return sum(len(one) for one in lists)

    def as_json(self) -> dict[str, Any]:
        built: dict[str, Any] = to_builtins(self)
        return built | {"findings": self.findings}


def missing(inventory: Inventory, campus_id: str, day: datetime.date, seen: Seen, listed: Mapping[str, str]) -> Missing:
    """``listed``: the access point of each BSSID of the whole district: one from another campus is known."""
    campus = inventory.campuses[campus_id]
    aps = inventory.access_points_on(campus_id, day)
    rooms = [place.id for place in inventory.places.get(campus_id, ())]

    def never(ap: Any, why: str) -> NeverSeen:
        known_from = None if ap.valid_from is None else float(day_bounds(ap.valid_from, campus.timezone)[0])
        since = None if seen.begins is None or not ap.address else max(seen.begins, known_from or 0.0)
        reason = why or ("" if ap.address else "no list gives its address") or ("" if since else "no agent asked yet")
        return NeverSeen(ap.id, ap.name, ap.address, ap.place, _instant(since), reason)

    heard = set(seen.heard)
    with_radio = [ap for ap in aps if ap.bssids]
    standing = {one.agent for one in seen.placements if one.to_at is None and one.place is not None}
    return Missing(
        campus=campus.id,
        name=campus.name,
        simulated=campus.simulated,
        record_from=_instant(seen.begins),
        access_points=len(aps),
        never_answered=[never(ap, "") for ap in aps if ap.id not in seen.answered],
        never_heard=[never(ap, "") for ap in with_radio if heard.isdisjoint(ap.bssids)] if heard else [],
        without_bssids=len(aps) - len(with_radio),
        unlisted=[
            Stranger(one.bssid, one.ssid, one.channel, _moment(one.first_at), _moment(one.last_at))
            for one in seen.unlisted
            if one.bssid not in listed and (not campus.ssids or one.ssid in campus.ssids)
        ],
        rooms=len(rooms),
        never_measured=sorted(set(rooms) - set(seen.measured)),
        agents_without_place=[
            NoPlace(one.id, one.name, _moment(one.approved_at or one.created_at))
            for one in seen.agents
            if one.state == "approved" and one.id not in standing
        ],
    )


def _instant(at: float | None) -> str | None:
    return None if at is None else _moment(at)


def _moment(at: float) -> str:
    """UTC: campuses of one list may stand in several zones."""
    return datetime.datetime.fromtimestamp(at, datetime.UTC).strftime("%Y-%m-%dT%H:%MZ")
