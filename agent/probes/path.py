"""Path: the ladder link, gateway, DNS, internet, collector, each rung asked in its own way, and where it breaks.

Here this device's own network is what is measured: a dead link or a missing route is a row, never CouldNotRun.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from msgspec import Struct
from msgspec.structs import replace

from agent import dns, icmp, uplink, wire
from agent.names import Unresolved, address_of
from agent.probes import figures, reach
from agent.probes.base import CouldNotRun, Deadline
from agent.probes.figures import Asked, boottime

KIND = "path"
LADDER: tuple[wire.Rung, ...] = ("link", "gateway", "dns", "internet", "collector", "target")
_BEYOND = ("internet", "collector", "target")

# Two independent names of the internet, because one silent name proves nothing.
DEFAULT_TARGETS = (
    wire.PathTarget("link", "link", method="link"),
    wire.PathTarget("gateway", "gateway"),
    wire.PathTarget("dns", "dns", method="dns", query="example.com"),
    wire.PathTarget("internet", "example.com", "example.com", "tcp", 443),
    wire.PathTarget("internet", "ietf.org", "www.ietf.org", "tcp", 443),
)


class Settings(Struct, frozen=True):
    """An empty address means what this device is configured with (gateway, DNS)."""

    targets: Sequence[wire.PathTarget] = DEFAULT_TARGETS
    count: int = 3
    interval_seconds: float = 0.2
    timeout_seconds: float = 1.0
    interface: str = ""


def probe(settings: Settings, deadline: Deadline) -> wire.Path:
    """One row for each target, all asked at the same time, in their order."""
    if not settings.targets:
        return wire.Path(**figures.columns([]), rung=[])
    with ThreadPoolExecutor(min(len(settings.targets), 16), thread_name_prefix="path") as pool:
        rows = list(pool.map(lambda target: _ask(target, settings, deadline), settings.targets))
    return wire.Path(**figures.columns(rows), rung=[target.rung for target in settings.targets])


def broken_rung(table: wire.Path) -> str | None:
    """The lowest rung that fails, None where the ladder stands. A gateway that ignores pings is no break while
    something beyond it answers; the internet breaks only if two independent targets fail and none answers."""
    good: set[str] = set()
    bad: dict[str, set[str]] = {}
    for rung, target, outcome in zip(table.rung, table.target, table.outcome, strict=True):
        if outcome == "ok":
            good.add(rung)
        else:
            bad.setdefault(rung, set()).add(target)
    for rung in LADDER:
        if rung in good or rung not in bad:
            continue
        if rung == "gateway" and good.intersection(_BEYOND):
            continue
        if rung == "internet" and len(bad[rung]) < 2:
            continue
        return rung
    return None


def _ask(target: wire.PathTarget, settings: Settings, deadline: Deadline) -> Asked:
    ways: dict[str, Callable[[wire.PathTarget, Settings, Deadline], Asked]] = {
        "link": _link, "icmp": _icmp, "tcp": _tcp, "dns": _dns,
    }  # fmt: skip
    way = ways.get(target.method)
    if way is None:
        return reach.refusal(target.name, target.method, "method", f"path does not ask by {target.method}")
    chosen = target
    if target.method != "link":
        configured = target.address or _configured(target.rung, settings.interface)
        if not configured:
            why = {"gateway": "no default route", "dns": "no name server configured"}
            return _failed(target, "no_address", why.get(target.rung, "no address given"), sent=0)
        try:
            chosen = replace(target, address=address_of(configured, min(2.0, deadline.remaining())))
        except Unresolved as fault:
            return _failed(target, "resolve", str(fault), sent=0)
    try:
        return way(chosen, settings, deadline)
    except CouldNotRun as fault:
        if "permission" in fault.reason:
            raise
        return _failed(target, "send", fault.reason, sent=0)


def _configured(rung: str, interface: str) -> str:
    if rung == "gateway":
        way = uplink.route()
        return way.gateway if way is not None and interface in ("", way.interface) else ""
    if rung == "dns":
        return next((server for server in uplink.name_servers() if ":" not in server), "")
    return ""


def _failed(target: wire.PathTarget, outcome: str, reason: str, sent: int) -> Asked:
    return Asked(target.name, target.method, outcome, reason[:200], None, sent, 0, (), boottime(), 0.0)


def _link(target: wire.PathTarget, settings: Settings, _: Deadline) -> Asked:
    way = uplink.route()
    names = [settings.interface] if settings.interface else [way.interface] if way else uplink.interfaces()
    if any(uplink.carrier(name) for name in names):
        return Asked(target.name, "link", "ok", None, None, 1, 1, (), boottime(), 0.0)
    return _failed(target, "down", f"no link on {', '.join(names) or 'any interface'}", sent=1)


def _icmp(target: wire.PathTarget, settings: Settings, deadline: Deadline) -> Asked:
    began = boottime()
    [answer] = icmp.sweep(
        [target.address],
        count=settings.count,
        interval_seconds=settings.interval_seconds,
        timeout_seconds=settings.timeout_seconds,
        interface=settings.interface,
        deadline=deadline,
    )
    return reach.echo_row(target.name, answer, began)


def _tcp(target: wire.PathTarget, settings: Settings, deadline: Deadline) -> Asked:
    if not target.port:
        return _failed(target, "address", "tcp needs a port", sent=0)
    asked = reach.Settings((), settings.count, settings.interval_seconds, settings.timeout_seconds, settings.interface)
    [row] = reach.tcp_rows([target.name], [(target.address, target.port)], asked, deadline)
    return row


def _dns(target: wire.PathTarget, settings: Settings, deadline: Deadline) -> Asked:
    began, start = boottime(), time.monotonic()
    replies: list[dns.Reply] = []
    for number in range(settings.count):
        pause = max(start + number * settings.interval_seconds - time.monotonic(), 0.0)
        if number and deadline.remaining() <= pause + 0.05:
            break
        time.sleep(pause)
        timeout = min(settings.timeout_seconds, max(deadline.remaining(), 0.05))
        name = target.query or "example.com"
        replies.append(dns.ask(target.address, name, timeout, target.port or 53, settings.interface))
    rtts = [reply.seconds for reply in replies if reply.seconds is not None]
    sent = sum(reply.outcome != "send" for reply in replies)
    worst, at = replies[-1], boottime()
    return Asked(
        target.name, "dns", "ok" if rtts else worst.outcome, None if rtts else worst.reason,
        "user" if rtts else None, sent, len(rtts), rtts, at, at - began,
    )  # fmt: skip
