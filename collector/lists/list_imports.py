"""``import`` carried out: a file's bytes go in, a snapshot valid from a day comes out, or only the difference it makes.

Days that a new snapshot touches are marked to be judged again, so the ledger follows what was imported and says why.
"""

from __future__ import annotations

import base64
import datetime
from collections import Counter
from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import Struct
from sqlalchemy import Connection

from agent import wire
from collector.administration.refusals import NotDone
from collector.holding import DEFAULT_TIMEZONE
from collector.inventory import Inventory
from collector.judgement.day_record import NOT_JUDGED, local_day
from collector.judgement.reason_words import NEW_LIST
from collector.lists import directory_import, district_lists
from collector.lists.importing import Change
from collector.lists.sheet import Refused
from collector.school_time import bells_csv, events
from collector.school_time.hours import Calendar, Hours, HoursError, parse_bells, parse_calendar, parse_meanings
from collector.store import Store, audit, ledger, marks, snapshots


class _Proposed(Struct, frozen=True):
    document: bytes
    rows: int
    changes: list[Change]
    ignored: list[str]
    notes: list[str] = []


def present(connection: Connection, day: datetime.date) -> Inventory:
    """The inventory that holds on a day, or an empty one."""
    snapshot = snapshots.holding(snapshots.every(connection, "inventory"), day)
    if snapshot is None:
        return Inventory(campuses={}, access_points={}, places={})
    return Inventory.from_bytes(snapshots.body(connection, "inventory", snapshot.hash))


def today(store: Store, now: float) -> datetime.date:
    """The date at the campuses: where the day is still the earlier one, a list must hold for that one too."""
    with store.read() as connection:
        known = snapshots.every(connection, "inventory")
        inventory = Inventory.from_bytes(snapshots.body(connection, "inventory", known[-1].hash)) if known else None
    zones = {campus.timezone for campus in inventory.campuses.values()} if inventory else set()
    return min(local_day(now, zone) for zone in zones or {DEFAULT_TIMEZONE})


def take_in(store: Store, clock: Callable[[], float], body: dict[str, Any], by: str) -> dict[str, Any]:
    """The difference that a file makes, and with ``apply`` its snapshot. Raises NotDone."""
    now = clock()
    day = datetime.date.fromisoformat(body["valid_from"]) if body.get("valid_from") else today(store, now)
    kind = str(body["kind"])
    kept_as = "inventory" if kind in district_lists.KINDS else "hours"
    with store.read() as connection:
        standing = snapshots.every(connection, kept_as)
        if standing and standing[-1].valid_from > day:
            hint = f"give --valid-from {standing[-1].valid_from} or later: what held before is history"
            raise NotDone(f"what holds from {standing[-1].valid_from} on is kept already", hint, status=2)
        proposal = _proposal(connection, kind, body, day)
        _refuse_too_much(connection, kind, proposal, day, body.get("at_most"))
    result: dict[str, Any] = {
        "kind": kind,
        "rows": proposal.rows,
        "changes": [{"change": one.change, "subject": one.subject, "detail": one.detail} for one in proposal.changes],
        "counts": dict(Counter(one.change for one in proposal.changes)),
        "ignored": proposal.ignored,
        "notes": proposal.notes,
        "valid_from": day.isoformat(),
        "hash": wire.digest(proposal.document),
        "applied": bool(body.get("apply")) and bool(proposal.changes),
    }
    if result["applied"]:
        store.write(lambda connection: _keep(connection, kept_as, proposal, day, now, by, kind)).result()
    return result


def _proposal(connection: Connection, kind: str, body: dict[str, Any], day: datetime.date) -> _Proposed:
    name = str(body["name"])
    try:
        if kind == "campuses" and "directory" in body:
            asked = msgspec.convert(body["directory"], directory_import.Schools)
            made = directory_import.propose(name, asked, present(connection, day), day).proposal
            return _Proposed(made.inventory.to_bytes(), made.rows, made.changes, made.ignored)
        data = base64.b64decode(body["data"])
        if kind in district_lists.KINDS:
            places = district_lists.Places(
                str(body.get("sites_name", "")), base64.b64decode(body.get("sites", "")), str(body.get("campus") or "")
            )
            made = district_lists.propose(kind, name, data, present(connection, day), day, lambda _: None, places)
            return _Proposed(made.inventory.to_bytes(), made.rows, made.changes, made.ignored, made.notes)
        return _hours_proposal(connection, kind, data, body, day)
    except Refused as refused:
        raise NotDone(str(refused), f"{len(refused.faults)} faults, nothing was imported", status=2) from None


def _refuse_too_much(
    connection: Connection, kind: str, proposal: _Proposed, day: datetime.date, at_most: float | None
) -> None:
    """Stops an import that nobody looks at where it would change more than a share of what there is. That names and
    addresses of access points change is their week's usual: what counts is which there are, and where."""
    if at_most is None:
        return
    known = present(connection, day)
    if kind == "access-points":
        what, count = "access points", sum(len(known.access_points_on(name, day)) for name in known.access_points)
        changed = sum(change.change != "changed" for change in proposal.changes)
    else:
        what, count, changed = "campuses", len(known.campuses), len(proposal.changes)
    if changed > at_most * count:
        reason = f"{changed} of {count} {what} would change, more than the share {at_most:g}: nothing was imported"
        raise NotDone(reason, "look at the difference with a dry run, and import it with --apply")


def _hours_proposal(
    connection: Connection, kind: str, data: bytes, body: dict[str, Any], day: datetime.date
) -> _Proposed:
    name = str(body["name"])
    ignored: list[str] = []
    snapshot = snapshots.holding(snapshots.every(connection, "hours"), day)
    before = Hours.from_bytes(snapshots.body(connection, "hours", snapshot.hash)) if snapshot else Hours()
    old: dict[str, object]
    new: dict[str, object]
    try:
        if kind == "bells":
            # A CSV file has the schedules of some schools, a TOML file all there are.
            as_toml = data.lstrip(b"\xef\xbb\xbf \t\r\n").startswith((b"[", b"#"))
            named = parse_bells(name, data) if as_toml else bells_csv.parse(name, data, lambda _: None)
            schedules = named if as_toml else {**before.schedules, **named}
            after = msgspec.structs.replace(before, schedules=schedules)
            rows = len(named)
            old, new = dict(before.schedules), dict(schedules)
        elif kind == "calendar":
            calendar, ignored = _calendar(name, data, body)
            after = msgspec.structs.replace(before, calendar=calendar)
            rows = len(calendar.exceptions)
            old, new = _dates(before.calendar), _dates(calendar)
        else:
            raise NotDone(f"no kind {kind!r}", "campuses, access-points, rooms, bells or calendar", status=2)
    except HoursError as fault:
        raise NotDone(str(fault), "nothing was imported", status=2) from None
    changes = [
        Change("added" if key not in old else "removed" if key not in new else "changed", key, _said(new.get(key)))
        for key in sorted({*old, *new})
        if old.get(key) != new.get(key)
    ]
    return _Proposed(after.to_bytes(), rows, changes, ignored)


def _calendar(name: str, data: bytes, body: dict[str, Any]) -> tuple[Calendar, list[str]]:
    """The calendar, and the names of events that it says nothing about."""
    calendar, meanings = parse_calendar(name, data), parse_meanings(name, data)
    if "events" in body:
        read = events.add(str(body["events_name"]), base64.b64decode(body["events"]), calendar, meanings)
        return read.calendar, read.unnamed
    if meanings:
        raise HoursError(f"{name}: [events] names events of an iCalendar file: give it with --events FILE")
    return calendar, []


def _dates(calendar: Calendar) -> dict[str, object]:
    titles = {key: f" ({title})" for key, title in calendar.events.items()}
    dates: dict[str, object] = {key: kind + titles.get(key, "") for key, kind in calendar.exceptions.items()}
    if calendar.first and calendar.last:
        dates["school days"] = f"{calendar.first} to {calendar.last}"
    for semester in calendar.semesters or ():
        dates[f"semester {semester.name}"] = f"{semester.first} to {semester.last}"
    return dates


def _said(value: object) -> str:
    return value if isinstance(value, str) else ""


def _keep(
    connection: Connection, kept_as: str, proposal: _Proposed, day: datetime.date, now: float, by: str, kind: str
) -> None:
    snapshot = snapshots.keep(connection, kept_as, proposal.document, day, now)
    detail = f"{len(proposal.changes)} changes valid from {day}"
    audit.write(connection, now, by, f"{kind} imported", snapshot.hash, detail)
    mark_again(connection, day, NEW_LIST.say(list=kind))


def mark_again(connection: Connection, since: datetime.date, reason: str) -> int:
    """Marks what was judged on the days from ``since`` on."""
    marked = 0
    for row in ledger.newest_of_period(connection, since.isoformat(), "9999-12-31"):
        slots = [slot for slot, letter in row.record.slots() if letter != NOT_JUDGED]
        marks.mark_slots(connection, row.campus, slots, reason)
        marked += len(slots)
    return marked
