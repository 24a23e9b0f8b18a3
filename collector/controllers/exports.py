"""A controller's list of access points becomes rows of the plain form: campus, id, name, address, BSSIDs.

The id is the Ethernet MAC, or else the serial number: what stands on the device. A radio's address is never an id. An
access point that was off when the list was made has no address there: it keeps the one that is known, or has none until
a later list gives it, and counts as unknown meanwhile.
"""

from __future__ import annotations

import re

from msgspec import Struct

from collector.controllers import formats, sites
from collector.controllers.formats import Format
from collector.controllers.sites import Sites
from collector.inventory import Inventory
from collector.lists import cells
from collector.lists.cells import BadCell
from collector.lists.sheet import Advance, Fault, Row, head, read

_NOTHING = frozenset({"", "-", "--", "n/a", "na", "none", "null", "not available", "unknown", "0.0.0.0"})  # noqa: S104
_BSSIDS_OF_A_BASE_RADIO = 16
_SHOWN_SITES = 30
_TITLE_LINES = 12
"""Reports have a title, a date and empty lines above their header."""


class Listing(Struct, frozen=True):
    """``rows`` in the plain form; ``product``: which controller's list it is; ``notes``: what was left out, and why."""

    rows: list[Row]
    faults: list[Fault]
    ignored: list[str]
    product: str
    notes: list[str]


def recognised(name: str, data: bytes) -> tuple[Format, int] | None:
    """The controller's format and how many records stand above its header; None for the plain form. Raises Refused
    where the file is no text."""
    for above, record in enumerate(head(name, data, _TITLE_LINES)):
        found = formats.recognised(record)
        if found is not None:
            return found, above
    return None


def plain_rows(
    name: str, data: bytes, format_: Format, above: int, sites_: Sites, present: Inventory, advance: Advance
) -> Listing:
    """Raises Refused where the file as a whole cannot be read."""
    sheet, faults = read(name, data, ((), sorted(format_.columns())), {}, advance, formats.folded, above)
    taker = _Taker(format_, sites_, present)
    rows = []
    for row in sheet.rows:
        try:
            taken = taker.take(Row(row.line, {key: _said(text) for key, text in row.cells.items()}))
        except BadCell as bad:
            faults.append(Fault(row.line, bad.reason, bad.mend))
            continue
        if taken is not None:
            rows.append(taken)
    return Listing(rows, faults + taker.unmapped(), sheet.ignored, format_.product, taker.notes())


class _Taker:
    """Row by row; what it could not place and what it left out is told at the end, once for each site."""

    def __init__(self, format_: Format, sites_: Sites, present: Inventory) -> None:
        self._format = format_
        self._sites = sites_
        self._present = present
        self._unmapped: dict[str, list[int]] = {}
        self._left_out: dict[str, int] = {}
        self._others = 0
        self._without_address = 0

    def take(self, row: Row) -> Row | None:
        format_ = self._format
        kind = _first(row, format_.kind)
        if kind and not re.match(format_.access_points, kind, re.IGNORECASE):
            self._others += 1
            return None
        campus = self._campus(row)
        if campus is None:
            return None
        address = _first(row, format_.address)
        self._without_address += not address
        plain = {
            "campus": campus,
            "id": self._id(row),
            "name": _first(row, format_.name),
            "address": address,
        }
        bssids = self._bssids(row)
        if bssids:
            plain["bssids"] = bssids
        return Row(row.line, plain)

    def _campus(self, row: Row) -> str | None:
        named = [row[column] for column in self._format.site if row[column]]
        if not named and not self._sites.everywhere:
            if any(column in row.cells for column in self._format.site):
                raise BadCell("it is filed under no site", "file it under its site in the controller, or give --campus")
            raise BadCell("the list names no site", "give --campus ID if all of it is of one campus")
        for site in named or [""]:
            campus = self._sites.campus(site, self._present)
            if campus == sites.LEFT_OUT:
                self._left_out[site] = self._left_out.get(site, 0) + 1
                return None
            if campus is not None:
                return campus
        self._unmapped.setdefault(named[0], []).append(row.line)
        return None

    def _id(self, row: Row) -> str:
        found = _first(row, self._format.mac) or _first(row, self._format.serial)
        if not found:
            wanted = "the Ethernet MAC or the serial number"
            raise BadCell("it has no Ethernet MAC and no serial number", f"export the list with {wanted}")
        return found

    def _bssids(self, row: Row) -> str:
        """Those that the list names, else the sixteen of Cisco's base radio MAC: the controller counts them up on one
        band and down on the other, from the base address on (Cisco, "A different MAC address is shown than the actual
        MAC address of the access point")."""
        named = _first(row, self._format.bssids)
        base = _first(row, self._format.base_radio)
        if named or not base:
            return named
        first = int(cells.bssid(base).replace(":", ""), 16)
        if first % _BSSIDS_OF_A_BASE_RADIO:
            return ""
        return " ".join(f"{first + offset:012x}" for offset in range(_BSSIDS_OF_A_BASE_RADIO))

    def unmapped(self) -> list[Fault]:
        faults = []
        for site, lines in sorted(self._unmapped.items(), key=lambda one: -len(one[1]))[:_SHOWN_SITES]:
            what = f"site {site!r} ({_access_points(len(lines))}) is no campus's"
            faults.append(Fault(lines[0], what, f"write it into the file of --sites: {_quoted(site)},CAMPUS"))
        if len(self._unmapped) > _SHOWN_SITES:
            more = len(self._unmapped) - _SHOWN_SITES
            faults.append(Fault(0, f"and {more} more sites are no campus's", "write them into the file of --sites"))
        return faults

    def notes(self) -> list[str]:
        notes = [f"site {site!r}: {_access_points(n)} left out, of no campus" for site, n in self._left_out.items()]
        if self._others:
            notes.append(f"{self._others} rows are other devices than access points, left out")
        if self._without_address:
            kept = "they keep the address that is known, or nobody can ask them until a list gives one"
            notes.append(f"{_access_points(self._without_address)} without an address: {kept}")
        return notes


def _access_points(count: int) -> str:
    return f"{count} access point{'' if count == 1 else 's'}"


def _first(row: Row, columns: tuple[str, ...]) -> str:
    return next((row[column] for column in columns if row[column]), "")


def _said(text: str) -> str:
    return "" if text.lower() in _NOTHING else text


def _quoted(site: str) -> str:
    return '"' + site.replace('"', '""') + '"' if re.search(r'[",;]', site) else site
