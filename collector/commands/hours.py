"""``hours``: a campus's school day as a picture, with the bells and the calendar entry that made it so."""

from __future__ import annotations

import argparse
import datetime
import zoneinfo

from rich.text import Text

from collector.commands.console import cell, out, print_json, say, table, wrong_use
from collector.commands.present import open_store, settings
from collector.commands.when import day
from collector.hours import Hours, Interval
from collector.list_imports import present
from collector.school_day import SchoolDay, as_json, lay_open
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
    parser.add_argument("date", type=day)
    parser.add_argument("--json", action="store_true", help="one JSON object")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    with open_store(settings(arguments)) as store:
        found = _school_day(store, arguments.campus, arguments.date)
    if arguments.json:
        print_json(as_json(found))
        return 0
    _show(found)
    return 0


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
