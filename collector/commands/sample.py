"""``sample rooms``: which rooms to measure, drawn so that nobody can say they were picked."""

from __future__ import annotations

import argparse
import getpass

from collector.commands.administer import perform
from collector.commands.console import cell, out, print_json, say, table, wrong_use


def add_parser(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser("sample", help="draw rooms to measure")
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    rooms = actions.add_parser(
        "rooms",
        help="draw rooms of a campus by lot, spread over its buildings",
        description="The same list, number and seed draw the same rooms everywhere, so anybody can check a draw. Agree "
        "on the seed before you draw (a date, or a number thrown in front of both parties). Without --apply nothing "
        "is kept.",
        epilog="example: wifi-collector sample rooms lincoln-hs --n 12 --seed 2026-09-01 --apply",
    )
    rooms.add_argument("campus")
    rooms.add_argument("--n", type=int, required=True, metavar="N", help="how many rooms")
    rooms.add_argument("--seed", required=True, metavar="S", help="any text")
    rooms.add_argument("--by", default=None, metavar="NAME", help="who draws (default: your login)")
    rooms.add_argument("--apply", action="store_true", help="mark them as drawn; without this nothing is changed")
    rooms.add_argument("--json", action="store_true", help="print the result for a script")
    rooms.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    if not arguments.seed.strip() or not arguments.seed.isprintable() or len(arguments.seed) > 64:
        raise wrong_use("--seed is empty, too long or not printable", "give up to 64 letters, digits or signs")
    body = {
        "campus": arguments.campus,
        "n": arguments.n,
        "seed": arguments.seed,
        "by": arguments.by or getpass.getuser(),
        "apply": arguments.apply,
    }
    result = perform(arguments, "sample-rooms", body)
    if arguments.json:
        print_json(result)
        return 0
    shown = table(f"{result['n']} of {result['of']} rooms, seed {result['seed']}", "building", "room", "listed as")
    for room in result["drawn"]:
        shown.add_row(cell(room["building"]), cell(room["room"]), cell(room["was"]))
    out().print(shown)
    if result["drawn_earlier"]:
        say(f"drawn earlier and still marked: {', '.join(result['drawn_earlier'])}")
    if result["applied"]:
        say(f"marked as drawn by {body['by']}, valid from {result['valid_from']}")
    elif arguments.apply:
        say("these rooms are marked already: nothing changes")
    else:
        say("this was a dry run: give --apply to mark them")
    return 0
