"""``commitment``: the answer. Which campuses meet the commitment, which fall short, by how much, and how we know."""

from __future__ import annotations

import argparse
import sys
import time

from collector.commands.commitment_tables import show, show_list
from collector.commands.commitment_why import show_why
from collector.commands.console import print_json, wrong_use
from collector.commands.present import open_store, settings
from collector.commands.when import day
from collector.commitment import answers, figure, lists
from collector.commitment.as_csv import as_csv
from collector.commitment.groups import BY
from collector.commitment.period import KINDS, UnknownPeriod


def add_parser(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser(
        "commitment",
        help="the answer: which campuses meet the commitment, as bounds, and why",
        description="The share of instructional time in which the policy was met, for each campus: at least the lower "
        "bound, at most the upper one; between them lies the time without enough evidence. The error budget is the "
        "class time that the objective lets be short, less what was.",
        epilog="example: wifi-collector commitment --period month:2026-10 --by region",
    )
    parser.add_argument(
        "--period",
        default="",
        metavar="KIND[:NAME]",
        help=f"{', '.join(KINDS)}; the one of today, or by name: month:2026-10, week:2026-W41, "
        "semester:2026-27/fall, school_year:2026-27",
    )
    parser.add_argument("--from", dest="since", type=day, metavar="DATE", help="first day (default: the first kept)")
    parser.add_argument("--to", dest="until", type=day, metavar="DATE", help="last day (default: today)")
    parser.add_argument("--campus", metavar="ID")
    parser.add_argument("--by", choices=BY, default="campus", help="what campuses are grouped by (default: campus)")
    parser.add_argument("--why", action="store_true", help="what was short, when, and which evidence is missing")
    parser.add_argument(
        "--rooms-over",
        type=_share,
        default=lists.ROOMS_OVER,
        metavar="SHARE",
        help=f"list rooms short for more than this share of class time (default: {lists.ROOMS_OVER})",
    )
    parser.add_argument(
        "--evidence-floor",
        type=_share,
        default=lists.EVIDENCE_FLOOR,
        metavar="SHARE",
        help=f"list campuses with evidence for less of their class time (default: {lists.EVIDENCE_FLOOR})",
    )
    parser.add_argument("--list", dest="listed", choices=lists.NAMES, help="only this list, as table, CSV or JSON")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="one JSON object")
    form.add_argument(
        "--figure",
        metavar="PATH",
        help="only this figure, as --json has it: totals.real.falls_short, campuses.0.met_ratio_lower",
    )
    form.add_argument("--csv", action="store_true", help="CSV for a spreadsheet: campuses, the groups or the list")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    if arguments.since and arguments.until and arguments.since > arguments.until:
        raise wrong_use(f"--from {arguments.since} is after --to {arguments.until}", "exchange the two")
    if arguments.period and (arguments.since or arguments.until):
        raise wrong_use("--period and --from or --to say two things", "leave one of them out")
    config = settings(arguments)
    asked = answers.Asked(
        period=arguments.period,
        campus=arguments.campus,
        by=arguments.by,
        why=arguments.why,
        rooms_over=arguments.rooms_over,
        evidence_floor=arguments.evidence_floor,
        term=config.term,
    )
    with open_store(config) as store:
        try:
            answer = answers.answer(store, asked, now=time.time(), since=arguments.since, until=arguments.until)
        except answers.UnknownCampus as fault:
            raise wrong_use(str(fault), "`wifi-collector commitment --json` lists the campuses") from None
        except UnknownPeriod as fault:
            raise wrong_use(fault.reason, fault.mend) from None
    if arguments.figure is not None:
        try:
            print_json(figure.at(answer, arguments.figure))
        except figure.UnknownFigure as fault:
            raise wrong_use(fault.reason, fault.mend) from None
    elif arguments.json:
        print_json(answer["lists"][arguments.listed] if arguments.listed else answer)
    elif arguments.csv:
        sys.stdout.write(as_csv(answer, arguments.listed))
    elif arguments.listed:
        show_list(answer, arguments.listed)
    else:
        show(answer)
        if arguments.why:
            show_why(answer)
    return 0


def _share(text: str) -> float:
    try:
        share = float(text)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no share from 0 to 1, like 0.1")
    return share
