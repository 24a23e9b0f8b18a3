"""A campus's school day judged: the samples of its slots go in, one verdict comes out, beside the slots' own.

Joining and throughput are tried a few times an hour: too seldom for a slot, enough for a day. The same three values as
everywhere: a room with too few samples is unknown, and each agent's word counts by itself, so that losing one agent's
samples moves the day only towards unknown.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable

from collector.judgement import causes
from collector.judgement.cause_words import JOINS_IN_SLOTS
from collector.judgement.day_record import DayRecord, DayVerdict, by_slot, kept
from collector.judgement.evaluate import Verdict, better_in_room, room_of, three_values
from collector.judgement.samples import Samples, by_agent
from collector.policies.policy import Criterion, Policy

_Agent = tuple[str, str | None, float, float | None]


def required(policy: Policy) -> bool:
    """Whether the policy requires something of a day: only then do days speak."""
    return any(one.required and one.window == "day" for one in policy.criteria)


def judge_day(policy: Policy, record: DayRecord, agents: Iterable[_Agent]) -> DayVerdict | None:
    """None on a day without class. ``agents``: (agent, place, from, to) of approved placements. The verdict is empty
    where the policy requires nothing of a day; its figures are shown all the same."""
    teaching = [slot for slot, letter in record.slots() if letter in "msu"]
    if not teaching:
        return None
    begin, end = teaching[0], teaching[-1] + record.slot_seconds
    stood = {
        (agent, room_of(agent, place)) for agent, place, since, to in agents if since < end and (to or end) > begin
    }
    samples = by_agent(one for slot in teaching for one in record.samples.get(slot, ()))
    judged = []
    for criterion in policy.criteria:
        if criterion.window != "day":
            continue
        rooms: dict[str, Verdict] = {}
        for agent, room in sorted(stood):
            state = _state(criterion, samples.get((agent, room), Samples()))
            rooms[room] = better_in_room(rooms.get(room), state)
        judged.append((criterion.required, three_values(criterion, rooms)))
    needed = [one.verdict for is_required, one in judged if is_required]
    verdict = ""
    if needed:
        verdict = "short" if "short" in needed else "met" if all(one == "met" for one in needed) else "unknown"
    outcomes = _added(one.outcomes for one in samples.values())
    cause, words = "", ""
    if any(one.verdict == "short" and one.id.startswith("join.") for _, one in judged):
        cause, words = _of_slots(record, teaching) or causes.of_joins(outcomes)
        if not cause:
            cause, words = causes.of_slow_joins(_added(one.slowest for one in samples.values()))
    return DayVerdict(verdict, tuple(kept(one) for _, one in judged), outcomes, cause, words)


def _of_slots(record: DayRecord, teaching: Iterable[int]) -> tuple[str, str] | None:
    """The cause of the slots in which most of the tries failed, where it explains them."""
    grounds = by_slot(record)
    failed: dict[str, int] = {}
    for slot in teaching:
        cause = grounds[slot].cause if slot in grounds else ""
        for joined, tries in (one.joins for one in record.samples.get(slot, ())):
            failed[cause] = failed.get(cause, 0) + tries - joined
    cause = max(sorted(failed), key=failed.__getitem__, default="")
    if cause not in causes.EXPLAIN_JOINS or 2 * failed[cause] <= sum(failed.values()):
        return None
    return cause, JOINS_IN_SLOTS.say(failed=failed[cause], tries=sum(failed.values()))


def _state(criterion: Criterion, samples: Samples) -> Verdict:
    if criterion.measure == "join_ratio":
        joined, tries = samples.joins
        if tries < criterion.min_samples:
            return "unknown"
        return criterion.judged(1.0 - max(0, tries - joined - criterion.allowance) / tries)
    figures = samples.join_seconds if criterion.measure == "join_seconds" else samples.downloads
    return criterion.judged(statistics.median(figures)) if len(figures) >= criterion.min_samples else "unknown"


def _added(counts: Iterable[dict[str, int]]) -> dict[str, int]:
    found: dict[str, int] = {}
    for one in counts:
        for key, count in one.items():
            found[key] = found.get(key, 0) + count
    return dict(sorted(found.items()))
