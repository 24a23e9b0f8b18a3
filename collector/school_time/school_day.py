"""One campus's day laid open: which schedule and which calendar entry made it, who has class when, how many minutes."""

from __future__ import annotations

import datetime
import zoneinfo
from typing import Any

from msgspec import Struct

from collector.inventory import Campus
from collector.school_time.hours import (
    DAY_NAMES,
    NO_SCHOOL,
    Hours,
    Interval,
    bands,
    class_intervals,
    periods,
    schedules_of,
)


class Group(Struct, frozen=True):
    """Grades that keep one schedule: their periods as [from, to) in Unix seconds, and what they add up to."""

    schedule: str
    day_type: str
    grades: str
    periods: tuple[Interval, ...]
    instructional_seconds: float


class SchoolDay(Struct, frozen=True):
    """``in_class``: when the campus teaches, any of its groups; ``reasons``: what made the day so, one a line."""

    campus: str
    date: datetime.date
    timezone: str
    groups: tuple[Group, ...]
    in_class: tuple[Interval, ...]
    reasons: tuple[str, ...]

    @property
    def instructional_seconds(self) -> float:
        return sum(end - begin for begin, end in self.in_class)


def lay_open(hours: Hours, campus: Campus, day: datetime.date) -> SchoolDay:
    zone = zoneinfo.ZoneInfo(campus.timezone)
    groups = []
    for label, kind, band in () if hours.always else bands(hours, campus, day):
        found = tuple(periods(band, day, zone))
        groups.append(Group(label, kind, band.grades, found, sum(end - begin for begin, end in found)))
    return SchoolDay(
        campus.id,
        day,
        campus.timezone,
        tuple(groups),
        tuple(class_intervals(hours, campus, day)),
        tuple(_reasons(hours, campus, day)),
    )


def as_json(day: SchoolDay) -> dict[str, Any]:
    """Instants in RFC 3339 with the campus's offset; minutes, because people compare them with the law's minutes."""
    zone = zoneinfo.ZoneInfo(day.timezone)

    def spans(intervals: tuple[Interval, ...]) -> list[dict[str, str]]:
        return [
            {
                "begins": datetime.datetime.fromtimestamp(begin, zone).isoformat(),
                "ends": datetime.datetime.fromtimestamp(end, zone).isoformat(),
            }
            for begin, end in intervals
        ]

    return {
        "campus": day.campus,
        "date": day.date.isoformat(),
        "timezone": day.timezone,
        "instructional_minutes": day.instructional_seconds / 60,
        "in_class": spans(day.in_class),
        "groups": [
            {
                "schedule": group.schedule,
                "day_type": group.day_type,
                "grades": group.grades,
                "instructional_minutes": group.instructional_seconds / 60,
                "periods": spans(group.periods),
            }
            for group in day.groups
        ],
        "reasons": list(day.reasons),
    }


def _reasons(hours: Hours, campus: Campus, day: datetime.date) -> list[str]:
    if hours.always:
        return ["demonstration hours: in class day and night"]
    calendar = hours.calendar
    labels = schedules_of(hours, campus)
    found = [_whose_bells(hours, campus, labels)]
    if (calendar.first and day < calendar.first) or (calendar.last and day > calendar.last):
        return [*found, f"the school year is {calendar.first} to {calendar.last}"]
    kind = calendar.exceptions.get(day.isoformat())
    if kind is None:
        weekday = DAY_NAMES[day.weekday()]
        return found + [f"{weekday} is {hours.schedules[label].weekly[day.weekday()]} in {label}" for label in labels]
    event = calendar.events.get(day.isoformat())
    entry = f"the event {event!r}" if event else "the calendar's own entry"
    found.append(f"{entry} makes {day} {kind}")
    for label in labels:
        if kind != NO_SCHOOL and kind not in hours.schedules[label].days:
            found.append(f"{label} has no bells for {kind}: it keeps {hours.schedules[label].weekly[day.weekday()]}")
    return found


def _whose_bells(hours: Hours, campus: Campus, labels: list[str]) -> str:
    if not labels:
        return "no bells hold for it on that day: import bells says from which day on they do (--valid-from)"
    named = " and ".join(labels)
    if labels[0] in (campus.bells, campus.id):
        return f"its own bells: {named}"
    why = f"its bells {campus.bells!r} are not imported" if campus.bells else "it names no bells of its own"
    levels = [hours.schedules[label].default_for for label in labels if hours.schedules[label].default_for]
    whose = f"the default of {' and '.join(levels)} schools" if levels else "the default of the district"
    return f"assumed: {named}, {whose}, because {why}"
