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

from collector import cells
from collector.cells import BadCell
from collector.inventory import AccessPoint, Campus, Inventory, Place, School
from collector.sheet import Advance, Fault, Refused, Row, read

Item = TypeVar("Item", Campus, AccessPoint, Place)

_ALIASES = {
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
ACCESS_POINT_COLUMNS = (("campus", "id", "name", "address"), ("building", "room", "method", "port", "bssids"))
ROOM_COLUMNS = (("campus", "building", "room"), ("chosen", "chosen_by"))


class Change(Struct, frozen=True):
    """One line of the difference that an import would make."""

    change: str
    subject: str
    detail: str = ""


class Proposal(Struct, frozen=True):
    """What the inventory would become on ``valid_from``, and how it differs from the present one."""

    inventory: Inventory
    valid_from: datetime.date
    rows: int
    changes: list[Change]
    ignored: list[str]


def campuses(name: str, data: bytes, present: Inventory, valid_from: datetime.date, advance: Advance) -> Proposal:
    """Adds and changes campuses. A campus that the file does not name stays: closing a campus is not an import."""
    sheet, faults = read(name, data, CAMPUS_COLUMNS, _campus_aliases(), advance)
    found = _rows(sheet.rows, faults, _campus, lambda campus: campus.id, "campus")
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
            changes.append(Change("changed", campus.id, _differences(old, campus)))
        merged[campus.id] = campus
    _refuse(name, faults)
    inventory = msgspec.structs.replace(present, campuses=merged)
    return Proposal(inventory, valid_from, len(found), changes, sheet.ignored)


def access_points(name: str, data: bytes, present: Inventory, valid_from: datetime.date, advance: Advance) -> Proposal:
    """The access points of the campuses named in the file; one no longer listed ends on ``valid_from``."""
    sheet, faults = read(name, data, ACCESS_POINT_COLUMNS, _ALIASES, advance)
    first = all(not aps for aps in present.access_points.values())
    # What the first list holds has stood there before: only what a later list adds begins on its date.
    since = None if first else valid_from
    found = _rows(
        sheet.rows,
        faults,
        lambda row: _known_campus(present, row, _access_point(row, since)),
        lambda ap: ap.id,
        "access point",
    )
    _addresses_used_twice(sheet.rows, found, faults)
    _refuse(name, faults)
    standing = {ap.id: ap for aps in present.access_points.values() for ap in aps if ap.valid_to is None}
    listed = {ap.id for ap in found}
    named = {ap.campus for ap in found}
    added: dict[str, list[AccessPoint]] = {}
    replaced: set[str] = set()
    ended: set[str] = set()
    changes = []
    for ap in found:
        old = standing.get(ap.id)
        kept = ap if old is None else msgspec.structs.replace(ap, valid_from=old.valid_from)
        if old is None:
            changes.append(Change("added", f"{ap.campus} {ap.id}", ap.name))
        elif old.campus != ap.campus:
            ended.add(ap.id)
            changes.append(Change("moved", f"{ap.campus} {ap.id}", f"{ap.name}, from {old.campus}"))
            kept = ap
        elif old != kept:
            changes.append(Change("changed", f"{ap.campus} {ap.id}", _differences(old, kept)))
        replaced.add(ap.id)
        added.setdefault(ap.campus, []).append(kept)
    for old in standing.values():
        if old.campus in named and old.id not in listed:
            ended.add(old.id)
            changes.append(Change("removed", f"{old.campus} {old.id}", f"{old.name}, ends {valid_from}"))
    lists = {
        campus: [
            _ended(ap, valid_from) if ap.id in ended and ap.valid_to is None else ap
            for ap in aps
            if ap.id in ended or ap.id not in replaced or ap.valid_to is not None
        ]
        for campus, aps in present.access_points.items()
    }
    for campus, aps in added.items():
        lists[campus] = lists.get(campus, []) + aps
    ordered = {campus: tuple(sorted(aps, key=_ap_order)) for campus, aps in lists.items() if aps}
    inventory = msgspec.structs.replace(present, access_points=ordered)
    return Proposal(inventory, valid_from, len(found), changes, sheet.ignored)


def rooms(name: str, data: bytes, present: Inventory, valid_from: datetime.date, advance: Advance) -> Proposal:
    """The room lists of the campuses named in the file."""
    sheet, faults = read(name, data, ROOM_COLUMNS, _ALIASES, advance)
    found = _rows(
        sheet.rows, faults, lambda row: _known_campus(present, row, _place(row)), lambda place: place.id, "room"
    )
    _refuse(name, faults)
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
                changes.append(Change("changed", place.id, _differences(before, place)))
        changes += [Change("removed", gone, f"ends {valid_from}") for gone in old]
    ordered = {campus: tuple(sorted(places, key=lambda place: place.id)) for campus, places in lists.items()}
    inventory = msgspec.structs.replace(present, places={**present.places, **ordered})
    return Proposal(inventory, valid_from, len(found), changes, sheet.ignored)


IMPORTS: dict[str, Callable[[str, bytes, Inventory, datetime.date, Advance], Proposal]] = {
    "campuses": campuses,
    "access-points": access_points,
    "rooms": rooms,
}


def _campus_aliases() -> dict[str, str]:
    return {**_ALIASES, "campus": "id", "campus_id": "id", "site": "id", "campus_name": "name"}


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
    """The address and the names of schools come from the school directory, and so do schools without their column. The
    board district stays where the file has no column for it."""
    names = {school.cds_code: school for school in old.schools}
    named = tuple(names.get(school.cds_code, school) for school in campus.schools)
    schools = named if "schools" in row.cells else old.schools
    board_district = campus.board_district if "board_district" in row.cells else old.board_district
    return msgspec.structs.replace(campus, address=old.address, schools=schools, board_district=board_district)


def _school(code: str) -> School:
    if len(code) != 14 or not code.isascii() or not code.isdigit():
        raise BadCell(f"school {code!r} is not a CDS code", "a CDS code has 14 digits: format the column as text")
    return School(cds_code=code)


def _access_point(row: Row, valid_from: datetime.date | None) -> AccessPoint:
    campus = cells.identifier("campus", row["campus"])
    method = cells.one_of("method", row["method"], cells.METHODS, "icmp")
    place = None
    if row["building"] or row["room"]:
        place = f"{campus}/{cells.part('building', row['building'])}/{cells.part('room', row['room'])}"
    return AccessPoint(
        id=cells.hardware_id(row["id"]),
        campus=campus,
        name=cells.name("name", row["name"], 64),
        address=cells.address("address", row["address"]),
        place=place,
        method=method,
        port=cells.port(row["port"], method),
        bssids=tuple(cells.bssid(text) for text in cells.listed(row["bssids"])),
        valid_from=valid_from,
    )


def _place(row: Row) -> Place:
    return Place(
        campus=cells.identifier("campus", row["campus"]),
        building=cells.part("building", row["building"]),
        room=cells.part("room", row["room"]),
        chosen=cells.one_of("chosen", row["chosen"], cells.CHOSEN, "chosen"),
        chosen_by=row["chosen_by"],
    )


def _known_campus(present: Inventory, row: Row, item: Item) -> Item:
    if row["campus"] not in present.campuses:
        raise BadCell(
            f"campus {row['campus']!r} is not known", "import it first with `import campuses`, or mend its id"
        )
    return item


def _rows(
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


def _addresses_used_twice(rows: list[Row], found: list[AccessPoint], faults: list[Fault]) -> None:
    """Two access points of one campus at one address: one of them would be judged by the other's answers."""
    spoiled = {fault.line for fault in faults}
    lines = [row.line for row in rows if row.line not in spoiled]
    first: dict[tuple[str, str, int | None], tuple[int, AccessPoint]] = {}
    for line, ap in zip(lines, found, strict=True):
        other = first.setdefault((ap.campus, ap.address, ap.port), (line, ap))
        if other[0] != line:
            reason = f"address {ap.address} is that of {other[1].id} on line {other[0]} already"
            faults.append(Fault(line, reason, "give each access point the address at which it alone answers"))


def _refuse(name: str, faults: list[Fault]) -> None:
    if faults:
        raise Refused(name, faults)


def _ended(ap: AccessPoint, day: datetime.date) -> AccessPoint:
    return msgspec.structs.replace(ap, valid_to=day)


def _ap_order(ap: AccessPoint) -> tuple[str, str]:
    return ap.id, str(ap.valid_to or "")


def _differences(old: Struct, new: Struct) -> str:
    parts = []
    for field in new.__struct_fields__:
        before, after = getattr(old, field), getattr(new, field)
        if before != after:
            parts.append(f"{field}: {before or '-'} -> {after or '-'}")
    return ", ".join(parts)
