"""``import campuses`` with the California school directory: which of its schools count, and which sites are one.

The file is read here and only the chosen schools go to the server: what it says of administrators never leaves a row.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import msgspec

from collector.commands.console import cell, out, say, table, wrong_use
from collector.grades import HIGHEST, LOWEST
from collector.lists import directory, directory_import, wanted
from collector.lists.cells import BadCell
from collector.lists.directory_import import Outcome, Schools
from collector.lists.sheet import Advance
from collector.lists.wanted import Chosen, Wanted

SHOWN_PROPOSED = 40
_GRADES = {LOWEST: "TK", 0: "K"}
_YES_NO = {"yes": True, "no": False}


def add_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("the California school directory (import campuses, text or xlsx)")
    group.add_argument("--charters", choices=_YES_NO, default="no", help="independent charters too (default: no)")
    group.add_argument("--virtual", choices=_YES_NO, default="no", help="exclusively virtual schools too (default: no)")
    group.add_argument("--grades", type=_grades, default=(LOWEST, HIGHEST), metavar="SPAN", help="default: TK-12")
    group.add_argument("--district", default="", metavar="CODE", help="of a file with several: 7 digits, or its name")
    group.add_argument("--ids", type=Path, metavar="FILE", help="your own campus ids: CSV with cds_code,id")
    group.add_argument(
        "--join-within", type=_metres, default=0.0, metavar="METRES", help="confirm that sites so near are one campus"
    )


def recognised(path: Path) -> bool:
    with path.open("rb") as file:
        return directory.recognised(file.read(1 << 16))


def read(arguments: argparse.Namespace, advance: Advance) -> tuple[Schools, Chosen]:
    """What to ask the server with. Raises Refused."""
    with arguments.file.open("rb") as file:
        listed = directory.read(str(arguments.file), file, advance)
    rules = Wanted(_YES_NO[arguments.charters], _YES_NO[arguments.virtual], arguments.grades, arguments.district)
    try:
        chosen = wanted.choose(listed, rules)
    except BadCell as fault:
        raise wrong_use(f"{arguments.file}: {fault.reason}", fault.mend) from None
    ids = {}
    if arguments.ids:
        try:
            ids = directory_import.ids(str(arguments.ids), arguments.ids.read_bytes(), listed)
        except OSError as fault:
            raise wrong_use(f"{arguments.ids} cannot be read: {fault.strerror}", "check its name") from None
    return Schools(chosen.schools, chosen.closed, ids, arguments.join_within), chosen


def as_body(asked: Schools) -> dict[str, Any]:
    built: dict[str, Any] = msgspec.to_builtins(asked)
    return built


def summary(chosen: Chosen, found: Outcome) -> dict[str, Any]:
    """For a script."""
    return {
        "schools": chosen.counts,
        "addresses": found.addresses,
        "campuses": len(found.proposal.inventory.campuses),
        "proposed": [
            {"metres": round(pair.metres, 1), "first": pair.first.id, "second": pair.second.id}
            for pair in found.proposed
        ],
        "notes": found.notes,
    }


def show(arguments: argparse.Namespace, chosen: Chosen, found: Outcome) -> None:
    counts = dict(chosen.counts)
    listed, active, taken = (counts.pop(name) for name in ("listed", "active", "taken"))
    say(f"{listed:,} schools listed, {active:,} active schools; left out: {_left_out(counts)}")
    lowest, highest = (_GRADES.get(grade, str(grade)) for grade in arguments.grades)
    kind = "" if _YES_NO[arguments.charters] else "district-run "
    say(f"{taken:,} {kind}{lowest}-{highest} schools at {found.addresses:,} addresses")
    if found.proposed:
        title = f"{len(found.proposed)} pairs of sites that may be one campus (--join-within METRES confirms)"
        shown = table(title, "metres", "one", "address", "other", "address", right=("metres",))
        for pair in found.proposed[:SHOWN_PROPOSED]:
            row = [f"{pair.metres:.0f}"]
            for site in (pair.first, pair.second):
                row += [site.id, site.oldest.street]
            shown.add_row(*(cell(text) for text in row))
        out().print(shown)
        if len(found.proposed) > SHOWN_PROPOSED:
            say(f"and {len(found.proposed) - SHOWN_PROPOSED} more pairs (--json lists them all)")
    for note in found.notes:
        say(f"look at {note}")


def _left_out(counts: dict[str, int]) -> str:
    return ", ".join(f"{count:,} {reason}" for reason, count in counts.items()) or "none"


def _grades(text: str) -> tuple[int, int]:
    try:
        return wanted.grades(text)
    except ValueError as fault:
        raise argparse.ArgumentTypeError(str(fault)) from None


def _metres(text: str) -> float:
    try:
        metres = float(text)
    except ValueError:
        metres = -1.0
    if not 0 < metres <= 1000:
        raise argparse.ArgumentTypeError(f"{text!r} is no distance between 0 and 1000 metres")
    return metres
