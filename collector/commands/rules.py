"""``rules``: the Prometheus rule file of this policy and slot length, as a file or on standard output."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from collector import rules
from collector.commands.console import Failure, wrong_use


def add_parser(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser(
        "rules",
        help="write the alert and recording rules for Prometheus",
        description="Writes the alert and recording rules for Prometheus. Every waiting time follows the slot length, "
        "so give the one of your policy.",
        epilog="example: wifi-collector rules --slot-seconds 300 --output /etc/prometheus/campus-wifi.rules.yml",
    )
    parser.add_argument("--slot-seconds", type=int, default=300, metavar="SECONDS", help="default: 300")
    parser.add_argument("--runbooks", default=rules.RUNBOOKS, metavar="URL", help="where your runbooks are published")
    parser.add_argument("--output", type=Path, metavar="FILE", help="default: standard output")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    if not 1 <= arguments.slot_seconds <= 3600:
        raise wrong_use(
            f"--slot-seconds {arguments.slot_seconds} is not a slot", "give 1 to 3600; the baseline has 300"
        )
    text = rules.to_text(rules.rule_file(arguments.slot_seconds, arguments.runbooks))
    if arguments.output is None:
        sys.stdout.write(text)
        return 0
    try:
        arguments.output.write_text(text)
    except OSError as fault:
        hint = "choose a file in a folder that you may write"
        raise Failure(f"{arguments.output}: cannot write the rules: {fault.strerror}", hint) from None
    return 0
