"""The district's iCalendar file (RFC 5545) becomes day types: the one module that imports icalendar and dateutil, and
only when such a file is imported.

What an event's name means is the district's to say, in the table [events] of its calendar file; no name is guessed. An
event gives its type to the local dates it covers. Dates outside the school year are not looked at.
"""

from __future__ import annotations

import datetime
import fnmatch
import zoneinfo
from collections.abc import Iterator
from typing import Any

from msgspec import Struct

from collector.lists.sheet import decode
from collector.school_time.hours import Calendar, HoursError

USUAL = "usual"
"""Of an event that changes no day: an assembly, a sports meet."""
MAX_EVENTS = 20_000
MAX_RULE_DAYS = 3660
MAX_EVENT_DAYS = 120
"""Longer than any recess: an all-day event that ends in the wrong year would close the schools."""
_ZONE = "America/Los_Angeles"
_DAILY_AND_SLOWER = {"DAILY", "WEEKLY", "MONTHLY", "YEARLY"}
_SHOWN_FAULTS = 20


class Read(Struct, frozen=True):
    """``unnamed``: names of events of the school year for which the table says nothing."""

    calendar: Calendar
    unnamed: list[str]


class _Bad(ValueError):
    pass


def add(name: str, data: bytes, calendar: Calendar, meanings: dict[str, str]) -> Read:
    """The calendar with the file's events; a date that the calendar itself names keeps that. Raises HoursError with
    every event that cannot be read, and Refused where the file is no text in UTF-8."""
    import icalendar  # noqa: PLC0415 - half a second's work that only this kind of file needs

    if not meanings:
        raise HoursError(f'{name}: no event has a meaning yet: write [events] and "Minimum Day" = "minimum" below it')
    decode(name, data, "iCalendar in UTF-8")
    # Counted before it is parsed: a hundred thousand events would take minutes and gigabytes.
    count = data.upper().count(b"BEGIN:VEVENT")
    if count > MAX_EVENTS:
        raise HoursError(f"{name}: {count} events; at most {MAX_EVENTS} are read: export the school year alone")
    if count and b"END:VCALENDAR" not in data.upper():
        raise HoursError(f"{name}: the file ends before END:VCALENDAR: it was cut off, download it again")
    try:
        components = icalendar.Calendar.from_ical(data).walk("VEVENT")
    except (ValueError, KeyError, IndexError) as fault:
        raise HoursError(f"{name}: not an iCalendar file ({fault}): export it again as .ics") from None
    moved = {(str(one.get("UID", "")), _local(one.decoded("RECURRENCE-ID"))) for one in components if _moves(one)}
    found: dict[str, tuple[str, str]] = {}
    faults: list[str] = []
    unnamed: set[str] = set()
    for number, event in enumerate(components, 1):
        title = " ".join(str(event.get("SUMMARY", "")).split())[:120]
        where = f"event {number} {title!r}"
        try:
            dates = [day for day in _dates(event, calendar, moved) if _in_year(day, calendar)]
        except (_Bad, ValueError, TypeError, KeyError, OverflowError) as fault:
            faults.append(f"{where}: {fault}" if isinstance(fault, _Bad) else f"{where}: cannot be read ({fault})")
            continue
        meaning = _meaning([title, *_categories(event)], meanings)
        if meaning is None and dates:
            unnamed.add(title)
        if meaning in (None, USUAL):
            continue
        for day in dates:
            key = day.isoformat()
            kind, other = found.setdefault(key, (str(meaning), title))
            if kind != meaning and key not in calendar.exceptions:
                mend = f"name {key} in [[days]] with the type that holds"
                faults.append(f"{where}: {key} is {meaning!r} by it and {kind!r} by {other!r}: {mend}")
    if faults:
        more = [f"{name}: and {len(faults) - _SHOWN_FAULTS} more events"] if len(faults) > _SHOWN_FAULTS else []
        raise HoursError("\n".join([*(f"{name}: {fault}" for fault in faults[:_SHOWN_FAULTS]), *more]))
    own = calendar.exceptions
    taken = {key: value for key, value in sorted(found.items()) if key not in own}
    exceptions = {**own, **{key: kind for key, (kind, _) in taken.items()}}
    titles = {key: title for key, (_, title) in taken.items()}
    return Read(Calendar(calendar.first, calendar.last, exceptions, titles, calendar.semesters), sorted(unnamed))


def _meaning(names: list[str], meanings: dict[str, str]) -> str | None:
    """The first pattern of the table, in its order, that one of the event's names matches."""
    for pattern, meaning in meanings.items():
        if any(fnmatch.fnmatchcase(name.casefold(), pattern.casefold()) for name in names):
            return meaning
    return None


def _categories(event: Any) -> list[str]:
    value = event.get("CATEGORIES")
    lists = value if isinstance(value, list) else [value] if value is not None else []
    return [str(category) for one in lists for category in getattr(one, "cats", [one])]


def _moves(event: Any) -> bool:
    return event.get("RECURRENCE-ID") is not None


def _in_year(day: datetime.date, calendar: Calendar) -> bool:
    return (calendar.first is None or calendar.first <= day) and (calendar.last is None or day <= calendar.last)


def _dates(event: Any, calendar: Calendar, moved: set[tuple[str, datetime.date]]) -> Iterator[datetime.date]:
    """Every local date that the event covers, its repetitions included, until the school year's end."""
    if str(event.get("STATUS", "")).upper() == "CANCELLED":
        return
    for key, fault in getattr(event, "errors", []):
        raise _Bad(f"{key} cannot be read ({fault}): mend it in the calendar and export it again")
    if event.get("DTSTART") is None:
        raise _Bad("it has no DTSTART: give it a day in the calendar and export it again")
    start = event.decoded("DTSTART")
    first = _local(start)
    days = (_last(event, start) - first).days + 1
    if not 1 <= days <= MAX_EVENT_DAYS:
        raise _Bad(f"it lasts {days} days from {first} on: mend its dates in the calendar and export it again")
    taken_out = {_local(one.dt) for one in _all(event, "EXDATE")}
    if not _moves(event):
        taken_out |= {day for uid, day in moved if uid == str(event.get("UID", ""))}
    begins = {first} if event.get("RRULE") is None else set(_repeated(event, start, calendar))
    begins |= {_local(one.dt) for one in _all(event, "RDATE")}
    for begin in sorted(begins - taken_out):
        yield from (begin + datetime.timedelta(days=offset) for offset in range(days))


def _last(event: Any, start: datetime.date) -> datetime.date:
    """The last date it covers. An end is exclusive, so midnight belongs to the day before; without an end and without
    a duration it is one day (RFC 5545, 3.6.1). Programs that write the same day for both mean one day too."""
    if event.get("DTEND") is not None:
        end = event.decoded("DTEND")
    elif event.get("DURATION") is not None:
        end = start + event.decoded("DURATION")
    else:
        return _local(start)
    if isinstance(end, datetime.datetime):
        return max(_local(end - datetime.timedelta(microseconds=1)), _local(start)) if end >= start else _local(end)
    return end if end == start else _local(end) - datetime.timedelta(days=1)


def _repeated(event: Any, start: datetime.date, calendar: Calendar) -> Iterator[datetime.date]:
    """The rule is followed in the event's own time zone, then each beginning is a local date. A rule without an end
    ends with the school year."""
    from dateutil import rrule  # noqa: PLC0415

    rules = event["RRULE"]
    if isinstance(rules, list):
        raise _Bad("it has two rules of repetition: make two events of it")
    frequency = str(rules.get("FREQ", [""])[0]).upper()
    if frequency not in _DAILY_AND_SLOWER:
        raise _Bad(f"it repeats {frequency.lower() or 'without FREQ'}: only days can be repeated")
    if calendar.last is None:
        raise _Bad("it repeats, and the school year has no last day: write `last` in the calendar file")
    if (calendar.last - _local(start)).days > MAX_RULE_DAYS:
        raise _Bad(f"it repeats since {_local(start)}: let it begin in this school year")
    until = rules.get("UNTIL")
    last = min([calendar.last, *(_local(one) for one in until or [])])
    # UNTIL is compared as a local date: in the file it may be a date, a local time or UTC, unlike the beginning.
    bare = {key: value for key, value in rules.items() if key != "UNTIL"}
    zone = start.tzinfo if isinstance(start, datetime.datetime) else None
    rule = rrule.rrulestr(type(rules)(bare).to_ical().decode(), dtstart=_naive(start))
    if rules.get("COUNT") is None:
        # A rule that never holds (30 February) would be looked for until the year 9999.
        rule = rule.replace(until=datetime.datetime.combine(last, datetime.time()) + datetime.timedelta(days=2))
    for begin in rule:
        day = _local(begin.replace(tzinfo=zone)) if zone else begin.date()
        if day > last:
            return
        yield day


def _naive(start: datetime.date) -> datetime.datetime:
    if isinstance(start, datetime.datetime):
        return start.replace(tzinfo=None)
    return datetime.datetime.combine(start, datetime.time())


def _all(event: Any, key: str) -> list[Any]:
    value = event.get(key)
    lists = value if isinstance(value, list) else [value] if value is not None else []
    return [one for each in lists for one in each.dts]


def _local(when: datetime.date) -> datetime.date:
    """The date at the campuses. A time without a zone is theirs already."""
    if not isinstance(when, datetime.datetime):
        return when
    return when.astimezone(zoneinfo.ZoneInfo(_ZONE)).date() if when.tzinfo else when.date()
