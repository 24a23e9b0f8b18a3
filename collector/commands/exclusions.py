"""``exclusions``: planned work, asked for by one person and approved by another, ahead of time or afterwards, and
withdrawn by whoever finds it wrong."""

from __future__ import annotations

import argparse
import base64
from pathlib import Path
from typing import Any

from collector.commands.console import cell, wrong_use
from collector.commands.present import open_store, settings
from collector.commands.records import Cell, act, acting, listing, show
from collector.commands.when import moment, span
from collector.store import exclusions

_PERIOD = "--from 2026-10-12T08:00-07:00 --to 2026-10-12T12:00-07:00"


def add_parser(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser(
        "exclusions",
        help="planned work: ask for it, approve it, withdraw it, list it",
        description="Time of planned work stays in every answer as it was judged; approved, it gets its own cause, and "
        "each answer shows its figures without that time too. Nothing is deleted: what was withdrawn stays listed.",
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
    withdraw = actions.add_parser(
        "withdraw",
        help="take exclusions back: their time is judged and answered as without them",
        description="Anybody may, for a reason that stays beside it: without an exclusion an answer is only stricter. "
        "Its silence in Alertmanager ends. One that was withdrawn cannot be approved again: ask for another.",
        epilog='example: wifi-collector exclusions withdraw 12 --by ana --reason "the work was called off"',
    )
    withdraw.add_argument("ids", nargs="+", type=int, metavar="ID")
    withdraw.add_argument("--reason", required=True, metavar="TEXT")
    withdraw.set_defaults(run=_withdraw)
    shown = actions.add_parser(
        "list",
        help="all of them, those that wait and those that were withdrawn too",
        epilog="example: wifi-collector exclusions list --json",
    )
    shown.add_argument("--campus", metavar="ID")
    shown.set_defaults(run=_list)
    for action in (add, approve, withdraw):
        acting(action)
    listing(shown)


def _add(arguments: argparse.Namespace) -> int:
    body: dict[str, Any] = {}
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
    return act(arguments, "exclusions-add", body, _waiting)


def _waiting(result: dict[str, Any]) -> str:
    numbers = " ".join(str(one) for one in result["exclusions"])
    return f"kept, and waiting for somebody else's approval: wifi-collector exclusions approve {numbers}"


def _approve(arguments: argparse.Namespace) -> int:
    words = "approved by {approved_by}; {slots_judged_again} slots are judged again"
    return act(arguments, "exclusions-approve", {"ids": arguments.ids}, words.format_map)


def _withdraw(arguments: argparse.Namespace) -> int:
    words = "withdrawn by {withdrawn_by}: {reason}; {slots_judged_again} slots are judged again"
    body = {"ids": arguments.ids, "reason": arguments.reason}
    return act(arguments, "exclusions-withdraw", body, words.format_map)


def _list(arguments: argparse.Namespace) -> int:
    with open_store(settings(arguments)) as store, store.read() as connection:
        found = exclusions.every(connection, arguments.campus)
    columns = ("id", "campus", "time", "reason", "asked for by", "approved by", "withdrawn")
    return show(arguments, "exclusions", found, columns, _row)


def _row(one: exclusions.Exclusion) -> tuple[Cell, ...]:
    waits = "-" if one.withdrawn_at is not None else "nobody yet"
    approved = cell(one.approved_by or waits, "green" if one.counts else "yellow" if waits != "-" else "")
    withdrawn = "-"
    if one.withdrawn_at is not None:
        withdrawn = f"{moment(one.withdrawn_at)} by {one.withdrawn_by}: {one.withdrawn_reason}"
    return one.id, one.campus, span(one.from_at, one.to_at), one.reason, one.requested_by, approved, withdrawn
