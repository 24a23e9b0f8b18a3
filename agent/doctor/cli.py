"""The command ``wifi-agent doctor``: looks at the device, or at the way to its collector, and prints what it found."""

from __future__ import annotations

import argparse
import json
import os
import sys

from agent import config, enroll
from agent.doctor import device, radio
from agent.doctor.check import Check, show

PROBES = ("reach", "path", "host", "throughput", "airspace", "link", "join")
_EXAMPLES = """examples:
  wifi-agent doctor
  wifi-agent doctor --collector                      # the way to the collector this device is enrolled at
  wifi-agent doctor --collector https://wifi.example.org:8443 --ntp 10.0.0.1

Exit status: 0 reach, path and host can be measured (with --collector: the collector can be reached and trusted),
1 not so, 2 wrong use."""


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds ``doctor``."""
    parser = subparsers.add_parser(
        "doctor",
        help="what this device can and cannot measure, and how to mend it",
        description="Tries each thing the probes need. Changes nothing, and sends one ping to this device itself. "
        "With --collector it tries the way to a collector and says what to ask of the people with the firewall.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--collector", nargs="?", const="", metavar="URL",
        help="look at the way to this collector (default: the one this device is enrolled at)",
    )  # fmt: skip
    parser.add_argument("--ntp", default="", metavar="HOST", help="with --collector: ask this time server")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Checks and prints. Returns the exit status."""
    try:
        settings = config.load(args.config)
    except config.ConfigError as fault:
        return _fail(fault, 2)
    if args.collector is not None:
        return _collector(args, settings)
    checks = [*device.examine(settings), *radio.examine(radio.found())]
    able = not any(check.needed and check.state == "missing" for check in checks)
    cannot = {probe: check for check in checks if check.state != "ok" for probe in check.stops}
    if args.json:
        probes = {probe: probe not in cannot for probe in PROBES}
        document = {"able": able, "probes": probes, "checks": [check._asdict() for check in checks]}
        sys.stdout.write(json.dumps(document) + "\n")
    else:
        show(checks)
        _sum_up(cannot)
    return 0 if able else 1


def _sum_up(cannot: dict[str, Check]) -> None:
    who = "root" if os.geteuid() == 0 else f"user {os.geteuid()}"
    can = [probe for probe in PROBES if probe not in cannot]
    sys.stdout.write(f"This device can measure (as {who}): {', '.join(can) or 'nothing yet'}\n")
    for probe in PROBES:
        if (check := cannot.get(probe)) is not None:
            sys.stdout.write(f"It cannot measure {probe}: {check.name}: {check.found}\n")


def _collector(args: argparse.Namespace, settings: config.Config) -> int:
    from agent.doctor import collector  # noqa: PLC0415 - cryptography is not loaded for the other use

    try:
        enrollment = enroll.load(settings.data_dir)
        url = args.collector or settings.collector or (enrollment.collector if enrollment else "")
        if not url:
            return _fail("this device is not enrolled: name the collector: --collector https://HOST:PORT", 2)
        asked = collector.asked(url, enroll.authority(settings.data_dir, settings.ca_file, enrollment), args.ntp)
    except (enroll.EnrollError, ValueError) as fault:
        return _fail(fault, 2)
    except PermissionError as fault:
        return _fail(f"{fault.filename}: may not be read; run this as root or as the agent's user", 1)
    way = collector.examine(asked)
    if args.json:
        document = {"able": way.able, "request": way.request, "checks": [check._asdict() for check in way.checks]}
        sys.stdout.write(json.dumps(document) + "\n")
    else:
        show(way.checks)
        sys.stdout.write("Ask the people with the firewall and the switches for this:\n")
        sys.stdout.writelines(f"  {line}\n" for line in way.request)
    return 0 if way.able else 1


def _fail(text: object, status: int) -> int:
    sys.stderr.write(f"wifi-agent: {text}\n")
    return status
