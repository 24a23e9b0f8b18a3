"""One campus-day judged again from the evidence, and compared with the ledger slot by slot.

What is judged with is what the ledger names: policy, inventory and hours by digest, the placements, first answers and
gaps that the facts state. A slot that the collector is still to judge (again) is no difference: it is not judged yet.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Sequence

from collector.holding import Held
from collector.inventory import WALKING
from collector.judgement import causes, coverage
from collector.judgement.cause_words import TURNED_SHORT_ALONE, UPLINK_CUT
from collector.judgement.day_record import LETTERS, NOT_JUDGED, WORDS, DayRecord, Grounds, blank, with_judged
from collector.judgement.day_verdict import judge_day
from collector.judgement.evaluate import radio_of
from collector.judgement.judging import CampusDay, as_judged, judge_from, placed_of
from collector.store.evidence import Kept
from collector.store.ledger import LedgerRow
from collector.verification.facts import Campus, Counts, Difference, Expired


def again(row: LedgerRow, held: Held, known: Campus, rows: list[Kept], counts: Counts) -> Iterator[Difference]:
    """Where the ledger's newest revision of a day says other than its evidence. ``rows``: reports that overlap it."""
    record, day = row.record, datetime.date.fromisoformat(row.day)
    campus = held.inventory.campuses.get(row.campus)
    if campus is None:
        yield _of(row, "the inventory that it names does not know the campus")
        return
    empty = blank(row.campus, day, campus.timezone, held.policy.slot_seconds)
    shape = (empty.slot_seconds, empty.first_slot, len(empty.strip))
    if (record.slot_seconds, record.first_slot, len(record.strip)) != shape:
        yield _of(row, "its slots are not those of the day")
        return
    mine = [one for one in rows if one.campus == row.campus]
    letters = dict(record.slots())
    judged = [slot for slot, letter in letters.items() if letter in WORDS and slot not in known.pending]
    counts.not_judged_yet += sum(slot in known.pending for slot in letters)
    yield from _holes(row, record, known, mine)
    if not judged:
        return
    counts.slots += len(judged)
    outcome = judge_from(CampusDay(campus, day, dict.fromkeys(judged, "")), held, mine, known.beside)
    made = with_judged(empty, as_judged(outcome))[0]
    for slot in judged:
        uplink = campus.uplink or ""
        difference = _slot(row, slot, record, made, uplink)
        if difference is not None:
            yield difference
        elif _said(record, slot).cause != _said(made, slot).cause:
            counts.seen_from_above += 1
    yield from _rooms(row, record, held, known, mine)
    if not row.open and not known.pending & letters.keys():
        verdict = judge_day(held.policy, record, outcome.agents)
        if verdict != record.day_verdict:
            yield _of(row, "the day's verdict", ledger=str(record.day_verdict), evidence=str(verdict))
    elif row.open and record.day_verdict is not None:
        yield _of(row, "a day that is not over has a verdict", ledger=str(record.day_verdict))


def unwritten(known: Campus, day: datetime.date, rows: Sequence[Kept | Expired], seconds: int) -> Iterator[Difference]:
    """A day of which the ledger holds no row, though evidence of it was to be judged."""
    name = known.campus
    owed = _owed(known, [one for one in rows if one.campus == name], seconds)
    if owed:
        what = "the ledger holds no row of this day"
        yield Difference(f"ledger row {name} {day}", what, name, str(day), owed[0], "no row", "evidence")


def _owed(known: Campus, rows: Sequence[Kept | Expired], seconds: int) -> list[int]:
    """Slots with evidence that the judge has passed, and is not to judge again."""
    slots = {int(one.start_at // seconds) * seconds for one in rows if one.start_at is not None}
    return sorted(slot for slot in slots - known.pending if known.begins <= slot <= known.last)


def _holes(row: LedgerRow, record: DayRecord, known: Campus, rows: list[Kept]) -> Iterator[Difference]:
    judged = [slot for slot, letter in record.slots() if letter in WORDS]
    letters = dict(record.slots())
    between = [slot for slot in letters if judged and judged[0] < slot < judged[-1] and slot not in known.pending]
    owed = {*between, *_owed(known, rows, record.slot_seconds)}
    grounds = {slot for span in record.spans for slot in range(span.from_slot, span.to_slot, record.slot_seconds)}
    for slot, letter in letters.items():
        if letter in WORDS:
            continue
        if letter != NOT_JUDGED:
            yield _of(row, "its verdict is no verdict", slot, letter)
        elif slot in owed or slot in grounds | record.weights.keys() | record.evidence.keys() | record.samples.keys():
            yield _of(row, "its verdict", slot, "not judged", "to be judged")


def _slot(row: LedgerRow, slot: int, record: DayRecord, made: DayRecord, uplink: str) -> Difference | None:
    """The first thing in which the slot differs, the verdict first."""
    old, new = _said(record, slot), _said(made, slot)
    letters = (_letter(record, slot), _letter(made, slot))
    if letters[0] != letters[1]:
        return _of(row, "its verdict", slot, WORDS[letters[0]], WORDS[letters[1]])
    if LETTERS[old.verdict] != letters[0] and letters[0] != ".":
        return _of(row, "its verdict and its grounds are not one", slot, WORDS[letters[0]], old.verdict)
    compared = (
        ("its instructional seconds", record.weights.get(slot), made.weights.get(slot)),
        ("the digest of its evidence", record.evidence.get(slot), made.evidence.get(slot)),
        ("its counts", old.criteria, new.criteria),
        ("what it adds to the day", record.samples.get(slot), made.samples.get(slot)),
    )
    for what, ledger, evidence in compared:
        if ledger != evidence:
            return _of(row, what, slot, str(ledger), str(evidence))
    if (old.cause, old.cause_evidence) != (new.cause, new.cause_evidence) and not _from_above(old, new, uplink):
        return _of(row, "its cause", slot, f"{old.cause}: {old.cause_evidence}", f"{new.cause}: {new.cause_evidence}")
    return None


def _from_above(ledger: Grounds, alone: Grounds, uplink: str) -> bool:
    """Whether the ledger's cause is one that only a look at the whole district shows, over the one that this campus's
    own evidence shows. It rests on other campuses' evidence, as far as it was there at the time."""
    if ledger.cause == causes.SHARED_UPLINK_CUT:
        named = UPLINK_CUT.read(ledger.cause_evidence)
        cut = (causes.CAMPUS_CUT_OFF, causes.AGENT_SILENT, causes.INTERNET)
        return bool(named and named.fields["uplink"] == uplink) and alone.cause in cut
    if ledger.cause == causes.MONITOR_SUSPECT:
        said = TURNED_SHORT_ALONE.read(ledger.cause_evidence)
        return alone.verdict == "short" and (said.fields["cause"] if said else "") == alone.cause
    return False


def _rooms(row: LedgerRow, record: DayRecord, held: Held, known: Campus, rows: list[Kept]) -> Iterator[Difference]:
    """Each room's last radio measurement against the evidence of the slot that it names; each room's name at all."""
    seconds = record.slot_seconds
    placed = placed_of(rows, known.beside.standings)
    radio = radio_of(held.inventory, row.campus, datetime.date.fromisoformat(row.day))
    for room, said in record.rooms.items():
        if said.at in known.pending:
            continue
        there = [one for one in placed if said.at <= one.start_at < said.at + seconds]
        found = coverage.measured(held.policy, radio, there).get(room)
        if found != said:
            yield _of(row, f"the radio measurement of {room}", int(said.at), str(said), str(found))
    letters = dict(record.slots())
    first, last = record.first_slot, record.first_slot + len(letters) * seconds
    been = {one.place for one in placed if one.place and first - 3600 <= one.start_at < last}
    stood = {one.place for one in known.beside.standings if one.place != WALKING}
    for place in record.places_measured:
        if place not in been | stood:
            yield _of(row, "a room that it calls measured", ledger=place, evidence="no report was made there")


def _letter(record: DayRecord, slot: int) -> str:
    return record.strip[(slot - record.first_slot) // record.slot_seconds]


def _said(record: DayRecord, slot: int) -> Grounds:
    for span in record.spans:
        if span.from_slot <= slot < span.to_slot:
            return span.grounds
    return Grounds("no_class")


def _of(row: LedgerRow, what: str, slot: int | None = None, ledger: str = "", evidence: str = "") -> Difference:
    subject = f"ledger row {row.campus} {row.day} revision {row.revision}"
    return Difference(subject, what, row.campus, row.day, slot, ledger[:500], evidence[:500])
