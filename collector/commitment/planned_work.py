"""Answers without planned work: a campus's records and its approved exclusions go in, what to leave out comes out.

A slot that an approved exclusion touches is left out whole, whatever its verdict: time that was met in it goes too. Of
the school days only those go of which no slot of class is left.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct

from collector.commitment.roll_up import Tally, roll_up
from collector.judgement.day_record import WORDS, DayRecord
from collector.policies.policy import Policy
from collector.store.exclusions import Exclusion

Part = tuple[int, int, str, int]
"""A slot of class: its begin, its end, its verdict, its instructional seconds."""


class LeftOut(Struct, frozen=True):
    """Instructional seconds and whole school days that planned work takes, and each exclusion's own seconds. Two that
    touch the same slot both name it; the sum counts it once."""

    seconds: Tally
    days: frozenset[str]
    by_exclusion: dict[int, Tally]


def left_out(
    records: Iterable[DayRecord], unrecorded: Mapping[str, Iterable[Part]], exclusions: Sequence[Exclusion]
) -> LeftOut:
    """``unrecorded``: by day, class time of which the ledger holds no row."""
    seconds = Tally()
    days = set()
    by_exclusion = {one.id: Tally() for one in exclusions}
    parts = {record.day: list(_parts(record)) for record in records} if exclusions else {}
    for day, of_day in (parts | {day: list(found) for day, found in unrecorded.items()}).items():
        taken = 0
        for begin, end, verdict, weight in of_day:
            touching = [one for one in exclusions if one.touches(begin, end)]
            if touching:
                taken += 1
                seconds += Tally(**{verdict: weight})
            for one in touching:
                by_exclusion[one.id] += Tally(**{verdict: weight})
        if taken and taken == len(of_day):
            days.add(day)
    return LeftOut(seconds, frozenset(days), by_exclusion)


def _parts(record: DayRecord) -> Iterable[Part]:
    for slot, letter in record.slots():
        if WORDS.get(letter) in ("met", "short", "unknown"):
            weight = record.weights.get(slot, record.slot_seconds)
            yield slot, slot + record.slot_seconds, WORDS[letter], weight


def answered(policy: Policy, seconds: Tally, days: Tally) -> dict[str, Any]:
    """The second figure: the same questions of the time that is left."""
    verdict, by_slots, by_days = roll_up(policy, seconds, days)
    return {
        "verdict": verdict,
        "met_ratio_lower": by_slots.lower or 0.0,
        "met_ratio_upper": 1.0 if by_slots.upper is None else by_slots.upper,
        "evidence_ratio": by_slots.evidence_ratio or 0.0,
        "day_verdict": by_days.verdict if by_days.evidence_ratio is not None else None,
        "seconds": {"met": seconds.met, "short": seconds.short, "unknown": seconds.unknown},
        "instructional_seconds": seconds.all,
        "days": {"met": days.met, "short": days.short, "unknown": days.unknown, "all": days.all},
    }


def listed(exclusions: Iterable[Exclusion], out: LeftOut) -> list[dict[str, Any]]:
    """Each exclusion with what it would leave out: none is quiet. Answers are open to all: names of people are not
    in them, `exclusions list` has who asked and who approved."""
    return [
        {
            "id": one.id,
            "from_at": one.from_at,
            "to_at": one.to_at,
            "reason": one.reason,
            "seconds": {word: getattr(out.by_exclusion[one.id], word) for word in ("met", "short", "unknown")},
        }
        for one in exclusions
    ]


def withdrawn(exclusions: Iterable[Exclusion]) -> list[dict[str, Any]]:
    """What counted once and was taken back, and why: an answer that changed by it says so. No names of people."""
    return [
        {
            "id": one.id,
            "from_at": one.from_at,
            "to_at": one.to_at,
            "reason": one.reason,
            "withdrawn_at": one.withdrawn_at,
            "withdrawn_reason": one.withdrawn_reason,
        }
        for one in exclusions
        if one.withdrawn_at is not None
    ]


def less(whole: Tally, part: Tally) -> Tally:
    return Tally(whole.met - part.met, whole.short - part.short, whole.unknown - part.unknown)
