"""``export-evidence``: one campus's month as a file that anybody can check without the collector."""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from collector.commands.console import Failure, print_json, progress, say, wrong_use
from collector.commands.present import open_store, settings
from collector.store.facts import StoreFacts
from collector.verification import bundle, bundle_write


def add_parser(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser(
        "export-evidence",
        help="write a campus's month with all its evidence to one file",
        description="Writes a zip with the ledger's revisions, the signed reports, the keys and placements of the "
        "agents, and the policy, inventory and hours that the month was judged by. `wifi-collector verify FILE` checks "
        "it anywhere, without this collector.",
        epilog="example: wifi-collector export-evidence lincoln-hs 2026-09 --out lincoln-hs-2026-09.zip",
    )
    parser.add_argument("campus", metavar="CAMPUS")
    parser.add_argument("month", metavar="YYYY-MM")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE")
    parser.add_argument("--json", action="store_true", help="print the result for a script")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    try:
        first, last = bundle.month_of(arguments.month)
    except ValueError:
        raise wrong_use(f"{arguments.month!r} is not a month", "write it like 2026-09") from None
    if arguments.out.exists():
        raise wrong_use(f"{arguments.out} exists already", "name a new file: nothing is overwritten")
    with open_store(settings(arguments)) as store, store.read() as connection:
        source = StoreFacts(connection, first, last, arguments.campus)
        if not any(source.newest(arguments.campus, day) for day in source.days(arguments.campus)):
            hint = "`wifi-collector commitment --json` lists the campuses and since when each is counted"
            raise wrong_use(f"the ledger has no day of campus {arguments.campus!r} in {arguments.month}", hint)
        with progress("written") as shown:
            try:
                done = bundle_write.write(source, arguments.campus, arguments.month, arguments.out, time.time(), shown)
            except OSError as fault:
                hint = "check the folder, its space and permissions"
                raise Failure(f"{arguments.out} was not written: {fault.strerror or fault}", hint) from None
    if arguments.json:
        print_json(done)
    else:
        say(
            f"{done['file']}: {done['bytes']} bytes, {done['revisions']} revisions, {done['reports']} reports of "
            f"{done['agents']} agents"
        )
        say(f"  SHA-256 of the file: {done['sha256']}")
        say(f"  the chain's last digest in it: {done['chain']}")
        say("  it holds signed measurements and room names: give it to people you would show the ledger to")
    return 0
