"""``hold``: evidence of a campus and a period that must stay, whatever its age, until somebody releases it."""

from __future__ import annotations

import argparse

from collector.commands.console import cell
from collector.commands.present import open_store, settings
from collector.commands.records import Cell, act, acting, listing, show
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
    acting(add)
    acting(release)
    listing(shown)


def _add(arguments: argparse.Namespace) -> int:
    period = {"from": arguments.since.isoformat(), "to": arguments.until.isoformat()}
    body = {"campus": arguments.campus, "reason": arguments.reason} | period
    words = "hold {hold}: evidence of {campus}, {from} to {to}, stays"
    return act(arguments, "hold-add", body, words.format_map)


def _release(arguments: argparse.Namespace) -> int:
    words = "hold {hold} of {campus} is released by {released_by}"
    return act(arguments, "hold-release", {"hold": arguments.hold}, words.format_map)


def _list(arguments: argparse.Namespace) -> int:
    with open_store(settings(arguments)) as store, store.read() as connection:
        found = holds.every(connection, arguments.campus)
    return show(arguments, "holds", found, ("id", "campus", "days", "reason", "set by", "released by"), _row)


def _row(one: holds.Hold) -> tuple[Cell, ...]:
    released = cell(one.released_by or "lasts", "" if one.released_by else "green")
    return one.id, one.campus, f"{one.from_day} to {one.to_day}", one.reason, one.set_by, released
