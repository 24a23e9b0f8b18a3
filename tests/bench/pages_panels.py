"""What the dashboards' panels cost a Prometheus that holds a week of a large district: the slowest queries, medians.

    python -m tests.bench.pages_panels [--campuses N] [--detailed N] [--data FOLDER] [--rounds N]

1,000 campuses at campus level, 20 of them with access points, rooms and radios, in blocks made by promtool. The last
six hours, which a dashboard opens with, have a scrape every four minutes, the days before one in four hours, the last
two minutes one every 15 s; lines that are asked for now only, or of one campus, begin ten minutes before the end. Each
query is asked as its panel asks it: for now, or over six hours at the width of a screen. --data keeps the blocks, which
take minutes to make, for the next run. Limit: 1 s a query.
"""

import argparse
import contextlib
import json
import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from collector.alerting.alert import Terms
from tests.dashboards import queries, week
from tests.dashboards.server import Server, serving

LIMIT_SECONDS = 1.0
SIX_HOURS = 6 * 3600
SLOWEST = 5


def blocks(folder: Path, district: week.District) -> tuple[float, int]:
    """The end of the week in ``folder``, which is made where it does not stand, and how many samples it has."""
    told = folder / "told.json"
    if told.exists():
        known = json.loads(told.read_text())
        if known["district"] == list(district):
            return known["end"], known["samples"]
        raise SystemExit(f"{folder} holds another district {known['district']}: name another folder")
    (folder / "data").mkdir(parents=True)
    end = float(int(time.time()))
    when = week.moments(end - week.WEEK_SECONDS, end, (week.WEEK_SECONDS, 4 * 3600), (SIX_HOURS, 240), (120, 15))
    began = time.monotonic()
    samples = week.write_blocks(district, when, folder / "data", seldom_before=end - 600)
    print(f"made {samples / 1e6:.1f} million samples in {time.monotonic() - began:.0f} s")
    told.write_text(json.dumps({"district": list(district), "end": end, "samples": samples}))
    return end, samples


class Cost(NamedTuple):
    """Medians of one query: seconds until its answer, and seconds of the server's processors."""

    seconds: float
    cpu_seconds: float
    asked: queries.Asked
    series: int


def measured(server: Server, end: float, rounds: int) -> list[Cost]:
    """Each query, asked once uncounted and then ``rounds`` times, slowest first."""
    found = []
    for asked in queries.every():
        series = len(server.ask(asked, end, SIX_HOURS))
        taken, used = [], []
        for _ in range(rounds):
            began, before = time.perf_counter(), server.cpu_seconds()
            server.ask(asked, end, SIX_HOURS)
            taken.append(time.perf_counter() - began)
            used.append(server.cpu_seconds() - before)
        found.append(Cost(statistics.median(taken), statistics.median(used), asked, series))
    return sorted(found, reverse=True, key=lambda one: one.seconds)


def run(campuses: int = 1000, detailed: int = 20, data: Path | None = None, rounds: int = 5) -> bool:
    """Prints the figures; whether all are within the limit."""
    with contextlib.ExitStack() as ending:
        scratch = Path(ending.enter_context(tempfile.TemporaryDirectory()))
        folder = data or scratch / "week"
        end, samples = blocks(folder, week.District(campuses, detailed))
        server = ending.enter_context(serving(scratch, folder / "data", Terms()))
        found = measured(server, end, rounds)
        held = server.now('count({__name__=~"campus_wifi_.+"})', end)[0]["value"][1]
    told = f"{samples / 1e6:.1f} million samples, {held} series now"
    print(f"panels: a week of {campuses} campuses, {detailed} with access points; {told}")
    print(f"load {os.getloadavg()[0]:.1f}; median of {rounds}; limit {LIMIT_SECONDS:.0f} s a query")
    for one in found[:SLOWEST]:
        figures = f"{one.seconds * 1e3:7.0f} ms, {one.cpu_seconds * 1e3:5.0f} ms CPU"
        print(f"  {figures}  {one.asked.dashboard}: {one.asked.panel} ({one.series} series)")
    over = [one for one in found if one.seconds > LIMIT_SECONDS]
    print(f"  {len(found)} queries, {len(over)} over the limit")
    return not over


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--campuses", type=int, default=1000)
    parser.add_argument("--detailed", type=int, default=20)
    parser.add_argument("--data", type=Path, metavar="FOLDER", help="keep the blocks here, and use them again")
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args()
    raise SystemExit(0 if run(asked.campuses, asked.detailed, asked.data, asked.rounds) else 1)


if __name__ == "__main__":
    main()
