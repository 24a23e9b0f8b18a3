"""``hold``: evidence of a campus and a period that must stay, whatever its age, until somebody releases it."""

from __future__ import annotations

import argparse
import getpass

import msgspec

from collector.commands.administer import perform
from collector.commands.console import cell, out, print_json, say, table
from collector.commands.present import open_store, settings
from collector.commands.when import day
from collector.store import holds


def add_parser(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser(
        "hold",
        help="keep a campus's evidence of a period from expiring",
        description="Who held what, why and since when stands in the audit log, and so does who released it.",
        epilog="example: wifi-collector hold list",
    )
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    add = actions.add_parser(
        "add",
        help="hold the evidence of a campus's days",
        epilog='example: wifi-collector hold add lincoln --from 2026-09-01 --to 2026-10-31 --reason "grievance 26-114"',
    )
    add.add_argument("campus", metavar="CAMPUS")
    add.add_argument("--from", dest="since", type=day, required=True, metavar="DATE", help="first day")
    add.add_argument("--to", dest="until", type=day, required=True, metavar="DATE", help="last day")
    add.add_argument("--reason", required=True, metavar="TEXT")
    add.set_defaults(run=_add)
    release = actions.add_parser(
        "release", help="let the evidence age again", epilog="example: wifi-collector hold release 3"
    )
    release.add_argument("hold", type=int, metavar="ID")
    release.set_defaults(run=_release)
    shown = actions.add_parser(
        "list", help="every hold, released ones too", epilog="example: wifi-collector hold list --json"
    )
    shown.add_argument("--campus", metavar="ID")
    shown.set_defaults(run=_list)
    for action in (add, release):
        action.add_argument("--by", metavar="WHO", default=getpass.getuser(), help="who does this (default: you)")
    for action in (add, release, shown):
        action.add_argument("--json", action="store_true", help="print the result for a script")


def _add(arguments: argparse.Namespace) -> int:
    period = {"from": arguments.since.isoformat(), "to": arguments.until.isoformat()}
    body = {"campus": arguments.campus, "reason": arguments.reason, "by": arguments.by} | period
    result = perform(arguments, "hold-add", body)
    if arguments.json:
        print_json(result)
    else:
        say(f"hold {result['hold']}: evidence of {result['campus']}, {result['from']} to {result['to']}, stays")
    return 0


def _release(arguments: argparse.Namespace) -> int:
    result = perform(arguments, "hold-release", {"hold": arguments.hold, "by": arguments.by})
    if arguments.json:
        print_json(result)
    else:
        say(f"hold {result['hold']} of {result['campus']} is released by {result['released_by']}")
    return 0


def _list(arguments: argparse.Namespace) -> int:
    with open_store(settings(arguments)) as store, store.read() as connection:
        found = holds.every(connection, arguments.campus)
    if arguments.json:
        print_json([msgspec.structs.asdict(one) for one in found])
        return 0
    if not found:
        say("no holds")
        return 0
    shown = table(f"{len(found)} holds", "id", "campus", "days", "reason", "set by", "released by")
    for one in found:
        days = f"{one.from_day} to {one.to_day}"
        released = cell(one.released_by or "lasts", "" if one.released_by else "green")
        shown.add_row(cell(one.id), cell(one.campus), cell(days), cell(one.reason), cell(one.set_by), released)
    out().print(shown)
    return 0
