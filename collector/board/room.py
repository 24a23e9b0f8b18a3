"""The room page as values: ledger rows, radio measurements and reports of a room go in, what the page shows comes out.

Pure. A room is what was said of it: short where a verdict names it among those that fell short, met where the verdict
counts it and names it nowhere, unknown otherwise.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from collector.commitment.roll_up import Tally

if TYPE_CHECKING:
    from collector.board.campus import AgentLine
    from collector.board.views import PolicyNow
    from collector.judgement.day_record import Criterion as Counted
    from collector.judgement.day_record import DayRecord, RoomAir
    from collector.policies.policy import Criterion, Policy

_WORST_FIRST = ("short", "unknown", "met")
SLOT, RADIO, NEVER = "slot", "radio", "never"


@dataclass(frozen=True, slots=True)
class RoomCriterion:
    """How the room last stood against a criterion: ``state`` is empty where nothing was ever said. ``at``: when the
    measurement ended."""

    rule: Criterion
    state: str
    at: float | None


@dataclass(frozen=True, slots=True)
class RoomDay:
    """Class time of a day in which a device measured here, in seconds by state."""

    day: str
    seconds: Tally


@dataclass(frozen=True, slots=True)
class Nearest:
    """What was measured in the room nearest to an instant. ``kind``: SLOT, judged class time; RADIO, a measurement of
    the signal; NEVER."""

    kind: str
    state: str = ""
    from_at: float = 0.0
    to_at: float = 0.0
    cause: str = ""

    def apart(self, at: float) -> float:
        """Seconds between it and ``at``; 0 where it holds it."""
        return max(0.0, self.from_at - at, at - self.to_at)


@dataclass(frozen=True, slots=True)
class ReportLine:
    """``text`` is empty where the reader may not read it. ``survey``: due, overdue or done; ``surveyed_at``: when."""

    id: int
    place: str
    at: float
    noticed_at: float | None
    survey: str
    survey_due: str
    surveyed_at: float | None
    text: str
    review: str
    incident: int | None

    @property
    def when(self) -> float:
        """When it was bad, as far as that was said."""
        return self.at if self.noticed_at is None else self.noticed_at


@dataclass(frozen=True, slots=True)
class RoomPage:
    """``measured_at``: the end of the last measurement in the room; ``how``: SLOT by a device that stood there, RADIO
    by the radio of such a one or of a technician who walked by, NEVER."""

    campus: str
    campus_name: str
    timezone: str
    simulated: bool
    demonstration: bool
    policy: PolicyNow
    place: str
    name: str
    chosen: str
    measured_at: float | None
    how: str
    state: str
    criteria: tuple[RoomCriterion, ...]
    days: tuple[RoomDay, ...]
    devices: tuple[AgentLine, ...]
    reports: tuple[ReportLine, ...]

    @property
    def waiting(self) -> tuple[ReportLine, ...]:
        """Reports whose survey is still to come, the earliest due first."""
        return tuple(one for one in self.reports if one.survey != "done")


@dataclass(frozen=True, slots=True)
class ReportStatus:
    """A report's own page."""

    report: ReportLine
    campus: str
    campus_name: str
    room: str
    timezone: str
    simulated: bool
    demonstration: bool
    nearest: Nearest


def criteria_of(
    policy: Policy, room: str, records: Sequence[DayRecord], air: RoomAir | None
) -> tuple[RoomCriterion, ...]:
    """Every criterion that speaks of rooms, those required first. ``records``: oldest first."""
    rules = sorted((one for one in policy.criteria if one.scope == "place"), key=lambda one: not one.required)
    return tuple(_last_said(rule, room, records, air) for rule in rules)


def spans_of(policy: Policy, room: str, record: DayRecord) -> Iterator[Nearest]:
    """The day's judged class time with what it says of the room, for days on which a device measured there."""
    wanted = [one.id for one in policy.criteria if one.scope == "place" and one.window == "slot" and one.required]
    if room not in record.places_measured or not wanted:
        return
    for span in record.spans:
        # What the policy of that day did not ask says nothing of the room.
        states = [said for name in wanted if (said := _of(span.grounds.criteria, name, room))]
        state = min(states, key=_WORST_FIRST.index, default="unknown")
        cause = span.grounds.cause if state != "met" else ""
        yield Nearest(SLOT, state, span.from_slot, span.to_slot, cause)


def days_of(policy: Policy, room: str, records: Iterable[DayRecord]) -> tuple[RoomDay, ...]:
    """Newest first."""
    found = []
    for record in records:
        seconds = Tally()
        for span in spans_of(policy, room, record):
            slots = range(int(span.from_at), int(span.to_at), record.slot_seconds)
            lasted = sum(record.weights.get(slot, record.slot_seconds) for slot in slots)
            seconds += Tally(**{span.state: lasted})
        if seconds.all:
            found.append(RoomDay(record.day, seconds))
    return tuple(reversed(found))


def nearest(policy: Policy, room: str, records: Iterable[DayRecord], air: RoomAir | None, at: float) -> Nearest:
    """What says most of the room at ``at``: the judged class time nearest to it, and of two that are as near the first
    one; a measurement of the signal where that is nearer."""
    found = [span for record in records for span in spans_of(policy, room, record) if span.state != "unknown"]
    if air is not None:
        said = set(air.verdicts.values())
        found.append(Nearest(RADIO, min(said or {"unknown"}, key=_rank), air.at, air.at))
    return min(found, key=lambda one: one.apart(at), default=Nearest(NEVER))


def last_measured(policy: Policy, room: str, records: Sequence[DayRecord], air: RoomAir | None) -> Nearest:
    """The last measurement in the room."""
    for record in reversed(records):
        spans = [span for span in spans_of(policy, room, record) if span.state != "unknown"]
        if spans:
            last = spans[-1]
            return last if air is None or air.at <= last.to_at else Nearest(RADIO, "", air.at, air.at)
    return Nearest(RADIO, "", air.at, air.at) if air is not None else Nearest(NEVER)


def report_line(document: Mapping[str, Any], *, may_read: bool) -> ReportLine:
    """``may_read``: the reader is an operator; everybody else reads words that an operator has let through."""
    shown = may_read or document["review"] == "shown"
    wanted = {key: document[key] for key in ReportLine.__dataclass_fields__ if key != "text"}
    return ReportLine(text=document["text"] if shown else "", **wanted)


def _last_said(rule: Criterion, room: str, records: Sequence[DayRecord], air: RoomAir | None) -> RoomCriterion:
    if rule.window == "survey":
        heard = air.verdicts.get(rule.id, "") if air is not None else ""
        return RoomCriterion(rule, heard, air.at if air is not None and heard else None)
    for record in reversed(records):
        if rule.window == "day":
            day = record.day_verdict
            said = _of(day.criteria, rule.id, room) if day is not None and _took_part(record, room) else ""
            if said:
                return RoomCriterion(rule, said, float(record.first_slot + len(record.strip) * record.slot_seconds))
        elif room in record.places_measured:
            for span in reversed(record.spans):
                if said := _of(span.grounds.criteria, rule.id, room):
                    return RoomCriterion(rule, said, float(span.to_slot))
    return RoomCriterion(rule, "", None)


def _took_part(record: DayRecord, room: str) -> bool:
    return any(one.room == room for some in record.samples.values() for one in some) or room in record.places_measured


def _of(criteria: Iterable[Counted], criterion: str, room: str) -> str:
    """Where a verdict names fewer than it counts, a room that it does not name may be one of the others."""
    for one in criteria:
        if one.id != criterion:
            continue
        if room in one.failing:
            return "short"
        named_all = len(one.failing) == one.short and len(one.missing) == one.unknown
        return "met" if room not in one.missing and named_all else "unknown"
    return ""


def _rank(state: str) -> int:
    return _WORST_FIRST.index(state) if state in _WORST_FIRST else len(_WORST_FIRST)
