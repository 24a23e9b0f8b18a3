"""The real collector with a clock that is read from a file: `python -m tests.month.collector_process CONFIG FILE`.

Everything else is the product: its listener, its writer, its judge, its administrator's socket.
"""

import sys
from pathlib import Path

from collector import config, serve


def reading(path: Path) -> float:
    return float(path.read_text(encoding="ascii"))


def main() -> None:
    configuration, clock_file = (Path(argument) for argument in sys.argv[1:3])
    serve.serve(config.load(configuration), clock=lambda: reading(clock_file))


if __name__ == "__main__":
    main()
