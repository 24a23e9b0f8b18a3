"""Incidents as values: the documents of `incident_answers` and the inventory go in, what the pages show comes out.

Pure. Real and simulated campuses never share a list or a figure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from collector.board.campus import Names, room_address
from collector.incidents.acts import STEPS
from collector.incidents.figures import ALL_STEPS

if TYPE_CHECKING:
    from collector.inventory import Inventory

LISTED = 200
FIGURES_SHOWN = 25
_UPLINK = "uplink "


@dataclass(frozen=True, slots=True)
class Thing:
    """A room or an access point by its name; ``address``: the path of its page, empty where it has none."""

    name: str
    address: str = ""


@dataclass(frozen=True, slots=True)
class Hit:
    """What the incident cost one campus. ``to_at`` None: it lasts."""

    campus: str
    name: str
    region: str
    simulated: bool
    timezone: str
    from_at: int
    to_at: int | None
    lost_seconds: int
    rooms: tuple[Thing, ...]
    access_points: tuple[Thing, ...]


@dataclass(frozen=True, slots=True)
class StepLine:
    """``by`` and ``note`` are empty where the reader may not see them."""

    step: str
    at: float
    by: str
    note: str


@dataclass(frozen=True, slots=True)
class IncidentView:
    """``state``: open, closed, or how it was closed. ``uplink``: the line that its campuses share, empty where it is
    one campus's own. ``may_take``: the steps that can follow; ``closings``: the last words that fit, none where it has
    one."""

    id: int
    state: str
    uplink: str
    timezone: str
    from_at: int
    to_at: int | None
    opened_at: float
    cause: str
    cause_evidence: str
    lost_seconds: int
    resolution_reason: str
    campuses: tuple[Hit, ...]
    steps: tuple[StepLine, ...]
    room_reports: int
    may_take: tuple[str, ...]
    closings: tuple[str, ...]

    @property
    def simulated(self) -> bool:
        return any(one.simulated for one in self.campuses)

    @property
    def last_step(self) -> str:
        return next((one.step for one in reversed(self.steps) if one.step != "note"), "")

    @property
    def notes(self) -> int:
        return sum(one.step == "note" for one in self.steps)


@dataclass(frozen=True, slots=True)
class FigureLine:
    """How long people took at a campus or in a region: for each step how often, and the median in seconds."""

    name: str
    address: str
    incidents: int
    open: int
    lost_seconds: int
    steps: tuple[tuple[str, int, float | None], ...]


@dataclass(frozen=True, slots=True)
class Figures:
    campuses: tuple[FigureLine, ...]
    campuses_left_out: int
    regions: tuple[FigureLine, ...]


@dataclass(frozen=True, slots=True)
class IncidentList:
    """``left_out``: incidents that are in no figure, by reason. ``more``: how many older ones are not listed."""

    period: str
    campus: str
    campus_name: str
    only_open: bool
    timezone: str
    real: tuple[IncidentView, ...]
    simulated: tuple[IncidentView, ...]
    more: int
    figures: Figures
    simulated_figures: Figures
    left_out: Mapping[str, int]
    steps: Sequence[str] = ALL_STEPS


def incident(document: Mapping[str, Any], inventory: Inventory, timezone: str) -> IncidentView:
    """``timezone``: the district's, for a campus that left the inventory."""
    hits = tuple(_hit(one, inventory, timezone) for one in document["campuses"])
    steps = tuple(StepLine(one["step"], one["at"], one.get("by", ""), one.get("note", "")) for one in document["steps"])
    scope, resolution = document["scope"], document["resolution"]
    return IncidentView(
        id=document["id"],
        state=resolution or document["state"],
        uplink=scope.removeprefix(_UPLINK) if scope.startswith(_UPLINK) else "",
        timezone=hits[0].timezone if hits else timezone,
        from_at=document["from_at"],
        to_at=document["to_at"],
        opened_at=document["opened_at"],
        cause=document["cause"],
        cause_evidence=document["cause_evidence"],
        lost_seconds=document["lost_seconds"],
        resolution_reason=document["resolution_reason"],
        campuses=hits,
        steps=steps,
        room_reports=document.get("room_reports", 0),
        may_take=() if resolution == "disproved" else STEPS,
        closings=() if resolution else ("false",) if document["to_at"] is None else ("confirmed", "false"),
    )


def figures(answer: Mapping[str, Any], *, simulated: bool) -> Figures:
    """Most class lost first."""
    campuses = [one for one in answer["campuses"] if one["simulated"] is simulated]
    campuses.sort(key=lambda one: (-one["lost_seconds"], one["campus"]))
    shown = campuses[:FIGURES_SHOWN]
    regions = [one for one in answer["regions"] if one["simulated"] is simulated]
    return Figures(
        tuple(_figure(one, one["name"] or one["campus"], f"/campus/{one['campus']}") for one in shown),
        len(campuses) - len(shown),
        tuple(_figure(one, one["region"], "") for one in regions),
    )


def _figure(one: Mapping[str, Any], name: str, address: str) -> FigureLine:
    steps = tuple((step, one["steps"][step]["count"], one["steps"][step]["median_seconds"]) for step in ALL_STEPS)
    return FigureLine(name, address, one["incidents"], one["open"], one["lost_seconds"], steps)


def _hit(part: Mapping[str, Any], inventory: Inventory, timezone: str) -> Hit:
    name = part["campus"]
    campus = inventory.campuses.get(name)
    places = inventory.places.get(name, ())
    names = Names(inventory.access_points.get(name, ()), places)
    return Hit(
        campus=name,
        name=part["name"] or name,
        region=part["region"],
        simulated=part["simulated"],
        timezone=campus.timezone if campus else timezone,
        from_at=part["from_at"],
        to_at=part["to_at"],
        lost_seconds=part["lost_seconds"],
        rooms=_things(part["rooms"], names, {place.id for place in places}),
        access_points=_things(part["access_points"], names, ()),
    )


def _things(ids: Iterable[str], names: Names, with_page: Iterable[str]) -> tuple[Thing, ...]:
    known = set(with_page)
    return tuple(Thing(names(one), room_address(one) if one in known else "") for one in ids)
