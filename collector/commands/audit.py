"""``audit``: who changed what, by which way and from where, and whether a line was taken out or changed."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime

from collector.commands.console import cell, out, print_json, say, table
from collector.commands.present import open_store, settings
from collector.store import audit


def add_parser(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser(
        "audit", help="who changed what, by which way and from where", epilog="example: wifi-collector audit list"
    )
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    listed = actions.add_parser(
        "list", help="the newest lines first", epilog='example: wifi-collector audit list --act "signed in"'
    )
    listed.add_argument("--act", metavar="TEXT", help="only lines of this act")
    listed.add_argument("--count", type=int, default=100, metavar="N", help="at most so many (default: 100)")
    listed.set_defaults(run=_list)
    verify = actions.add_parser(
        "verify",
        help="look whether every line follows from the one before it (exit status 1 where one does not)",
        epilog="example: wifi-collector audit verify",
    )
    verify.set_defaults(run=_verify)
    for one in (listed, verify):
        one.add_argument("--json", action="store_true", help="print it for a script")


def _list(arguments: argparse.Namespace) -> int:
    with open_store(settings(arguments)) as store, store.read() as connection:
        found = audit.entries(connection, arguments.act, arguments.count)
    if arguments.json:
        print_json(found)
        return 0
    if not found:
        say("no lines")
        return 0
    shown = table("audit log", "time (UTC)", "who", "act", "on what", "details", "way", "from")
    for one in found:
        at = datetime.fromtimestamp(one.at, UTC).isoformat(" ", "seconds").removesuffix("+00:00")
        line = (at, one.actor, one.action, one.subject, one.detail, one.way, one.address)
        shown.add_row(*(cell(value) for value in line))
    out().print(shown)
    return 0


def _verify(arguments: argparse.Namespace) -> int:
    with open_store(settings(arguments)) as store, store.read() as connection:
        lines, fault = audit.count(connection), audit.first_fault(connection)
    if arguments.json:
        print_json({"lines": lines, "whole": fault is None, "first_fault": fault})
    elif fault is None:
        say(f"{lines} lines: every one follows from the one before it")
    else:
        say(f"line {fault} does not follow from the one before it: the database was changed; compare it with a backup")
    return 0 if fault is None else 1
