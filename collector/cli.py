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
    "hours",
    "sample",
    "token",
    "account",
    "agents",
    "policy",
    "serve",
    "evaluate",
    "commitment",
    "report",
    "seen",
    "compare",
    "verify",
    "export-evidence",
    "exclusions",
    "incident",
    "room-report",
    "rules",
    "compact",
    "hold",
    "retention",
    "audit",
    "backup",
    "restore",
)


def parser(verb: str | None = None) -> argparse.ArgumentParser:
    """With ``verb`` only that one is loaded: a command that prints a token need not wait for the server's parts."""
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
    for one in VERBS if verb is None else (verb,):
        # A module cannot be named `import`, nor have a dash in its name.
        module = "import_file" if one == "import" else one.replace("-", "_")
        importlib.import_module(f"collector.commands.{module}").add_parser(verbs)
    return root


def main(argv: Sequence[str] | None = None) -> int:
    words = list(sys.argv[1:] if argv is None else argv)
    arguments = parser(_asked(words)).parse_args(words)
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


def _asked(words: list[str]) -> str | None:
    """The verb, where it is plain to see: the first word, or the first after ``--config FILE``."""
    if words[:1] == ["--config"]:
        words = words[2:]
    return words[0] if words and words[0] in VERBS else None


if __name__ == "__main__":
    sys.exit(main())
