"""``hours``: a campus's school day as a picture, with the bells and the calendar entry that made it so."""

from __future__ import annotations

import argparse
import datetime
import zoneinfo

from rich.text import Text

from collector.commands.console import cell, out, print_json, say, table, wrong_use
from collector.commands.present import open_store, settings
from collector.commands.when import day
from collector.lists.list_imports import present
from collector.school_time.hours import DAY_NAMES, Hours, Interval
from collector.school_time.school_day import SchoolDay, as_json, lay_open
from collector.store import Store, snapshots

CELL_MINUTES = 10


def add_parser(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser(
        "hours",
        help="a campus's school day: its periods, its instructional minutes, and why it is so",
        description="Recess and lunch are not instructional minutes. A campus is in class while any of its groups of "
        "grades is; that is the time by which it is judged.",
        epilog="example: wifi-collector hours lincoln-hs 2026-09-15",
    )
    parser.add_argument("campus")
    parser.add_argument("date", type=day, nargs="?")
    parser.add_argument("--week", type=day, metavar="DATE", help="the seven days, Monday first, that hold this date")
    parser.add_argument("--json", action="store_true", help="one JSON object; of a week, its days")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    if (arguments.date is None) == (arguments.week is None):
        raise wrong_use("which day?", "give one date, or --week with a date of the week")
    if arguments.week:
        return _week(arguments)
    with open_store(settings(arguments)) as store:
        found = _school_day(store, arguments.campus, arguments.date)
    if arguments.json:
        print_json(as_json(found))
        return 0
    _show(found)
    return 0


def _week(arguments: argparse.Namespace) -> int:
    monday = arguments.week - datetime.timedelta(days=arguments.week.weekday())
    with open_store(settings(arguments)) as store:
        days = [_school_day(store, arguments.campus, monday + datetime.timedelta(days=n)) for n in range(7)]
    if arguments.json:
        print_json({"campus": arguments.campus, "week": monday.isoformat(), "days": [as_json(one) for one in days]})
    else:
        _show_week(days)
    return 0


def _show_week(days: list[SchoolDay]) -> None:
    """All days under one ruler of local hours; the offset to UTC shows where the clocks change."""
    zone = zoneinfo.ZoneInfo(days[0].timezone)
    total = sum(one.instructional_seconds for one in days) / 60
    say(f"{days[0].campus}, week of {days[0].date}: {total:.0f} instructional minutes")
    with_class = [_hours_around(one, zone) for one in days if one.in_class]
    first = min((_local(begin, zone).hour for begin, _ in with_class), default=8)
    last = max((_local(end - 1, zone).hour + 1 for _, end in with_class), default=first)
    ruler = "".join(f"{hour:02}".ljust(60 // CELL_MINUTES) for hour in range(first, last))
    shown = table("", "day", "UTC", "what", "minutes", ruler, "periods", right=("minutes",))
    shown.columns[4].no_wrap = True
    for one in days:
        begin = datetime.datetime.combine(one.date, datetime.time(first), zone)
        bar = _bar(one.in_class, begin.timestamp(), begin.timestamp() + (last - first) * 3600)
        kinds = ", ".join(dict.fromkeys(group.day_type for group in one.groups)) or "no school"
        words = (f"{one.date:%a} {one.date}", f"{begin:%z}", kinds, f"{one.instructional_seconds / 60:.0f}")
        shown.add_row(*map(cell, words), Text(bar, style="green"), cell(_times(one.in_class, zone)))
    out().print(shown)
    for reason in dict.fromkeys(reason for one in days for reason in one.reasons):
        if not reason.startswith(DAY_NAMES):  # what a weekday usually is stands in the table
            say(f"  {reason}")
    for one in days:
        before, after = (_midnight(one.date + datetime.timedelta(days=n), zone).strftime("%z") for n in (0, 1))
        if before != after:
            say(f"  the clocks change on {one.date:%A} {one.date}: from {before} to {after}")


def _midnight(date: datetime.date, zone: datetime.tzinfo) -> datetime.datetime:
    return datetime.datetime.combine(date, datetime.time(), zone)


def _local(at: float, zone: datetime.tzinfo) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(at, zone)


def _school_day(store: Store, campus_id: str, date: datetime.date) -> SchoolDay:
    with store.read() as connection:
        campus = present(connection, date).campuses.get(campus_id)
        snapshot = snapshots.holding(snapshots.every(connection, "hours"), date)
        hours = Hours.from_bytes(snapshots.body(connection, "hours", snapshot.hash)) if snapshot else Hours()
    if campus is None:
        hint = "`wifi-collector commitment --json` lists the campuses"
        raise wrong_use(f"campus {campus_id!r} is not in the inventory of {date}", hint)
    return lay_open(hours, campus, date)


def _show(found: SchoolDay) -> None:
    zone = zoneinfo.ZoneInfo(found.timezone)
    say(f"{found.campus}, {found.date:%A} {found.date}: {found.instructional_seconds / 60:.0f} instructional minutes")
    for reason in found.reasons:
        say(f"  {reason}")
    if not found.in_class:
        return
    begin, end = _hours_around(found, zone)
    shown = table("", "grades", "schedule", "day", "minutes", _ruler(begin, end, zone), "periods", right=("minutes",))
    shown.columns[4].no_wrap = True
    for group in found.groups:
        bar = _bar(group.periods, begin, end)
        minutes = f"{group.instructional_seconds / 60:.0f}"
        words = (group.grades or "all", group.schedule, group.day_type, minutes)
        shown.add_row(*map(cell, words), Text(bar, style="green"), cell(_times(group.periods, zone)))
    whole = Text(_bar(found.in_class, begin, end), style="bold")
    minutes = f"{found.instructional_seconds / 60:.0f}"
    shown.add_row(cell("campus"), cell(""), cell(""), cell(minutes), whole, cell(_times(found.in_class, zone)))
    out().print(shown)


def _hours_around(found: SchoolDay, zone: datetime.tzinfo) -> tuple[float, float]:
    """From the full hour, by the local clock, before the first period to the one after the last."""
    first = datetime.datetime.fromtimestamp(found.in_class[0][0], zone).replace(minute=0, second=0)
    return first.timestamp(), -(-(found.in_class[-1][1] - first.timestamp()) // 3600) * 3600 + first.timestamp()


def _bar(intervals: tuple[Interval, ...], begin: float, end: float) -> str:
    """Each cell is ten minutes: full, in part, or a dot where nobody of the group has class."""
    cells = []
    step = CELL_MINUTES * 60
    for at in range(int(begin), int(end), step):
        covered = sum(max(0.0, min(until, at + step) - max(since, at)) for since, until in intervals)
        cells.append("·" if covered <= 0 else "█" if covered >= step else "▒")
    return "".join(cells)


def _ruler(begin: float, end: float, zone: datetime.tzinfo) -> str:
    hours = range(int(begin), int(end), 3600)
    return "".join(f"{datetime.datetime.fromtimestamp(at, zone):%H}".ljust(60 // CELL_MINUTES) for at in hours)


def _times(intervals: tuple[Interval, ...], zone: datetime.tzinfo) -> str:
    def clock(at: float) -> str:
        return f"{datetime.datetime.fromtimestamp(at, zone):%H:%M}"

    return ", ".join(f"{clock(begin)}-{clock(end)}" for begin, end in intervals)
