"""Another policy tried over kept evidence: it goes in, which campuses would get another answer comes out. Nothing is
written.

What the ledger says is what campuses were judged by when their days held; beside it every judged slot is judged again
by the other policy, with the inventory, hours, placements and evidence of its day. The slot's length stays the one that
was kept: it is how evidence was gathered, and no requirement.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator
from typing import Any

from msgspec import Struct, structs

from collector.commitment import answers
from collector.commitment.roll_up import Bounds, PeriodVerdict, Tally, bounds, roll_up
from collector.judgement.day_record import WORDS, DayRecord, blank, by_slot, with_judged
from collector.judgement.day_verdict import judge_day
from collector.judgement.judging import CampusDay, as_judged, judge_campus_day
from collector.policies.policy import Policy
from collector.rejudging.workers import Reader, Work, Workers
from collector.store import Store, ledger
from collector.store import judging as sql

_TAUGHT = frozenset({"met", "short", "unknown"})
_VERDICTS = ("falls_short", "not_enough_evidence", "meets")
Progress = Callable[[int, int], None]


class Reason(Struct, frozen=True):
    """Class time that a criterion moves: "met" to "short", say. A slot that several criteria move counts for each."""

    criterion: str
    before: str
    after: str
    seconds: int


class Day(Struct):
    """One campus-day by the ledger and by the other policy, in instructional seconds. ``school_day``: the other
    policy's verdict of the day, empty where it is not over or nothing is required of it; ``no_evidence_slots``: of
    which the evidence is no longer kept."""

    before: Tally
    after: Tally
    moved: dict[tuple[str, str, str], int]
    school_day: str
    no_evidence_slots: int


class Campus(Struct):
    """All of a campus's days."""

    before: Tally = Tally()
    after: Tally = Tally()
    days: Tally = Tally()
    moved: dict[tuple[str, str, str], int] = {}
    no_evidence_slots: int = 0

    def add(self, day: Day) -> None:
        self.before += day.before
        self.after += day.after
        self.days += Tally(**{day.school_day: 1}) if day.school_day else Tally()
        self.no_evidence_slots += day.no_evidence_slots
        for key, seconds in day.moved.items():
            self.moved[key] = self.moved.get(key, 0) + seconds


def trial(
    store: Store,
    policy: Policy,
    since: datetime.date | None,
    until: datetime.date | None,
    campus: str | None,
    *,
    now: float,
    processes: int | None = None,
    progress: Progress = lambda _done, _all: None,
) -> dict[str, Any]:
    """Each campus's answer before and after, those that change first. Raises answers.UnknownCampus, WorkerLost."""
    standing = answers.commitment(store, since, until, campus, now=now)
    works = list(_works(store, policy, standing, campus))
    found: dict[str, Campus] = {}
    progress(0, len(works))
    with Workers(store, processes) as workers:
        for done, (work, day) in enumerate(zip(works, workers.map(tried, works), strict=True), 1):
            found.setdefault(work.campus, Campus(moved={})).add(day)
            progress(done, len(works))
    campuses = [_campus(policy, one, found.get(one["campus"], Campus()), standing) for one in standing["campuses"]]
    campuses.sort(key=lambda one: (one["simulated"], not one["changes"], one["met_ratio_change"], one["campus"]))
    return {
        "from": standing["from"],
        "to": standing["to"],
        "before": {"policy": standing["policy"], "objective": standing["objective"]},
        "after": {
            "policy": policy.name,
            "profile": policy.profile,
            "digest": policy.hash,
            "objective": policy.slot_objective,
            "day_objective": policy.day_objective,
            "proposed": policy.proposed,
        },
        "campus_days": len(works),
        "campuses": campuses,
        "totals": {
            "real": _totals([one for one in campuses if not one["simulated"]]),
            "simulated": _totals([one for one in campuses if one["simulated"]]),
        },
    }


def _works(store: Store, policy: Policy, standing: dict[str, Any], campus: str | None) -> Iterator[Work]:
    documents: dict[int, bytes] = {}
    with store.read() as connection:
        standings = sql.standings(connection)
        for row in ledger.newest_of_period(connection, standing["from"], standing["to"], campus):
            record = row.record
            slots = {slot: "" for slot, letter in record.slots() if letter in WORDS}
            if not slots:
                continue
            seconds = record.slot_seconds
            if seconds not in documents:
                documents[seconds] = structs.replace(policy, slot_seconds=seconds).to_bytes()
            hashes = {"policy": row.policy, "inventory": row.inventory, "hours": row.hours}
            day = datetime.date.fromisoformat(row.day)
            yield Work(row.campus, day, slots, hashes, standings.get(row.campus, []), documents[seconds])


def tried(reader: Reader, work: Work) -> Day:
    """What a process does with a campus-day."""
    with reader.store.read() as connection:
        held = reader.held(connection, work)
        before = reader.held(connection, structs.replace(work, policy=b"")).policy
        row = ledger.newest(connection, work.campus, work.day.isoformat())
        campus = held.inventory.campuses[work.campus]
        outcome = judge_campus_day(connection, CampusDay(campus, work.day, work.slots), held, work.standings)
    assert row is not None  # rows are added to, and never taken away
    record = row.record
    empty = blank(work.campus, work.day, campus.timezone, held.policy.slot_seconds)
    made = with_judged(empty, as_judged(outcome))[0]
    over = "" if row.open else (said.verdict if (said := judge_day(held.policy, made, outcome.agents)) else "")
    moved = _moved(record, made, _required(before), _required(held.policy))
    return Day(_seconds(record, made), _seconds(made, made), moved, over, _without_evidence(record, made))


def _required(policy: Policy) -> frozenset[str]:
    return frozenset(one.id for one in policy.criteria if one.required)


def _seconds(record: DayRecord, judged: DayRecord) -> Tally:
    """The instructional seconds of each verdict, of the slots that both hold."""
    there = {slot for slot, letter in judged.slots() if WORDS.get(letter) in _TAUGHT}
    found = dict.fromkeys(sorted(_TAUGHT), 0)
    for slot, letter in record.slots():
        if slot in there and WORDS.get(letter) in _TAUGHT:
            found[WORDS[letter]] += record.weights.get(slot, record.slot_seconds)
    return Tally(**found)


def _moved(
    before: DayRecord, after: DayRecord, asked: frozenset[str], asked_now: frozenset[str]
) -> dict[tuple[str, str, str], int]:
    """For each slot with another verdict the required criteria that make it so: those that are not met by the other
    policy, or where all are met by it, those that were not."""
    old, new = by_slot(before), by_slot(after)
    moved: dict[tuple[str, str, str], int] = {}
    for slot in old.keys() & new.keys():
        was, now = old[slot], new[slot]
        if was.verdict == now.verdict:
            continue
        blamed = [one.id for one in now.criteria if one.verdict == now.verdict and one.id in asked_now]
        if now.verdict == "met":
            blamed = [one.id for one in was.criteria if one.verdict == was.verdict and one.id in asked]
        for criterion in blamed:
            key = (criterion, was.verdict, now.verdict)
            moved[key] = moved.get(key, 0) + after.weights.get(slot, after.slot_seconds)
    return moved


def _without_evidence(before: DayRecord, after: DayRecord) -> int:
    teaching = {slot for slot, letter in before.slots() if WORDS.get(letter) in _TAUGHT}
    return len(teaching & before.evidence.keys() - after.evidence.keys())


def _campus(policy: Policy, answer: dict[str, Any], found: Campus, standing: dict[str, Any]) -> dict[str, Any]:
    """What the ledger does not hold a row of stays unknown under every policy."""
    old = Tally(**answer["seconds"])
    rest = Tally(old.met - found.before.met, old.short - found.before.short, old.unknown - found.before.unknown)
    seconds = rest + found.after
    verdict, by_slots, by_days = roll_up(policy, seconds, found.days)
    before = bounds(old, standing["objective"])
    changes = verdict != answer["verdict"]
    lower, upper = (by_slots.lower or 0.0, 1.0 if by_slots.upper is None else by_slots.upper)
    reasons = [Reason(*key, count) for key, count in sorted(found.moved.items(), key=lambda item: -item[1])]
    return {
        "campus": answer["campus"],
        "name": answer["name"],
        "simulated": answer["simulated"],
        "changes": changes,
        "before": _said(answer["verdict"], before, old),
        "after": _said(verdict, by_slots, seconds) | {"day_verdict": by_days.verdict if found.days.all else None},
        "met_ratio_change": lower - answer["met_ratio_lower"],
        "met_ratio_upper_change": upper - answer["met_ratio_upper"],
        "because": reasons,
        "objective_decides": changes and _objective_decides(policy, seconds, found.days, answer, standing),
        "no_evidence_slots": found.no_evidence_slots,
    }


def _objective_decides(
    policy: Policy, seconds: Tally, days: Tally, answer: dict[str, Any], standing: dict[str, Any]
) -> bool:
    """Whether the same class time would give the old answer under the old objectives."""
    old = structs.replace(
        policy, slot_objective=standing["objective"], day_objective=standing.get("day_objective", policy.day_objective)
    )
    return bool(roll_up(old, seconds, days)[0] == answer["verdict"])


def _said(verdict: PeriodVerdict, by_slots: Bounds, seconds: Tally) -> dict[str, Any]:
    return {
        "verdict": verdict,
        "met_ratio_lower": by_slots.lower or 0.0,
        "met_ratio_upper": 1.0 if by_slots.upper is None else by_slots.upper,
        "seconds": {"met": seconds.met, "short": seconds.short, "unknown": seconds.unknown},
    }


def _totals(campuses: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "campuses": len(campuses),
        "change": sum(one["changes"] for one in campuses),
        **{
            side: {verdict: sum(one[side]["verdict"] == verdict for one in campuses) for verdict in _VERDICTS}
            for side in ("before", "after")
        },
    }
