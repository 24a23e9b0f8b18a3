"""The periods that people ask about: a text such as ``month:2026-10`` goes in, a first and a last day come out. Pure.

When a semester or a school year is, the district's own calendar says, and nobody guesses it. The term of the agreement
is configuration. Every other period follows from the date.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Sequence

from msgspec import Struct

from collector.school_time.hours import Calendar, Semester

Dates = tuple[datetime.date, datetime.date]
"""First and last day, both included."""
TERM: Dates = (datetime.date(2025, 7, 1), datetime.date(2028, 6, 30))
"""The memorandum's own term, where the configuration says no other."""
ROLLING_DAYS = {"7d": 7, "30d": 30}
KINDS = ("day", "week", "month", "semester", "school_year", "term", *ROLLING_DAYS)
GAUGES = {"today": "day", **{kind: kind for kind in ("7d", "30d", "month", "semester", "school_year", "term")}}
"""The periods that ``/metrics`` shows, by the value of their label."""
_ONE_DAY = datetime.timedelta(days=1)


class UnknownPeriod(ValueError):
    """A period that cannot be understood, or of which the calendar says nothing. ``mend``: what to do."""

    def __init__(self, reason: str, mend: str) -> None:
        super().__init__(f"{reason}; {mend}")
        self.reason = reason
        self.mend = mend


class Period(Struct, frozen=True):
    """``name`` tells it from the others of its kind: 2026-10 of the months. ``first`` and ``last`` day, both
    included."""

    kind: str
    name: str
    first: datetime.date
    last: datetime.date

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1


class Known(Struct, frozen=True):
    """What periods are worked out from: the district's date, the newest calendar of each school year with the earliest
    year first, and the agreement's term."""

    today: datetime.date
    calendars: tuple[Calendar, ...] = ()
    term: Dates = TERM


def parse(text: str, known: Known) -> Period:
    """``KIND`` or ``KIND:NAME``; without a name the one of today (out of school, the last one that began). Raises
    UnknownPeriod.

    day:2026-10-05, week:2026-W41, month:2026-10, semester:fall or semester:2026-27/fall, school_year:2026-27, term, 7d,
    30d.
    """
    kind, _, name = text.strip().partition(":")
    kind = kind.replace("-", "_")
    if kind not in KINDS:
        raise UnknownPeriod(f"period {text[:40]!r} is not known", f"write one of {', '.join(KINDS)}, or month:2026-10")
    if kind in ROLLING_DAYS:
        _nameless(kind, name)
        return Period(kind, kind, known.today - (ROLLING_DAYS[kind] - 1) * _ONE_DAY, known.today)
    if kind == "term":
        _nameless(kind, name)
        return Period(kind, f"{known.term[0]} to {known.term[1]}", *known.term)
    if kind in _BY_DATE:
        return _BY_DATE[kind](name or None, known.today)
    return _semester(name, known) if kind == "semester" else _school_year(name, known)


def before(period: Period, known: Known) -> Period:
    """The one before it, of the same kind; of a rolling one, as many days before its first. Raises UnknownPeriod where
    there is none, or the calendar does not say it."""
    if period.kind == "term":
        raise UnknownPeriod("the agreement has one term", "there is none before it to compare with")
    if period.kind in _BY_DATE:
        return _BY_DATE[period.kind](None, period.first - _ONE_DAY)
    if period.kind not in ("semester", "school_year"):
        return Period(period.kind, "before", period.first - period.days * _ONE_DAY, period.first - _ONE_DAY)
    listed = _semesters(known) if period.kind == "semester" else _school_years(known)
    earlier = [one for one in listed if one.last < period.first]
    if not earlier:
        raise UnknownPeriod(f"no calendar says what {period.kind} was before {period.name}", _IMPORT)
    return earlier[-1]


def _day(name: str | None, within: datetime.date) -> Period:
    if name is not None:
        try:
            within = datetime.date.fromisoformat(name)
        except ValueError:
            raise UnknownPeriod(f"{name[:40]!r} is no day", "write day:2026-10-05") from None
    return Period("day", within.isoformat(), within, within)


def _week(name: str | None, within: datetime.date) -> Period:
    if name is not None:
        try:
            within = datetime.date.fromisoformat(f"{name}-1" if re.fullmatch(r"\d{4}-W\d{2}", name) else "")
        except ValueError:
            raise UnknownPeriod(f"{name[:40]!r} is no week", "write week:2026-W41") from None
    first = within - within.weekday() * _ONE_DAY
    year, week, _ = first.isocalendar()
    return Period("week", f"{year}-W{week:02d}", first, first + 6 * _ONE_DAY)


def _month(name: str | None, within: datetime.date) -> Period:
    if name is not None:
        try:
            within = datetime.date.fromisoformat(f"{name}-01" if re.fullmatch(r"\d{4}-\d{2}", name) else "")
        except ValueError:
            raise UnknownPeriod(f"{name[:40]!r} is no month", "write month:2026-10") from None
    first = within.replace(day=1)
    after = (first + 31 * _ONE_DAY).replace(day=1)
    return Period("month", f"{first:%Y-%m}", first, after - _ONE_DAY)


_BY_DATE: dict[str, Callable[[str | None, datetime.date], Period]] = {"day": _day, "week": _week, "month": _month}
_IMPORT = "import it with `wifi-collector import calendar FILE --apply`"


def _school_year(name: str, known: Known) -> Period:
    found = _school_years(known)
    if not found:
        raise UnknownPeriod("no calendar says when the school year is", _IMPORT)
    if not name:
        return _of_today(found, known.today)
    for one in found:
        if one.name == name:
            return one
    raise UnknownPeriod(f"no calendar says when the school year {name[:40]!r} is", _one_of(found))


def _semester(name: str, known: Known) -> Period:
    found = _semesters(known)
    if not found:
        mend = "add [[semesters]] with name, from and to to the calendar file, and import it again"
        raise UnknownPeriod("no calendar says when the semesters are", mend)
    fitting = [one for one in found if name in ("", one.name, one.name.partition("/")[2])]
    if not fitting:
        raise UnknownPeriod(f"no calendar says when the semester {name[:40]!r} is", _one_of(found))
    return _of_today(fitting, known.today)


def _of_today(found: Sequence[Period], today: datetime.date) -> Period:
    """The one of today, else the last one that began, else the first to come."""
    return next((one for one in reversed(found) if one.first <= today), found[0])


def _school_years(known: Known) -> list[Period]:
    return [
        Period("school_year", year_name(one.first), one.first, one.last)
        for one in known.calendars
        if one.first and one.last
    ]


def _semesters(known: Known) -> list[Period]:
    found: list[tuple[str, Semester]] = []
    for calendar in known.calendars:
        if calendar.first and calendar.semesters:
            found += [(year_name(calendar.first), one) for one in calendar.semesters]
    return [Period("semester", f"{year}/{one.name}", one.first, one.last) for year, one in found]


def year_name(first: datetime.date) -> str:
    """What people call the school year with this first day: 2026-27."""
    return f"{first.year}-{(first.year + 1) % 100:02d}"


def _nameless(kind: str, name: str) -> None:
    if name:
        raise UnknownPeriod(f"{kind} takes no name, so not {name[:40]!r}", f"write {kind} alone")


def _one_of(found: Sequence[Period]) -> str:
    return f"known: {', '.join(one.name for one in found)}; {_IMPORT}"
