"""``retention``: what the policy lets go, and when: looked at first, applied by the running server."""

from __future__ import annotations

import argparse
import time

from collector import retention
from collector.commands.administer import perform
from collector.commands.console import cell, out, print_json, say, table
from collector.commands.present import open_store, settings


def add_parser(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser(
        "retention",
        help="how long evidence is kept, and what would go",
        description="Signed reports older than `evidence_days` are let go, their digests stay: `verify` then says "
        "that evidence has expired and the chain is intact. Ledger, digests, incidents and the audit log are kept.",
        epilog="example: wifi-collector retention show",
    )
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    shown = actions.add_parser(
        "show", help="what would go now; changes nothing", epilog="example: wifi-collector retention show --json"
    )
    shown.set_defaults(run=_show)
    applied = actions.add_parser(
        "apply",
        help="let it go now; a running server does so every ten minutes",
        epilog="example: wifi-collector retention apply",
    )
    applied.set_defaults(run=_apply)
    for action in (shown, applied):
        action.add_argument("--json", action="store_true", help="print the result for a script")


def _show(arguments: argparse.Namespace) -> int:
    config = settings(arguments)
    with open_store(config) as store, store.read() as connection:
        found = retention.plan(connection, config, time.time())
    if arguments.json:
        print_json(found)
        return 0
    if found["evidence_days"]:
        say(f"evidence is kept {found['evidence_days']} days: what ended before {found['evidence_before']} may go")
    else:
        say("evidence is kept for ever (evidence_days = 0)")
    say(f"ledger, digests and records are kept until {found['records_until']} at least; nothing deletes them by itself")
    if not found["campuses"]:
        say("nothing is past its time")
        return 0
    shown = table("past its time", "campus", "from", "to", "reports that go", "held", "bytes")
    for one in found["campuses"]:
        shown.add_row(*(cell(one[name]) for name in ("campus", "from", "to", "reports", "held_reports", "bytes")))
    out().print(shown)
    return 0


def _apply(arguments: argparse.Namespace) -> int:
    result = perform(arguments, "retention-apply", {})
    if arguments.json:
        print_json(result)
    else:
        say(f"{result['hours']} joined hours of evidence were let go; their digests stay")
    return 0
