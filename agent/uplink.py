"""What this device is configured with: interface, source address, default gateway, name servers. Read-only."""

from __future__ import annotations

import contextlib
import socket
import struct
from pathlib import Path
from typing import NamedTuple

TABLES = Path("/proc/net")


class Route(NamedTuple):
    """The way to an address. ``gateway`` is empty on the same segment."""

    interface: str
    gateway: str


class Gateway(NamedTuple):
    """The router of the default route. ``segment``: the on-link prefix it stands on, "" on a line without one."""

    mac: str
    segment: str


class _Entry(NamedTuple):
    """One usable line of the main table, addresses as the kernel writes them."""

    interface: str
    destination: int
    gateway: int
    mask: int
    metric: int

    def rank(self) -> tuple[int, int]:
        """A longer mask wins, then the smaller metric."""
        return self.mask.bit_count(), -self.metric


def route(address: str = "0.0.0.0") -> Route | None:  # noqa: S104 - the default route's key, nothing is bound
    """The IPv4 route to ``address`` in the main table; None without one."""
    best = _best(_key(address), _entries(TABLES))
    return Route(best.interface, _text(best.gateway) if best.gateway else "") if best else None


def gateway(interface: str | None = None, tables: Path = TABLES) -> Gateway | None:
    """The default route's router (of ``interface`` alone, where one is named), as the kernel's neighbour table has it;
    None without one, or while its MAC address is not known. Sends nothing."""
    entries = [entry for entry in _entries(tables) if interface is None or entry.interface == interface]
    way = _best(0, [entry for entry in entries if not entry.mask])
    if way is None or not way.gateway:
        return None
    mac = _neighbour(_text(way.gateway), way.interface, tables)
    if mac is None:
        return None
    near = _best(
        way.gateway, [one for one in entries if one.mask and not one.gateway and one.interface == way.interface]
    )
    return Gateway(mac, f"{_text(near.destination)}/{near.mask.bit_count()}" if near else "")


def _entries(tables: Path) -> list[_Entry]:
    try:
        lines = (tables / "route").read_text().splitlines()[1:]
    except OSError:
        return []
    found = []
    for line in lines:
        fields = line.split()
        destination, gateway, mask = (int(fields[at], 16) for at in (1, 2, 7))
        flags, metric = int(fields[3], 16), int(fields[6])
        # 1 up, 0x200 reject.
        if flags & 1 and not flags & 0x200:
            found.append(_Entry(fields[0], destination, gateway, mask, metric))
    return found


def _best(wanted: int, entries: list[_Entry]) -> _Entry | None:
    return max((one for one in entries if wanted & one.mask == one.destination), key=_Entry.rank, default=None)


def _neighbour(address: str, interface: str, tables: Path) -> str | None:
    try:
        lines = (tables / "arp").read_text().splitlines()[1:]
    except OSError:
        return None
    for line in lines:
        fields = line.split()
        # 2: the address is known, now or from before; without it the line is a question that nobody answered.
        if fields[0] == address and fields[5] == interface and int(fields[2], 16) & 2:
            return fields[3]
    return None


def _key(address: str) -> int:
    found: int = struct.unpack("<I", socket.inet_aton(address))[0]
    return found


def _text(address: int) -> str:
    return socket.inet_ntoa(struct.pack("<I", address))


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
