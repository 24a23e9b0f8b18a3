"""What the pages cost, over real HTTP.

    python -m tests.bench.pages [--campuses N] [--days N] [--rate N] [--seconds N]

The board half is tests/bench/pages_board.py. Limits: district page of 1,000 campuses 100 ms at the 95th percentile at
20 requests a second and 100 kB over the wire; campus page 60 ms at the 95th percentile.
"""

import argparse

from tests.bench import pages_board


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--campuses", type=int, default=1000)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--rate", type=float, default=20.0, help="requests a second")
    parser.add_argument("--seconds", type=float, default=30.0, help="how long each page is asked for")
    asked = parser.parse_args()
    pages_board.measure(asked.campuses, asked.days, asked.rate, asked.seconds)


if __name__ == "__main__":
    main()
