"""``compact``: finished hours of evidence joined now, with a bar; a running server does this by itself."""

from __future__ import annotations

import argparse
from typing import Any

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from collector.commands.administer import perform
from collector.commands.console import err, print_json, say

_SECONDS = 3.0
"""Of work between two looks at the bar."""


def add_parser(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser(
        "compact",
        help="join finished hours of evidence, so that they take a third of the room",
        description="A running server joins finished hours every ten minutes. This says how many reports are ready; "
        "with --now they are joined at once. Each report comes back byte for byte: that is checked before the rows it "
        "came in are let go.",
        epilog="example: wifi-collector compact --now",
    )
    parser.add_argument("--now", action="store_true", help="join them, and give the room back to the disk")
    parser.add_argument("--json", action="store_true", help="print the result for a script")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    waiting = int(perform(arguments, "compact", {"seconds": 0})["waiting"])
    if not arguments.now:
        if arguments.json:
            print_json({"waiting": waiting})
        else:
            say(f"{waiting} reports are ready to be joined" + (": wifi-collector compact --now" if waiting else ""))
        return 0
    done = _joined(arguments, waiting)
    if arguments.json:
        print_json(done)
        return 0
    say(f"joined {done['reports']} reports in {done['hours']} hours: {done['bytes_joined']} bytes")
    if done["left"]:
        say(f"  {done['left']} reports stay as they landed: they are not what their digest says; wifi-collector verify")
    return 0


def _joined(arguments: argparse.Namespace, waiting: int) -> dict[str, Any]:
    total: dict[str, Any] = {"hours": 0, "reports": 0, "bytes_joined": 0, "left": 0}
    console = err()
    columns = (TextColumn("joined"), BarColumn(), MofNCompleteColumn(), TextColumn("reports"), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("joined", total=waiting)
        mark: list[Any] | None = ["", 0.0]
        while mark is not None:
            some = perform(arguments, "compact", {"seconds": _SECONDS, "mark": mark})
            for name in total:
                total[name] += some[name]
            bar.update(task, completed=total["reports"] + total["left"])
            mark = some["goes_on"]
    return total
