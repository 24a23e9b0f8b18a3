"""``serve``: takes in measurements, judges them, and shows the answer, until it is told to stop."""

from __future__ import annotations

import argparse
import sys

from collector.commands.console import Failure, say
from collector.commands.present import settings


def add_parser(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser(
        "serve",
        help="run the collector",
        description="Runs until SIGTERM or Ctrl-C. Says in one line when it answers, and where.",
        epilog="example: wifi-collector --config /etc/campus-wifi/collector.toml serve",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    # Only this verb needs the server: the others stay quick to start.
    from collector.serve import ServeError, serve  # noqa: PLC0415
    from collector.signer import SignerError  # noqa: PLC0415
    from collector.store import StoreError  # noqa: PLC0415

    def ready(address: str) -> None:
        say(f"serving on {address}")
        sys.stdout.flush()

    try:
        serve(settings(arguments), ready)
    except (ServeError, SignerError, StoreError) as fault:
        raise Failure(str(fault)) from None
    return 0
