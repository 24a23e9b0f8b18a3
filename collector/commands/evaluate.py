"""``evaluate``: judges a period again from the evidence that is kept; the ledger says what changed and why."""

from __future__ import annotations

import argparse

from collector.commands.administer import perform
from collector.commands.console import print_json, progress, say, wrong_use
from collector.commands.when import count, day


def add_parser(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser(
        "evaluate",
        help="judge a period again from the kept evidence",
        description="Judges every slot of the days again, with the policy, inventory and hours that hold for each day. "
        "A slot whose verdict changes gives its day a new revision in the ledger.",
        epilog="example: wifi-collector evaluate --from 2026-09-01 --to 2026-09-07 --campus lincoln-hs",
    )
    parser.add_argument("--from", dest="since", type=day, required=True, metavar="DATE")
    parser.add_argument("--to", dest="until", type=day, required=True, metavar="DATE")
    parser.add_argument("--campus", metavar="ID", help="only this campus")
    parser.add_argument("--reason", default="evaluated again", help="what the ledger says beside each change")
    parser.add_argument(
        "--processes", type=count, metavar="N", help="how many processes judge (default: one a processor)"
    )
    parser.add_argument("--json", action="store_true", help="print the result for a script")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    if arguments.since > arguments.until:
        raise wrong_use(f"--from {arguments.since} is after --to {arguments.until}", "exchange the two")
    body = {
        "from": arguments.since.isoformat(),
        "to": arguments.until.isoformat(),
        "campus": arguments.campus,
        "reason": arguments.reason,
        "processes": arguments.processes,
    }
    with progress("judged again") as shown:
        result = perform(arguments, "evaluate", body, shown)
    if arguments.json:
        print_json(result)
    else:
        say(f"{result['slots']} slots of {result['campus_days']} campus-days judged, {result['changed']} changed")
    return 0
