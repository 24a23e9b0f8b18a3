"""``commitment``: the answer. Which campuses meet the commitment, which fall short, by how much, and how we know."""

from __future__ import annotations

import argparse
import sys
import time
from typing import Any

from collector import answers
from collector.answers_csv import as_csv
from collector.commands.console import cell, out, print_json, say, table, wrong_use
from collector.commands.present import open_store, settings
from collector.commands.when import day, span

WORDS = {
    "falls_short": ("falls short", "bold red"),
    "not_enough_evidence": ("not enough evidence", "yellow"),
    "meets": ("meets", "green"),
}


def add_parser(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser(
        "commitment",
        help="the answer: which campuses meet the commitment, as bounds, and why",
        description="The share of instructional time in which the policy was met, for each campus: at least the lower "
        "bound, at most the upper one; between them lies the time without enough evidence.",
        epilog="example: wifi-collector commitment --from 2026-09-01 --to 2026-09-30 --why",
    )
    parser.add_argument("--from", dest="since", type=day, metavar="DATE", help="first day (default: the first kept)")
    parser.add_argument("--to", dest="until", type=day, metavar="DATE", help="last day (default: today)")
    parser.add_argument("--campus", metavar="ID")
    parser.add_argument("--why", action="store_true", help="what was short, when, and which evidence is missing")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="one JSON object")
    form.add_argument("--csv", action="store_true", help="CSV for a spreadsheet")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    if arguments.since and arguments.until and arguments.since > arguments.until:
        raise wrong_use(f"--from {arguments.since} is after --to {arguments.until}", "exchange the two")
    config = settings(arguments)
    with open_store(config) as store:
        try:
            answer = answers.commitment(
                store, arguments.since, arguments.until, arguments.campus, now=time.time(), why=arguments.why
            )
        except answers.UnknownCampus as fault:
            raise wrong_use(str(fault), "`wifi-collector commitment --json` lists the campuses") from None
    if arguments.json:
        print_json(answer)
    elif arguments.csv:
        sys.stdout.write(as_csv(answer))
    else:
        _show(answer)
        if arguments.why:
            _show_why(answer)
    return 0


def _show(answer: dict[str, Any]) -> None:
    real = [campus for campus in answer["campuses"] if not campus["simulated"]]
    simulated = [campus for campus in answer["campuses"] if campus["simulated"]]
    objective = f"{answer['objective']:.0%}"
    standing = [word for word in ("proposed", "back_dated") if answer.get(word)]
    words = f" ({', '.join(standing).replace('_', '-')})" if standing else ""
    say(
        f"Commitment {answer['from']} to {answer['to']}, policy {answer['policy']}{words}, "
        f"objective {objective} of class time"
    )
    for title, campuses in (("Campuses", real), ("SIMULATED campuses (in no total with real ones)", simulated)):
        if campuses:
            out().print(_campus_table(title, campuses))
    for campus in answer["campuses"]:
        _show_exclusions(campus)
    if not answer["campuses"]:
        say("no campuses: import them with `wifi-collector import campuses FILE --apply`")
    for name, total in (("real", answer["totals"]["real"]), ("simulated", answer["totals"]["simulated"])):
        if total["campuses"]:
            noun = "campus" if total["campuses"] == 1 else "campuses"
            say(
                f"{total['campuses']} {name} {noun}: {total['falls_short']} fall short, "
                f"{total['not_enough_evidence']} without enough evidence, {total['meets']} meet"
            )


def _campus_table(title: str, campuses: list[dict[str, Any]]) -> Any:
    right = ("met at least", "at most", "evidence", "class time", "school days met")
    rooms_said = ("rooms measured", "rooms covered")
    shown = table(title, "campus", "name", "answer", *right, *rooms_said, "counted from", right=right)
    for campus in campuses:
        words, style = WORDS[campus["verdict"]]
        rooms = campus["rooms"]
        shown.add_row(
            cell(campus["campus"]),
            cell(campus["name"]),
            cell(words, style),
            cell(percent(campus["met_ratio_lower"])),
            cell(percent(campus["met_ratio_upper"])),
            cell(percent(campus["evidence_ratio"])),
            cell(duration(campus["instructional_seconds"])),
            cell(_days(campus["days"])),
            cell(f"{rooms['measured']} of {rooms['listed']}"),
            cell(_covered(campus["coverage"])),
            cell(campus["record_from"] or "no agent yet"),
        )
    return shown


def _show_exclusions(campus: dict[str, Any]) -> None:
    """The table above counts planned work as any other time; this line says what the answer is without it."""
    without = campus["without_exclusions"]
    excluded = campus["instructional_seconds"] - without["instructional_seconds"]
    if not campus["exclusions"]:
        return
    say(
        f"{campus['campus']} without {duration(excluded)} of approved planned work: {WORDS[without['verdict']][0]}, "
        f"met at least {percent(without['met_ratio_lower'])}, at most {percent(without['met_ratio_upper'])}"
    )
    for one in campus["exclusions"]:
        say(f"  exclusion {one['id']}: {span(one['from_at'], one['to_at'])}, {one['reason']}")


def _days(days: dict[str, int]) -> str:
    """Only the policies that require something of a day count days."""
    return f"{days['met']} of {days['all']}" if days["all"] else "-"


def _covered(lines: list[dict[str, Any]]) -> str:
    """The line that the fewest rooms meet: a room is covered by all of them."""
    if not lines:
        return "-"
    worst = min(lines, key=lambda line: line["met"])
    return f"{worst['met']} of {worst['of']}, {worst['unknown']} unknown"


def _show_why(answer: dict[str, Any]) -> None:
    for campus in answer["campuses"]:
        why = campus["why"]
        if not why["spans"] and not why["days"] and not why["rooms_never_measured"]:
            continue
        say("")
        say(f"{campus['campus']} ({campus['name']}): {WORDS[campus['verdict']][0]}")
        if why["spans"]:
            shown = table("", "day", "from", "to", "verdict", "cause", "criterion", "failing", "missing evidence")
            for span in why["spans"]:
                criteria = span["criteria"] or [{"id": "-", "failing": [], "missing": []}]
                for at, criterion in enumerate(criteria):
                    head = [span["day"], span["from"], span["to"], span["verdict"], span["cause"] or "-"]
                    shown.add_row(
                        *(cell(text if at == 0 else "") for text in head),
                        cell(criterion["id"]),
                        cell(_some(criterion["failing"])),
                        cell(_some(criterion["missing"])),
                    )
            out().print(shown)
        _show_days(campus)
        if why["rooms_never_measured"]:
            say(f"rooms never measured: {_some(why['rooms_never_measured'], 12)}")


def _show_days(campus: dict[str, Any]) -> None:
    for one_day in campus["why"]["days"]:
        ids = ", ".join(f"{one['id']} {one['met']} of {one['of']} rooms" for one in one_day["criteria"])
        said = f"; {one_day['cause']}: {one_day['cause_evidence']}" if one_day["cause"] else ""
        say(f"school day {one_day['day']} {one_day['verdict']}: {ids}{said}")
    if campus["day_outcomes"]:
        say("tries: " + ", ".join(f"{key} {count}" for key, count in campus["day_outcomes"].items()))
    for line in campus["coverage"]:
        if line["rooms_short"]:
            say(f"{line['title']}: short in {_some(line['rooms_short'], 12)}")


def _some(names: list[str], most: int = 6) -> str:
    shown = ", ".join(names[:most])
    return f"{shown} and {len(names) - most} more" if len(names) > most else shown or "-"


def percent(ratio: float | None) -> str:
    """Cut, not rounded: 94.96 % must never read as the 95 % that would meet the objective."""
    return "-" if ratio is None else f"{int(ratio * 1000 + 1e-9) / 10:.1f} %"


def duration(seconds: float) -> str:
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60:02d} min"
