"""``wifi-agent measure``: one probe, once, here and now, without a collector."""

from __future__ import annotations

import argparse
import json
import sys
import threading
import time
from pathlib import Path
from typing import Any

import msgspec

from agent import wire
from agent.probes import load
from agent.probes.base import CouldNotRun, Deadline
from agent.targets import FORMS, TargetError, parse

_EXAMPLES = """\
examples:
  wifi-agent measure                                       # this device and its path to the internet
  wifi-agent measure reach --target 10.20.0.0/24           # do the access points of this network answer
  wifi-agent measure reach --target @access-points.txt --count 10 --interval 0.5 --json
  wifi-agent measure reach --target 10.20.0.5 --method tcp --port 443
  wifi-agent measure path --target gate=10.20.0.1 --target portal=portal.example.org:443
  wifi-agent measure throughput --url http://collector.example.org:8081
  wifi-agent measure join --interface wlan1 --ssid Pupils --credentials secrets.toml --credential pupils
  wifi-agent measure airspace --interface wlan0 --ssid District --bssid 02:00:5e:00:53:01
  wifi-agent measure link --interface wlan0

Exit status: 0 it measured (whatever it found), 1 it could not, 2 wrong use."""
_LONG_SECONDS = 2.0


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds ``measure`` with its probes."""
    parser = subparsers.add_parser(
        "measure",
        help="measure once, here and now, without a collector",
        description="Measures once and prints what was found. Without a probe: path and host.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _common(parser)
    probes = parser.add_subparsers(dest="probe", metavar="PROBE")
    raw = argparse.RawDescriptionHelpFormatter
    reach = probes.add_parser(
        "reach", help="do access points answer, and how fast", epilog=_EXAMPLES, formatter_class=raw
    )
    reach.add_argument("--target", action="append", required=True, metavar=FORMS.replace(" ", ""), help="repeatable")
    _pace(reach, interval=0.3)
    reach.add_argument("--method", choices=("icmp", "tcp", "arp"), default="icmp", help="how to ask (default: icmp)")
    reach.add_argument("--port", type=_port, help="for --method tcp")
    path = probes.add_parser(
        "path", help="link, gateway, DNS, internet: where it breaks", epilog=_EXAMPLES, formatter_class=raw
    )
    path.add_argument(
        "--target", action="append", default=[], metavar="[NAME=]HOST[:PORT]", help="also ask this one (repeatable)"
    )
    path.add_argument("--query", default="example.com", metavar="NAME", help="what DNS is asked (default: example.com)")
    _pace(path, interval=0.2)
    through = probes.add_parser("throughput", help="rate down and up over HTTP", epilog=_EXAMPLES, formatter_class=raw)
    through.add_argument("--url", required=True, help="base address of the throughput service")
    through.add_argument("--ca-file", type=Path, metavar="PEM", help="trust this authority alone")
    through.add_argument("--max-bytes", type=_positive(int), default=25_000_000, metavar="N")
    through.add_argument("--max-seconds", type=_positive(float), default=5.0, metavar="S")
    through.add_argument("--streams", type=_positive(int), default=4, metavar="N")
    join = probes.add_parser(
        "join", help="join a network as a pupil's device does, stage by stage", epilog=_EXAMPLES, formatter_class=raw
    )
    join.add_argument("--ssid", required=True, help="the network's name")
    join.add_argument("--credentials", type=Path, metavar="FILE", help="TOML of mode 0600 that holds the secrets")
    join.add_argument("--credential", default="", metavar="NAME", help="which of them (default: an open network)")
    join.add_argument("--page", default="", metavar="URL", help="http page whose first byte is awaited")
    join.add_argument("--every-bss", action="store_true", help="one try at each access point heard")
    host = probes.add_parser(
        "host", help="this device: load, disk, network card", epilog=_EXAMPLES, formatter_class=raw
    )
    air = probes.add_parser(
        "airspace", help="the district's access points in the air, and how busy it is", epilog=_EXAMPLES,
        formatter_class=raw,
    )  # fmt: skip
    link = probes.add_parser(
        "link", help="the access point that this device is connected to", epilog=_EXAMPLES, formatter_class=raw
    )
    air.add_argument(
        "--ssid", action="append", default=[], help="of the district; BSSs that advertise it are shown (repeatable)"
    )
    air.add_argument(
        "--frequency", action="append", default=[], type=_positive(int), metavar="MHZ",
        help="listen to this one (repeatable; default: all that the radio has)",
    )  # fmt: skip
    for one in (air, link):
        one.add_argument("--bssid", action="append", default=[], help="of the inventory (repeatable)")
        one.add_argument("--radio-models", type=Path, metavar="TOML", help="what a radio's signal figure is worth")
    for one in (reach, path, through, join, host, air, link):
        _common(one, again=True)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Measures and prints. Returns the exit status."""
    try:
        settings = _settings(args)
    except (TargetError, ValueError) as fault:
        sys.stderr.write(f"{fault}\n")
        return 2
    status = 0
    for name, chosen, expected in settings:
        document, table = measure(name, chosen, expected, show=not args.json)
        if args.json:
            sys.stdout.write(json.dumps(document) + "\n")
        else:
            from agent.show import show  # noqa: PLC0415 - rich is for people

            show(document, table)
        if document["outcome"] != "ok":
            status = 1
    return status


def measure(name: str, settings: Any, expected_seconds: float, *, show: bool = False) -> tuple[dict[str, Any], Any]:
    """One probe once: the document that ``--json`` prints, and the table (None where it could not run).
    The document's ``outcome`` is ``ok`` when it measured, whatever it found."""
    started, began = time.time(), time.monotonic()
    boot_offset = started - time.clock_gettime(time.CLOCK_BOOTTIME)
    document: dict[str, Any] = {"probe": name, "started_at": round(started, 3)}
    tables: dict[str, wire.Table] = {}
    try:
        with _Progress(name, expected_seconds, show=show and expected_seconds > _LONG_SECONDS) as progress:
            if name == "throughput":
                settings = msgspec.structs.replace(settings, progress=progress.told)
            found = load(name)(settings, Deadline(expected_seconds * 2 + 30))
            tables = found if isinstance(found, dict) else {name: found}
    except CouldNotRun as fault:
        document |= {"outcome": "could_not_run", "reason": fault.reason, "hint": fault.hint}
    else:
        document["outcome"] = "ok"
    document["duration_seconds"] = round(time.monotonic() - began, 6)
    table = tables.get(name)
    document["rows"] = _rows(table, boot_offset) if table is not None else []
    document |= {kind: _rows(other, boot_offset) for kind, other in tables.items() if kind != name}
    if isinstance(table, wire.Path):
        from agent.probes.path import broken_rung  # noqa: PLC0415

        document["broken_rung"] = broken_rung(table)
    return document, table


def _rows(table: wire.Table, boot_offset: float) -> list[dict[str, Any]]:
    """The wire's columns turned to rows; ``at`` becomes Unix seconds."""
    names = table.__struct_fields__
    rows = [dict(zip(names, row, strict=True)) for row in zip(*(getattr(table, n) for n in names), strict=True)]
    for row in rows:
        row["at"] = round(row["at"] + boot_offset, 3)
    return rows


def _settings(args: argparse.Namespace) -> list[tuple[str, Any, float]]:
    """(probe, settings, how long it should take) of what was asked for."""
    interface = args.interface or ""
    if args.probe == "reach":
        from agent.probes import reach  # noqa: PLC0415

        if args.method == "tcp" and not args.port:
            raise ValueError("--method tcp needs --port, for instance --port 443")
        targets = [wire.PlanTarget(name, address, args.method, args.port) for name, address in parse(args.target)]
        return [("reach", reach.Settings(targets, **_paced(args)), _seconds(args))]
    if args.probe == "throughput":
        return [("throughput", _throughput(args), args.max_seconds + 2)]
    if args.probe == "join":
        return [("join", _join(args), 20.0)]
    if args.probe in ("airspace", "link"):
        return [_radio(args)]
    from agent.probes import host, path  # noqa: PLC0415

    found: list[tuple[str, Any, float]] = []
    if args.probe in (None, "path"):
        if args.probe is None:
            found.append(("path", path.Settings(interface=interface), 2.0))
        else:
            rungs = [
                wire.PathTarget(t.rung, t.name, t.address, t.method, t.port, args.query if t.method == "dns" else "")
                for t in path.DEFAULT_TARGETS
            ]
            asked = path.Settings(rungs + [_path_target(text) for text in args.target], **_paced(args))
            found.append(("path", asked, _seconds(args) + 2))
    if args.probe in (None, "host"):
        found.append(("host", host.Settings(interface or None), 0.5))
    return found


def _radio(args: argparse.Namespace) -> tuple[str, Any, float]:
    if not args.interface:
        raise ValueError(f"{args.probe} needs --interface, for instance --interface wlan0 (see `iw dev`)")
    from agent.probes import airspace, link  # noqa: PLC0415

    if args.probe == "link":
        return "link", link.Settings(args.interface, args.bssid, args.radio_models), 0.5
    asked = [mhz * 1_000_000 for mhz in args.frequency]
    settings = airspace.Settings(args.interface, args.ssid, args.bssid, args.radio_models, asked)
    return "airspace", settings, 0.3 * len(asked) or 15.0


def _path_target(text: str) -> wire.PathTarget:
    name, _, place = text.rpartition("=")
    host, colon, port = place.partition(":")
    if not host or (colon and not (port.isdigit() and 0 < int(port) < 65536)):
        raise ValueError(f"{text!r}: write a target as [NAME=]HOST or [NAME=]HOST:PORT")
    label = (name or place)[:64]
    return wire.PathTarget("target", label, host, "tcp" if colon else "icmp", int(port) if colon else None)


def _join(args: argparse.Namespace) -> Any:
    from agent.probes.join import Settings  # noqa: PLC0415

    if not args.interface:
        raise ValueError("join needs --interface: the radio that joins, for instance --interface wlan1")
    task = wire.JoinTask(args.ssid, args.credential, every_bss=args.every_bss, page=args.page)
    return Settings(args.interface, task, credentials=args.credentials)


def _throughput(args: argparse.Namespace) -> Any:
    from agent.clock import RealClock  # noqa: PLC0415 - httpx is loaded for this probe alone
    from agent.probes.throughput import Settings  # noqa: PLC0415
    from agent.transport import client  # noqa: PLC0415

    if not args.url.startswith(("http://", "https://")):
        raise ValueError(f"--url {args.url!r} is no http address; write http://HOST:PORT")
    http = client(args.ca_file, RealClock())
    return Settings(
        url=args.url, http=lambda: http, max_bytes=args.max_bytes, max_seconds=args.max_seconds, streams=args.streams
    )


def _seconds(args: argparse.Namespace) -> float:
    return float((args.count - 1) * args.interval + args.timeout + 0.3)


def _paced(args: argparse.Namespace) -> dict[str, Any]:
    return {
        "count": args.count,
        "interval_seconds": args.interval,
        "timeout_seconds": args.timeout,
        "interface": args.interface or "",
    }


def _pace(parser: argparse.ArgumentParser, interval: float) -> None:
    parser.add_argument("--count", type=_positive(int), default=3, metavar="N", help="times each is asked (default: 3)")
    parser.add_argument(
        "--interval", type=_positive(float, zero=True), default=interval, metavar="S",
        help=f"seconds between two probes to one target (default: {interval})",
    )  # fmt: skip
    parser.add_argument(
        "--timeout", type=_positive(float), default=1.0, metavar="S", help="seconds to wait for an answer (default: 1)"
    )


def _common(parser: argparse.ArgumentParser, *, again: bool = False) -> None:
    # A sub-parser must not put its default over what stood before the probe's name.
    default = argparse.SUPPRESS if again else None
    parser.add_argument("--interface", default=default, metavar="NAME", help="measure through this interface only")
    parser.add_argument(
        "--json", action="store_true", default=argparse.SUPPRESS if again else False, help="one JSON object a probe"
    )


def _positive(kind: type, *, zero: bool = False) -> Any:
    def convert(text: str) -> Any:
        value = kind(text)
        if not (value > 0 or (zero and value == 0)) or value > 1e9:
            raise argparse.ArgumentTypeError(f"{text} is not above 0")
        return value

    convert.__name__ = "number"
    return convert


def _port(text: str) -> int:
    if not text.isdigit() or not 0 < int(text) < 65536:
        raise argparse.ArgumentTypeError(f"{text} is no port (1 to 65535)")
    return int(text)


class _Progress:
    """A bar on the terminal while a long measurement runs; nothing where nobody looks. It shows the time that passes,
    or what the probe tells of itself."""

    def __init__(self, name: str, seconds: float, *, show: bool) -> None:
        self._name, self._seconds = name, seconds
        self._show = show and sys.stderr.isatty()
        self._done = threading.Event()
        self._thread: threading.Thread | None = None
        self._told: tuple[str, float] | None = None

    def told(self, phase: str, share: float) -> None:
        """The probe is in ``phase``, of which ``share`` (0 to 1) is done."""
        self._told = (phase, share)

    def __enter__(self) -> _Progress:
        if self._show:
            self._thread = threading.Thread(target=self._turn, daemon=True)
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        if self._thread is not None:
            self._thread.join()

    def _turn(self) -> None:
        from rich.console import Console  # noqa: PLC0415
        from rich.progress import Progress  # noqa: PLC0415

        began = time.monotonic()
        with Progress(console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task(f"measuring {self._name}", total=1.0)
            while not self._done.wait(0.2):
                phase, share = self._told or (self._name, (time.monotonic() - began) / self._seconds)
                bar.update(task, description=f"measuring {phase}", completed=min(share, 1.0))
