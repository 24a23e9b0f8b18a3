"""`python -m tests.month`: a simulated school month of forty campuses, lived by the real programs and judged against an
outside oracle. Prints a line for each campus and each proof; ends with 1 where anything differs.

    python -m tests.month                    # forty campuses, October 2026: half an hour on two busy cores
    python -m tests.month --small            # six campuses, one week, each fault once
    python -m tests.month --keep DIR         # leaves the store there, for policy try, verify and the board
"""

import argparse
import os
import shutil
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from tests.month import proofs
from tests.month.compare import Row
from tests.month.lived import lived, memory
from tests.month.placed_faults import month, week

SHARED = Path(os.environ.get("CAMPUS_WIFI_SHARED", Path(__file__).resolve().parents[3] / "shared"))
WORDS = {"meets": "meets", "falls_short": "falls short", "not_enough_evidence": "not enough evidence"}


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.month", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--small", action="store_true", help="six campuses and one week")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="live in this new folder, and leave it")
    parser.add_argument("--directory", type=Path, default=SHARED / "data" / "lausd_2018-06.tsv", metavar="FILE",
                        help="the school directory to draw campuses from (default: beside the repository)")  # fmt: skip
    parser.add_argument("--no-bundle", action="store_true", help="without the empty environment, which needs packages")
    arguments = parser.parse_args()
    if arguments.keep and arguments.keep.exists():
        parser.error(f"{arguments.keep} exists already: name a new folder")
    plan = week() if arguments.small else month()
    console = Console(width=160 if not Console().is_terminal else None, highlight=False)
    folder = arguments.keep or Path(tempfile.mkdtemp(prefix="campus-wifi-month-", dir=memory()))
    folder.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    directory = arguments.directory if arguments.directory.exists() else None
    try:
        with _bar(console) as tell:
            world, rows = lived(plan, folder, directory, tell=tell)
            seconds = time.monotonic() - began
            campus = world.campuses[plan.bundle]["id"]
            found = [proofs.verify(world), proofs.spoiled(world, campus)]
            if not arguments.no_bundle:
                found.append(proofs.carried_away(proofs.export(world, campus), folder / "laptop"))
        console.print(_table(rows))
        decided = sum(row.decided for row in rows)
        agreed = sum(not row.faults for row in rows)
        said = sum(len(row.expected) == 1 for row in rows)
        where = directory.name if directory else "made up: no school directory is at hand"
        console.print(f"{len(rows)} simulated campuses ({where}), {plan.days[0]} to {plan.days[-1]}, "
                      f"{sum(row.slots for row in rows):,} slots of class, {world.reports:,} reports")  # fmt: skip
        rate = world.reports / seconds
        console.print(f"lived and judged in {seconds:.0f} s, {rate:.0f} reports a second end to end; "
                      f"all in {time.monotonic() - began:.0f} s")  # fmt: skip
        console.print(f"{agreed} of {len(rows)} campuses agree with the oracle, which decides the verdict of {said}")
        console.print(f"{decided} of {len(rows)} campuses have a decided verdict ({decided / len(rows):.0%})")
        for row in rows:
            for fault in row.faults[:10]:
                console.print(f"  DIFFERS {row.campus}: {fault}", style="red")
        for proof in found:
            console.print(f"{'held' if proof.held else 'FAILED'}: {proof.what}", style="" if proof.held else "red")
            console.print("\n".join(f"    {line}" for line in proof.said.splitlines()[:6]))
        if arguments.keep:
            console.print(
                f"kept: wifi-collector --config {world.config} commitment --from {plan.days[0]} --to {plan.days[-1]}"
            )
        return 0 if agreed == len(rows) and all(proof.held for proof in found) else 1
    finally:
        if not arguments.keep:
            shutil.rmtree(folder, ignore_errors=True)


def _bar(console: Console):
    return _Bar(console)


class _Bar:
    """A bar with the time that is left, on a terminal; elsewhere a line for each twentieth."""

    def __init__(self, console: Console) -> None:
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
        )
        self._progress = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
        self._console = console
        self._told = -1

    def __enter__(self):
        self._progress.start()
        self._task = self._progress.add_task("the district is set up", total=1.0)
        return self._tell

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def _tell(self, done: float, text: str) -> None:
        self._progress.update(self._task, completed=done, description=text)
        if not self._console.is_terminal and int(done * 20) > self._told:
            self._told = int(done * 20)
            self._console.print(f"{done:4.0%} {text}")


def _table(rows: list[Row]) -> Table:
    table = Table(title="What the system says, and what is true", title_justify="left")
    for column in ("campus", "what was wrong", "answer", "the oracle", "met at least", "at most", "truth", ""):
        table.add_column(column, justify="right" if column in ("met at least", "at most", "truth") else "left")
    for row in rows:
        expected = " or ".join(WORDS[one] for one in sorted(row.expected))
        table.add_row(
            row.campus, ", ".join(row.kinds) or "-", WORDS[row.verdict], expected,
            f"{row.lower:.2%}", f"{row.upper:.2%}", f"{row.truth:.2%}",
            "agrees" if not row.faults else f"DIFFERS in {len(row.faults)}",
            style="" if not row.faults else "red",
        )  # fmt: skip
    return table


if __name__ == "__main__":
    raise SystemExit(main())
