"""``backup``: a copy of the whole store, made while the server runs, opened and checked before it is called good."""

from __future__ import annotations

import argparse
from pathlib import Path

from collector.commands.administer import perform
from collector.commands.console import print_json, say, wrong_use


def add_parser(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser(
        "backup",
        help="copy the store to a file, and check the copy",
        description="Copies the store with SQLite's own backup, then opens and checks the copy.",
        epilog="example: wifi-collector backup /mnt/second-machine/campus-wifi-2026-09-01.sqlite",
    )
    parser.add_argument("file", type=Path)
    parser.add_argument("--json", action="store_true", help="print the result for a script")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    if arguments.file.exists():
        raise wrong_use(f"{arguments.file} exists already", "name a new file: nothing is overwritten")
    result = perform(arguments, "backup", {"file": str(arguments.file.absolute())})
    if arguments.json:
        print_json(result)
    else:
        counts = ", ".join(f"{count} {name}" for name, count in result["rows"].items())
        say(f"{arguments.file}: {result['bytes']} bytes, checked: {counts}")
    return 0
