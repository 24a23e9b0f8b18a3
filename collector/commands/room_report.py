"""``room-report``: somebody says that a room is bad; the room is to be surveyed within five school days."""

from __future__ import annotations

import argparse
import time
from typing import Any

from collector.commands.console import cell
from collector.commands.present import open_store, settings
from collector.commands.records import Cell, act, acting, listing, show
from collector.commands.when import instant
from collector.incidents import room_reports
from collector.incidents.room_reports import REVIEWS

_STYLES = {"overdue": "red", "due": "yellow", "done": "green"}


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
    review.set_defaults(run=_review)
    acting(add, "who says so (default: you)")
    acting(review, "who has read them (default: you)")
    listing(shown)


def _add(arguments: argparse.Namespace) -> int:
    body = {"place": arguments.room, "text": arguments.text, "noticed_at": arguments.noticed}
    return act(arguments, "room-report-add", body, _kept)


def _kept(done: dict[str, Any]) -> str:
    with_ = f", kept with incident {done['incident']}" if done["incident"] is not None else ""
    return f"{done['place']} is to be surveyed by {done['survey_due']}{with_} (report {done['room_report']})"


def _review(arguments: argparse.Namespace) -> int:
    said = f"room report {arguments.report}: its words are {arguments.said}"
    body = {"report": arguments.report, "as": arguments.said}
    return act(arguments, "room-report-review", body, lambda _: said)


def _list(arguments: argparse.Namespace) -> int:
    with open_store(settings(arguments)) as store:
        found = room_reports.listed(store, now=time.time(), campus=arguments.campus)
    if arguments.due:
        found = [one for one in found if one["survey"] != "done"]
    columns = ("id", "room", "survey by", "survey", "incident", "what was said", "words", "by")
    return show(arguments, "room reports", found, columns, _row)


def _row(one: dict[str, Any]) -> tuple[Cell, ...]:
    return (
        one["id"],
        one["place"],
        one["survey_due"],
        cell(one["survey"], _STYLES[one["survey"]]),
        one["incident"] if one["incident"] is not None else "-",
        one["text"],
        one["review"] or "not read yet",
        one["by"],
    )
