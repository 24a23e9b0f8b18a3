"""A CSV file as rows by header name: bytes go in, numbered rows come out, and every fault names its line and its mend.

Files come from spreadsheets and controllers, so the delimiter is found from the header, a byte-order mark is taken off,
and columns may stand in any order. Text that is not UTF-8 is refused, never guessed: a wrong guess changes names.
"""

from __future__ import annotations

import contextlib
import csv
import io
import itertools
import re
from collections.abc import Callable, Iterator, Sequence

from msgspec import Struct

SHOWN_FAULTS = 50
MAX_CELL = 4096
MAX_ROWS = 300_000
"""Five times the access points of the largest district. A row costs a kilobyte while it is looked at."""
UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")

Advance = Callable[[int], None]


class Fault(Struct, frozen=True):
    """One thing wrong with a file: where it is, what it is, and what mends it. Line 0 is the file as a whole."""

    line: int
    reason: str
    mend: str

    def __str__(self) -> str:
        where = f"line {self.line}: " if self.line else ""
        return f"{where}{self.reason}; {self.mend}"


class Refused(ValueError):
    """A file of which nothing was taken. ``faults`` are in the order of its lines."""

    def __init__(self, name: str, faults: Sequence[Fault]) -> None:
        self.name = name
        self.faults = sorted(faults, key=lambda fault: fault.line)
        shown = [f"{name}: {fault}" for fault in self.faults[:SHOWN_FAULTS]]
        if len(self.faults) > SHOWN_FAULTS:
            shown.append(f"{name}: and {len(self.faults) - SHOWN_FAULTS} more faults")
        super().__init__("\n".join(shown))


class Row(Struct, frozen=True):
    """One line's cells by column name, trimmed; a column the file does not have reads as an empty cell."""

    line: int
    cells: dict[str, str]

    def __getitem__(self, column: str) -> str:
        return self.cells.get(column, "")


class Sheet(Struct, frozen=True):
    """``ignored`` are the columns of the file that this kind of import does not read."""

    rows: list[Row]
    ignored: list[str]


def decode(name: str, data: bytes, form: str = "CSV UTF-8") -> str:
    """The file's text. Raises Refused, naming the line, where the bytes are not UTF-8. ``form``: what to save it as."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise Refused(name, [Fault(0, "the file is UTF-16", f"save it as {form}")])
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        line = data.count(b"\n", 0, fault.start) + 1
        guess = data[fault.start : fault.start + 1].decode("latin-1")
        reason = f"byte 0x{data[fault.start]:02x} is not UTF-8 (in Latin-1 or Windows-1252 it would be {guess!r})"
        raise Refused(name, [Fault(line, reason, f"save the file as {form}")]) from None
    if "\x00" in text:
        line = text.count("\n", 0, text.index("\x00")) + 1
        raise Refused(name, [Fault(line, "a NUL byte: this is not a text file", f"export it as {form}")])
    return text


def column_name(cell: str) -> str:
    return re.sub(r"[\s\-]+", "_", cell.strip().lower())


def head(name: str, data: bytes, count: int) -> list[list[str]]:
    """The first records, before anybody knows which of them is the header. Raises Refused."""
    text = decode(name, data)
    found = []
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text))
    with contextlib.suppress(csv.Error):  # who reads the whole file says where it is broken
        found = list(itertools.islice(lines, count))
    return found


def read(
    name: str,
    data: bytes,
    columns: tuple[Sequence[str], Sequence[str]],
    aliases: dict[str, str],
    advance: Advance,
    column: Callable[[str], str] = column_name,
    above: int = 0,
) -> tuple[Sheet, list[Fault]]:
    """The rows of a CSV file and what is wrong with single lines. ``columns``: those it must and those it may have;
    ``column``: how a header's cell is compared; ``above``: records above the header. Raises Refused where the file as a
    whole cannot be read: its encoding, its header, its length. ``advance`` is told of rows read since it was last
    told."""
    required, optional = columns
    text = decode(name, data)
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text))
    try:
        names = [column(cell) for cell in next(itertools.islice(lines, above, None), [])]
    except csv.Error as fault:
        raise Refused(
            name, [Fault(1, f"the header cannot be read ({fault})", "write one line of column names")]
        ) from None
    header = [aliases.get(one, one) for one in names]
    known = {*required, *optional}
    _check_header(name, header, required, optional)
    rows: list[Row] = []
    faults: list[Fault] = []
    for line, cells in _numbered(name, lines, advance):
        if len(rows) + len(faults) >= MAX_ROWS:
            reason = f"more than {MAX_ROWS:,} rows"
            raise Refused(name, [Fault(line, reason, "that is no list of one district: split it by region")])
        if len(cells) != len(header):
            mend = "quote a cell that holds the delimiter, and give every column a cell"
            faults.append(Fault(line, f"{len(cells)} cells where the header has {len(header)}", mend))
            continue
        row = {column: cell.strip() for column, cell in zip(header, cells, strict=True) if column in known}
        unfit = _cell_fault(line, row)
        if unfit:
            faults.append(unfit)
        else:
            rows.append(Row(line, row))
    return Sheet(rows, [column for column in header if column not in known]), faults


def _numbered(name: str, lines: Iterator[list[str]], advance: Advance) -> Iterator[tuple[int, list[str]]]:
    """Each record with the line on which it begins: a quoted cell may hold line breaks."""
    begin = lines.line_num + 1  # type: ignore[attr-defined]
    told = 0
    while True:
        try:
            cells = next(lines, None)
        except csv.Error as fault:
            raise Refused(name, [Fault(begin, f"cannot be read as CSV ({fault})", "check the quotes")]) from None
        if cells is None:
            break
        if any(cell.strip() for cell in cells):
            yield begin, cells
        begin = lines.line_num + 1  # type: ignore[attr-defined]
        told += 1
        if told == 1000:
            advance(told)
            told = 0
    advance(told)


def _delimiter(text: str) -> str:
    """The sign that divides the first line that is divided at all: a report has a title above its header."""
    for line in text[:65536].split("\n", 12)[:12]:
        found = max(",;\t", key=line.count)
        if line.count(found) >= 2:
            return found
    return max(",;\t", key=text.split("\n", 1)[0].count)


def _check_header(name: str, header: list[str], required: Sequence[str], optional: Sequence[str]) -> None:
    if not any(header):
        raise Refused(name, [Fault(1, "the file is empty", f"its first line names the columns: {', '.join(required)}")])
    known = {*required, *optional}
    twice = sorted({column for column in header if column in known and header.count(column) > 1})
    missing = [column for column in required if column not in header]
    faults = [Fault(1, f"column {column} stands twice", "leave one of them out") for column in twice]
    for column in missing:
        found = ", ".join(column for column in header if column)
        mend = f"the columns are {', '.join(required)} and, if wanted, {', '.join(optional)}"
        faults.append(Fault(1, f"no column {column} (found: {found[:200]})", mend))
    if faults:
        raise Refused(name, faults)


def _cell_fault(line: int, row: dict[str, str]) -> Fault | None:
    for column, cell in row.items():
        if UNSAFE.search(cell):
            return Fault(line, f"{column} holds an invisible control character", "type the cell anew")
        if len(cell) > MAX_CELL:
            return Fault(line, f"{column} is {len(cell)} characters long", f"at most {MAX_CELL} are read")
        if cell.startswith("="):
            return Fault(line, f"{column} begins with =, as a formula does", "write the value, not its formula")
    return None
