"""The campus page as values: ledger rows, inventory, agents and the live verdict go in, what the page shows comes out.

Pure. What was never measured is named, and what is unknown stays unknown.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from collector.board.month import Month
from collector.board.school_days import SchoolDay
from collector.board.strip import Strip
from collector.board.survey import SurveyLine
from collector.board.views import Period, PolicyNow

if TYPE_CHECKING:
    from collector.agents.moved import Moved
    from collector.holding import Held
    from collector.inventory import AccessPoint, Campus, Place
    from collector.judgement.day_record import DayRecord
    from collector.judgement.judge import Live
    from collector.policies.policy import Criterion
    from collector.store.agents import Agent, Placement
    from collector.store.ledger import Change

_AP_FIRST = ("down", "radio_silent", "unknown", "not_reachable_from_here", "up")
_ROOM_FIRST = ("short", "unknown", "", "met", "no_class")
SPANS_SHOWN = 60
CHANGES_SHOWN = 50


@dataclass(frozen=True, slots=True)
class Now:
    """The last judged slot; empty ``verdict`` where none was. ``in_class``: that slot was class time."""

    verdict: str = ""
    from_at: float = 0.0
    to_at: float = 0.0
    cause: str = ""
    cause_evidence: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """How one criterion stood: how many of ``n`` met it, and the names of those that did not or did not say."""

    id: str
    title: str
    verdict: str
    met: int
    n: int
    failing: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SpanLine:
    """Consecutive slots of a day with the same grounds."""

    day: str
    from_at: int
    to_at: int
    verdict: str
    cause: str
    cause_evidence: str
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class CriterionLine:
    rule: Criterion
    last: Finding | None


@dataclass(frozen=True, slots=True)
class Room:
    """``state`` as of the last slot of class; ``measured``: by an agent, in the longest period; ``address``: the path
    of its page."""

    name: str
    address: str
    chosen: str
    measured: bool
    state: str


@dataclass(frozen=True, slots=True)
class Radio:
    """An access point. ``leaves``: the day on which it left, or will leave, the inventory."""

    name: str
    id: str
    place: str
    state: str
    leaves: str


@dataclass(frozen=True, slots=True)
class AgentLine:
    id: str
    name: str
    place: str
    state: str
    version: str
    last_seen_at: float | None
    silent: bool
    moved: Moved | None


@dataclass(frozen=True, slots=True)
class CampusPage:
    """``as_of``: the end of the last slot of class from which access points and rooms are shown."""

    id: str
    name: str
    region: str
    timezone: str
    simulated: bool
    demonstration: bool
    policy: PolicyNow
    hashes: Mapping[str, str]
    periods: tuple[Period, ...]
    record_from: str
    causes: tuple[tuple[str, int], ...]
    now: Now
    behind: bool
    today: Strip | None
    month: Month | None
    school_days: tuple[SchoolDay, ...]
    spans: tuple[SpanLine, ...]
    spans_left_out: int
    criteria: tuple[CriterionLine, ...]
    as_of: float | None
    rooms: tuple[Room, ...]
    rooms_never_measured: tuple[Room, ...]
    survey: tuple[SurveyLine, ...]
    access_points: tuple[Radio, ...]
    agents: tuple[AgentLine, ...]
    changes: tuple[Change, ...]
    changes_left_out: int
    chain: str

    @property
    def main(self) -> Period | None:
        """The longest period: the answer."""
        return self.periods[-1] if self.periods else None

    @property
    def radio_silent(self) -> tuple[str, ...]:
        return tuple(one.name for one in self.access_points if one.state == "radio_silent")

    @property
    def rooms_measured(self) -> int:
        return sum(room.measured for room in self.rooms)


class Names:
    """What people call the things that the ledger names by id."""

    def __init__(self, access_points: Sequence[AccessPoint], places: Sequence[Place]) -> None:
        self._names = {ap.id: ap.name or ap.id for ap in access_points}
        self._names |= {place.id: room_name(place) for place in places}

    def __call__(self, thing: str) -> str:
        return self._names.get(thing, thing)

    def all(self, things: Iterable[str]) -> tuple[str, ...]:
        return tuple(self(thing) for thing in things)


def room_name(place: Place) -> str:
    return f"{place.building} {place.room}".strip()


def room_address(place: str) -> str:
    """The path of a room's page, from CAMPUS/BUILDING/ROOM."""
    campus, _, room = place.partition("/")
    return f"/campus/{campus}/room/{room}"


def now_of(live: Live | None, newest: DayRecord | None, slot_seconds: int) -> Now:
    """From the judge, or, where nobody judges in this process, from the ledger's last span of class."""
    if live is not None:
        verdict = live.verdict
        end = live.slot + slot_seconds
        return Now(verdict.verdict, live.slot, end, verdict.cause, verdict.cause_evidence)
    if newest is None or not newest.spans:
        return Now()
    span = newest.spans[-1]
    grounds = span.grounds
    return Now(grounds.verdict, span.to_slot - newest.slot_seconds, span.to_slot, grounds.cause, grounds.cause_evidence)


def span_lines(record: DayRecord, titles: Mapping[str, str], names: Names) -> list[SpanLine]:
    return [
        SpanLine(
            record.day,
            span.from_slot,
            span.to_slot,
            span.grounds.verdict,
            span.grounds.cause,
            span.grounds.cause_evidence,
            tuple(
                finding(one, titles, names)
                for one in span.grounds.criteria
                if one.verdict != "met" or one.short or one.unknown
            ),
        )
        for span in record.spans
    ]


def finding(one: Any, titles: Mapping[str, str], names: Names) -> Finding:
    """From a criterion's verdict, of the judge or of the ledger."""
    failing, missing = names.all(one.failing), names.all(one.missing)
    return Finding(one.id, titles.get(one.id, one.id), one.verdict, one.met, one.n, failing, missing)


def criteria_lines(held: Held, last: Sequence[Any], names: Names) -> tuple[CriterionLine, ...]:
    """Every criterion of the policy, those required first; ``last``: how they stood in the last slot of class."""
    titles = {one.id: one.title for one in held.policy.criteria}
    stood = {one.id: finding(one, titles, names) for one in last}
    rules = sorted(held.policy.criteria, key=lambda one: not one.required)
    return tuple(CriterionLine(rule, stood.get(rule.id)) for rule in rules)


def radios(access_points: Sequence[AccessPoint], states: Mapping[str, str], names: Names) -> tuple[Radio, ...]:
    """Problems first."""
    lines = [
        Radio(
            ap.name or ap.id,
            ap.id,
            names(ap.place) if ap.place else "",
            states.get(ap.id, "unknown"),
            ap.valid_to.isoformat() if ap.valid_to else "",
        )
        for ap in access_points
    ]
    return tuple(sorted(lines, key=lambda one: (_AP_FIRST.index(one.state), one.name, one.id)))


def states_of(live: Live | None, last: Sequence[Any], access_points: Sequence[AccessPoint]) -> dict[str, str]:
    """Each access point's state in the last slot of class. The ledger names who failed and who is unknown; where it
    names fewer than there are, nobody else may pass for up."""
    if live is not None and live.verdict.access_points:
        return dict(live.verdict.access_points)
    for one in last:
        if one.id.startswith("access_point."):
            whole = len(one.failing) == one.short and len(one.missing) == one.unknown
            states = dict.fromkeys((ap.id for ap in access_points), "up" if whole else "unknown")
            states |= dict.fromkeys(one.missing, "unknown")
            return states | dict.fromkeys(one.failing, "down")
    return {}


def room_states(live: Live | None, last: Sequence[Any], places: Sequence[Place]) -> dict[str, str]:
    """Each room's verdict in the last slot of class, as far as one was given."""
    if live is not None and live.verdict.places:
        return dict(live.verdict.places)
    found: dict[str, str] = {}
    for one in last:
        for room in one.missing:
            found.setdefault(room, "unknown")
        found |= dict.fromkeys(one.failing, "short")
    known = {place.id for place in places}
    return {room: state for room, state in found.items() if room in known}


def rooms(places: Sequence[Place], measured: Iterable[str], states: Mapping[str, str]) -> tuple[Room, ...]:
    """Problems first; a room that was never measured has no state."""
    seen = set(measured)
    lines = [
        Room(
            room_name(place),
            room_address(place.id),
            place.chosen,
            place.id in seen,
            states.get(place.id, "") if place.id in seen else "",
        )
        for place in places
    ]
    return tuple(sorted(lines, key=lambda one: (not one.measured, _ROOM_FIRST.index(one.state), one.name)))


def agent_lines(
    campus: Campus,
    agents: Iterable[Agent],
    placements: Iterable[Placement],
    names: Names,
    *,
    moved: Mapping[str, Moved],
    now: float,
    silent_after_seconds: float,
    waiting: bool = True,
) -> tuple[AgentLine, ...]:
    """Agents that stand here now and, with ``waiting``, those that wait here for approval;
    first those that may have been moved, then silent ones."""
    here = {
        one.agent: one
        for one in placements
        if one.campus == campus.id and one.from_at <= now and (one.to_at is None or now < one.to_at)
    }
    lines = []
    for agent in agents:
        placement = here.get(agent.id)
        if agent.state == "revoked" or (
            placement is None and (not waiting or agent.campus != campus.id or agent.state != "pending")
        ):
            continue
        silent = agent.last_seen_at is None or now - agent.last_seen_at > silent_after_seconds
        place = names(placement.place) if placement is not None and placement.place else ""
        doubt = moved.get(agent.id)
        lines.append(
            AgentLine(agent.id, agent.name, place, agent.state, agent.version, agent.last_seen_at, silent, doubt)
        )
    return tuple(sorted(lines, key=lambda one: (one.moved is None, not one.silent, one.place, one.id)))


def plain_causes(answer: Mapping[str, Any]) -> tuple[tuple[str, int], ...]:
    return tuple((str(cause), int(seconds)) for cause, seconds in answer.get("causes", {}).items())


@dataclass(frozen=True, slots=True)
class Standing:
    """The grounds of the last slot of class, for rooms and access points: who failed, who is unknown."""

    criteria: tuple[Any, ...] = ()
    as_of: float | None = None


def standing(live: Live | None, records: Sequence[DayRecord], slot_seconds: int) -> Standing:
    """From the live slot where it is class, else from the newest span of class that the ledger holds."""
    if live is not None and live.verdict.criteria:
        return Standing(tuple(live.verdict.criteria), live.slot + slot_seconds)
    for record in reversed(records):
        if record.spans:
            return Standing(tuple(record.spans[-1].grounds.criteria), record.spans[-1].to_slot)
    return Standing()
