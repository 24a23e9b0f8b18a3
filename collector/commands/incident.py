"""``incident``: what went wrong at a campus, what was done about it and when, and how long each step takes."""

from __future__ import annotations

import argparse
import time
from typing import Any

from collector.commands.console import Failure, cell, out, print_json, say, table
from collector.commands.figures import duration
from collector.commands.present import open_store, settings
from collector.commands.records import Cell, act, acting, show
from collector.commands.when import day, instant, moment, span
from collector.incidents import answers
from collector.incidents.acts import STEPS


def add_parser(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser(
        "incident",
        help="faults, the steps taken about them, and how long those took",
        description="The judge opens an incident when a campus is short for three slots of class in a row and closes "
        "it after three that are met. People add the steps.",
        epilog="example: wifi-collector incident list --open",
    )
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    _reading(actions)
    ack = _acting(actions, "ack", "say that somebody takes care of it", "17 --by ana")
    ack.set_defaults(run=_step, step="acknowledged")
    step = _acting(actions, "step", "say what was done: " + ", ".join(STEPS), "17 on_site --at 2026-09-15T10:20-07:00")
    step.add_argument("step", choices=STEPS)
    step.set_defaults(run=_step)
    for one in (ack, step):
        one.add_argument("--at", type=instant, metavar="TIME", help="when (ISO 8601 with its zone; default: now)")
        one.add_argument("--note", metavar="TEXT", default="")
    note = _acting(actions, "note", "add a note", '17 "the switch is on order"')
    note.add_argument("note", metavar="TEXT")
    note.set_defaults(run=_note)
    close = _acting(actions, "close", "the last word", '17 --as confirmed --reason "switch replaced"')
    close.add_argument("--as", dest="resolution", choices=("confirmed", "false"), required=True)
    close.add_argument("--reason", metavar="TEXT", required=True)
    close.set_defaults(run=_close)


def _reading(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    listed = actions.add_parser(
        "list", help="incidents, newest first", epilog="example: wifi-collector incident list --open --campus lincoln"
    )
    listed.add_argument("--campus", metavar="ID")
    listed.add_argument("--open", dest="only_open", action="store_true", help="only those that last")
    listed.set_defaults(run=_list)
    show = actions.add_parser("show", help="one with its steps", epilog="example: wifi-collector incident show 17")
    show.add_argument("incident", type=int, metavar="ID")
    show.set_defaults(run=_show)
    figures = actions.add_parser(
        "figures",
        help="medians and counts of each step, by campus and region",
        epilog="example: wifi-collector incident figures --from 2026-09-01 --to 2026-09-30",
    )
    figures.set_defaults(run=_figures)
    for one in (listed, figures):
        one.add_argument("--from", dest="since", type=day, metavar="DATE")
        one.add_argument("--to", dest="until", type=day, metavar="DATE")
    for one in (listed, show, figures):
        one.add_argument("--json", action="store_true", help="print it for a script")


def _acting(
    actions: argparse._SubParsersAction[argparse.ArgumentParser], name: str, help_text: str, example: str
) -> argparse.ArgumentParser:
    one = actions.add_parser(name, help=help_text, epilog=f"example: wifi-collector incident {name} {example}")
    one.add_argument("incident", type=int, metavar="ID")
    acting(one, "who did it (default: you)")
    return one


def _step(arguments: argparse.Namespace) -> int:
    body = {"step": arguments.step, "at": arguments.at, "note": arguments.note}
    return _acted(arguments, "incident-step", body, arguments.step)


def _note(arguments: argparse.Namespace) -> int:
    return _acted(arguments, "incident-note", {"note": arguments.note}, "noted")


def _close(arguments: argparse.Namespace) -> int:
    body = {"as": arguments.resolution, "reason": arguments.reason}
    return _acted(arguments, "incident-close", body, f"closed as {arguments.resolution}")


def _acted(arguments: argparse.Namespace, verb: str, body: dict[str, Any], said: str) -> int:
    one = arguments.incident
    return act(arguments, verb, body | {"incident": one}, lambda done: f"incident {one}: {said}, by {done['by']}")


def _list(arguments: argparse.Namespace) -> int:
    period = arguments.since, arguments.until
    with open_store(settings(arguments)) as store:
        found = answers.listed(
            store, period, arguments.campus, now=time.time(), only_open=arguments.only_open, names=True
        )
    columns = ("id", "state", "campuses", "time", "cause", "class lost", "last step")
    return show(arguments, "incidents", found, columns, _row)


def _row(one: dict[str, Any]) -> tuple[Cell, ...]:
    state = one["resolution"] or one["state"]
    steps = [step["step"] for step in one["steps"] if step["step"] != "note"]
    return (
        one["id"],
        cell(state, "red" if one["state"] == "open" else ""),
        ", ".join(part["campus"] for part in one["campuses"]),
        span(one["from_at"], one["to_at"]),
        one["cause"] or "-",
        duration(one["lost_seconds"]),
        steps[-1] if steps else "-",
    )


def _show(arguments: argparse.Namespace) -> int:
    with open_store(settings(arguments)) as store:
        one = answers.one_of(store, arguments.incident, now=time.time(), names=True)
    if one is None:
        raise Failure(f"no incident {arguments.incident}", "see `wifi-collector incident list`", 2)
    if arguments.json:
        print_json(one)
        return 0
    resolution = f", {one['resolution']}: {one['resolution_reason']}" if one["resolution"] else ""
    say(f"incident {one['id']} ({one['scope']}): {one['state']}{resolution}")
    say(f"{span(one['from_at'], one['to_at'])}; cause: {one['cause'] or 'not known'} {one['cause_evidence']}".rstrip())
    for part in one["campuses"]:
        where = ", ".join([*part["rooms"], *part["access_points"]])
        say(f"  {part['campus']}: {duration(part['lost_seconds'])} of class lost{'; ' + where if where else ''}")
    for step in one["steps"]:
        say(f"  {moment(step['at'])} {step['step']} by {step['by']}{': ' + step['note'] if step['note'] else ''}")
    for report in one["reports"]:
        say(f"  {report['place']} reported by {report['by']}: {report['text']}")
    return 0


def _figures(arguments: argparse.Namespace) -> int:
    with open_store(settings(arguments)) as store:
        answer = answers.figures_of(store, (arguments.since, arguments.until), now=time.time())
    if arguments.json:
        print_json(answer)
        return 0
    for title, key in (("campuses", "campus"), ("regions", "region")):
        if not answer[title]:
            continue
        names = list(answer[title][0]["steps"])
        shown = table(f"Median time from the begin, by {key} (how many)", key, "incidents", "class lost", *names)
        for one in answer[title]:
            marked = f"{one[key] or '-'}{' (SIMULATED)' if one['simulated'] else ''}"
            shown.add_row(
                cell(marked),
                cell(one["incidents"]),
                cell(duration(one["lost_seconds"])),
                *(cell(_median(one["steps"][name])) for name in names),
            )
        out().print(shown)
    left = ", ".join(f"{count} {why.replace('_', ' ')}" for why, count in answer["left_out"].items())
    say(f"in no figure: {left}")
    return 0


def _median(step: dict[str, Any]) -> str:
    return "-" if step["median_seconds"] is None else f"{duration(step['median_seconds'])} ({step['count']})"
