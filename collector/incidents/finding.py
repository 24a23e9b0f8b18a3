"""Faults that are worth a person's time: the judged slots of a campus go in, incidents come out. Nothing is kept here.

An incident opens with as many slots of class in a row as the alert rule waits for, and is over with as many that are
met; what is found depends on the slots alone, never on when they were judged. Time without class stands between two
slots as if it were not there. A slot that nobody knows about ends a row, so it opens nothing, and closes nothing.

A slot counts as bad where the campus is short, and where the cause proves that it was cut off, though no agent could
report it: both are paged. A shared uplink that is cut is looked at apart, as one fault of all its campuses.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

from msgspec import Struct

from collector.alerting.alert import SHORT_SLOTS
from collector.judgement.causes import CAMPUS_CUT_OFF, SHARED_UPLINK_CUT
from collector.judgement.day_record import WORDS, DayRecord, Grounds, by_slot

IN_A_ROW = SHORT_SLOTS
_State = Literal["bad", "good", "gap", "no class"]
_BLANK = Grounds("")


class Slot(Struct, frozen=True):
    """A judged slot; ``verdict`` is empty where none is known, for one slot or for days without a record."""

    begin: int
    seconds: int
    verdict: str
    grounds: Grounds = _BLANK


class Part(Struct, frozen=True):
    """A fault at one campus: in it class that was lost, and what the evidence names. ``to_at``: the begin of the first
    slot that was met again; None while it lasts."""

    campus: str
    from_at: int
    to_at: int | None
    lost_seconds: int
    rooms: tuple[str, ...] = ()
    access_points: tuple[str, ...] = ()


class Incident(Struct, frozen=True):
    """One fault with the campuses it hit. ``scope``: "campus ID", or "uplink ID" of a line that they share."""

    scope: str
    from_at: int
    to_at: int | None
    cause: str
    cause_evidence: str
    parts: tuple[Part, ...]

    def overlaps(self, begin: int, end: int) -> bool:
        return self.from_at < end and (self.to_at is None or self.to_at > begin)


def slots(records: Iterable[DayRecord]) -> Iterator[Slot]:
    """The slots of a campus's days in order; where days without a record lie between, one that nobody knows."""
    end = None
    for record in sorted(records, key=lambda one: one.first_slot):
        if end is not None and record.first_slot > end:
            yield Slot(end, 0, "")
        grounds = by_slot(record)
        for begin, letter in record.slots():
            seconds = record.weights.get(begin, record.slot_seconds)
            yield Slot(begin, seconds, WORDS.get(letter, ""), grounds.get(begin, _BLANK))
        end = record.first_slot + len(record.strip) * record.slot_seconds


def of_campus(campus: str, judged: Iterable[Slot], *, shared: bool = False) -> list[Incident]:
    """The campus's own incidents, or with ``shared`` its part in those of its uplink."""
    found: list[Incident] = []
    row: list[Slot] = []
    lasting: list[Slot] = []
    good: list[Slot] = []
    for slot in judged:
        state = _shared_state(slot) if shared else _own_state(slot)
        if state == "no class":
            continue
        if not lasting:
            row = [*row, slot] if state == "bad" else []
            if len(row) == IN_A_ROW:
                lasting, row, good = row, [], []
        elif state == "bad":
            lasting.append(slot)
            good = []
        else:
            good = [*good, slot] if state == "good" else []
            if len(good) == IN_A_ROW:
                found.append(_incident(campus, lasting, good[0].begin))
                lasting, good = [], []
    return [*found, _incident(campus, lasting, None)] if lasting else found


def of_uplink(uplink: str, parts: Iterable[Incident]) -> list[Incident]:
    """What overlaps in time is one fault, from the first campus's begin to the last one's end."""
    groups: list[list[Incident]] = []
    for one in sorted(parts, key=lambda part: (part.from_at, part.scope)):
        if groups and any(before.to_at is None or before.to_at > one.from_at for before in groups[-1]):
            groups[-1].append(one)
        else:
            groups.append([one])
    return [_together(f"uplink {uplink}", group) for group in groups]


def quiet_after(judged: Iterable[Slot]) -> list[int]:
    """The begins of the slots right after as many met ones in a row as end every incident: whatever came before, no
    incident lasts there and no row has begun."""
    found = []
    met = 0
    for slot in judged:
        if met >= IN_A_ROW:
            found.append(slot.begin)
        if slot.verdict == "met":
            met += 1
        elif slot.verdict != "no_class":
            met = 0
    return found


def is_bad(verdict: str, cause: str) -> bool:
    return verdict == "short" or cause in (CAMPUS_CUT_OFF, SHARED_UPLINK_CUT)


def _own_state(slot: Slot) -> _State:
    if slot.grounds.cause == SHARED_UPLINK_CUT:
        return "gap"
    return "bad" if is_bad(slot.verdict, slot.grounds.cause) else _otherwise(slot)


def _shared_state(slot: Slot) -> _State:
    """A campus that is short for a reason of its own has its uplink again."""
    if slot.grounds.cause == SHARED_UPLINK_CUT:
        return "bad"
    return "good" if slot.verdict == "short" else _otherwise(slot)


def _otherwise(slot: Slot) -> _State:
    if slot.verdict == "no_class":
        return "no class"
    return "good" if slot.verdict == "met" else "gap"


def _incident(campus: str, bad: Sequence[Slot], to_at: int | None) -> Incident:
    causes: dict[str, int] = {}
    named: set[tuple[bool, str]] = set()
    for slot in bad:
        causes[slot.grounds.cause] = causes.get(slot.grounds.cause, 0) + slot.seconds
        for criterion in slot.grounds.criteria:
            named |= {(criterion.id.startswith("access_point"), name) for name in criterion.failing}
    cause = max(sorted(causes), key=lambda one: (one != "", causes[one]))
    words = next(slot.grounds.cause_evidence for slot in reversed(bad) if slot.grounds.cause == cause)
    part = Part(
        campus=campus,
        from_at=bad[0].begin,
        to_at=to_at,
        lost_seconds=sum(slot.seconds for slot in bad),
        rooms=tuple(sorted(name for is_ap, name in named if not is_ap and "/" in name)),
        access_points=tuple(sorted(name for is_ap, name in named if is_ap)),
    )
    return Incident(f"campus {campus}", part.from_at, to_at, cause, words, (part,))


def _together(scope: str, group: list[Incident]) -> Incident:
    """A campus that was hit twice within the fault has one part for both."""
    parts: dict[str, Part] = {}
    for one in (part for incident in group for part in incident.parts):
        other = parts.get(one.campus, one)
        parts[one.campus] = one if other is one else _joined(other, one)
    ends = [one.to_at for one in group]
    to_at = None if None in ends else max(end for end in ends if end is not None)
    ordered = tuple(parts[campus] for campus in sorted(parts))
    return Incident(scope, group[0].from_at, to_at, group[0].cause, group[-1].cause_evidence, ordered)


def _joined(first: Part, second: Part) -> Part:
    return Part(
        campus=first.campus,
        from_at=first.from_at,
        to_at=second.to_at,
        lost_seconds=first.lost_seconds + second.lost_seconds,
        rooms=tuple(sorted({*first.rooms, *second.rooms})),
        access_points=tuple(sorted({*first.access_points, *second.access_points})),
    )
