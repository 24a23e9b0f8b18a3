"""``import``: a district's own list, or for campuses the state's school directory, becomes a dated snapshot; without
``--apply`` it only shows what would change."""

from __future__ import annotations

import argparse
import base64
import contextlib
import datetime
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from collector.commands import import_directory
from collector.commands.administer import perform
from collector.commands.console import cell, err, out, print_json, say, table, wrong_use
from collector.commands.present import present_inventory
from collector.commands.when import day
from collector.lists import directory_import, district_lists, workbook
from collector.lists.district_lists import Places
from collector.lists.sheet import Advance, Refused

KINDS = (*district_lists.KINDS, "bells", "calendar")
MAX_FILE_BYTES = 64 << 20
SHOWN_CHANGES = 40


def add_parser(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser(
        "import",
        help="take in campuses (CSV or school directory), access points, rooms, bells (CSV), calendar (TOML)",
        description="Reads a whole file and refuses all of it for one bad row. Without --apply it shows what would "
        "change and keeps nothing. A list of access points or rooms is the whole list of each campus it names.",
        epilog="example: wifi-collector import access-points aps.csv --apply",
    )
    parser.add_argument("kind", choices=KINDS)
    parser.add_argument("file", type=Path)
    parser.add_argument("--apply", action="store_true", help="keep it; without this nothing is changed")
    parser.add_argument("--valid-from", type=day, metavar="DATE", help="the day from which it holds (default: today)")
    parser.add_argument(
        "--unattended",
        action="store_true",
        help="keep campuses or access points without anybody looking, up to --at-most",
    )
    parser.add_argument(
        "--at-most", type=_share, default=0.05, metavar="SHARE", help="of them that may change (default: 0.05)"
    )
    controllers = parser.add_argument_group("a list of Aruba, Cisco, Meraki or UniFi (import access-points)")
    controllers.add_argument("--sites", type=Path, metavar="FILE", help="its sites' campuses: CSV with site,campus")
    controllers.add_argument("--campus", metavar="ID", help="the campus of all of it, where it names no site")
    parser.add_argument("--events", type=Path, metavar="ICS", help="of import calendar: the district's iCalendar file")
    parser.add_argument("--json", action="store_true", help="print the result for a script")
    import_directory.add_options(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    body: dict[str, Any] = {
        "kind": arguments.kind,
        "name": arguments.file.name,
        "apply": arguments.apply or arguments.unattended,
        "valid_from": arguments.valid_from.isoformat() if arguments.valid_from else None,
    }
    if arguments.unattended:
        if arguments.kind not in ("campuses", "access-points"):
            raise wrong_use(f"{arguments.kind} cannot be imported --unattended", "look at them, and give --apply")
        body["at_most"] = arguments.at_most
    summary: dict[str, Any] = {}
    _check(arguments.file)
    if arguments.kind == "campuses" and import_directory.recognised(arguments.file):
        with _refusals(arguments), _progress(arguments) as advance:
            asked, chosen = import_directory.read(arguments, advance)
            present = present_inventory(arguments, _day(arguments))
            found = directory_import.propose(str(arguments.file), asked, present, _day(arguments))
        body["directory"] = import_directory.as_body(asked)
        summary = import_directory.summary(chosen, found)
        if not arguments.json:
            import_directory.show(arguments, chosen, found)
    else:
        data = arguments.file.read_bytes()
        body["data"] = base64.b64encode(data).decode()
        if arguments.kind in district_lists.KINDS:
            # Parsed here first: the faults and the progress bar belong to the terminal, and the server is not bothered
            # with a file that it would refuse.
            day_, present = _day(arguments), present_inventory(arguments, _day(arguments))
            places = _places(arguments, body)
            with _refusals(arguments), _progress(arguments) as advance:
                district_lists.propose(arguments.kind, str(arguments.file), data, present, day_, advance, places)
    if arguments.events:
        if arguments.kind != "calendar":
            raise wrong_use(f"--events with {arguments.kind}", "an iCalendar file belongs to `import calendar`")
        _check(arguments.events)
        body["events"] = base64.b64encode(arguments.events.read_bytes()).decode()
        body["events_name"] = arguments.events.name
    result = perform(arguments, "import", body)
    if arguments.json:
        print_json({**result, **summary})
        return 0
    _show(arguments, result)
    return 0


def _places(arguments: argparse.Namespace, body: dict[str, Any]) -> Places:
    """Where a controller's list says its access points stand; the server is told the same."""
    if not (arguments.sites or arguments.campus):
        return Places()
    if arguments.kind != "access-points":
        raise wrong_use(f"--sites and --campus with {arguments.kind}", "they belong to `import access-points`")
    if arguments.sites and arguments.campus:
        raise wrong_use("--sites and --campus at once", "give --campus where the whole list is of one campus")
    if arguments.campus:
        body["campus"] = arguments.campus
        return Places(campus=arguments.campus)
    _check(arguments.sites)
    places = Places(str(arguments.sites), arguments.sites.read_bytes())
    body["sites"] = base64.b64encode(places.data).decode()
    body["sites_name"] = arguments.sites.name
    return places


def _day(arguments: argparse.Namespace) -> datetime.date:
    day: datetime.date | None = arguments.valid_from
    return day or datetime.datetime.now(datetime.UTC).date()


@contextlib.contextmanager
def _refusals(arguments: argparse.Namespace) -> Iterator[None]:
    try:
        yield
    except Refused as refused:
        count = len(refused.faults)
        faults = f"{count} fault{'s' if count != 1 else ''}"
        raise wrong_use(f"{refused}\n{arguments.file}: {faults}, nothing was imported") from None


@contextlib.contextmanager
def _progress(arguments: argparse.Namespace) -> Iterator[Advance]:
    terminal = err()
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
        console=terminal,
        transient=True,
        disable=not terminal.is_terminal,
    )
    with bar, arguments.file.open("rb") as file:
        # How many rows a workbook has is known at its end only.
        lines = None if file.peek(4).startswith(workbook.MAGIC) else sum(1 for _ in file)
        task = bar.add_task(f"reading {arguments.file.name}", total=lines)
        yield lambda read: bar.advance(task, read)


def _check(path: Path) -> None:
    try:
        with path.open("rb"):
            size = path.stat().st_size
    except OSError as fault:
        raise wrong_use(f"{path} cannot be read: {fault.strerror}", "check the name and its permissions") from None
    if size > MAX_FILE_BYTES:
        raise wrong_use(f"{path} is larger than {MAX_FILE_BYTES >> 20} MiB", "split it by region")


def _share(text: str) -> float:
    try:
        share = float(text)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a share between 0 and 1")
    return share


def _show(arguments: argparse.Namespace, result: dict[str, Any]) -> None:
    changes = result["changes"]
    for note in result["notes"]:
        say(note)
    if result["ignored"]:
        listed = arguments.kind in district_lists.KINDS
        what = "columns not read" if listed else "events that [events] does not name, not read"
        say(f"{what}: {', '.join(result['ignored'])}")
    if changes:
        shown = table(f"{arguments.kind}: {len(changes)} changes", "change", "what", "detail")
        styles = {"removed": "red", "added": "green"}
        for change in changes[:SHOWN_CHANGES]:
            style = styles.get(change["change"], "yellow")
            shown.add_row(cell(change["change"], style), cell(change["subject"]), cell(change["detail"]))
        out().print(shown)
        if len(changes) > SHOWN_CHANGES:
            say(f"and {len(changes) - SHOWN_CHANGES} more changes (--json lists them all)")
    counts = ", ".join(f"{count} {name}" for name, count in result["counts"].items() if count) or "nothing changes"
    say(f"{result['rows']} rows read: {counts}")
    if not changes:
        return
    if result["applied"]:
        say(f"kept as snapshot {result['hash'][:12]}, valid from {result['valid_from']}")
    else:
        say("this was a dry run: give --apply to keep it")
