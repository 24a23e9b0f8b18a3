"""A district's list of access points becomes its inventory: the plain form, or what a controller exports.

A file is the whole list of each campus that it names; campuses it does not name keep theirs. A new name or address
makes no new access point, and one that is listed no longer ends on a date.
"""

from __future__ import annotations

import datetime

import msgspec

from collector.controllers import exports
from collector.controllers.sites import Sites
from collector.inventory import AccessPoint, Inventory
from collector.lists import cells
from collector.lists.importing import ALIASES, Change, Proposal, differences, of_known_campus, parsed, refuse
from collector.lists.sheet import Advance, Fault, Row, Sheet, read

COLUMNS = (("campus", "id", "name", "address"), ("building", "room", "method", "port", "bssids"))


def propose(
    name: str,
    data: bytes,
    present: Inventory,
    valid_from: datetime.date,
    advance: Advance,
    sites: Sites = Sites(),  # noqa: B008 - immutable
) -> Proposal:
    """The access points of the campuses named in the file; one no longer listed ends on ``valid_from``. ``sites``: the
    campus of each site, where the file is a controller's own list."""
    sheet, faults, notes, exported = _listed(name, data, present, advance, sites)
    standing = {ap.id: ap for aps in present.access_points.values() for ap in aps if ap.valid_to is None}
    first = all(not aps for aps in present.access_points.values())
    # What the first list holds has stood there before: only what a later list adds begins on its date.
    since = None if first else valid_from
    found = parsed(
        sheet.rows,
        faults,
        lambda row: of_known_campus(present, row, _access_point(row, since, standing, exported)),
        lambda ap: ap.id,
        "access point",
    )
    _addresses_used_twice(sheet.rows, found, faults)
    refuse(name, faults)
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
            changes.append(Change("changed", f"{ap.campus} {ap.id}", differences(old, kept)))
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
    return Proposal(inventory, valid_from, len(found), changes, sheet.ignored, notes)


def _listed(
    name: str, data: bytes, present: Inventory, advance: Advance, sites: Sites
) -> tuple[Sheet, list[Fault], list[str], bool]:
    """The rows in the plain form, and whether a controller exported them."""
    format_ = exports.recognised(name, data)
    if format_ is None:
        sheet, faults = read(name, data, COLUMNS, ALIASES, advance)
        return sheet, faults, [], False
    found = exports.plain_rows(name, data, *format_, sites, present, advance)
    return Sheet(found.rows, found.ignored), found.faults, [f"read as the list of {found.product}", *found.notes], True


def _access_point(
    row: Row, valid_from: datetime.date | None, standing: dict[str, AccessPoint], exported: bool
) -> AccessPoint:
    """A column that the file does not have says nothing: what is known of the access point stays."""
    campus = cells.identifier("campus", row["campus"])
    id_ = cells.hardware_id(row["id"])
    old = standing.get(id_)
    method = cells.one_of("method", row["method"], cells.METHODS, "icmp")
    place = None
    if row["building"] or row["room"]:
        place = f"{campus}/{cells.part('building', row['building'])}/{cells.part('room', row['room'])}"
    made = AccessPoint(
        id=id_,
        campus=campus,
        name=cells.name("name", row["name"], 64),
        # A controller lists an access point that is off without an address.
        address="" if exported and not row["address"] else cells.address("address", row["address"]),
        place=place,
        method=method,
        port=cells.port(row["port"], method),
        bssids=tuple(dict.fromkeys(cells.bssid(text) for text in cells.listed(row["bssids"]))),
        valid_from=valid_from,
    )
    return made if old is None else _as_known(made, old, row)


def _as_known(made: AccessPoint, old: AccessPoint, row: Row) -> AccessPoint:
    kept: dict[str, object] = {}
    if not made.address:
        kept["address"] = old.address
    if "method" not in row.cells and "port" not in row.cells:
        kept |= {"method": old.method, "port": old.port}
    if "bssids" not in row.cells:
        kept["bssids"] = old.bssids
    if old.campus == made.campus and not {"building", "room"} & row.cells.keys():
        kept["place"] = old.place
    return msgspec.structs.replace(made, **kept)


def _addresses_used_twice(rows: list[Row], found: list[AccessPoint], faults: list[Fault]) -> None:
    """Two access points of one campus at one address: one of them would be judged by the other's answers."""
    spoiled = {fault.line for fault in faults}
    lines = [row.line for row in rows if row.line not in spoiled]
    first: dict[tuple[str, str, int | None], tuple[int, AccessPoint]] = {}
    for line, ap in zip(lines, found, strict=True):
        if not ap.address:
            continue
        other = first.setdefault((ap.campus, ap.address, ap.port), (line, ap))
        if other[0] != line:
            reason = f"address {ap.address} is that of {other[1].id} on line {other[0]} already"
            faults.append(Fault(line, reason, "give each access point the address at which it alone answers"))


def _ended(ap: AccessPoint, day: datetime.date) -> AccessPoint:
    return msgspec.structs.replace(ap, valid_to=day)


def _ap_order(ap: AccessPoint) -> tuple[str, str]:
    return ap.id, str(ap.valid_to or "")
