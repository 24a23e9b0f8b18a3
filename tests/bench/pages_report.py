"""The report's half of the pages' bench: a month's PDF of a large district, by the command as people type it.

    python -m tests.bench.pages_report [--campuses N] [--days N] [--form pdf|html]

A third of the campuses of tests/collector/board/sample_district.py fall short. Wall seconds and the largest resident
set of the one process. Limits: 60 s and 400 MB where 300 of 1,000 campuses fall short.
"""

import argparse
import datetime
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.collector.board.sample_district import TODAY, fill, open_store

ACCESS_POINTS, ROOMS = 40, 30


def measure(campuses: int, days: int, form: str = "pdf") -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        began = time.monotonic()
        with open_store(folder) as store:
            fill(store, campuses=campuses, simulated=0, days=days, access_points=ACCESS_POINTS, rooms=ROOMS)
        (folder / "collector.toml").write_text(f'data_dir = "{folder}"\n')
        print(f"report of {campuses} campuses, {days} days (store made in {time.monotonic() - began:.0f} s):")
        since = TODAY - datetime.timedelta(days=days - 1)
        collector = [sys.executable, "-m", "collector.cli", "--config", str(folder / "collector.toml")]
        asked = ["--from", str(since), "--to", str(TODAY), "--out", str(folder / f"month.{form}"), "--json"]
        command = [*collector, "report", *asked]
        with (folder / "said.json").open("wb") as said:
            began = time.monotonic()
            process = subprocess.Popen(command, stdout=said)
            _, status, used = os.wait4(process.pid, 0)
            took = time.monotonic() - began
        assert status == 0
        told = json.loads((folder / "said.json").read_text())
        print(f"  campuses with a page of their own {told['campus_pages']:8d}")
        print(f"  {form}, wall                       {took:12.1f} s    (limit 60)")
        print(f"  {form}, CPU                        {used.ru_utime + used.ru_stime:12.1f} s")
        print(f"  {form}, largest resident set       {used.ru_maxrss / 1000:12.0f} MB   (limit 400)")
        print(f"  {form}, file                       {told['bytes'] / 1e6:12.1f} MB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--campuses", type=int, default=1000)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--form", choices=("pdf", "html"), default="pdf")
    asked = parser.parse_args()
    measure(asked.campuses, asked.days, asked.form)


if __name__ == "__main__":
    main()
