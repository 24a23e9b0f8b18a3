"""Planned work: one person asks, another approves; what was judged already in that time is judged again. Whoever finds
it wrong withdraws it with a reason, and the time is judged again as without it.

An approved exclusion makes nothing better than it was. A slot that it touches keeps its verdict and gets the cause
``planned_work``; answers show their figures with it and, beside them, without it.
"""

from __future__ import annotations

import base64
import datetime
from collections.abc import Callable, Iterable
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection

from collector.administration.refusals import NotDone
from collector.holding import held_at
from collector.inventory import Inventory
from collector.judgement.day_record import LETTERS
from collector.judgement.reason_words import APPROVED, WITHDRAWN
from collector.lists.sheet import Fault, Refused, Row, read
from collector.store import Store, audit, ledger, marks
from collector.store import exclusions as kept

COLUMNS = (("from", "to", "reason"), ("campus", "region"))
_NOT_MET = (LETTERS["short"], LETTERS["unknown"])
_MAX_REASON = 500


class Wanted(Struct, frozen=True):
    """One line of what was asked for, for each of its campuses."""

    campuses: tuple[str, ...]
    from_at: float
    to_at: float
    reason: str


def add(store: Store, clock: Callable[[], float], body: dict[str, Any], by: str) -> dict[str, Any]:
    """Keeps what was asked for, all or nothing: ``row`` one line's cells, or ``data`` a CSV file (base64) with its
    ``name``. Raises NotDone, naming each bad line."""
    inventory = _inventory(store, clock())
    try:
        wanted = (
            parse(str(body["name"]), base64.b64decode(body["data"]), inventory)
            if "data" in body
            else _checked("exclusion", [Row(0, {key: str(value) for key, value in body["row"].items()})], [], inventory)
        )
    except Refused as refused:
        raise NotDone(str(refused), "nothing was kept", status=2) from None
    now = clock()

    def keep(connection: Connection) -> list[int]:
        made = []
        for one in wanted:
            for campus in one.campuses:
                number = kept.ask(connection, campus, one.from_at, one.to_at, one.reason, by, now)
                audit.write(connection, now, by, "exclusion asked for", f"{number} {campus}", _said(one))
                made.append(number)
        return made

    return {"exclusions": store.write(keep).result(), "requested_by": by}


def approve(store: Store, clock: Callable[[], float], body: dict[str, Any], by: str) -> dict[str, Any]:
    """Approves the exclusions ``ids``, all or none, and marks what was judged in their time. Raises NotDone."""
    ids = [int(one) for one in body["ids"]]
    now = clock()

    def keep(connection: Connection) -> int:
        marked = 0
        for one in _standing(connection, ids):
            number = one.id
            if one.approved_at is not None:
                raise NotDone(f"exclusion {number} is approved already, by {one.approved_by}")
            if _same_person(by, one.requested_by):
                hint = "somebody else must approve it: exclusions approve ID --by WHO"
                raise NotDone(f"exclusion {number} was asked for by {one.requested_by}", hint)
            kept.approve(connection, number, by, now)
            audit.write(connection, now, by, "exclusion approved", f"{number} {one.campus}", one.reason)
            marked += _mark(connection, one, APPROVED.say(exclusion=number))
        return marked

    return {"approved": ids, "approved_by": by, "slots_judged_again": store.write(keep).result()}


def withdraw(store: Store, clock: Callable[[], float], body: dict[str, Any], by: str) -> dict[str, Any]:
    """Takes the exclusions ``ids`` back for a ``reason``, all or none, and marks what was judged with those that
    counted. Nothing is deleted. Anybody may: without it an answer is only stricter. Raises NotDone."""
    ids, reason, now = [int(one) for one in body["ids"]], str(body["reason"]).strip(), clock()
    if not reason or len(reason) > _MAX_REASON:
        hint = f"say why in 1 to {_MAX_REASON} characters"
        raise NotDone("no reason, or one that nobody reads", hint, status=2)

    def keep(connection: Connection) -> int:
        marked = 0
        for one in _standing(connection, ids):
            kept.withdraw(connection, one.id, by, reason, now)
            audit.write(connection, now, by, "exclusion withdrawn", f"{one.id} {one.campus}", reason)
            if one.counts:
                marked += _mark(connection, one, WITHDRAWN.say(exclusion=one.id))
        return marked

    marked = store.write(keep).result()
    return {"withdrawn": ids, "withdrawn_by": by, "reason": reason, "slots_judged_again": marked}


def _standing(connection: Connection, ids: Iterable[int]) -> list[kept.Exclusion]:
    """Those of these numbers, each once. Raises NotDone where there is none of a number or it was withdrawn."""
    numbers = dict.fromkeys(ids)
    found = kept.find(connection, numbers)
    for number in numbers:
        one = found.get(number)
        if one is None:
            raise NotDone(f"no exclusion {number}", "see `wifi-collector exclusions list`", status=2)
        if one.withdrawn_at is not None:
            hint = "what is to be left out all the same is asked for again: exclusions add"
            raise NotDone(
                f"exclusion {number} was withdrawn already, by {one.withdrawn_by}: {one.withdrawn_reason}", hint
            )
    return [found[number] for number in numbers]


def parse(name: str, data: bytes, inventory: Inventory) -> list[Wanted]:
    """A CSV file with the columns from, to, reason and campus or region. Raises Refused, naming each bad line."""
    sheet, faults = read(name, data, COLUMNS, {}, lambda _: None)
    return _checked(name, sheet.rows, faults, inventory)


def _checked(name: str, rows: list[Row], faults: list[Fault], inventory: Inventory) -> list[Wanted]:
    wanted = []
    for row in rows:
        found = _wanted(row, inventory)
        if isinstance(found, Fault):
            faults.append(found)
        else:
            wanted.append(found)
    if faults:
        raise Refused(name, faults)
    return wanted


def _wanted(row: Row, inventory: Inventory) -> Wanted | Fault:
    campus, region, reason = row["campus"], row["region"], row["reason"].strip()
    if bool(campus) == bool(region):
        return Fault(row.line, "names both a campus and a region, or neither", "fill in one of the two")
    campuses: tuple[str, ...] = (campus,) if campus in inventory.campuses else ()
    if region:
        campuses = tuple(one.id for one in inventory.campuses.values() if one.region == region)
    if not campuses:
        what = f"region {region!r} has no campus" if region else f"campus {campus!r} is not known"
        return Fault(row.line, what, "write it as in the list of campuses")
    times = []
    for column in ("from", "to"):
        at = _instant(row[column])
        if at is None:
            return Fault(row.line, f"{column} {row[column]!r} is no time with its zone", "write 2026-08-13T08:00-07:00")
        times.append(at)
    if times[0] >= times[1]:
        return Fault(row.line, f"from {row['from']} is not before to {row['to']}", "exchange the two")
    if not reason or len(reason) > _MAX_REASON:
        return Fault(row.line, "no reason, or one that nobody reads", f"say why in 1 to {_MAX_REASON} characters")
    return Wanted(campuses, times[0], times[1], reason)


def _instant(text: str) -> float | None:
    try:
        when = datetime.datetime.fromisoformat(text)
    except ValueError:
        return None
    return when.timestamp() if when.tzinfo is not None else None


def _mark(connection: Connection, one: kept.Exclusion, why: str) -> int:
    """Only what is not met has a cause to change. Time that is still to come is judged with the exclusion anyway."""
    margin = datetime.timedelta(days=1)  # whatever the campus's zone is
    since = datetime.datetime.fromtimestamp(one.from_at, datetime.UTC) - margin
    until = datetime.datetime.fromtimestamp(one.to_at, datetime.UTC) + margin
    days = (since.date().isoformat(), until.date().isoformat())
    slots = [
        slot
        for row in ledger.newest_of_period(connection, *days, one.campus)
        for slot, letter in row.record.slots()
        if letter in _NOT_MET and one.touches(slot, slot + row.record.slot_seconds)
    ]
    marks.mark_slots(connection, one.campus, slots, why)
    return len(slots)


def _inventory(store: Store, now: float) -> Inventory:
    with store.read() as connection:
        held = held_at(connection, now)
    if held is None:
        raise NotDone("nothing is imported yet", "import the campuses first")
    return held.inventory


def _same_person(one: str, other: str) -> bool:
    return one.strip().casefold() == other.strip().casefold()


def _said(one: Wanted) -> str:
    begin, end = (
        datetime.datetime.fromtimestamp(at, datetime.UTC).isoformat(timespec="minutes")
        for at in (one.from_at, one.to_at)
    )
    return f"{begin} to {end}: {one.reason}"
