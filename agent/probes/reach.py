"""Reach: does each access point answer, and how fast. ICMP in one sweep, ARP on the same segment, TCP where ICMP is
filtered. A silent access point is a row; a device that cannot ask raises CouldNotRun."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Sequence

from msgspec import Struct

from agent import arp, icmp, tcp, uplink, wire
from agent.probes import figures
from agent.probes.base import CouldNotRun, Deadline
from agent.probes.figures import Asked, boottime

KIND = "reach"


class Settings(Struct, frozen=True):
    """``interval_seconds`` lies between two probes to one target."""

    targets: Sequence[wire.PlanTarget]
    count: int = 3
    interval_seconds: float = 1.0
    timeout_seconds: float = 1.0
    interface: str = ""


def probe(settings: Settings, deadline: Deadline) -> wire.Reach:
    """One row for each target, in their order."""
    return wire.Reach(**figures.columns(ask(settings, deadline)))


def ask(settings: Settings, deadline: Deadline) -> list[Asked]:
    """The rows before they become columns."""
    ways: dict[str, Callable[[list[wire.PlanTarget], Settings, Deadline], list[Asked]]] = {
        "icmp": _icmp, "tcp": _tcp, "arp": _arp,
    }  # fmt: skip
    found: dict[int, Asked] = {}
    good: dict[str, list[int]] = {}
    before = _ways(settings)
    for place, target in enumerate(settings.targets):
        fault = _fault(target)
        if fault is None:
            good.setdefault(target.method, []).append(place)
        else:
            found[place] = refusal(target.id, target.method, *fault)
    for method, places in good.items():
        rows = ways[method]([settings.targets[place] for place in places], settings, deadline)
        found.update(zip(places, rows, strict=True))
    rows = [found[place] for place in range(len(settings.targets))]
    _need_own_link(settings, rows, before)
    return rows


def refusal(target: str, method: wire.Method, outcome: str, reason: str) -> Asked:
    """A row about a target that was not asked."""
    return Asked(target, method, outcome, reason, None, 0, 0, (), boottime(), 0.0)


def _fault(target: wire.PlanTarget) -> tuple[str, str] | None:
    if target.method not in ("icmp", "tcp", "arp"):
        return "method", f"reach asks by icmp, tcp or arp, not {target.method}"
    try:
        socket.inet_pton(socket.AF_INET, target.address)
    except OSError:
        return "address", f"{target.address[:60]!r} is no IPv4 address"
    if target.method == "tcp" and not target.port:
        return "address", "tcp needs a port"
    return None


def _icmp(targets: list[wire.PlanTarget], settings: Settings, deadline: Deadline) -> list[Asked]:
    began = boottime()
    # Two access points may stand behind one address (a stack): the address is asked once.
    addresses = list(dict.fromkeys(target.address for target in targets))
    answers = icmp.sweep(
        addresses,
        count=settings.count,
        interval_seconds=settings.interval_seconds,
        timeout_seconds=settings.timeout_seconds,
        interface=settings.interface,
        deadline=deadline,
    )
    by_address = dict(zip(addresses, answers, strict=True))
    return [echo_row(target.id, by_address[target.address], began) for target in targets]


def echo_row(target: str, answer: icmp.Answer, began: float) -> Asked:
    """The row of one address's ICMP answers."""
    outcome, reason = "ok", None
    if not answer.received:
        if answer.unreachable:
            outcome, reason = "unreachable", answer.failure
        elif answer.sent:
            outcome, reason = "timeout", f"no answer to {answer.sent}"
        elif answer.failed_sends:
            outcome, reason = "send", answer.failure
        else:
            outcome, reason = "deadline", "out of time before it was asked"
    stamp: wire.Stamp | None = ("kernel" if answer.kernel else "user") if answer.rtts else None
    at = answer.last_at if answer.sent else boottime()
    return Asked(target, "icmp", outcome, reason, stamp, answer.sent, answer.received, answer.rtts, at, at - began)


def _tcp(targets: list[wire.PlanTarget], settings: Settings, deadline: Deadline) -> list[Asked]:
    places = [(target.address, target.port or 0) for target in targets]
    return tcp_rows([target.id for target in targets], places, settings, deadline)


def tcp_rows(
    names: Sequence[str], places: Sequence[tuple[str, int]], settings: Settings, deadline: Deadline
) -> list[Asked]:
    """``count`` handshakes with each place, ``interval_seconds`` apart."""
    began, start = boottime(), time.monotonic()
    tries: list[list[tcp.Handshake]] = [[] for _ in places]
    for number in range(settings.count):
        pause = start + number * settings.interval_seconds - time.monotonic()
        if number and deadline.remaining() <= max(pause, 0) + 0.05:
            break
        time.sleep(max(pause, 0.0))
        timeout = min(settings.timeout_seconds, max(deadline.remaining(), 0.05))
        for found, once in zip(tries, tcp.handshakes(places, timeout, settings.interface), strict=True):
            found.append(once)
    at = boottime()
    rows = []
    for name, done in zip(names, tries, strict=True):
        sent = [one for one in done if one.outcome != "send"]
        good = [one for one in sent if one.seconds is not None]
        worst = done[-1]
        rows.append(
            Asked(
                name, "tcp",
                "ok" if good else worst.outcome, None if good else worst.reason,
                None if not good else "kernel" if all(one.kernel for one in good) else "user",
                len(sent), len(good), [one.seconds for one in good if one.seconds is not None], at, at - began,
            )
        )  # fmt: skip
    if rows and all(one.outcome == "send" for done in tries for one in done):
        raise CouldNotRun(f"nothing could be sent: {rows[0].reason}", "check this device's routes with `ip route`")
    return rows


def _arp(targets: list[wire.PlanTarget], settings: Settings, deadline: Deadline) -> list[Asked]:
    """ARP reaches the own segment only: what a router is in between of is a row that says so."""
    segments: dict[str, list[int]] = {}
    found: dict[int, Asked] = {}
    for place, target in enumerate(targets):
        way = uplink.route(target.address)
        if way is None or way.gateway or (settings.interface and way.interface != settings.interface):
            found[place] = refusal(target.id, "arp", "segment", "not on this device's segment; use icmp or tcp")
        else:
            segments.setdefault(way.interface, []).append(place)
    for interface, places in segments.items():
        began, start = boottime(), time.monotonic()
        addresses = [targets[place].address for place in places]
        source = uplink.source(addresses[0]) or "0.0.0.0"  # noqa: S104 - an ARP probe without a sender
        times: list[list[float | None]] = [[] for _ in places]
        for number in range(settings.count):
            time.sleep(max(start + number * settings.interval_seconds - time.monotonic(), 0.0))
            timeout = min(settings.timeout_seconds, deadline.remaining())
            if timeout <= 0:
                break
            for series, took in zip(times, arp.ask(addresses, interface, source, timeout), strict=True):
                series.append(took)
        at = boottime()
        for place, series in zip(places, times, strict=True):
            rtts = [took for took in series if took is not None]
            reason = None if rtts else f"no answer to {len(series)}"
            found[place] = Asked(
                targets[place].id, "arp", "ok" if rtts else "timeout", reason, "user" if rtts else None,
                len(series), len(rtts), rtts, at, at - began,
            )  # fmt: skip
    return [found[place] for place in range(len(targets))]


def _ways(settings: Settings) -> set[str]:
    """The interfaces that lead to the first and the last target."""
    if settings.interface or not settings.targets:
        return {settings.interface}
    ends = [target for target in (settings.targets[0], settings.targets[-1]) if _fault(target) is None]
    return {way.interface for target in ends if (way := uplink.route(target.address)) is not None}


def _need_own_link(settings: Settings, rows: list[Asked], before: set[str]) -> None:
    """With the own link down access points are silent, and with the own routes changed they were asked through
    another network; none of that is about them."""
    if all(row.received == row.sent for row in rows):
        return
    after = _ways(settings)
    if after != before:
        raise CouldNotRun("this device's routes changed while it measured", "check its cable, radio link and DHCP")
    for interface in after:
        if interface and uplink.carrier(interface) is False:
            raise CouldNotRun(f"interface {interface} has no link", "check the cable or the radio link of this device")
