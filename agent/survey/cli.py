"""The command ``wifi-agent survey``: asks for a room, measures it, shows it, and asks for the next."""

from __future__ import annotations

import argparse
import json
import logging
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from agent.survey.walk import Room, Walk

_EXAMPLES = """examples:
  wifi-agent survey                                # asks for each room's name, until an empty one
  wifi-agent survey --rooms rooms.csv              # offers the rooms of the list one after the other
  wifi-agent survey --room main/101 --once         # this room, once, without asking
  wifi-agent survey --push                         # hands over what earlier walks left on this device

The device must be enrolled. It works without a network: what was measured waits on this device, and the next
`survey --push`, survey or agent with one sends it. Ctrl-C ends the walk and keeps everything.

Exit status: 0 it measured (with --push: everything was handed over), 1 it could not, 2 wrong use."""
_PUSH_SECONDS = 120.0
_GOODBYE_SECONDS = 10.0


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds ``survey``."""
    parser = subparsers.add_parser(
        "survey",
        help="walk a campus and measure room by room",
        description="Measures the air and the path in each room that you name, as of that room.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--room", action="append", default=[], metavar="BUILDING/ROOM", help="repeatable")
    parser.add_argument("--rooms", type=Path, metavar="FILE", help="CSV with the columns building and room")
    parser.add_argument("--once", action="store_true", help="measure each --room at once, and do not ask")
    parser.add_argument(
        "--interface", metavar="NAME", help="listen and measure through this one (default: the first radio)"
    )
    parser.add_argument("--push", action="store_true", help="measure nothing: hand over what waits on this device")
    parser.add_argument("--json", action="store_true", help="one JSON object a room")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Walks. Returns the exit status."""
    from agent import config, enroll, probes  # noqa: PLC0415
    from agent.clock import RealClock  # noqa: PLC0415
    from agent.identity import IdentityError  # noqa: PLC0415
    from agent.service import ServiceError  # noqa: PLC0415
    from agent.status import StatusError  # noqa: PLC0415
    from agent.survey import rooms  # noqa: PLC0415
    from agent.survey.walk import Walk  # noqa: PLC0415

    logging.basicConfig(level=logging.CRITICAL)  # what could not run is in the table
    try:
        settings = config.load(args.config)
        if args.interface:
            settings = msgspec.structs.replace(settings, interface=args.interface)
        if args.once and not args.room:
            return _fail("--once needs --room BUILDING/ROOM", 2)
        kept = enroll.load(settings.data_dir)
        if kept is None:
            return _fail(f"{settings.data_dir}: this device is not enrolled; run `wifi-agent enroll` first", 1)
        named = [rooms.place(text, kept.campus) for text in args.room]
        named += rooms.listed(args.rooms, kept.campus) if args.rooms else []
        walk = Walk(settings, RealClock(settings.data_dir / "clock.json"), probes.load)
    except (config.ConfigError, rooms.RoomError) as fault:
        return _fail(fault, 2)
    except (ServiceError, StatusError, enroll.EnrollError, IdentityError, OSError) as fault:
        return _fail(fault, 1)
    return push(walk) if args.push else survey(walk, named, kept.campus, ask=not args.once, as_json=args.json)


def push(walk: Walk) -> int:
    """Hands over what waits."""
    try:
        walk.hand_over(_PUSH_SECONDS)
    finally:
        left, why = _end(walk)
    return _fail(f"{left} reports wait on this device: {why}", 1) if left else 0


def survey(walk: Walk, named: list[str], campus: str, *, ask: bool, as_json: bool) -> int:
    """Measures the rooms named, each when the technician stands in it, until the last or an empty answer."""
    measured = 0
    try:
        for place in _asked(named, campus) if ask else named:
            room = walk.measure(place, _progress)
            _progress("")
            measured += any(last.result == "measured" for last in room.probes.values())
            _show(room, walk, as_json=as_json)
        walk.hand_over(_GOODBYE_SECONDS)
    except KeyboardInterrupt:
        sys.stderr.write("\nended; everything measured is kept\n")
    finally:
        left, why = _end(walk)
    if left and not as_json:
        sys.stdout.write(f"{left} reports wait on this device ({why}); with a network: wifi-agent survey --push\n")
    return 0 if measured else 1


def _asked(named: list[str], campus: str) -> Iterator[str]:
    """The room the technician stands in: Enter takes the next of the list, or ends where there is none."""
    from agent.survey import rooms  # noqa: PLC0415

    left = list(named)
    while True:
        offered = left[0] if left else ""
        shown = offered.removeprefix(f"{campus}/")
        wanted = f"[{shown}], Enter to measure it, q to end" if shown else "(BUILDING/ROOM, empty to end)"
        sys.stderr.write(f"Room {wanted}: ")
        sys.stderr.flush()
        line = sys.stdin.readline()
        text = line.strip()
        if not line or text == "q" or not (text or offered):
            return
        try:
            chosen = rooms.place(text, campus) if text else offered
        except rooms.RoomError as fault:
            sys.stderr.write(f"{fault}\n")
            continue
        yield chosen
        left = [place for place in left if place != chosen]


def _show(room: Room, walk: Walk, *, as_json: bool) -> None:
    if as_json:
        probes = {
            name: {"result": last.result, "reason": last.reason, "rows": last.rows}
            for name, last in room.probes.items()
        }
        document = {"place": room.place, "probes": probes, "reports": room.reports, "waiting": walk.waiting}
        sys.stdout.write(json.dumps(document) + "\n")
        return
    from rich.console import Console  # noqa: PLC0415 - rich is for people

    from agent.survey.table import show  # noqa: PLC0415

    show(room, Console(highlight=False))


def _progress(name: str) -> None:
    if sys.stderr.isatty():
        # To the line's start, the text, the rest of the line cleared (ECMA-48).
        sys.stderr.write(f"\r{f'measuring {name} …' if name else ''}\x1b[K")
        sys.stderr.flush()


def _end(walk: Walk) -> tuple[int, str]:
    """How many reports wait when all is closed, and why. A second Ctrl-C must not lose what the first one kept."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    left = walk.close()
    return left, walk.standing.reason or "not acknowledged yet"


def _fail(text: object, status: int) -> int:
    sys.stderr.write(f"wifi-agent: {text}\n")
    return status
