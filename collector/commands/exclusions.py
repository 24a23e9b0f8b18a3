"""``exclusions``: planned work, asked for by one person and approved by another, ahead of time or afterwards."""

from __future__ import annotations

import argparse
import base64
import getpass
from pathlib import Path
from typing import Any

import msgspec

from collector.commands.administer import perform
from collector.commands.console import cell, out, print_json, say, table, wrong_use
from collector.commands.present import open_store, settings
from collector.commands.when import span
from collector.store import exclusions

_PERIOD = "--from 2026-10-12T08:00-07:00 --to 2026-10-12T12:00-07:00"


def add_parser(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser(
        "exclusions",
        help="planned work: ask for it, approve it, list it",
        description="Time of planned work stays in every answer as it was judged; approved, it gets its own cause, and "
        "each answer shows its figures without that time too.",
        epilog="example: wifi-collector exclusions list",
    )
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    add = actions.add_parser(
        "add",
        help="ask for an exclusion of a campus, of a region, or of each line of a CSV file",
        description="A CSV file has the columns from, to, reason and campus or region; one bad line refuses it whole.",
        epilog=f'example: wifi-collector exclusions add --campus lincoln {_PERIOD} --reason "switch upgrade"',
    )
    where = add.add_mutually_exclusive_group(required=True)
    where.add_argument("--campus", metavar="ID")
    where.add_argument("--region", metavar="NAME", help="each campus of a region")
    where.add_argument("--file", type=Path, metavar="CSV", help="many at once")
    add.add_argument("--from", dest="since", metavar="TIME", help="ISO 8601 with its zone")
    add.add_argument("--to", dest="until", metavar="TIME", help="ISO 8601 with its zone")
    add.add_argument("--reason", metavar="TEXT")
    add.set_defaults(run=_add)
    approve = actions.add_parser(
        "approve",
        help="let exclusions count; who asked for one cannot approve it",
        epilog="example: wifi-collector exclusions approve 12 13",
    )
    approve.add_argument("ids", nargs="+", type=int, metavar="ID")
    approve.set_defaults(run=_approve)
    shown = actions.add_parser(
        "list", help="all of them, those that wait too", epilog="example: wifi-collector exclusions list --json"
    )
    shown.add_argument("--campus", metavar="ID")
    shown.set_defaults(run=_list)
    for action in (add, approve):
        action.add_argument("--by", metavar="WHO", default=getpass.getuser(), help="who does this (default: you)")
    for action in (add, approve, shown):
        action.add_argument("--json", action="store_true", help="print the result for a script")


def _add(arguments: argparse.Namespace) -> int:
    body: dict[str, Any] = {"by": arguments.by}
    if arguments.file is not None:
        try:
            data = arguments.file.read_bytes()
        except OSError as fault:
            raise wrong_use(f"{arguments.file} cannot be read: {fault.strerror}", "check the name") from None
        body |= {"name": str(arguments.file), "data": base64.b64encode(data).decode()}
    else:
        if not (arguments.since and arguments.until and arguments.reason):
            raise wrong_use("--from, --to and --reason are needed", f"example: {_PERIOD} --reason TEXT")
        row = {"from": arguments.since, "to": arguments.until, "reason": arguments.reason}
        place = {"campus": arguments.campus} if arguments.campus else {"region": arguments.region}
        body["row"] = row | place
    result = perform(arguments, "exclusions-add", body)
    if arguments.json:
        print_json(result)
        return 0
    numbers = " ".join(str(one) for one in result["exclusions"])
    say(f"kept, and waiting for somebody else's approval: wifi-collector exclusions approve {numbers}")
    return 0


def _approve(arguments: argparse.Namespace) -> int:
    result = perform(arguments, "exclusions-approve", {"ids": arguments.ids, "by": arguments.by})
    if arguments.json:
        print_json(result)
    else:
        say(f"approved by {result['approved_by']}; {result['slots_judged_again']} slots are judged again")
    return 0


def _list(arguments: argparse.Namespace) -> int:
    with open_store(settings(arguments)) as store, store.read() as connection:
        found = exclusions.every(connection, arguments.campus)
    if arguments.json:
        print_json([msgspec.structs.asdict(one) for one in found])
        return 0
    if not found:
        say("no exclusions")
        return 0
    shown = table(f"{len(found)} exclusions", "id", "campus", "time", "reason", "asked for by", "approved by")
    for one in found:
        approved = cell(one.approved_by or "nobody yet", "green" if one.approved_at is not None else "yellow")
        when = span(one.from_at, one.to_at)
        shown.add_row(cell(one.id), cell(one.campus), cell(when), cell(one.reason), cell(one.requested_by), approved)
    out().print(shown)
    return 0
