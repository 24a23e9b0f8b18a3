"""Bell schedules from CSV, one band of grades a row: what every school has in a spreadsheet anyway.

    schedule,day_type,weekdays,grades,begins,ends,breaks
    haynes,regular,mon wed-fri,K-2,8:00,14:30,10:00-10:20;12:00-12:40
    haynes,banked,tue,K-5,8:00,13:30,10:00-10:20;12:00-12:40
    haynes,minimum,,K-5,8:00,12:45,10:00-10:20

A schedule named as a campus's id is that campus's own. A weekday that no row of a schedule names has no school; a day
type without weekdays is there for the calendar. Recess and lunch are breaks: they are no instructional time.
"""

from __future__ import annotations

import datetime
import itertools
import re

from collector.grades import LEVELS
from collector.lists.cells import BadCell, name
from collector.lists.sheet import Advance, Fault, Refused, Row, read
from collector.school_time.hours import DAY_NAMES, NO_SCHOOL, Band, Schedule, overlapping

COLUMNS = (("schedule", "day_type", "begins", "ends"), ("weekdays", "grades", "breaks", "default_for"))
_ALIASES = {
    "campus": "schedule", "campus_id": "schedule", "day": "day_type", "start": "begins", "end": "ends",
    "weekday": "weekdays", "grade": "grades", "break": "breaks",
}  # fmt: skip
_TIME = re.compile(r"(\d{1,2}):(\d{2})(?::00)?\s*([ap]m?\.?m?\.?)?", re.IGNORECASE)


def parse(file: str, data: bytes, advance: Advance) -> dict[str, Schedule]:
    """Raises Refused with every row that cannot be right."""
    sheet, faults = read(file, data, COLUMNS, _ALIASES, advance)
    days: dict[str, dict[str, list[tuple[int, Band]]]] = {}
    weekly: dict[str, dict[int, tuple[str, int]]] = {}
    levels: dict[str, str] = {}
    for row in sheet.rows:
        try:
            label, kind, band = name("schedule", row["schedule"], 64), _day_type(row), _band(row)
            _weekdays(row, kind, weekly.setdefault(label, {}))
            _level(row, label, levels)
        except BadCell as bad:
            faults.append(Fault(row.line, bad.reason, bad.mend))
            continue
        days.setdefault(label, {}).setdefault(kind, []).append((row.line, band))
    for label, kinds in days.items():
        for kind, bands in kinds.items():
            faults += _overlaps(label, kind, bands)
        if not weekly.get(label):
            line = next(iter(kinds.values()))[0][0]
            faults.append(Fault(line, f"schedule {label} has no weekday", "write its weekdays, like mon wed-fri"))
    if not days and not faults:
        faults.append(Fault(0, "no schedule is listed", "write one band of grades a line"))
    if faults:
        raise Refused(file, faults)
    return {
        label: Schedule(
            {kind: tuple(band for _, band in bands) for kind, bands in kinds.items()},
            tuple(weekly[label].get(number, (NO_SCHOOL, 0))[0] for number in range(7)),
            levels.get(label, ""),
        )
        for label, kinds in days.items()
    }


def _day_type(row: Row) -> str:
    kind = name("day_type", row["day_type"], 32)
    if kind == NO_SCHOOL:
        raise BadCell(f'day_type "{NO_SCHOOL}" means no school', "choose another name, or leave the weekday out")
    return kind


def _band(row: Row) -> Band:
    begins, ends = _time("begins", row["begins"]), _time("ends", row["ends"])
    breaks = []
    for part in filter(None, (part.strip() for part in re.split(r"[;,]", row["breaks"]))):
        pair = [one.strip() for one in re.split(r"-|–|to", part)]
        if len(pair) != 2:
            raise BadCell(f"breaks {part!r} is no break", "write from and to, like 10:00-10:20; 12:00-12:40")
        breaks.append((_time("breaks", pair[0]), _time("breaks", pair[1])))
    flat = [begins, *itertools.chain.from_iterable(sorted(breaks)), ends]
    if any(later <= earlier for earlier, later in itertools.pairwise(flat)):
        raise BadCell("begins, breaks and ends overlap", "they must follow one another within the day")
    return Band(row["grades"], begins, ends, tuple(sorted(breaks)))


def _time(column: str, text: str) -> datetime.time:
    """A time of day, with or without am and pm."""
    found = _TIME.fullmatch(text)
    hour, minute = (int(found[1]), int(found[2])) if found else (99, 0)
    if found and found[3]:
        hour = (hour % 12 if hour <= 12 else 99) + (12 if found[3].lower().startswith("p") else 0)
    if hour > 23 or minute > 59:
        raise BadCell(f"{column} {text!r} is not a time", "write it like 8:05 or 2:29 pm")
    return datetime.time(hour, minute)


def _weekdays(row: Row, kind: str, taken: dict[int, tuple[str, int]]) -> None:
    for number in _numbers(row["weekdays"]):
        other, line = taken.setdefault(number, (kind, row.line))
        if other != kind:
            reason = f"{DAY_NAMES[number]} is {other} by line {line} already"
            raise BadCell(reason, "give each weekday of a schedule one day type")


def _numbers(text: str) -> list[int]:
    found: list[int] = []
    for part in filter(None, re.split(r"[\s,;/]+", re.sub(r"\s*-\s*", "-", text.strip()))):
        ends = [_weekday(one) for one in part.split("-", 1)]
        if ends[-1] < ends[0]:
            raise BadCell(f"weekdays {part!r} runs backwards", "write it like mon-fri")
        found += range(ends[0], ends[-1] + 1)
    return found


def _weekday(text: str) -> int:
    folded = text.casefold().rstrip(".")
    fits = [number for number, day in enumerate(DAY_NAMES) if len(folded) >= 2 and day.startswith(folded)]
    if len(fits) != 1:
        raise BadCell(f"weekdays {text!r} is no weekday", "write mon tue wed thu fri, or mon-fri")
    return fits[0]


def _level(row: Row, label: str, levels: dict[str, str]) -> None:
    level = row["default_for"].casefold()
    if not level:
        return
    if level not in LEVELS:
        raise BadCell(f"default_for {level!r} is not known", f"write one of {', '.join(LEVELS)}, or leave it empty")
    if next((other for other, one in levels.items() if one == level and other != label), None):
        raise BadCell(f"default_for {level} stands at another schedule already", "give each level one default")
    if levels.setdefault(label, level) != level:
        raise BadCell(f"schedule {label} is the default for {levels[label]} already", "name one level for a schedule")


def _overlaps(label: str, kind: str, bands: list[tuple[int, Band]]) -> list[Fault]:
    faults = []
    for (_, first), (line, second) in itertools.combinations(bands, 2):
        if overlapping(first, second):
            what = f"{label}, {kind}, grades {second.grades or '(all)'} has bells at that time already"
            faults.append(Fault(line, what, "leave one out, or say whose bells they are in the column grades"))
    return faults
