"""The school directory in small, for tests: its layouts of 2018 and 2025, as text and as a workbook."""

import datetime
from pathlib import Path

import openpyxl

_START = (
    "CDSCode NCESDist NCESSchool StatusType County District School Street StreetAbr City Zip State MailStreet "
    "MailStrAbr MailCity MailZip MailState Phone Ext"
)
_END = "OpenDate ClosedDate Charter CharterNum FundingType DOC DOCType SOC SOCType EdOpsCode EdOpsName EILCode EILName"
LAYOUTS = {
    2018: (
        f"{_START} WebSite {_END} GSoffered GSserved Virtual Magnet Latitude Longitude AdmFName1 AdmLName1 AdmEmail1 "
        "AdmFName2 AdmLName2 AdmEmail2 AdmFName3 AdmLName3 AdmEmail3 LastUpDate"
    ).split(),
    2025: (
        f"{_START} FaxNumber Email WebSite {_END} GSoffered GSserved Virtual Magnet YearRoundYN FederalDFCDistrictID "
        "Latitude Longitude AdmFName AdmLName LastUpDate Multilingual"
    ).split(),
}
SCHOOL = {
    "StatusType": "Active", "District": "Los Angeles Unified", "City": "Los Angeles", "Zip": "90017-1142",
    "OpenDate": "07/01/1980", "Charter": "N", "SOC": "60", "GSoffered": "K-5", "GSserved": "K-5", "Virtual": "N",
    "Latitude": "34.059220", "Longitude": "-118.26670",
}  # fmt: skip


def school(number: int, name: str, street: str, **cells: str) -> dict[str, str]:
    return {"CDSCode": f"1964733{number:07}", "School": name, "Street": street, **SCHOOL, **cells}


def text(*rows: dict[str, str], layout: int = 2018, nothing: str = "No Data") -> bytes:
    """Tab-separated; what is not known reads "No Data"."""
    columns = LAYOUTS[layout]
    lines = [columns, *([row.get(column) or nothing for column in columns] for row in rows)]
    return "".join("\t".join(line) + "\r\n" for line in lines).encode()


def workbook(path: Path, *rows: dict[str, str], layout: int = 2025) -> Path:
    """As published: notes above the header, dates and numbers as cells, nothing where nothing is known."""
    book = openpyxl.Workbook()
    book.active.append(["Public Schools and Districts"])
    book.active.append([])
    book.active.append(LAYOUTS[layout])
    for row in rows:
        cells = {column: row.get(column) or None for column in LAYOUTS[layout]}
        if cells["OpenDate"]:
            cells["OpenDate"] = datetime.datetime.strptime(cells["OpenDate"], "%m/%d/%Y")
        for number in ("Latitude", "Longitude"):
            cells[number] = float(cells[number]) if cells[number] else None
        book.active.append([cells[column] for column in LAYOUTS[layout]])
    book.save(path)
    return path
