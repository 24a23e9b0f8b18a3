"""When a campus teaches: bell schedules and a calendar go in, the instructional seconds of each slot come out.

Local time exists only here and in what people read. A campus is in class when any of its schools or grade bands is;
recess and lunch are not instructional minutes (standards: California Education Code 46112-46142 count only class).
"""

from __future__ import annotations

import datetime
import itertools
import re
import tomllib
import zoneinfo
from collections.abc import Iterable
from typing import Any

from msgspec import UNSET, Struct, UnsetType, field

from agent import wire
from collector.digested import Digested
from collector.grades import LEVELS, levels
from collector.inventory import Campus

DAY_NAMES = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
NO_SCHOOL = "none"
DEFAULT = "default"
Interval = tuple[float, float]
SEMESTER_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 _-]{0,31}")


class HoursError(ValueError):
    """Bells or a calendar that cannot hold: names the file, the key and the mend."""


class Band(Struct, frozen=True):
    """The school day of some grades: local times, the breaks in it left out."""

    grades: str
    begins: datetime.time
    ends: datetime.time
    breaks: tuple[tuple[datetime.time, datetime.time], ...] = ()


class Schedule(Struct, frozen=True):
    """A bell schedule. ``days``: bands by day type; ``weekly``: the day type of each weekday, Monday first;
    ``default_for``: the school level (elementary, middle, high) whose campuses keep it where no own bells are known."""

    days: dict[str, tuple[Band, ...]]
    weekly: tuple[str, ...]
    default_for: str = ""


class Semester(Struct, frozen=True):
    """A part of the school year, ``first`` and ``last`` day included."""

    name: str
    first: datetime.date
    last: datetime.date


class Calendar(Struct, frozen=True):
    """``first`` and ``last`` school day; ``exceptions``: the day type of a date (ISO 8601) unlike its weekday;
    ``events``: what the district's own calendar calls such a date, where one was read; ``semesters`` in their order,
    left out of the document where the calendar does not say them."""

    first: datetime.date | None = None
    last: datetime.date | None = None
    exceptions: dict[str, str] = {}
    events: dict[str, str] = {}
    semesters: tuple[Semester, ...] | UnsetType = UNSET


class Hours(Digested, frozen=True):
    """``always``: demonstration hours, every campus in class day and night, and said so wherever it is shown."""

    schedules: dict[str, Schedule] = field(default_factory=dict)
    calendar: Calendar = Calendar()
    always: bool = False


def parse_bells(name: str, data: bytes) -> dict[str, Schedule]:
    """Bell schedules from TOML. Raises HoursError.

    [schedules.elementary]
    default_for = "elementary"                                 # may be left out: only for campuses without own bells
    weekly = { monday = "regular", tuesday = "banked", ... }   # a weekday left out has no school
    [[schedules.elementary.days.regular]]
    grades = "K-5"
    begins = 08:05:00
    ends = 14:29:00
    breaks = [[10:00:00, 10:20:00], [12:00:00, 12:40:00]]
    """
    document = _toml(name, data)
    _known(name, "", document, {"schedules"})
    schedules: dict[str, Schedule] = {}
    for label, body in _table(name, "schedules", document.get("schedules")).items():
        where = f"schedules.{label}"
        _known(name, where, _table(name, where, body), {"weekly", "days", "default_for"})
        level = body.get("default_for", "")
        if level not in ("", *LEVELS) or (level and level in (one.default_for for one in schedules.values())):
            mend = f"write each of {', '.join(LEVELS)} at most once, and at one schedule"
            raise HoursError(f"{name}: {where}.default_for is {level!r}: {mend}")
        days = {
            day: tuple(_band(name, f"{where}.days.{day}", band) for band in _list(name, f"{where}.days.{day}", bands))
            for day, bands in _table(name, f"{where}.days", body.get("days")).items()
        }
        for day, found in days.items():
            if any(overlapping(first, second) for first, second in itertools.combinations(found, 2)):
                mend = "leave one out, or say whose bells they are with `grades`"
                raise HoursError(f"{name}: {where}.days.{day}: the same grades have two bells at one time: {mend}")
        if NO_SCHOOL in days:
            raise HoursError(f'{name}: {where}.days.{NO_SCHOOL}: "{NO_SCHOOL}" means no school: choose another name')
        weekly = _table(name, f"{where}.weekly", body.get("weekly"))
        _known(name, f"{where}.weekly", weekly, set(DAY_NAMES))
        for weekday, day in weekly.items():
            if day == NO_SCHOOL:
                continue
            if not isinstance(day, str) or day not in days:
                raise HoursError(f"{name}: {where}.weekly.{weekday} is {day!r}: write [[{where}.days.{day}]] for it")
        types = tuple(weekly.get(weekday, NO_SCHOOL) for weekday in DAY_NAMES)
        schedules[label] = Schedule(days, types, level)
    if not schedules:
        raise HoursError(f"{name}: no schedule: write at least [schedules.{DEFAULT}]")
    return schedules


def parse_calendar(name: str, data: bytes) -> Calendar:
    """The district's calendar from TOML. Raises HoursError.

    first = 2025-08-14
    last = 2026-06-10
    [[days]]                 # what is not as its weekday; `to` may be left out
    from = 2025-11-24
    to = 2025-11-28
    type = "none"            # or a day type of the bell schedules
    [events]                 # what the names in an iCalendar file mean; read by collector/school_time/events.py
    "Minimum Day*" = "minimum"
    [[semesters]]            # for answers of a semester; may be left out
    name = "fall"
    from = 2025-08-14
    to = 2025-12-19
    """
    document = _toml(name, data)
    _known(name, "", document, {"first", "last", "days", "events", "semesters"})
    first, last = (_date(name, key, document.get(key)) for key in ("first", "last"))
    if first > last:
        raise HoursError(f"{name}: `first` {first} is after `last` {last}: exchange them")
    exceptions: dict[str, str] = {}
    for number, entry in enumerate(_list(name, "days", document.get("days", [])), 1):
        where = f"days entry {number}"
        _known(name, where, entry, {"from", "to", "type"})
        start = _date(name, f"{where}: from", entry.get("from"))
        end = _date(name, f"{where}: to", entry.get("to", start))
        if end < start or (end - start).days > 366:
            raise HoursError(f"{name}: {where}: from {start} to {end} is no range of days: mend the dates")
        if not isinstance(entry.get("type"), str):
            raise HoursError(f'{name}: {where}: write type = "none" or a day type of the bell schedules')
        for offset in range((end - start).days + 1):
            day = (start + datetime.timedelta(days=offset)).isoformat()
            if exceptions.get(day, entry["type"]) != entry["type"]:
                raise HoursError(f"{name}: {where}: {day} is already {exceptions[day]!r}: name each date once")
            exceptions[day] = entry["type"]
    return Calendar(first, last, exceptions, {}, _semesters(name, document.get("semesters", []), first, last) or UNSET)


def _semesters(name: str, entries: Any, first: datetime.date, last: datetime.date) -> tuple[Semester, ...]:
    found: list[Semester] = []
    for number, entry in enumerate(_list(name, "semesters", entries), 1):
        where = f"semesters entry {number}"
        _known(name, where, entry, {"name", "from", "to"})
        label = entry.get("name")
        if not isinstance(label, str) or not SEMESTER_NAME.fullmatch(label) or label in (one.name for one in found):
            raise HoursError(f"{name}: {where}: its name is {label!r}: write one of its own, like fall or spring")
        start, end = (_date(name, f"{where}: {key}", entry.get(key)) for key in ("from", "to"))
        if not first <= start <= end <= last:
            raise HoursError(f"{name}: {where}: {start} to {end} is no part of {first} to {last}: mend the dates")
        if found and start <= found[-1].last:
            raise HoursError(f"{name}: {where}: it begins {start}, before {found[-1].name} ends: write them in order")
        found.append(Semester(label, start, end))
    return tuple(found)


def parse_meanings(name: str, data: bytes) -> dict[str, str]:
    """The table [events] of the calendar file: the day type that the name of an event stands for. Raises HoursError."""
    meanings = _table(name, "events", _toml(name, data).get("events", {}))
    for pattern, meaning in meanings.items():
        if not isinstance(meaning, str) or not meaning or not pattern.strip():
            raise HoursError(f'{name}: events: {pattern!r} is {meaning!r}: write "Minimum Day" = "minimum"')
    return meanings


def schedules_of(hours: Hours, campus: Campus) -> list[str]:
    """Whose bells ring on a campus: its own schedule (the one it names, or one of its own name), else the defaults of
    its schools' levels, else "default"."""
    for own in (campus.bells, campus.id):
        if own in hours.schedules:
            return [own]
    wanted = {level for school in campus.schools for level in levels(school.grades)}
    assumed = [label for label, schedule in hours.schedules.items() if schedule.default_for in wanted]
    return assumed or [label for label in (DEFAULT,) if label in hours.schedules]


def day_type(hours: Hours, schedule: Schedule, day: datetime.date) -> str:
    """The day type that holds for a schedule, or "none"."""
    calendar = hours.calendar
    if (calendar.first and day < calendar.first) or (calendar.last and day > calendar.last):
        return NO_SCHOOL
    kind = calendar.exceptions.get(day.isoformat(), schedule.weekly[day.weekday()])
    # A calendar may name a day type that some schedule has no bells for: that schedule has its weekday's.
    return kind if kind == NO_SCHOOL or kind in schedule.days else schedule.weekly[day.weekday()]


def bands(hours: Hours, campus: Campus, day: datetime.date) -> list[tuple[str, str, Band]]:
    """The campus's day: the schedule, the day type and the band of every group of grades that has class."""
    found = []
    for label in schedules_of(hours, campus):
        kind = day_type(hours, hours.schedules[label], day)
        found += [(label, kind, band) for band in hours.schedules[label].days.get(kind, ())]
    return found


def class_intervals(hours: Hours, campus: Campus, day: datetime.date) -> list[Interval]:
    """The campus's instructional time of the local day as disjoint [from, to) in Unix seconds."""
    zone = zoneinfo.ZoneInfo(campus.timezone)
    if hours.always:
        midnights = (datetime.datetime.combine(day + datetime.timedelta(days=n), datetime.time(), zone) for n in (0, 1))
        begin, end = (midnight.timestamp() for midnight in midnights)
        return [(begin, end)]
    return union(piece for _, _, band in bands(hours, campus, day) for piece in periods(band, day, zone))


def periods(band: Band, day: datetime.date, zone: datetime.tzinfo) -> list[Interval]:
    """The band's class between its breaks, in Unix seconds."""
    times = [band.begins, *(time for pair in sorted(band.breaks) for time in pair), band.ends]
    instants = [datetime.datetime.combine(day, time, zone).timestamp() for time in times]
    return list(zip(instants[::2], instants[1::2], strict=True))


def instructional(hours: Hours, campus: Campus, day: datetime.date, slot_seconds: int) -> dict[int, int]:
    """Instructional seconds of each slot of the local day that has any; slots are UTC epoch floored to their length."""
    found: dict[int, float] = {}
    for begin, end in class_intervals(hours, campus, day):
        slot = int(begin // slot_seconds) * slot_seconds
        while slot < end:
            found[slot] = found.get(slot, 0.0) + min(end, slot + slot_seconds) - max(begin, slot)
            slot += slot_seconds
    return {slot: round(seconds) for slot, seconds in found.items() if round(seconds)}


def in_class(hours: Hours, campus: Campus, at: float) -> bool:
    """Whether the campus teaches at this instant."""
    day = datetime.datetime.fromtimestamp(at, zoneinfo.ZoneInfo(campus.timezone)).date()
    return any(begin <= at < end for begin, end in class_intervals(hours, campus, day))


def next_windows(
    hours: Hours, campus: Campus, at: float, days: int = 8, margin_seconds: float = 3600.0
) -> list[Interval] | None:
    """When an agent measures at full cadence: from an hour before class to an hour after. None where always."""
    if hours.always:
        return None
    today = datetime.datetime.fromtimestamp(at, zoneinfo.ZoneInfo(campus.timezone)).date()
    found: list[Interval] = []
    for offset in range(days):
        intervals = class_intervals(hours, campus, today + datetime.timedelta(days=offset))
        if intervals:
            found.append((intervals[0][0] - margin_seconds, intervals[-1][1] + margin_seconds))
    return found


def union(pieces: Iterable[Interval]) -> list[Interval]:
    """The pieces as disjoint intervals in order."""
    joined: list[Interval] = []
    for begin, end in sorted(piece for piece in pieces if piece[0] < piece[1]):
        if joined and begin <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((begin, end))
    return joined


def overlapping(first: Band, second: Band) -> bool:
    """Whether the same grades would have two bells at one time."""
    return first.grades == second.grades and first.begins < second.ends and second.begins < first.ends


def _band(name: str, where: str, entry: Any) -> Band:
    _known(name, where, entry, {"grades", "begins", "ends", "breaks"})
    times = [entry.get("begins"), entry.get("ends")]
    breaks = entry.get("breaks", [])
    if not isinstance(breaks, list):
        raise HoursError(f"{name}: {where}: write breaks as pairs of times: breaks = [[12:00:00, 12:40:00]]")
    times += [time for pair in breaks for time in (pair if isinstance(pair, list) and len(pair) == 2 else [None])]
    if not all(isinstance(time, datetime.time) for time in times):
        raise HoursError(f"{name}: {where}: write begins, ends and pairs of breaks as times: begins = 08:05:00")
    flat = [times[0], *times[2:], times[1]]
    if any(later <= earlier for earlier, later in itertools.pairwise(flat)):
        raise HoursError(f"{name}: {where}: begins, breaks and ends must follow one another without overlap")
    return Band(str(entry.get("grades", "")), times[0], times[1], tuple((a, b) for a, b in breaks))


def _toml(name: str, data: bytes) -> dict[str, Any]:
    try:
        return tomllib.loads(data.decode("utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as fault:
        raise HoursError(f"{name}: not TOML in UTF-8: {fault}; mend that line") from None


def _known(name: str, where: str, table: Any, keys: set[str]) -> None:
    for key in _table(name, where, table):
        if key not in keys:
            raise HoursError(f"{name}: {where or 'top'}: unknown key `{key}`; known: {', '.join(sorted(keys))}")


def _table(name: str, where: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise HoursError(f"{name}: {where}: is missing or no table: write [{where}]")
    return value


def _list(name: str, where: str, value: Any) -> list[Any]:
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise HoursError(f"{name}: {where}: write its entries as [[{where}]]")
    return value


def _date(name: str, where: str, value: Any) -> datetime.date:
    if not isinstance(value, datetime.date) or isinstance(value, datetime.datetime):
        raise HoursError(f"{name}: `{where}` is {value!r}: write a date: 2025-08-14")
    return value


wire.learn(Hours)
