"""The district page as values: answers, live verdicts and last evidence go in, what the page shows comes out. Pure.

Real and simulated campuses never meet in one list or one total. Those who fall short stand first.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from collector.board.finding import found
from collector.commitment.period import Dates
from collector.commitment.roll_up import Tally, bounds
from collector.judgement import day_verdict

if TYPE_CHECKING:
    from collector.holding import Held
    from collector.judgement.judge import Live
    from collector.policies.policy import Policy

PERIODS = {"today": 1, "7d": 7, "30d": 30}
"""Those that go with today: days of each, today included."""
DEFAULT_PERIOD = "30d"
WORST_FIRST = ("falls_short", "not_enough_evidence", "meets")
_NOW_FIRST = ("short", "unknown", "", "met", "no_class")
_LATE_SLOTS = 3


@dataclass(frozen=True, slots=True)
class Period:
    """A campus's answer over some days; seconds are class time. ``lower`` and ``upper`` bound the share met; ``days``:
    school days that are over; ``because``: which of the two, class time and school days, makes the verdict no better,
    where school days speak at all."""

    key: str
    verdict: str
    lower: float
    upper: float
    evidence: float
    met_seconds: int
    short_seconds: int
    unknown_seconds: int
    days: Tally
    because: tuple[str, ...]

    @property
    def class_seconds(self) -> int:
        return self.met_seconds + self.short_seconds + self.unknown_seconds


@dataclass(frozen=True, slots=True)
class Row:
    """One campus in the district's list. ``now`` is empty where nothing was judged yet; the last of ``periods`` is the
    one that was asked for, and ``verdict`` is its answer."""

    id: str
    name: str
    region: str
    timezone: str
    verdict: str
    periods: tuple[Period, ...]
    now: str
    slot: int | None
    cause: str
    last_evidence_at: float | None
    rooms_measured: int
    rooms_listed: int


@dataclass(frozen=True, slots=True)
class Section:
    """Campuses with the same answer over the period that was asked for."""

    verdict: str
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """All real, or all simulated campuses. ``now``: how many are met, short, unknown, out of class, not judged."""

    sections: tuple[Section, ...]
    campuses: int
    counts: Mapping[str, int]
    now: Mapping[str, int]
    short_now: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class PolicyNow:
    """Which policy judges, who agreed to it, and whether it was kept after days that it judges. ``day_objective``: None
    where nothing is asked of a school day."""

    name: str
    title: str
    hash: str
    proposed: bool
    agreed_by: tuple[str, ...]
    back_dated: bool
    objective: float
    day_objective: float | None
    slot_seconds: int


@dataclass(frozen=True, slots=True)
class District:
    """``behind``: judging is later than it should be, so that "now" is not now. ``period``: the one that was asked
    for; ``since`` and ``until``: its days, both included; ``shown``: it and the shorter ones beside it; ``choice``:
    every one that the calendar knows. ``find``: the words that campuses were looked for by, empty where all are here;
    ``campuses``: how many the inventory has."""

    policy: PolicyNow
    real: Group
    simulated: Group
    demonstration: bool
    timezone: str
    judged_until: float | None
    behind: bool
    summed_at: float
    period: str
    since: datetime.date
    until: datetime.date
    shown: tuple[str, ...]
    choice: tuple[str, ...]
    find: str
    campuses: int


def policy_now(held: Held) -> PolicyNow:
    policy = held.policy
    return PolicyNow(
        policy.name,
        policy.title,
        held.hashes["policy"],
        policy.proposed,
        policy.parties,
        held.back_dated,
        policy.slot_objective,
        policy.day_objective if day_verdict.required(policy) else None,
        policy.slot_seconds,
    )


def shown_beside(period: str) -> tuple[str, ...]:
    """The shorter periods that stand beside the one that was asked for, and it, the last."""
    return (*(key for key in ("today", "7d") if PERIODS[key] < PERIODS.get(period, 30)), period)


def periods_of(campus: str, answers: Mapping[str, Mapping[str, Any]], policy: Policy) -> tuple[Period, ...]:
    """The campus's answer of each period. ``answers``: by period, then by campus, as `commitment` gives them."""
    return tuple(_period(key, one[campus], policy) for key, one in answers.items() if campus in one)


def district(
    held: Held,
    answers: Mapping[str, Mapping[str, Any]],
    live: Mapping[str, Live],
    last_evidence: Mapping[str, float],
    *,
    now: float,
    summed_at: float,
    timezone: str,
    late_after_seconds: float,
    spans: Mapping[str, Dates],
    find: str = "",
) -> District:
    """``answers``: of the periods to show, the one that was asked for last; ``spans``: of every period its days;
    ``find``: words that a campus must have in its names, where only some are wanted."""
    period = list(answers)[-1]
    rows: dict[bool, list[Row]] = {False: [], True: []}
    for campus in found(held.inventory.campuses.values(), find):
        periods = periods_of(campus.id, answers, held.policy)
        longest = answers[period].get(campus.id, {})
        judged = live.get(campus.id)
        rooms = longest.get("rooms", {"measured": 0, "listed": len(held.inventory.places.get(campus.id, ()))})
        rows[campus.simulated].append(
            Row(
                id=campus.id,
                name=campus.name or campus.id,
                region=campus.region,
                timezone=campus.timezone,
                verdict=periods[-1].verdict if periods else "not_enough_evidence",
                periods=periods,
                now=judged.verdict.verdict if judged else "",
                slot=judged.slot if judged else None,
                cause=judged.verdict.cause if judged else "",
                last_evidence_at=last_evidence.get(campus.id),
                rooms_measured=rooms["measured"],
                rooms_listed=rooms["listed"],
            )
        )
    until = max((one.slot for one in live.values()), default=None)
    judged_until = None if until is None else float(until + held.policy.slot_seconds)
    return District(
        policy=policy_now(held),
        real=_group(rows[False]),
        simulated=_group(rows[True]),
        demonstration=held.hours.always,
        timezone=timezone,
        judged_until=judged_until,
        behind=is_behind(judged_until, now, held.policy.slot_seconds, late_after_seconds),
        summed_at=summed_at,
        period=period,
        since=spans[period][0],
        until=spans[period][1],
        shown=tuple(answers),
        choice=tuple(spans),
        find=find,
        campuses=len(held.inventory.campuses),
    )


def is_behind(judged_until: float | None, now: float, slot_seconds: int, grace_seconds: float) -> bool:
    """A slot is judged a grace after its end; three slots later than that, "now" is a word too strong."""
    return judged_until is not None and now - judged_until > _LATE_SLOTS * slot_seconds + grace_seconds


def _period(key: str, answer: Mapping[str, Any], policy: Policy) -> Period:
    seconds = answer["seconds"]
    days = Tally(**{word: answer["days"][word] for word in ("met", "short", "unknown")})
    return Period(
        key,
        answer["verdict"],
        answer["met_ratio_lower"],
        answer["met_ratio_upper"],
        answer["evidence_ratio"],
        seconds["met"],
        seconds["short"],
        seconds["unknown"],
        days,
        _because(answer["verdict"], Tally(**seconds), days, policy),
    )


def _because(verdict: str, seconds: Tally, days: Tally, policy: Policy) -> tuple[str, ...]:
    """The verdict is the worse of the two: those that are as bad as it."""
    if verdict == "meets" or not days.all or not day_verdict.required(policy):
        return ()
    both = {
        "class_time": bounds(seconds, policy.slot_objective).verdict,
        "school_days": bounds(days, policy.day_objective).verdict,
    }
    return tuple(word for word, said in both.items() if said == verdict)


def _group(rows: list[Row]) -> Group:
    ordered = sorted(rows, key=_order)
    sections = tuple(
        Section(verdict, found)
        for verdict in WORST_FIRST
        if (found := tuple(row for row in ordered if row.verdict == verdict))
    )
    return Group(
        sections,
        len(rows),
        {verdict: sum(row.verdict == verdict for row in rows) for verdict in WORST_FIRST},
        {verdict: sum(row.now == verdict for row in rows) for verdict in _NOW_FIRST},
        tuple(row for row in ordered if row.now == "short"),
    )


def _order(row: Row) -> tuple[int, float, str, str]:
    lower = row.periods[-1].lower if row.periods else 0.0
    return (_NOW_FIRST.index(row.now), lower, row.name, row.id)
