"""``commitment --why``: what was short or unknown, when, by which criterion, for which cause and evidence."""

from __future__ import annotations

from typing import Any

from collector.commands.console import cell, out, say, table
from collector.commands.figures import ANSWERS, some


def show_why(answer: dict[str, Any]) -> None:
    for campus in answer["campuses"]:
        why = campus["why"]
        if not why["spans"] and not why["days"] and not why["rooms_never_measured"]:
            continue
        say("")
        say(f"{campus['campus']} ({campus['name']}): {ANSWERS[campus['verdict']][0]}")
        if why["spans"]:
            shown = table("", "day", "from", "to", "verdict", "cause", "criterion", "failing", "missing evidence")
            for span in why["spans"]:
                criteria = span["criteria"] or [{"id": "-", "failing": [], "missing": []}]
                for at, criterion in enumerate(criteria):
                    head = [span["day"], span["from"], span["to"], span["verdict"], span["cause"] or "-"]
                    shown.add_row(
                        *(cell(text if at == 0 else "") for text in head),
                        cell(criterion["id"]),
                        cell(some(criterion["failing"])),
                        cell(some(criterion["missing"])),
                    )
            out().print(shown)
        _show_days(campus)
        if why["rooms_never_measured"]:
            say(f"rooms never measured: {some(why['rooms_never_measured'], 12)}")


def _show_days(campus: dict[str, Any]) -> None:
    for one_day in campus["why"]["days"]:
        ids = ", ".join(f"{one['id']} {one['met']} of {one['of']} rooms" for one in one_day["criteria"])
        said = f"; {one_day['cause']}: {one_day['cause_evidence']}" if one_day["cause"] else ""
        say(f"school day {one_day['day']} {one_day['verdict']}: {ids}{said}")
    if campus["day_outcomes"]:
        say("tries: " + ", ".join(f"{key} {count}" for key, count in campus["day_outcomes"].items()))
    for line in campus["coverage"]:
        if line["rooms_short"]:
            say(f"{line['title']}: short in {some(line['rooms_short'], 12)}")
