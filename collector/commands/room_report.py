"""``room-report``: somebody says that a room is bad; the room is to be surveyed within five school days."""

from __future__ import annotations

import argparse
import getpass
import time

from collector.commands.administer import perform
from collector.commands.console import cell, out, print_json, say, table
from collector.commands.present import open_store, settings
from collector.commands.when import instant
from collector.incidents import room_reports
from collector.incidents.room_reports import REVIEWS


def add_parser(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser(
        "room-report",
        help="what people say of a room, and the surveys that are due for it",
        description="A report changes no verdict. It is kept with the campus's open incident, if there is one, and "
        "asks for a survey. Write nobody's name into it.",
        epilog="example: wifi-collector room-report list",
    )
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    add = actions.add_parser(
        "add",
        help="keep a report",
        epilog='example: wifi-collector room-report add --room lincoln/main/101 --text "no Wi-Fi by the window"',
    )
    add.add_argument("--room", metavar="CAMPUS/BUILDING/ROOM", required=True)
    add.add_argument("--text", required=True)
    add.add_argument("--noticed", type=instant, metavar="TIME", help="when it was bad (ISO 8601 with its zone)")
    add.add_argument("--by", metavar="WHO", default=getpass.getuser(), help="who says so (default: you)")
    add.set_defaults(run=_add)
    shown = actions.add_parser(
        "list",
        help="reports, the earliest due survey first",
        epilog="example: wifi-collector room-report list --due",
    )
    shown.add_argument("--campus", metavar="ID")
    shown.add_argument("--due", action="store_true", help="only those whose room was not measured since")
    shown.set_defaults(run=_list)
    review = actions.add_parser(
        "review",
        help="say what may become of a report's words",
        description="Nobody but operators reads the words of a report before one of them has. `shown` lets the board "
        "show them, `withheld` does not, `erased` takes them away for good: the report itself stays.",
        epilog="example: wifi-collector room-report review 17 --as shown",
    )
    review.add_argument("report", type=int, metavar="ID")
    review.add_argument("--as", dest="said", choices=REVIEWS, required=True)
    review.add_argument("--by", metavar="WHO", default=getpass.getuser(), help="who has read them (default: you)")
    review.set_defaults(run=_review)
    for action in (add, shown, review):
        action.add_argument("--json", action="store_true", help="print it for a script")


def _add(arguments: argparse.Namespace) -> int:
    body = {"place": arguments.room, "text": arguments.text, "by": arguments.by, "noticed_at": arguments.noticed}
    result = perform(arguments, "room-report-add", body)
    if arguments.json:
        print_json(result)
    else:
        with_ = f", kept with incident {result['incident']}" if result["incident"] is not None else ""
        say(f"{result['place']} is to be surveyed by {result['survey_due']}{with_} (report {result['room_report']})")
    return 0


def _review(arguments: argparse.Namespace) -> int:
    body = {"report": arguments.report, "as": arguments.said, "by": arguments.by}
    result = perform(arguments, "room-report-review", body)
    if arguments.json:
        print_json(result)
    else:
        say(f"room report {arguments.report}: its words are {arguments.said}")
    return 0


def _list(arguments: argparse.Namespace) -> int:
    with open_store(settings(arguments)) as store:
        found = room_reports.listed(store, now=time.time(), campus=arguments.campus)
    if arguments.due:
        found = [one for one in found if one["survey"] != "done"]
    if arguments.json:
        print_json(found)
        return 0
    if not found:
        say("no room reports")
        return 0
    styles = {"overdue": "red", "due": "yellow", "done": "green"}
    shown = table(
        f"{len(found)} room reports", "id", "room", "survey by", "survey", "incident", "what was said", "words", "by"
    )
    for one in found:
        shown.add_row(
            cell(one["id"]),
            cell(one["place"]),
            cell(one["survey_due"]),
            cell(one["survey"], styles[one["survey"]]),
            cell(one["incident"] if one["incident"] is not None else "-"),
            cell(one["text"]),
            cell(one["review"] or "not read yet"),
            cell(one["by"]),
        )
    out().print(shown)
    return 0
