"""A controller's log of when access points were up or down, as entries: a CSV file goes in, (access point, time, state)
comes out, and what could not be read is told.

The plain form has the columns access_point, time and state; event exports of controllers have others for the same. Rows
about anything else than an access point's state are counted and dropped: such exports name clients too, and nothing of
them is kept or shown.
"""

from __future__ import annotations

import datetime
import re
import zoneinfo
from collections import Counter
from collections.abc import Mapping

from msgspec import Struct

from collector.controllers.formats import folded
from collector.inventory import AccessPoint, Inventory
from collector.lists import cells
from collector.lists.cells import BadCell
from collector.lists.sheet import Advance, Fault, Refused, Row, read

_AP = ("access_point", "ap_name", "ap", "device_name", "device", "failure_source", "source", "name", "ap_mac", "mac",
       "mac_address", "serial", "serial_number")  # fmt: skip
_TIME = ("time", "timestamp", "occurred_at", "occurred_on", "event_time", "date_time", "date")
_STATE = ("state", "status")
_EVENT = ("event", "event_type", "condition", "message", "description", "details")
_DOWN = re.compile(
    r"\b(down|off-?line|disconnect(ed)?|dis-?associated|unreachable|not reachable|lost|un-?registered|dormant"
    r"|rebooted)\b"
)
_UP = re.compile(
    r"\b(up|on-?line|connect(ed)?|re-?connected|associated|reachable|registered|joined|restored|cleared)\b"
)
_OF_AN_AP = re.compile(r"\b(ap|aps|access point|device|uap)\b")
_OF_A_CLIENT = re.compile(r"\b(client|station|user|sta)\b")
_FORMS = (
    "%Y-%m-%d %H:%M:%S", "%Y/%m/%d %H:%M:%S", "%Y-%m-%d %H:%M", "%m/%d/%Y %H:%M:%S", "%m/%d/%Y %I:%M:%S %p",
    "%m/%d/%Y %H:%M", "%m/%d/%Y %I:%M %p", "%b %d, %Y %H:%M:%S", "%b %d, %Y %I:%M:%S %p", "%b %d %Y %H:%M:%S",
    "%a %b %d %H:%M:%S %Y",
)  # fmt: skip
_NAMED = 20


class Entry(Struct, frozen=True):
    """From ``at`` (Unix seconds) on the controller called the access point up, or down."""

    line: int
    access_point: str
    at: float
    up: bool


class Log(Struct, frozen=True):
    """``entries`` by access point id, in the order of time; ``notes``: what was not read, and why."""

    entries: dict[str, list[Entry]]
    since: float
    until: float
    notes: list[str]


def parse(name: str, data: bytes, inventory: Inventory, timezone: str, advance: Advance) -> Log:
    """Times without an offset are of ``timezone``. Raises Refused with every row that cannot be read."""
    sheet, faults = read(name, data, ((), (*_AP, *_TIME, *_STATE, *_EVENT)), {}, advance, folded)
    header = set(sheet.rows[0].cells) if sheet.rows else set()
    if sheet.rows and not (header & set(_AP) and header & set(_TIME) and header & {*_STATE, *_EVENT}):
        mend = "its columns are access_point, time and state (up or down)"
        raise Refused(name, [Fault(1, "this is no log of access points", mend)])
    known = _Known(inventory)
    zone = zoneinfo.ZoneInfo(timezone)
    entries: dict[str, list[Entry]] = {}
    counts: Counter[str] = Counter()
    strangers: Counter[str] = Counter()
    times: list[float] = []
    for row in sheet.rows:
        try:
            up = _state(row)
            if up is None:
                counts["other"] += 1
                continue
            said = _first(row, _AP)
            at, twice = instant(_first(row, _TIME), zone)
        except BadCell as bad:
            faults.append(Fault(row.line, bad.reason, bad.mend))
            continue
        counts["twice"] += twice
        times.append(at)
        ap = known.find(said)
        if ap is None:
            strangers[said] += 1
        else:
            entries.setdefault(ap, []).append(Entry(row.line, ap, at, up))
    if not times and not faults:
        faults.append(Fault(0, "no row says that an access point was up or down", "export the log of their states"))
    if faults:
        raise Refused(name, faults)
    for one in entries.values():
        one.sort(key=lambda entry: (entry.at, entry.line))
    return Log(entries, min(times), max(times), _notes(counts, strangers, timezone))


def instant(text: str, zone: zoneinfo.ZoneInfo) -> tuple[float, bool]:
    """Unix seconds, and whether the local clock showed that time twice: then it is read as the first of them."""
    if not text:
        raise BadCell("time is empty", "export the time of each entry")
    if re.fullmatch(r"[0-9]{10}(\.[0-9]+)?|[0-9]{13}", text):
        return (float(text) / 1000 if len(text) == 13 else float(text)), False
    found = None
    try:
        found = datetime.datetime.fromisoformat(text)
    except ValueError:
        for form in _FORMS:
            try:
                found = datetime.datetime.strptime(text, form)  # noqa: DTZ007 - the zone is set below
                break
            except ValueError:
                continue
    if found is None or len(text) < len("2026-01-01 00:00"):
        raise BadCell(f"time {text!r} is not a time", "write it like 2026-09-15T09:05:00-07:00")
    if found.tzinfo is not None:
        return found.timestamp(), False
    local = found.replace(tzinfo=zone)
    twice = local.replace(fold=1).timestamp() > local.timestamp()
    return local.timestamp(), twice


def _state(row: Row) -> bool | None:
    """Up or down; None where an event tells of something else."""
    plain = _first(row, _STATE).casefold()
    event = " ".join(row[column] for column in _EVENT if row[column]).casefold()
    if event and (_OF_A_CLIENT.search(event) or (not plain and not _OF_AN_AP.search(event))):
        return None
    for text in filter(None, (plain, event)):
        if _DOWN.search(text):
            return False
        if _UP.search(text):
            return True
    if plain and not event:
        raise BadCell(f"state {plain!r} is neither up nor down", "write up or down")
    return None


class _Known:
    """Access points by what a log may call them: id, else a name or an address that only one of them has."""

    def __init__(self, inventory: Inventory) -> None:
        everyone = [ap for aps in inventory.access_points.values() for ap in aps]
        self._ids = {ap.id for ap in everyone}
        self._called: dict[str, set[str]] = {}
        for ap in everyone:
            for text in (ap.name.casefold(), ap.address):
                if text:
                    self._called.setdefault(text, set()).add(ap.id)

    def find(self, said: str) -> str | None:
        text = re.sub(r"^(ap|access point)[ :]+", "", said.partition(",")[0].strip(), flags=re.IGNORECASE)
        try:
            id_ = cells.hardware_id(text)
        except BadCell:
            id_ = text
        if id_ in self._ids:
            return id_
        found = self._called.get(text.casefold(), set())
        return next(iter(found)) if len(found) == 1 else None


def by_id(inventory: Inventory, ids: Mapping[str, object]) -> dict[str, AccessPoint]:
    """The newest record of each access point."""
    return {ap.id: ap for aps in inventory.access_points.values() for ap in aps if ap.id in ids}


def _notes(counts: Counter[str], strangers: Counter[str], timezone: str) -> list[str]:
    notes = []
    if counts["other"]:
        notes.append(f"{counts['other']} rows tell of something else than an access point's state: not read")
    if counts["twice"]:
        notes.append(f"{counts['twice']} times stood twice on the clock of {timezone}: read as the first of the two")
    if strangers:
        named = ", ".join(sorted(strangers)[:_NAMED]) + (", …" if len(strangers) > _NAMED else "")
        notes.append(
            f"{len(strangers)} access points of the log are in no inventory, or their name is not one's: {named}"
        )
    return notes


def _first(row: Row, columns: tuple[str, ...]) -> str:
    return next((row[column] for column in columns if row[column]), "")
