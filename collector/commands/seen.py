"""``seen``: what the inventory lists and nobody ever saw, and what was heard that no list has."""

from __future__ import annotations

import argparse
import sys
import time

from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from collector.commands.console import cell, err, out, print_json, say, table, wrong_use
from collector.commands.present import open_store, settings
from collector.expected.as_rows import as_csv, rows
from collector.expected.looked_up import UnknownCampus, look
from collector.expected.seen import Missing
from collector.holding import held_at

SHOWN = 60
WORDS = {
    "never_answered": "never answered",
    "never_heard": "radio never heard",
    "unlisted": "in no list",
    "never_measured": "room never measured",
    "agent_without_place": "agent without a room",
}


def add_parser(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser(
        "seen",
        help="expected against seen: access points, radios and rooms that nobody ever saw, BSSIDs that nobody listed",
        description="An access point that never answered any agent may be closed off or in a box: since when it could "
        "have answered is said. `in no list` are BSSIDs that advertise one of the campus's SSIDs.",
        epilog="example: wifi-collector seen lincoln-hs",
    )
    parser.add_argument("campus", nargs="?")
    parser.add_argument("--all", action="store_true", help="every campus")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="one JSON object")
    form.add_argument("--csv", action="store_true", help="CSV, one finding a row")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    if bool(arguments.campus) == arguments.all:
        raise wrong_use("which campus?", "name one, or give --all")
    found = _found(arguments)
    if arguments.json:
        print_json({"campuses": [one.as_json() for one in found]})
    elif arguments.csv:
        sys.stdout.write(as_csv(found))
    elif arguments.all:
        _show_all(found)
    else:
        _show(found[0])
    return 0


def _found(arguments: argparse.Namespace) -> list[Missing]:
    now = time.time()
    terminal = err()
    bar = Progress(
        TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn(),
        console=terminal, transient=True, disable=not terminal.is_terminal,
    )  # fmt: skip
    with open_store(settings(arguments)) as store, store.read() as connection, bar:
        held = held_at(connection, now)
        if held is None:
            raise wrong_use("nothing is imported yet", "wifi-collector import campuses FILE --apply")
        task = bar.add_task("looking", total=len(held.inventory.campuses) if arguments.all else 1)
        try:
            return list(look(connection, held, now, arguments.campus, lambda: bar.advance(task)))
        except UnknownCampus as fault:
            raise wrong_use(str(fault), "`wifi-collector seen --all` lists the campuses") from None


def _show(found: Missing) -> None:
    say(f"{found.campus}, {found.name}" + (" (simulated)" if found.simulated else ""))
    say(f"record since {found.record_from}" if found.record_from else "no agent has ever measured here")
    answered = found.access_points - len(found.never_answered)
    say(f"{answered} of {found.access_points} access points answered, {found.rooms - len(found.never_measured)} of "
        f"{found.rooms} rooms were measured")  # fmt: skip
    if found.without_bssids:
        say(
            f"{found.without_bssids} access points have no BSSID in the list: whether their radio is heard is not known"
        )
    listed = list(rows(found))
    if not listed:
        say("everything that is listed was seen, and nothing else")
        return
    shown = table(f"{len(listed)} findings", "finding", "what", "name", "address or room", "since", "detail")
    for _, finding, id_, name, address, place, since, until, detail in listed[:SHOWN]:
        when = f"{since} to {until}" if until else since or "-"
        what = str(id_)[:12] if finding == "agent_without_place" else id_
        texts = (WORDS[str(finding)], what, name, address or place or "", when, detail)
        shown.add_row(*(cell(text) for text in texts))
    out().print(shown)
    if len(listed) > SHOWN:
        say(f"and {len(listed) - SHOWN} more findings (--csv lists them all)")


def _show_all(found: list[Missing]) -> None:
    columns = ("access points", "never answered", "never heard", "in no list", "rooms", "never measured", "no room")
    shown = table(f"{len(found)} campuses, most findings first", "campus", "record since", *columns, right=columns)
    for one in sorted(found, key=lambda each: (-each.findings, each.campus))[:SHOWN]:
        counts = (
            one.access_points, len(one.never_answered), len(one.never_heard), len(one.unlisted), one.rooms,
            len(one.never_measured), len(one.agents_without_place),
        )  # fmt: skip
        shown.add_row(cell(one.campus), cell((one.record_from or "-")[:10]), *(cell(count) for count in counts))
    out().print(shown)
    if len(found) > SHOWN:
        say(f"and {len(found) - SHOWN} more campuses (--csv or --json lists them all)")
