"""The California school directory (Department of Education, "Public Schools and Districts") as listed schools.

Columns move from year to year (49 in 2018, 46 in 2025), so they are found by name. The file names administrators and
their addresses: a row's other columns are dropped as soon as the row is split, before anything else sees it, and the
file is read as a stream, never whole (a workbook's table of texts is held while its rows are read, then let go).
"No Data" and an empty cell both mean that nothing is known.
"""

from __future__ import annotations

import csv
import datetime
import io
import math
import re
from collections.abc import Generator, Iterator
from contextlib import closing
from typing import BinaryIO

from msgspec import Struct

from collector.lists import workbook
from collector.lists.california import land_fault
from collector.lists.cells import BadCell, date
from collector.lists.sheet import MAX_CELL, UNSAFE, Advance, Fault, Refused

# Read by these names, whatever their case, spaces and order.
REQUIRED = (
    "CDSCode", "StatusType", "District", "School", "Street", "City", "Zip", "OpenDate", "Charter", "FundingType",
    "SOC", "GSoffered", "Virtual", "Latitude", "Longitude",
)  # fmt: skip
OPTIONAL = ("GSserved",)
HEADER_ROWS = 12
"""A workbook has a title and notes above its header."""
_NOTHING = frozenset({"", "no data", "information not available", "n/a", "null"})
_READ = {re.sub(r"[^a-z]", "", column.lower()): column for column in (*REQUIRED, *OPTIONAL)}


class Listed(Struct, frozen=True):
    """A school as the directory lists it. ``soc``: its kind by the directory's School Ownership Code; ``grades``: those
    it serves, or where that is not said those it offers; coordinates in degrees (WGS 84)."""

    line: int
    cds_code: str
    status: str
    district: str
    name: str
    street: str
    town: str
    postcode: str
    opened: datetime.date | None
    charter: bool
    funding: str
    soc: str
    grades: str
    virtual: str
    latitude: float | None = None
    longitude: float | None = None

    @property
    def active(self) -> bool:
        return self.status.lower() in {"active", "open"}  # "Open" until 2012

    @property
    def closed(self) -> bool:
        return self.status.lower() in {"closed", "merged"}


def recognised(head: bytes) -> bool:
    """Whether a file that begins so is the directory: its header names the CDS code and at least two other columns that
    no list of campuses has. A workbook always is: nothing else comes as one."""
    if head.startswith(workbook.MAGIC):
        return True
    first = head.split(b"\n", 1)[0].decode("utf-8-sig", "replace")
    columns = {_folded(cell) for cell in re.split(r"[\t,;]", first)}
    return "cdscode" in columns and len(columns & {"statustype", "school", "street", "soc", "gsoffered"}) >= 2


def read(name: str, stream: BinaryIO, advance: Advance) -> list[Listed]:
    """Every school of the file, the rows of districts left out. Raises Refused with each bad row."""
    head = stream.read(4)
    stream.seek(0)
    is_workbook = head == workbook.MAGIC
    schools: list[Listed] = []
    faults: list[Fault] = []
    first: dict[str, int] = {}
    with closing(workbook.rows(name, stream) if is_workbook else _text_rows(name, stream)) as numbered:
        columns, width = _header(name, numbered)
        for line, cells in numbered:
            advance(1)
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) != width and not is_workbook:  # a workbook leaves empty cells at a row's end out
                mend = "download the file again: this line is torn or was edited"
                faults.append(Fault(line, f"{len(cells)} cells where the header has {width}", mend))
                continue
            try:
                listed = _listed(line, {column: _cell(column, cells, at) for column, at in columns.items()})
            except BadCell as bad:
                faults.append(Fault(line, bad.reason, bad.mend))
                continue
            if first.setdefault(listed.cds_code, line) != line:
                reason = f"CDS code {listed.cds_code} stands on line {first[listed.cds_code]} already"
                faults.append(Fault(line, reason, "leave one of the two lines out"))
            elif not listed.cds_code.endswith("0000000"):  # a district's own row
                schools.append(listed)
    if not first and not faults:
        faults.append(Fault(0, "no school is listed", "download the file again"))
    if faults:
        raise Refused(name, faults)
    return schools


def _text_rows(name: str, stream: BinaryIO) -> Generator[tuple[int, list[str]]]:
    head = stream.readline(1 << 16)
    stream.seek(0)
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise Refused(name, [Fault(0, "the file is UTF-16", "save it as tab-separated text in UTF-8")])
    tabs = b"\t" in head
    # The tab-separated file quotes nothing: a quote in a name is a quote.
    delimiter = "\t" if tabs else max(",;", key=head.decode("utf-8-sig", "replace").count)
    text = io.TextIOWrapper(stream, "utf-8-sig", newline="")
    lines = csv.reader(text, delimiter=delimiter, quoting=csv.QUOTE_NONE if tabs else csv.QUOTE_MINIMAL)
    try:
        for cells in lines:
            yield lines.line_num, cells
    except UnicodeDecodeError:
        raise Refused(name, [_undecoded(stream)]) from None
    except csv.Error as fault:
        raise Refused(name, [Fault(lines.line_num, f"cannot be read ({fault})", "check the quotes")]) from None
    finally:
        text.detach()


def _undecoded(stream: BinaryIO) -> Fault:
    """The decoder reads ahead of the rows: the line is looked for again, byte by byte."""
    stream.seek(0)
    for number, line in enumerate(stream, 1):
        try:
            line.decode()
        except UnicodeDecodeError as fault:
            bad = line[fault.start]
            guess = bytes([bad]).decode("latin-1")
            reason = f"byte 0x{bad:02x} is not UTF-8 (in Latin-1 or Windows-1252 it would be {guess!r})"
            return Fault(number, reason, "save the file as UTF-8, or download it again")
    return Fault(0, "the file is not UTF-8", "save it as UTF-8, or download it again")


def _header(name: str, numbered: Iterator[tuple[int, list[str]]]) -> tuple[dict[str, int], int]:
    """Where each column stands that is read, and how many there are in all."""
    found: list[str] = []
    for line, cells in numbered:
        folded = [_folded(cell) for cell in cells]
        if "cdscode" in folded:
            missing = [column for column in REQUIRED if column.lower() not in folded]
            twice = [column for key, column in _READ.items() if folded.count(key) > 1]
            mend = "take the whole file as the Department of Education publishes it, header and all"
            faults = [Fault(line, f"no column {column}", mend) for column in missing]
            faults += [Fault(line, f"column {column} stands twice", mend) for column in twice]
            if faults:
                raise Refused(name, faults)
            return {column: folded.index(key) for key, column in _READ.items() if key in folded}, len(cells)
        found = found or [cell for cell in cells if cell]
        if line >= HEADER_ROWS:
            break
    reason = f"no column CDSCode (found: {', '.join(found)[:200]})"
    raise Refused(name, [Fault(1, reason, f"the directory's header names {', '.join(REQUIRED)}")])


def _folded(cell: str) -> str:
    return re.sub(r"[^a-z]", "", cell.lower())


def _cell(column: str, cells: list[str], at: int) -> str:
    text = " ".join(cells[at].split()) if at < len(cells) else ""
    if UNSAFE.search(text):
        raise BadCell(f"{column} holds an invisible control character", "download the file again or type it anew")
    if len(text) > MAX_CELL:
        raise BadCell(f"{column} is {len(text)} characters long", f"at most {MAX_CELL} are read")
    return "" if text.lower() in _NOTHING else text


def _listed(line: int, row: dict[str, str]) -> Listed:
    code = row["CDSCode"]
    if not re.fullmatch(r"[0-9]{14}", code):
        lost = "a spreadsheet took its leading zero or wrote it as a power of ten: " if code else ""
        raise BadCell(f"CDSCode {code!r} is not 14 digits", f"{lost}keep the column as text")
    latitude, longitude = _place(row["Latitude"], row["Longitude"])
    return Listed(
        line=line,
        cds_code=code,
        status=row["StatusType"],
        district=row["District"],
        name=row["School"],
        street=row["Street"],
        town=row["City"],
        postcode=row["Zip"][:5],
        opened=_opened(row["OpenDate"]),
        charter=row["Charter"].upper() in {"Y", "YES", "1"},
        funding=row["FundingType"].lower(),
        soc=row["SOC"].zfill(2) if row["SOC"] else "",
        grades=row.get("GSserved") or row["GSoffered"],
        virtual=row["Virtual"].upper(),
        latitude=latitude,
        longitude=longitude,
    )


def _opened(text: str) -> datetime.date | None:
    american = re.fullmatch(r"(\d{1,2})/(\d{1,2})/(\d{4})", text)
    if american:
        month, day, year = american.groups()
        text = f"{year}-{month:0>2}-{day:0>2}"
    return date("OpenDate", text) if text else None


def _place(latitude: str, longitude: str) -> tuple[float | None, float | None]:
    if not latitude and not longitude:
        return None, None
    try:
        north, east = float(latitude), float(longitude)
    except ValueError:
        north = east = math.nan
    if not (math.isfinite(north) and math.isfinite(east)):
        reason = f"Latitude {latitude!r}, Longitude {longitude!r} is no place"
        raise BadCell(reason, "write both in degrees, 34.05611 and -118.25698, or neither")
    fault = land_fault(north, east)
    if fault:
        raise BadCell(f"Latitude {latitude}, Longitude {longitude} {fault}", "mend them, or leave both empty")
    return north, east
