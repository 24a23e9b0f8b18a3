"""The command ``wifi-agent``: each verb is loaded only when it is the one asked for, so that help is quick."""

from __future__ import annotations

import argparse
import importlib
import json
import logging
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

_LATER = {
    "measure": ("agent.measure", "measure once, here and now, without a collector"),
    "reflect": ("agent.reflect", "be the far end of the campus's throughput tests"),
    "doctor": ("agent.doctor.cli", "what this device can and cannot measure, and how to mend it"),
    "survey": ("agent.survey.cli", "walk a campus and measure room by room"),
    "prepare-image": ("agent.image.cli", "make a card or disk fit to be copied for many devices"),
    "simulate": ("agent.simulate.cli", "a modelled fleet of agents over a modelled district"),
}
_EXAMPLES = """examples:
  wifi-agent measure reach --target 192.0.2.0/28 --count 3
  wifi-agent enroll --join-file join.txt
  wifi-agent run --role all
  wifi-agent status --json
"""


def parser(given: Sequence[str] | None = None) -> argparse.ArgumentParser:
    """With ``given``, the words of a command line, only the verbs among them are whole: `status` need not wait for what
    `measure` loads."""
    root = argparse.ArgumentParser(
        prog="wifi-agent",
        description="Measures a campus's Wi-Fi from one place and reports to the collector.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    root.add_argument("--config", type=Path, metavar="FILE", help="agent.toml (default: ./agent.toml if there is one)")
    verbs = root.add_subparsers(dest="verb", metavar="VERB", required=True)
    for name, (module, text) in _LATER.items():
        if given is None or name in given:
            importlib.import_module(module).add_parser(verbs)
        else:
            verbs.add_parser(name, help=text)
    _add_enroll(verbs)
    _add_run(verbs)
    _add_status(verbs)
    return root


def main(arguments: list[str] | None = None) -> int:
    """Exit status: 0 it did its work, 1 it could not, 2 wrong use or configuration."""
    given = sys.argv[1:] if arguments is None else arguments
    args = parser(given).parse_args(given)
    try:
        if args.verb in _LATER:
            return int(importlib.import_module(_LATER[args.verb][0]).run(args))
        return int(args.act(args))
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # The reader went away (`| head`): no fault of ours, and nothing more can be said on that pipe.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _fail(text: object, status: int) -> int:
    print(f"wifi-agent: {text}", file=sys.stderr)
    return status


# --- enroll ----------------------------------------------------------------------------------------------------


def _add_enroll(verbs: Any) -> None:
    parser = verbs.add_parser(
        "enroll",
        help="make this device known to a collector",
        description="Makes a key on this device and registers its public half with the collector. Asking again with "
        "the same join string is harmless.",
        epilog="example:\n  wifi-agent enroll --join-file join.txt\n  wifi-agent enroll < join.txt",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "join", nargs="?", metavar="JOIN", help="the join string; better by --join-file, standard input or "
        "CAMPUS_WIFI_AGENT_JOIN, since other users can see arguments",
    )  # fmt: skip
    parser.add_argument("--join-file", type=Path, metavar="FILE", help="file with the join string")
    parser.add_argument("--name", default="", help="a name for people (default: none)")
    parser.add_argument("--check", action="store_true", help="do not enroll: say whether you can leave this device")
    parser.add_argument(
        "--wait", type=float, metavar="S", help="seconds to wait until the device is approved, runs, has its plan and "
        "is heard; what is missing then is named, and the exit status is 1 (default: 300 at a terminal, else 0)",
    )  # fmt: skip
    parser.add_argument("--no-wait", dest="wait", action="store_const", const=0.0, help="make it known and no more")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(act=_enroll)


def _enroll(args: argparse.Namespace) -> int:
    from agent import config, enroll  # noqa: PLC0415
    from agent.clock import RealClock  # noqa: PLC0415
    from agent.identity import IdentityError  # noqa: PLC0415
    from agent.service import agent_version  # noqa: PLC0415
    from agent.status import StatusError  # noqa: PLC0415

    try:
        settings = config.load(args.config)
        join = None if args.check else enroll.parse(_join_string(args))
        settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        clock = RealClock(settings.data_dir / "clock.json")
        kept = enroll.load(settings.data_dir)
        if join is not None:
            kept = enroll.enroll(
                join, settings.data_dir, clock, version=agent_version(), name=args.name, ca_file=settings.ca_file
            )
            enroll.give_to_owner(settings.data_dir)
        if kept is None:
            return _fail(f"{settings.data_dir}: this device is not enrolled; give a join string", 1)
        return _leave(args, settings, kept, clock)
    except config.ConfigError as fault:
        return _fail(fault, 2)
    except enroll.EnrollError as fault:
        return _fail(fault, 2 if fault.usage else 1)
    except (IdentityError, StatusError, OSError) as fault:
        return _fail(fault, 1)


def _leave(args: argparse.Namespace, settings: Any, kept: Any, clock: Any) -> int:
    """Says what the device is, and whether the technician may leave it."""
    from agent import ready  # noqa: PLC0415

    person = sys.stderr.isatty() and not args.json
    seconds = args.wait if args.wait is not None else ready.WAIT_SECONDS if person else 0.0
    shown = {"agent": kept.agent, "campus": kept.campus, "state": kept.state, "collector": kept.collector}
    if not args.json and not args.check:
        print(f"agent {kept.agent} is {kept.state} on campus {kept.campus} at {kept.collector}", flush=True)
        if kept.state == "pending":
            print("An administrator compares this id and approves it; until then the agent measures and keeps.")
    steps = []
    if seconds > 0 or args.check:
        look = ready.Look(settings, kept.agent, ready.ask_with(settings, kept, clock))
        steps = ready.wait(look, seconds, _progress if person else lambda _: None)
        if person:
            _progress("")
        shown["steps"] = [step._asdict() for step in steps]
    if args.json:
        print(json.dumps(shown))
    elif steps:
        print(ready.told(steps))
    return 0 if all(step.done for step in steps) else 1


def _progress(text: str) -> None:
    # To the line's start, the text, the rest of the line cleared (ECMA-48).
    print(f"\r{text}\x1b[K", end="", file=sys.stderr, flush=True)


def _join_string(args: argparse.Namespace) -> str:
    from agent.enroll import EnrollError  # noqa: PLC0415

    if args.join and args.join != "-":
        return str(args.join)
    if args.join_file:
        try:
            return str(args.join_file.read_text())
        except (OSError, UnicodeDecodeError) as fault:
            raise EnrollError(f"{args.join_file}: cannot be read: {fault}", usage=True) from None
    if "CAMPUS_WIFI_AGENT_JOIN" in os.environ:
        return os.environ["CAMPUS_WIFI_AGENT_JOIN"]
    if sys.stdin.isatty():
        print("Join string: ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline()


# --- run -------------------------------------------------------------------------------------------------------


def _add_run(verbs: Any) -> None:
    parser = verbs.add_parser(
        "run",
        help="measure by the plan and report, until told to stop",
        epilog="example:\n  wifi-agent --config /etc/campus-wifi/agent.toml run --role all",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--role",
        choices=("prober", "joiner", "shipper", "all"),
        help="prober: holds the sockets and no key; joiner: only joins networks, in a namespace of its own; "
        "shipper: key, plan, spool; all: everything (default: the configured one)",
    )
    parser.add_argument("--verbose", action="store_true", help="log what is usual, too")
    parser.set_defaults(act=_run)


def _run(args: argparse.Namespace) -> int:
    from agent import config  # noqa: PLC0415
    from agent.enroll import EnrollError  # noqa: PLC0415
    from agent.identity import IdentityError  # noqa: PLC0415
    from agent.service import Service, ServiceError  # noqa: PLC0415

    logging.basicConfig(
        level=logging.INFO if args.verbose else logging.WARNING, format="%(levelname)s %(name)s %(message)s"
    )
    # One line for each request is noise at a minute's rhythm.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    try:
        settings = config.load(args.config)
        service = Service(settings, args.role or settings.role)
    except config.ConfigError as fault:
        return _fail(fault, 2)
    except (ServiceError, EnrollError, IdentityError) as fault:
        return _fail(fault, 1)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: service.stop())
    service.run()
    return 0


# --- status ----------------------------------------------------------------------------------------------------


def _add_status(verbs: Any) -> None:
    parser = verbs.add_parser(
        "status",
        help="what the agent on this device is doing",
        epilog="example:\n  wifi-agent status --json",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(act=_status)


def _status(args: argparse.Namespace) -> int:
    from agent import config, status  # noqa: PLC0415

    try:
        settings = config.load(args.config)
        found = status.look(settings)
    except config.ConfigError as fault:
        return _fail(fault, 2)
    except status.StatusError as fault:
        return _fail(fault, 1)
    print(json.dumps(found) if args.json else status.told(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
