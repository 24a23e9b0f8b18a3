"""A campus as network namespaces: a core with the collector, a router, two rooms with agents, twenty access points.

core 10.99.0.1 ──WAN── router ──┬── room 1 10.98.1.2 (agent)
   │                            ├── room 2 10.98.2.2 (agent)
this process (10.99.1.1)        └── access points 10.97.0.1 … 10.97.0.20 (the management network)
"""

import os
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

ACCESS_POINTS = [f"10.97.0.{n}" for n in range(1, 21)]
COLLECTOR = "10.99.1.2"
"""The core as this process reaches it; agents reach it at the same address, through the router."""
INTERNET = "10.99.0.1"
"""What stands for the internet: another address behind the WAN."""
CORE = (COLLECTOR, INTERNET)


def run(*command: str, check: bool = True) -> str:
    """A command's output. Raises with its own words where it fails."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    if check and done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


def clear_what_was_left() -> None:
    """Removes what a killed run left behind: its address on this side would lead our requests to it."""
    for link in Path("/sys/class/net").glob("e*t"):
        if _of_the_dead(link.name):
            run("ip", "link", "del", link.name, check=False)
    for line in run("ip", "netns", "list").splitlines():
        name = line.split(" ", 1)[0]
        if _of_the_dead(name):
            run("ip", "netns", "del", name, check=False)


def _of_the_dead(name: str) -> bool:
    found = re.fullmatch(r"e(\d+)(t|core|rtr|aps|room\d)", name)
    return found is not None and not Path(f"/proc/{found[1]}").exists()


class Network:
    """Makes the namespaces, breaks and mends them. ``close`` removes everything it made."""

    def __init__(self) -> None:
        self.tag = f"e{os.getpid() % 100000}"
        self.core, self.router, self.aps = f"{self.tag}core", f"{self.tag}rtr", f"{self.tag}aps"
        self.rooms = [f"{self.tag}room1", f"{self.tag}room2"]
        self._made: list[str] = []
        clear_what_was_left()
        try:
            self._build()
        except BaseException:
            self.close()
            raise

    def _build(self) -> None:
        for name in (self.core, self.router, self.aps, *self.rooms):
            run("ip", "netns", "add", name)
            self._made.append(name)
            run("ip", "-n", name, "link", "set", "lo", "up")
        run("ip", "netns", "exec", self.router, "sysctl", "-qw", "net.ipv4.ip_forward=1")
        run("ip", "link", "add", f"{self.tag}t", "type", "veth", "peer", "name", "test", "netns", self.core)
        run("ip", "addr", "add", "10.99.1.1/24", "dev", f"{self.tag}t")
        run("ip", "link", "set", f"{self.tag}t", "up")
        self._address(self.core, "test", f"{COLLECTOR}/24")
        self._wire(self.core, "wan", "10.99.0.1/24", self.router, "wan", "10.99.0.254/24")
        self._wire(self.aps, "lan", "10.97.0.253/24", self.router, "aps", "10.97.0.254/24")
        self.return_access_points(ACCESS_POINTS)
        for number, room in enumerate(self.rooms, 1):
            self._wire(room, "eth0", f"10.98.{number}.2/24", self.router, f"room{number}", f"10.98.{number}.1/24")
            run("ip", "-n", room, "route", "add", "default", "via", f"10.98.{number}.1")
        run("ip", "-n", self.aps, "route", "add", "default", "via", "10.97.0.254")
        run("ip", "-n", self.core, "route", "add", "10.96.0.0/14", "via", "10.99.0.254")
        run("ip", "-n", self.router, "route", "add", "default", "via", "10.99.0.1")

    def _address(self, namespace: str, device: str, address: str) -> None:
        run("ip", "-n", namespace, "addr", "add", address, "dev", device)
        run("ip", "-n", namespace, "link", "set", device, "up")

    def _wire(self, left: str, device: str, address: str, right: str, other: str, other_address: str) -> None:
        run("ip", "-n", left, "link", "add", device, "type", "veth", "peer", "name", other, "netns", right)
        self._address(left, device, address)
        self._address(right, other, other_address)

    def kill_access_points(self, addresses: Sequence[str]) -> None:
        """The access points stop answering: their addresses are gone from their network."""
        for address in addresses:
            run("ip", "-n", self.aps, "addr", "del", f"{address}/32", "dev", "lan")

    def return_access_points(self, addresses: Sequence[str]) -> None:
        for address in addresses:
            run("ip", "-n", self.aps, "addr", "add", f"{address}/32", "dev", "lan")

    def cut_wan(self) -> None:
        """Nothing passes between the campus and the core, in silence as behind a cut fibre."""
        for address in CORE:
            run("ip", "-n", self.router, "route", "add", "blackhole", f"{address}/32")

    def mend_wan(self) -> None:
        for address in CORE:
            run("ip", "-n", self.router, "route", "del", "blackhole", f"{address}/32")

    def close_management_network(self) -> None:
        """The router drops what goes to the access points, as where agents sit in another network on purpose."""
        run("ip", "-n", self.router, "route", "del", "10.97.0.0/24")
        run("ip", "-n", self.router, "route", "add", "blackhole", "10.97.0.0/24")

    def open_management_network(self) -> None:
        run("ip", "-n", self.router, "route", "del", "blackhole", "10.97.0.0/24")
        run("ip", "-n", self.router, "route", "add", "10.97.0.0/24", "dev", "aps", "src", "10.97.0.254")

    def close(self) -> None:
        for name in self._made:
            run("ip", "netns", "del", name, check=False)
        run("ip", "link", "del", f"{self.tag}t", check=False)
