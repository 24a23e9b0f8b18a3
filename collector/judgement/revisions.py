"""What was judged becomes the ledger's row of that day: the open one goes on, or a new one stands beside it."""

from __future__ import annotations

import msgspec
from msgspec import structs
from sqlalchemy import Connection

from collector.holding import Held
from collector.judgement import coverage
from collector.judgement.day_record import NOT_JUDGED, DayRecord, SlotChange, blank, by_slot, day_bounds, with_judged
from collector.judgement.day_verdict import judge_day
from collector.judgement.judging import FIRST, Outcome, as_judged
from collector.store import coverage as rooms
from collector.store import ledger


def write_outcome(connection: Connection, outcome: Outcome, now: float, grace_seconds: float) -> list[SlotChange]:
    """Writes the campus-day: extends the open row, or begins a new revision where an already judged slot changed or
    the day was closed. Returns the changes of already judged slots."""
    work, held = outcome.work, outcome.held
    day = work.day.isoformat()
    standing = ledger.newest(connection, work.campus.id, day)
    record = (
        blank(work.campus.id, work.day, work.campus.timezone, held.policy.slot_seconds)
        if standing is None or standing.record.slot_seconds != held.policy.slot_seconds
        else standing.record
    )
    made, changes = with_judged(record, as_judged(outcome))
    whole = all(slot in outcome.verdicts for slot, letter in made.slots() if letter != NOT_JUDGED)
    # What the record says of rooms grows with each slot; judged as a whole it says what is known now, of no room more.
    made.places_measured = sorted({*(() if whole else made.places_measured), *outcome.places_measured})
    # What was measured in these slots is what is believed of it now: a placement may have come into doubt.
    before = {} if whole else {room: one for room, one in made.rooms.items() if one.at not in outcome.verdicts}
    withdrawn = made.rooms.keys() - before.keys() - outcome.rooms.keys()
    made.rooms = coverage.merged(before, outcome.rooms)
    is_open = now < day_bounds(work.day, work.campus.timezone)[1] + grace_seconds
    if not is_open:
        made.day_verdict = judge_day(held.policy, made, outcome.agents)
    if standing is not None and standing.record == made and standing.open == is_open and _same(standing, held):
        return []
    if standing is not None and standing.record.day_verdict not in (None, made.day_verdict):
        again = sorted({*work.slots.values()} - {"", FIRST})
    else:
        changed = {change.slot for change in changes} | _other_cause(standing, made)
        again = sorted({work.slots.get(slot, "") for slot in changed} - {"", FIRST})
        if not again and standing is not None and not standing.open and not _same(standing, held):
            # No slot came to anything else: the day is written again for what it was judged by.
            again = sorted({*work.slots.values()} - {"", FIRST})
    reason = ", ".join(again)[:64] or (FIRST if standing is None or standing.open else "added")
    revision = 1 if standing is None else standing.revision
    if standing is not None and (changes or not standing.open):
        if standing.open:
            # What was said before stays said: it is sealed as it stood, and the new revision stands beside it.
            ledger.write(connection, structs.replace(standing, open=False))
        revision += 1
    row = ledger.LedgerRow(
        campus=work.campus.id,
        day=day,
        revision=revision,
        written_at=now,
        open=is_open,
        reason=reason,
        policy=held.hashes["policy"],
        inventory=held.hashes["inventory"],
        hours=held.hashes["hours"],
        evidence=made.evidence_digest(),
        body=msgspec.json.encode(made),
        chain="",
    )
    ledger.write(connection, row)
    rooms.forget(connection, work.campus.id, day, withdrawn)
    if outcome.rooms:
        rooms.keep(connection, work.campus.id, day, made.rooms)
    ledger.log_changes(connection, row, [(one, work.slots.get(one.slot, reason)) for one in changes], now)
    return changes


def _other_cause(standing: ledger.LedgerRow | None, made: DayRecord) -> set[int]:
    """Slots that keep their verdict but get another cause: planned work that was approved afterwards, say."""
    if standing is None:
        return set()
    before, after = by_slot(standing.record), by_slot(made)
    return {slot for slot, one in after.items() if slot in before and before[slot].cause != one.cause}


def _same(row: ledger.LedgerRow, held: Held) -> bool:
    return {"policy": row.policy, "inventory": row.inventory, "hours": row.hours} == held.hashes
