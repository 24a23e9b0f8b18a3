"""``rules``: the Prometheus rule file of this policy and slot length, as a file or on standard output."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from collector.alerting import rules
from collector.alerting.alert import BOARD, GRAFANA, RUNBOOKS, Terms
from collector.commands.console import Failure, wrong_use
from collector.policies import policy


def add_parser(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser(
        "rules",
        help="write the alert and recording rules for Prometheus",
        description="Writes the alert and recording rules for Prometheus. Every waiting time follows the slot length, "
        "and how fast a campus may spend its error budget follows the objective: both are the policy's.",
        epilog="example: wifi-collector rules --policy baseline --output /etc/prometheus/campus-wifi.rules.yml",
    )
    parser.add_argument(
        "--policy", metavar="NAME|FILE", default="baseline", help="a shipped policy, or one in TOML (default: baseline)"
    )
    parser.add_argument("--slot-seconds", type=int, metavar="SECONDS", help="another slot length than the policy's")
    parser.add_argument("--runbooks", default=RUNBOOKS, metavar="URL", help="where your runbooks are published")
    parser.add_argument("--board", default=BOARD, metavar="URL", help="where people open the collector's board")
    parser.add_argument("--grafana", default=GRAFANA, metavar="URL", help="where people open Grafana")
    parser.add_argument("--output", type=Path, metavar="FILE", help="default: standard output")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    held = _policy(arguments.policy)
    slot_seconds = held.slot_seconds if arguments.slot_seconds is None else arguments.slot_seconds
    if not 1 <= slot_seconds <= 3600:
        raise wrong_use(f"--slot-seconds {slot_seconds} is not a slot", "give 1 to 3600; the baseline has 300")
    addresses = {name: getattr(arguments, name).rstrip("/") for name in ("runbooks", "board", "grafana")}
    text = rules.to_text(rules.rule_file(Terms(slot_seconds, held.slot_objective, **addresses)))
    if arguments.output is None:
        sys.stdout.write(text)
        return 0
    try:
        arguments.output.write_text(text)
    except OSError as fault:
        hint = "choose a file in a folder that you may write"
        raise Failure(f"{arguments.output}: cannot write the rules: {fault.strerror}", hint) from None
    return 0


def _policy(name: str) -> policy.Policy:
    try:
        return policy.shipped(name) if name in policy.SHIPPED else policy.read(Path(name))
    except policy.PolicyError as fault:
        hint = f"name a file, or one that is shipped: {', '.join(policy.SHIPPED)}"
        raise wrong_use(f"--policy: {fault}", hint) from None
