"""An Excel workbook as numbered rows of text; the one module that imports openpyxl, and only when one is read."""

from __future__ import annotations

import datetime
import zipfile
from collections.abc import Generator
from typing import BinaryIO

from collector.lists.sheet import Fault, Refused

MAGIC = b"PK\x03\x04"
# A sheet of 20,000 schools unpacks to some 25 MB; a few kilobytes can be made to unpack to many gigabytes.
MAX_UNPACKED_BYTES = 512 << 20


def rows(name: str, stream: BinaryIO) -> Generator[tuple[int, list[str]]]:
    """The first sheet's rows, one at a time. Raises Refused where it cannot be read."""
    import openpyxl  # noqa: PLC0415 - a second's work that a text file does not need

    mend = "open it, save it again as .xlsx, or save it as tab-separated text in UTF-8"
    try:
        _check_size(name, stream)
        book = openpyxl.load_workbook(stream, read_only=True, data_only=True, keep_links=False)
        sheet = book.worksheets[0]
        # What a sheet says of its own size is often wrong; it is read to its end instead.
        sheet.reset_dimensions()
        for number, cells in enumerate(sheet.iter_rows(values_only=True), 1):
            yield number, [_text(cell) for cell in cells]
        book.close()
    except Refused:
        raise
    except Exception as fault:
        # A broken workbook fails in openpyxl, zipfile or an XML parser, each with errors of its own.
        raise Refused(name, [Fault(0, f"not a workbook that can be read ({fault})", mend)]) from None


def _check_size(name: str, stream: BinaryIO) -> None:
    with zipfile.ZipFile(stream) as packed:
        unpacked = sum(part.file_size for part in packed.infolist())
    stream.seek(0)
    if unpacked > MAX_UNPACKED_BYTES:
        reason = f"the workbook unpacks to {unpacked >> 20} MiB"
        raise Refused(name, [Fault(0, reason, f"at most {MAX_UNPACKED_BYTES >> 20} MiB are read")])


def _text(cell: object) -> str:
    """Dates as ISO 8601; a whole number without its decimal point, for spreadsheets keep every number as a float."""
    if cell is None:
        return ""
    if isinstance(cell, datetime.datetime):
        return cell.date().isoformat()
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell)
