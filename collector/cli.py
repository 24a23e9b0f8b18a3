"""``wifi-collector``: one verb a file in ``collector/commands``; exit 0 done, 1 could not, 2 wrong use."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence

from collector.commands.console import Failure, say_error

# Read in this order in `--help`: setting up, running, answering, keeping.
VERBS = (
    "import",
    "token",
    "agents",
    "policy",
    "serve",
    "evaluate",
    "commitment",
    "rules",
    "backup",
    "restore",
)


def parser() -> argparse.ArgumentParser:
    root = argparse.ArgumentParser(
        prog="wifi-collector",
        description="Keeps the measurements of a district's Wi-Fi agents, judges them, and answers for the commitment.",
        epilog="example: wifi-collector --config collector.toml serve",
    )
    root.add_argument(
        "--config",
        metavar="FILE",
        default=os.environ.get("CAMPUS_WIFI_COLLECTOR_CONFIG"),
        help="collector.toml (default: ./collector.toml if it is there, else /etc/campus-wifi/collector.toml)",
    )
    verbs = root.add_subparsers(dest="verb", metavar="COMMAND", required=True)
    for verb in VERBS:
        module = "import_file" if verb == "import" else verb  # a module cannot be named `import`
        importlib.import_module(f"collector.commands.{module}").add_parser(verbs)
    return root


def main(argv: Sequence[str] | None = None) -> int:
    arguments = parser().parse_args(argv)
    try:
        status: int = arguments.run(arguments)
    except Failure as failure:
        say_error(failure)
        return failure.status
    except BrokenPipeError:
        sys.stderr.close()  # what reads us has had enough: not a fault of ours
        return 0
    except KeyboardInterrupt:
        return 130
    return status


if __name__ == "__main__":
    sys.exit(main())
