"""``compare``: a controller's log of access points up and down, held against our own evidence."""

from __future__ import annotations

import argparse
import csv
import datetime
import sys
import time
import zoneinfo
from pathlib import Path
from typing import Any

from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from collector.commands.console import cell, err, out, print_json, say, table, wrong_use
from collector.commands.present import open_store, settings
from collector.commitment.as_csv import safe
from collector.controllers import ours, up_down
from collector.controllers.compare import Counts, Part
from collector.holding import Held, Holding, held_at
from collector.lists.sheet import Refused

MAX_FILE_BYTES = 64 << 20
SHOWN = 60
WORDS = {
    "controller_down_ours_up": ("it says down, it answered us", "yellow"),
    "controller_up_ours_down": ("it says up, it did not answer us", "bold red"),
    "not_in_the_log": ("not in the log, it did not answer us", "red"),
    "not_measured_by_us": ("it says down, not measured by us", ""),
}
COLUMNS = (
    "campus", "access_point", "name", "from", "to", "seconds", "kind", "controller_state", "controller_since",
    "controller_line", "agents", "sent", "received",
)  # fmt: skip


def add_parser(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser(
        "compare",
        help="a controller's log of access points up and down against our evidence",
        description="A CSV file with the columns access_point (MAC, serial, name or address), time and state (up or "
        "down), or an event export of a controller. Within one slot of a change neither side is wrong; where no agent "
        "could tell, it says: not measured by us.",
        epilog="example: wifi-collector compare controller-log.csv --csv > disagreements.csv",
    )
    parser.add_argument("file", type=Path)
    parser.add_argument("--timezone", metavar="ZONE", help="of times without an offset (default: the district's)")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="one JSON object")
    form.add_argument("--csv", action="store_true", help="CSV, one disagreement a row")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    data = _read(arguments.file)
    terminal = err()
    bar = Progress(
        TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn(),
        console=terminal, transient=True, disable=not terminal.is_terminal,
    )  # fmt: skip
    counts = Counts()
    with open_store(settings(arguments)) as store, store.read() as connection, bar:
        held = held_at(connection, time.time())
        if held is None:
            raise wrong_use("nothing is imported yet", "wifi-collector import campuses FILE --apply")
        zone = arguments.timezone or held.timezone
        task = bar.add_task(f"reading {arguments.file.name}", total=data.count(b"\n"))
        try:
            log = up_down.parse(
                str(arguments.file), data, held.inventory, _zone(zone), lambda read: bar.advance(task, read)
            )
        except Refused as refused:
            count = len(refused.faults)
            raise wrong_use(f"{refused}\n{arguments.file}: {count} fault{'s' if count != 1 else ''}") from None
        bar.remove_task(task)
        days = sum(len(one) for one in ours.days_of(log, held.inventory).values())
        task = bar.add_task("judging campus-days", total=days)
        advance = lambda: bar.advance(task)  # noqa: E731
        parts = list(ours.against(connection, Holding(), held.inventory, log, counts, advance))
    answer = _answer(held, log, parts, counts)
    if arguments.json:
        print_json(answer)
    elif arguments.csv:
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows([safe(one[column]) for column in COLUMNS] for one in answer["parts"])
    else:
        _show(answer)
    return 0


def _read(path: Path) -> bytes:
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise wrong_use(f"{path} is larger than {MAX_FILE_BYTES >> 20} MiB", "export a shorter time")
        return path.read_bytes()
    except OSError as fault:
        raise wrong_use(f"{path} cannot be read: {fault.strerror}", "check the name and its permissions") from None


def _zone(name: str) -> str:
    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        raise wrong_use(f"--timezone {name!r} is not known", "write it like America/Los_Angeles") from None
    return name


def _answer(held: Held, log: up_down.Log, parts: list[Part], counts: Counts) -> dict[str, Any]:
    aps = up_down.by_id(held.inventory, dict.fromkeys([*log.entries, *(one.access_point for one in parts)]))
    zone = zoneinfo.ZoneInfo(held.timezone)

    def moment(at: float) -> str:
        return datetime.datetime.fromtimestamp(at, zone).isoformat(timespec="seconds")

    return {
        "from": moment(log.since),
        "to": moment(log.until),
        "slot_seconds": held.policy.slot_seconds,
        "tolerance_seconds": held.policy.slot_seconds,
        "access_points_in_the_log": len(log.entries),
        "slots": {"agree": counts.agree, "disagree": counts.disagree, "not_measured_by_us": counts.not_measured},
        "notes": log.notes,
        "parts": [
            {
                "campus": aps[one.access_point].campus if one.access_point in aps else None,
                "access_point": one.access_point,
                "name": aps[one.access_point].name if one.access_point in aps else "",
                "from": moment(one.from_at),
                "to": moment(one.to_at),
                "seconds": one.to_at - one.from_at,
                "kind": one.kind,
                "controller_state": None if one.entry is None else "up" if one.entry.up else "down",
                "controller_since": None if one.entry is None else moment(one.entry.at),
                "controller_line": None if one.entry is None else one.entry.line,
                "agents": one.agents,
                "sent": one.sent,
                "received": one.received,
            }
            for one in parts
        ],
    }


def _show(answer: dict[str, Any]) -> None:
    say(f"{answer['access_points_in_the_log']} access points in the log, {answer['from']} to {answer['to']}")
    for note in answer["notes"]:
        say(note)
    slots = answer["slots"]
    say(
        f"{slots['agree']} slots agree, {slots['disagree']} disagree (changes within {answer['tolerance_seconds']} s "
        f"count as agreed), {slots['not_measured_by_us']} down by the log were not measured by us"
    )
    parts = answer["parts"]
    if not parts:
        return
    columns = ("campus", "access point", "from", "to", "what", "the log", "our echoes")
    shown = table(f"{len(parts)} times at which the two part", *columns)
    for one in parts[:SHOWN]:
        words, style = WORDS[one["kind"]]
        log = f"line {one['controller_line']}" if one["controller_line"] else "-"
        echoes = f"{one['received']} of {one['sent']}, {one['agents']} agents" if one["sent"] else "-"
        texts = (one["campus"] or "", one["name"] or one["access_point"], one["from"][:16], one["to"][:16])
        shown.add_row(*map(cell, texts), cell(words, style), cell(log), cell(echoes))
    out().print(shown)
    if len(parts) > SHOWN:
        say(f"and {len(parts) - SHOWN} more (--csv or --json lists them all)")
