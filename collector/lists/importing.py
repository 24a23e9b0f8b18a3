"""A district's own lists become an inventory: a CSV file and the present inventory go in, a proposal comes out.

Nothing is half imported: one fault refuses the whole file. A file of access points or of rooms is the whole list of
each campus that it names; campuses it does not name keep theirs. What a list no longer holds is removed *from a date*:
days before it are judged with what stood then, so the number that must work cannot shrink quietly.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable
from typing import TypeVar

import msgspec
from msgspec import Struct

from collector.inventory import AccessPoint, Campus, Inventory, Place, School
from collector.lists import cells
from collector.lists.cells import BadCell
from collector.lists.sheet import Advance, Fault, Refused, Row, read

Item = TypeVar("Item", Campus, AccessPoint, Place)

ALIASES = {
    "campus_id": "campus",
    "site": "campus",
    "mac": "id",
    "mac_address": "id",
    "serial": "id",
    "ip": "address",
    "ip_address": "address",
    "ap_name": "name",
    "bssid": "bssids",
    "cds_code": "schools",
    "cds_codes": "schools",
}
CAMPUS_COLUMNS = (
    ("id", "name"),
    (
        "region",
        "board_district",
        "timezone",
        "uplink",
        "simulated",
        "edge_address",
        "schools",
        "bells",
        "ssids",
        "join",
    ),
)
ROOM_COLUMNS = (("campus", "building", "room"), ("chosen", "chosen_by"))


class Change(Struct, frozen=True):
    """One line of the difference that an import would make."""

    change: str
    subject: str
    detail: str = ""


class Proposal(Struct, frozen=True):
    """What the inventory would become on ``valid_from``, and how it differs from the present one. ``notes``: what a
    person should look at, which is no fault."""

    inventory: Inventory
    valid_from: datetime.date
    rows: int
    changes: list[Change]
    ignored: list[str]
    notes: list[str] = []


def campuses(name: str, data: bytes, present: Inventory, valid_from: datetime.date, advance: Advance) -> Proposal:
    """Adds and changes campuses. A campus that the file does not name stays: closing a campus is not an import."""
    sheet, faults = read(name, data, CAMPUS_COLUMNS, _campus_aliases(), advance)
    found = parsed(sheet.rows, faults, _campus, lambda campus: campus.id, "campus")
    rows = {row["id"]: row for row in sheet.rows}
    merged = dict(present.campuses)
    changes = []
    for listed in found:
        old = present.campuses.get(listed.id)
        campus = listed if old is None else _with_what_the_file_does_not_say(listed, old, rows[listed.id])
        if old is None:
            changes.append(Change("added", campus.id, campus.name))
        elif old.simulated != campus.simulated:
            words = ("simulated", "real") if old.simulated else ("real", "simulated")
            reason = f"campus {campus.id} is {words[0]} and cannot become {words[1]}"
            faults.append(Fault(rows[campus.id].line, reason, f"give the {words[1]} campus an id of its own"))
        elif old != campus:
            changes.append(Change("changed", campus.id, differences(old, campus)))
        merged[campus.id] = campus
    refuse(name, faults)
    inventory = msgspec.structs.replace(present, campuses=merged)
    return Proposal(inventory, valid_from, len(found), changes, sheet.ignored)


def rooms(name: str, data: bytes, present: Inventory, valid_from: datetime.date, advance: Advance) -> Proposal:
    """The room lists of the campuses named in the file."""
    sheet, faults = read(name, data, ROOM_COLUMNS, ALIASES, advance)
    found = parsed(
        sheet.rows, faults, lambda row: of_known_campus(present, row, _place(row)), lambda place: place.id, "room"
    )
    refuse(name, faults)
    lists: dict[str, list[Place]] = {}
    for place in found:
        lists.setdefault(place.campus, []).append(place)
    changes = []
    for campus, places in lists.items():
        old = {place.id: place for place in present.places.get(campus, ())}
        for place in places:
            before = old.pop(place.id, None)
            if before is None:
                changes.append(Change("added", place.id))
            elif before != place:
                changes.append(Change("changed", place.id, differences(before, place)))
        changes += [Change("removed", gone, f"ends {valid_from}") for gone in old]
    ordered = {campus: tuple(sorted(places, key=lambda place: place.id)) for campus, places in lists.items()}
    inventory = msgspec.structs.replace(present, places={**present.places, **ordered})
    return Proposal(inventory, valid_from, len(found), changes, sheet.ignored)


def _campus_aliases() -> dict[str, str]:
    return {**ALIASES, "campus": "id", "campus_id": "id", "site": "id", "campus_name": "name"}


def _campus(row: Row) -> Campus:
    edge = row["edge_address"]
    return Campus(
        id=cells.identifier("id", row["id"]),
        name=cells.name("name", row["name"]),
        region=row["region"],
        timezone=cells.timezone(row["timezone"] or "America/Los_Angeles"),
        uplink=row["uplink"],
        simulated=cells.yes_or_no("simulated", row["simulated"]),
        edge_address=cells.address("edge_address", edge) if edge else "",
        schools=tuple(_school(code) for code in cells.listed(row["schools"])),
        bells=row["bells"],
        ssids=cells.ssids("ssids", row["ssids"]),
        join=_joined(cells.ssids("ssids", row["ssids"]), cells.ssids("join", row["join"])),
        board_district=row["board_district"],
    )


def _joined(ssids: tuple[str, ...], join: tuple[str, ...]) -> tuple[str, ...]:
    for ssid in join:
        if ssid not in ssids:
            raise BadCell(f"join {ssid!r} is none of the campus's ssids", "name it in the column ssids too")
    return join


def _with_what_the_file_does_not_say(campus: Campus, old: Campus, row: Row) -> Campus:
    """A column that the file does not have says nothing: a list of regions or of shared uplinks needs no other. The
    address and the names of schools come from the school directory."""
    names = {school.cds_code: school for school in old.schools}
    kept: dict[str, object] = {column: getattr(old, column) for column in CAMPUS_COLUMNS[1] if column not in row.cells}
    kept |= {"address": old.address}
    if "schools" in row.cells:
        kept["schools"] = tuple(names.get(school.cds_code, school) for school in campus.schools)
    return msgspec.structs.replace(campus, **kept)


def _school(code: str) -> School:
    if len(code) != 14 or not code.isascii() or not code.isdigit():
        raise BadCell(f"school {code!r} is not a CDS code", "a CDS code has 14 digits: format the column as text")
    return School(cds_code=code)


def _place(row: Row) -> Place:
    return Place(
        campus=cells.identifier("campus", row["campus"]),
        building=cells.part("building", row["building"]),
        room=cells.part("room", row["room"]),
        chosen=cells.one_of("chosen", row["chosen"], cells.CHOSEN, "chosen"),
        chosen_by=row["chosen_by"],
    )


def of_known_campus(present: Inventory, row: Row, item: Item) -> Item:
    if row["campus"] not in present.campuses:
        raise BadCell(
            f"campus {row['campus']!r} is not known", "import it first with `import campuses`, or mend its id"
        )
    return item


def parsed(
    rows: Iterable[Row], faults: list[Fault], parse: Callable[[Row], Item], key: Callable[[Item], str], noun: str
) -> list[Item]:
    found: list[Item] = []
    lines: dict[str, int] = {}
    for row in rows:
        try:
            item = parse(row)
        except BadCell as bad:
            faults.append(Fault(row.line, bad.reason, bad.mend))
            continue
        first = lines.setdefault(key(item), row.line)
        if first != row.line:
            reason = f"{noun} {key(item)} stands on line {first} already"
            faults.append(Fault(row.line, reason, "leave one of the two lines out"))
            continue
        found.append(item)
    return found


def refuse(name: str, faults: list[Fault]) -> None:
    if faults:
        raise Refused(name, faults)


def differences(old: Struct, new: Struct) -> str:
    parts = []
    for field in new.__struct_fields__:
        before, after = getattr(old, field), getattr(new, field)
        if before != after:
            parts.append(f"{field}: {before or '-'} -> {after or '-'}")
    return ", ".join(parts)
