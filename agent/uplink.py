"""What this device is configured with: interface, source address, default gateway, name servers. Read-only."""

from __future__ import annotations

import contextlib
import socket
import struct
from pathlib import Path
from typing import NamedTuple


class Route(NamedTuple):
    """The way to an address. ``gateway`` is empty on the same segment."""

    interface: str
    gateway: str


def route(address: str = "0.0.0.0") -> Route | None:  # noqa: S104 - the default route's key, nothing is bound
    """The IPv4 route to ``address`` in the main table; None without one."""
    wanted = struct.unpack("<I", socket.inet_aton(address))[0]
    best: tuple[int, int, Route] | None = None
    try:
        lines = Path("/proc/net/route").read_text().splitlines()[1:]
    except OSError:
        return None
    for line in lines:
        fields = line.split()
        destination, gateway, mask = (int(fields[at], 16) for at in (1, 2, 7))
        flags, metric = int(fields[3], 16), int(fields[6])
        # 1 up, 0x200 reject; a longer mask wins, then the smaller metric.
        if not flags & 1 or flags & 0x200 or wanted & mask != destination:
            continue
        rank = (mask.bit_count(), -metric)
        if best is None or rank > best[:2]:
            way = socket.inet_ntoa(struct.pack("<I", gateway)) if gateway else ""
            best = (*rank, Route(fields[0], way))
    return best[2] if best else None


def source(address: str) -> str | None:
    """Our own address towards ``address``. Sends nothing."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        try:
            sock.connect((address, 9))
        except OSError:
            return None
        found: str = sock.getsockname()[0]
        return found


def interfaces() -> list[str]:
    """Every interface but the loopback."""
    return sorted(name for _, name in socket.if_nameindex() if name != "lo")


def carrier(interface: str) -> bool | None:
    """Whether the link is up; None where there is no such interface."""
    base = Path("/sys/class/net", interface)
    with contextlib.suppress(OSError):
        return base.joinpath("carrier").read_text().strip() == "1"
    # Reading the carrier of an interface that is administratively down is an error of its own.
    return False if base.exists() else None


def name_servers(file: Path = Path("/etc/resolv.conf")) -> list[str]:
    """The resolvers this device is configured with."""
    try:
        lines = file.read_text().splitlines()
    except OSError:
        return []
    return [fields[1] for line in lines if (fields := line.split())[:1] == ["nameserver"] and len(fields) > 1]
