"""``wifi-agent simulate``: a fleet of agents over a modelled district."""

from __future__ import annotations

import argparse
import csv
import signal
import sys
import time
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import FrameType
from zoneinfo import ZoneInfo

import msgspec

from agent import enroll
from agent.simulate import district
from agent.simulate.clock import Time
from agent.simulate.device import Device
from agent.simulate.enlist import Enlisting, read_joins
from agent.simulate.faults import Faults, Truth
from agent.simulate.fleet import Fleet, Progress
from agent.simulate.pace import Stalled
from agent.simulate.scenario import KINDS, load

_ZONE = ZoneInfo("America/Los_Angeles")
_EXAMPLES = """\
examples:
  wifi-agent simulate --campuses 12 --write-inventory model/   # lists for `wifi-collector import`
  wifi-agent simulate --campuses 12 --collector http://127.0.0.1:8080 --join-file joins.csv
  wifi-agent simulate --campuses 12 --collector http://127.0.0.1:8080 --join-file joins.csv \\
      --from 2026-10-05 --to 2026-10-09                           # a past week, as fast as it goes
  wifi-agent simulate --campus-list campuses.csv --faults faults.toml --write-inventory model/

joins.csv comes from `wifi-collector token create --file model/campuses.csv --agents 2 --out joins.csv`.
Campuses must be flagged simulated in the collector's inventory; all that is sent is marked simulated."""


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = subparsers.add_parser(
        "simulate",
        help="run a fleet of simulated agents over a modelled district",
        description="Runs many agents in one process with the real schedule, spool and push; what they measure comes "
        "from a model with seeded faults (access points that die or fall silent, weak rooms, cut lines, slow DNS, "
        "lunch-time load).",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--campuses", type=int, metavar="N", help="how many campuses (default: 12, or all of --campus-list)")
    add(
        "--campus-list",
        type=Path,
        metavar="CSV",
        help="campuses to model, as `wifi-collector import campuses` takes them",
    )
    add("--access-points", type=int, default=12, metavar="N", help="about so many a campus (default: 12)")
    add("--agents", type=int, default=2, metavar="N", help="agents a campus (default: 2)")
    add("--seed", type=int, default=1, help="another seed, another district and other faults (default: 1)")
    add("--slot-seconds", type=float, default=300.0, metavar="S", help="faults last whole slots (default: 300)")
    add("--collector", default="", metavar="URL", help="where reports go (default: as the join string says)")
    add("--join-file", type=Path, action="append", default=[], metavar="CSV", help="join strings by campus")
    add("--ca-file", type=Path, metavar="PEM", help="the collector's authority, instead of the pinned one")
    add("--dir", type=Path, default=Path("simulated"), help="keys and spools (default: ./simulated)")
    add("--from", dest="first", type=date.fromisoformat, metavar="D", help="first day of a past period")
    add("--to", dest="last", type=date.fromisoformat, metavar="D", help="its last day, included")
    add("--for", dest="lasts", type=float, metavar="SECONDS", help="stop after so long (default: never)")
    add("--enroll-only", action="store_true", help="join, write agents.csv below --dir, and stop")
    add("--write-inventory", type=Path, metavar="DIR", help="write the district's lists there, and stop")
    add(
        "--faults",
        type=Path,
        metavar="TOML",
        help=f"faults placed on purpose, instead of the seed's: {', '.join(KINDS)}",
    )
    add(
        "--clock-file", type=Path, metavar="FILE",
        help="write the model's time there, for a collector that lives in it too; cut lines then hold reports back",
    )  # fmt: skip
    add("--truth", type=Path, metavar="JSON", help="write there what was wrong where and when")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    fault = _wrong_use(arguments)
    if fault:
        return _fail(fault, 2)
    try:
        listed = district.read_list(arguments.campus_list) if arguments.campus_list else []
        campuses = district.model(
            arguments.campuses or len(listed) or 12,
            seed=arguments.seed,
            access_points=arguments.access_points,
            agents=arguments.agents,
            listed=listed,
        )
        seeded = Faults(campuses, arguments.seed, arguments.slot_seconds)
        faults: Truth = seeded
        if arguments.faults:
            faults = load(arguments.faults, campuses, seeded, arguments.slot_seconds)
        joins = read_joins(arguments.join_file)
    except (ValueError, OSError) as wrong:
        return _fail(str(wrong), 2)
    if arguments.write_inventory:
        for path in district.write_inventory(campuses, arguments.write_inventory):
            sys.stdout.write(f"{path}\n")
        return 0
    begin, end = _period(arguments)
    time_ = Time(begin, live=arguments.first is None, clock_file=arguments.clock_file)
    enlisting = Enlisting(
        arguments.dir,
        faults=faults,
        seed=arguments.seed,
        time_=time_,
        version=_version(),
        ca_file=arguments.ca_file,
    )
    try:
        devices = _devices(enlisting, campuses, joins, arguments)
        if arguments.enroll_only:
            return 0
        return _live(devices, time_, end, faults, arguments)
    except (enroll.EnrollError, Stalled) as wrong:
        return _fail(str(wrong), 1)
    finally:
        enlisting.close()


def _devices(
    enlisting: Enlisting, campuses: Sequence[district.Campus], joins: dict[str, str], arguments: argparse.Namespace
) -> list[Device]:
    arguments.dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    devices = []
    total = sum(len(campus.agents) for campus in campuses)
    with (arguments.dir / "agents.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("agent", "campus", "place", "state"))
        for campus in campuses:
            for number, (building, room) in enumerate(campus.agents):
                kept = enlisting.join(campus, number, joins)
                place = f"{campus.id}/{building}/{room}"
                writer.writerow((kept.agent, campus.id, place, kept.state))
                if not arguments.enroll_only:
                    devices.append(enlisting.device(campus, number, kept, arguments.collector))
    _say(f"{total} simulated agents at {len(campuses)} campuses are enrolled")
    return devices


def _live(devices: Sequence[Device], time_: Time, end: float, faults: Truth, arguments: argparse.Namespace) -> int:
    begin = time_.at
    fleet = Fleet(devices, time_, end)

    def stop(_number: int, _frame: FrameType | None) -> None:
        fleet.stop()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)

    def tell(progress: Progress) -> None:
        done = f"{100 * (progress.at - begin) / (end - begin):.0f} % of the period, " if not time_.live else ""
        why = f"; {progress.reason}" if progress.waiting and progress.reason else ""
        _say(
            f"{done}{progress.sealed} reports sealed, {progress.acknowledged} acknowledged, "
            f"{progress.waiting} waiting, {progress.rejected} rejected{why}"
        )

    kept = fleet.run(tell, 60.0 if time_.live else (end - begin) / 20)
    if arguments.truth:
        arguments.truth.write_bytes(msgspec.json.format(msgspec.json.encode(faults.between(begin, time_.at)), indent=1))
    # A fleet that is stopped live, or behind a line that is still cut, leaves its last reports in the spools, as a
    # device does.
    return 0 if kept or time_.shared else _fail("not everything was acknowledged; run the same command again", 1)


def _period(arguments: argparse.Namespace) -> tuple[float, float]:
    if arguments.first is None:
        now = time.time()
        return now, now + arguments.lasts if arguments.lasts else float("inf")
    last = arguments.last or arguments.first
    end = datetime.combine(last + timedelta(days=1), datetime.min.time(), _ZONE).astimezone(UTC).timestamp()
    begin = datetime.combine(arguments.first, datetime.min.time(), _ZONE).astimezone(UTC).timestamp()
    return begin, min(end, time.time())


def _wrong_use(arguments: argparse.Namespace) -> str:
    if (
        (arguments.campuses is not None and arguments.campuses < 1)
        or arguments.agents < 1
        or arguments.access_points < 1
        or arguments.slot_seconds <= 0
    ):
        return "--campuses, --agents, --access-points and --slot-seconds must be above zero"
    if arguments.clock_file and not arguments.first:
        return "--clock-file needs --from: live agents keep the machine's time"
    if arguments.last and not arguments.first:
        return "--to needs --from: the first day of the period"
    if arguments.first and arguments.last and arguments.last < arguments.first:
        return f"--to {arguments.last} is before --from {arguments.first}"
    if arguments.first and _period(arguments)[0] >= time.time():
        return f"--from {arguments.first} is not past; leave it out to run live"
    return ""


def _say(text: str) -> None:
    sys.stderr.write(f"simulate: {text}\n")
    sys.stderr.flush()


def _fail(text: str, status: int) -> int:
    _say(text)
    return status


def _version() -> str:
    try:
        return f"{version('campus-wifi')}-simulated"
    except PackageNotFoundError:
        return "0-simulated"
