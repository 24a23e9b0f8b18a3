"""What the pages cost: the board's and the dashboards' panels over real HTTP, and a month's report as PDF.

    python -m tests.bench.pages [--only board|panels|report] [--campuses N] [--days N] [--rate N] [--seconds N]

The parts are tests/bench/pages_board.py, pages_panels.py and pages_report.py; the second makes its week for minutes.
Limits: district page of 1,000 campuses 100 ms at the 95th percentile at 20 requests a second and 100 kB over the wire;
campus page 60 ms at the 95th percentile; 1 s a panel's query; 60 s and 400 MB a month's PDF where 300 of 1,000 campuses
fall short.
"""

import argparse

from tests.bench import pages_board, pages_panels, pages_report


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=("board", "panels", "report"), help="default: all")
    parser.add_argument("--campuses", type=int, default=1000)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--rate", type=float, default=20.0, help="requests a second")
    parser.add_argument("--seconds", type=float, default=30.0, help="how long each page is asked for")
    asked = parser.parse_args()
    if asked.only in (None, "board"):
        pages_board.measure(asked.campuses, asked.days, asked.rate, asked.seconds)
    if asked.only in (None, "report"):
        pages_report.measure(asked.campuses, asked.days)
    if asked.only in (None, "panels"):
        pages_panels.run(asked.campuses)


if __name__ == "__main__":
    main()
