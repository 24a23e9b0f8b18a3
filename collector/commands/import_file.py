"""``import``: a district's own list becomes a dated snapshot; without ``--apply`` it only shows what would change."""

from __future__ import annotations

import argparse
import base64
import datetime
from pathlib import Path
from typing import Any

from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from collector.commands.administer import perform
from collector.commands.console import cell, err, out, print_json, say, table, wrong_use
from collector.commands.present import present_inventory
from collector.commands.when import day
from collector.importing import IMPORTS, Proposal
from collector.sheet import Refused

KINDS = (*IMPORTS, "bells", "calendar")
MAX_FILE_BYTES = 64 << 20
SHOWN_CHANGES = 40


def add_parser(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser(
        "import",
        help="take in campuses, access points, rooms (CSV), bells or the calendar (TOML)",
        description="Reads a whole file and refuses all of it for one bad row. Without --apply it shows what would "
        "change and keeps nothing. A list of access points or rooms is the whole list of each campus it names.",
        epilog="example: wifi-collector import access-points aps.csv --apply",
    )
    parser.add_argument("kind", choices=KINDS)
    parser.add_argument("file", type=Path)
    parser.add_argument("--apply", action="store_true", help="keep it; without this nothing is changed")
    parser.add_argument("--valid-from", type=day, metavar="DATE", help="the day from which it holds (default: today)")
    parser.add_argument("--json", action="store_true", help="print the result for a script")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    data = _read(arguments.file)
    body: dict[str, Any] = {
        "kind": arguments.kind,
        "name": arguments.file.name,
        "data": base64.b64encode(data).decode(),
        "apply": arguments.apply,
        "valid_from": arguments.valid_from.isoformat() if arguments.valid_from else None,
    }
    if arguments.kind in IMPORTS:
        # Parsed here first: the faults and the progress bar belong to the terminal, and the server is not bothered
        # with a file that it would refuse.
        _proposal(arguments, data)
    result = perform(arguments, "import", body)
    if arguments.json:
        print_json(result)
        return 0
    _show(arguments, result)
    return 0


def _proposal(arguments: argparse.Namespace, data: bytes) -> Proposal:
    day = arguments.valid_from or datetime.datetime.now(datetime.UTC).date()
    present = present_inventory(arguments, day)
    lines = data.count(b"\n")
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
    with bar:
        task = bar.add_task(f"reading {arguments.file.name}", total=lines)
        try:
            return IMPORTS[arguments.kind](
                str(arguments.file),
                data,
                present,
                day,
                lambda read: bar.advance(task, read),
            )
        except Refused as refused:
            count = len(refused.faults)
            faults = f"{count} fault{'s' if count != 1 else ''}"
            raise wrong_use(f"{refused}\n{arguments.file}: {faults}, nothing was imported") from None


def _read(path: Path) -> bytes:
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise wrong_use(f"{path} is larger than {MAX_FILE_BYTES >> 20} MiB", "split it by region")
        return path.read_bytes()
    except OSError as fault:
        raise wrong_use(f"{path} cannot be read: {fault.strerror}", "check the name and its permissions") from None


def _show(arguments: argparse.Namespace, result: dict[str, Any]) -> None:
    changes = result["changes"]
    if result["ignored"]:
        say(f"columns not read: {', '.join(result['ignored'])}")
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
    if arguments.apply:
        say(f"kept as snapshot {result['hash'][:12]}, valid from {result['valid_from']}")
    else:
        say("this was a dry run: give --apply to keep it")
