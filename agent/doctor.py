"""``wifi-agent doctor``: what this device can and cannot measure, and how to mend what it cannot."""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Literal, NamedTuple

from agent import icmp, uplink
from agent.clock import RealClock
from agent.probes.base import CouldNotRun, Deadline

State = Literal["ok", "warning", "missing"]
_NEIGHBOURS_NEEDED = icmp.MAX_TARGETS + 24


class Check(NamedTuple):
    """One thing looked at. ``needed``: without it the agent cannot do its work."""

    name: str
    state: State
    found: str
    mend: str = ""
    needed: bool = False


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds ``doctor``."""
    parser = subparsers.add_parser(
        "doctor",
        help="what this device can and cannot measure, and how to mend it",
        description="Tries each thing the probes need. Changes nothing, and sends one ping to this device itself.",
        epilog="example:\n  wifi-agent doctor\n\nExit status: 0 reach, path and host can be measured, 1 they cannot.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--json", action="store_true", help="one JSON object")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Checks and prints. Returns the exit status."""
    checks = examine()
    able = not any(check.needed and check.state == "missing" for check in checks)
    if args.json:
        document = {"able": able, "checks": [check._asdict() for check in checks]}
        sys.stdout.write(json.dumps(document) + "\n")
    else:
        _show(checks, able=able)
    return 0 if able else 1


def examine() -> list[Check]:
    """Every check, in the order of the ladder."""
    looks: tuple[Callable[[], Check], ...] = (
        _link, _gateway, _names, _icmp, _arp, _scapy, _neighbours, _clock, _radio,
    )  # fmt: skip
    return [look() for look in looks]


def _link() -> Check:
    up = [name for name in uplink.interfaces() if uplink.carrier(name)]
    if up:
        return Check("link", "ok", f"up: {', '.join(up)}", needed=True)
    return Check("link", "missing", "no interface has a link", "plug in the cable, or join the Wi-Fi", needed=True)


def _gateway() -> Check:
    way = uplink.route()
    if way is not None:
        return Check("gateway", "ok", f"{way.gateway or 'on link'} through {way.interface}")
    return Check("gateway", "warning", "no default route", "check DHCP on this network, or `ip route`")


def _names() -> Check:
    servers = uplink.name_servers()
    if servers:
        return Check("name servers", "ok", ", ".join(servers))
    return Check("name servers", "warning", "none configured", "check DHCP, or /etc/resolv.conf")


def _icmp() -> Check:
    try:
        raw = _can_open(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
        [answer] = icmp.sweep(["127.0.0.1"], count=1, timeout_seconds=0.5, deadline=Deadline(2))
    except CouldNotRun as fault:
        return Check("ping", "missing", fault.reason, fault.hint, needed=True)
    kind = "raw socket" if raw else "ping socket"
    if not answer.received:
        return Check("ping", "missing", f"{kind}, but no answer from this device itself",
                     "a firewall on this device drops ICMP: check `nft list ruleset`", needed=True)  # fmt: skip
    if not answer.kernel:
        return Check("ping", "warning", f"{kind}, without kernel transmit stamps",
                     "times are less exact, and marked so", needed=True)  # fmt: skip
    return Check("ping", "ok", f"{kind}, timed by the kernel", needed=True)


def _arp() -> Check:
    if _can_open(socket.AF_PACKET, socket.SOCK_RAW, 0):
        return Check("ARP", "ok", "packet socket")
    return Check(
        "ARP", "warning", "no permission for packet sockets", "give the agent CAP_NET_RAW (the unit file does)"
    )


def _scapy() -> Check:
    if importlib.util.find_spec("scapy") is not None:
        return Check("scapy", "ok", "installed; loaded only when ARP is asked for")
    return Check("scapy", "warning", "not installed: no ARP probe", "pip install 'campus-wifi[agent]'")


def _neighbours() -> Check:
    try:
        limit = int(Path("/proc/sys/net/ipv4/neigh/default/gc_thresh3").read_text())
    except (OSError, ValueError):
        return Check("neighbour table", "warning", "its limit cannot be read here", "look on the host: gc_thresh3")
    if limit >= _NEIGHBOURS_NEEDED:
        return Check("neighbour table", "ok", f"room for {limit} addresses of the own segment")
    return Check("neighbour table", "warning", f"room for {limit} addresses of the own segment",
                 f"for big networks: sysctl net.ipv4.neigh.default.gc_thresh3={4 * _NEIGHBOURS_NEEDED}")  # fmt: skip


def _clock() -> Check:
    state = RealClock().reading().state
    if state == "synced":
        return Check("clock", "ok", "held by NTP")
    return Check("clock", "warning", f"{state}: not held by NTP",
                 "start systemd-timesyncd or chrony; until then the collector's time is used")  # fmt: skip


def _radio() -> Check:
    radios = sorted(path.parent.name for path in Path("/sys/class/net").glob("*/phy80211"))
    if radios:
        return Check("Wi-Fi radio", "ok", ", ".join(radios))
    return Check(
        "Wi-Fi radio", "warning", "none", "reach, path, throughput and host work without; the air is not heard"
    )


def _can_open(family: int, kind: int, protocol: int) -> bool:
    try:
        socket.socket(family, kind, protocol).close()
    except OSError:
        return False
    return True


def _show(checks: list[Check], *, able: bool) -> None:
    from rich.console import Console  # noqa: PLC0415
    from rich.markup import escape  # noqa: PLC0415

    console = Console(highlight=False, soft_wrap=True)
    signs = {"ok": "[green]ok     [/]", "warning": "[yellow]warning[/]", "missing": "[bold red]missing[/]"}
    for check in checks:
        console.print(f"{signs[check.state]}  {check.name:<16} {escape(check.found)}")
        if check.mend:
            console.print(f"{'':9}{'':<16} → {escape(check.mend)}")
    who = "root" if os.geteuid() == 0 else f"user {os.geteuid()}"
    console.print(
        f"[green]This device can measure reach, path and host[/] (as {who})."
        if able
        else f"[bold red]This device cannot measure yet[/] (as {who}); mend what is missing above."
    )
