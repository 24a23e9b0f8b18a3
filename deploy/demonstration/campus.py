"""The one real campus of a demonstration, ``this-machine``: its access points are what this machine can really ask."""

import csv
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

CAMPUS = "this-machine"
BUILDING, ROOM = "here", "1"
# Set aside for documentation: no real network has these.
_NAMESPACE_ADDRESSES = [f"198.51.100.{n}" for n in (11, 12, 13, 14)]
_HOST_ADDRESS = "198.51.100.1/24"


class AccessPoint(NamedTuple):
    id: str
    name: str
    address: str


class Namespace:
    """Addresses that answer, in a network namespace of our own. Only root can make one."""

    def __init__(self) -> None:
        self.name = f"campuswifi{os.getpid() % 100000}"
        self._device = f"cw{os.getpid() % 100000}"
        self._made = False

    def make(self) -> None:
        """Raises RuntimeError, saying why, where it cannot be made; then nothing is left of it."""
        self._made = True
        try:
            _ip("netns", "add", self.name)
            _ip("link", "add", self._device, "type", "veth", "peer", "name", "aps", "netns", self.name)
            _ip("addr", "add", _HOST_ADDRESS, "dev", self._device)
            _ip("link", "set", self._device, "up")
            for address in _NAMESPACE_ADDRESSES:
                _ip("-n", self.name, "addr", "add", f"{address}/24", "dev", "aps")
            _ip("-n", self.name, "link", "set", "lo", "up")
            _ip("-n", self.name, "link", "set", "aps", "up")
        except RuntimeError:
            self.remove()
            raise

    def remove(self) -> None:
        """Takes away what was made. Harmless to call twice."""
        if not self._made:
            return
        self._made = False
        for command in (("link", "del", self._device), ("netns", "del", self.name)):
            try:
                _ip(*command)
            except RuntimeError:
                continue  # it never came to be

    def access_points(self) -> list[AccessPoint]:
        return [
            AccessPoint(f"NAMESPACE-{n}", f"Demonstration address {n} (in a namespace)", address)
            for n, address in enumerate(_NAMESPACE_ADDRESSES, 1)
        ]


def default_gateway() -> str | None:
    """The address of this machine's default route over IPv4, if there is one."""
    try:
        found = re.search(r"^default via (\d+\.\d+\.\d+\.\d+)", _ip("-4", "route", "show", "default"), re.MULTILINE)
    except RuntimeError:
        return None
    return found.group(1) if found else None


def answers(python: Path, address: str) -> bool:
    """Whether ``address`` answers one ICMP echo, asked with our own agent."""
    command = [python.with_name("wifi-agent"), "measure", "reach", "--target", address, "--count", "1", "--json"]
    asked = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    return asked.returncode == 0 and re.search(r'"received":\s*\[?\s*1', asked.stdout) is not None


def loopback() -> list[AccessPoint]:
    """For those who are not root: addresses of this machine itself, labelled so."""
    return [AccessPoint(f"LOOPBACK-{n}", f"Loopback {n} (not a network)", f"127.0.0.{n + 1}") for n in (1, 2, 3)]


def write_lists(folder: Path, access_points: list[AccessPoint]) -> None:
    """The lists of the real campus, for ``wifi-collector import``."""
    folder.mkdir(parents=True, exist_ok=True)
    _write(folder / "campuses.csv", ["id", "name", "region"], [[CAMPUS, "This machine (real)", "Here"]])
    _write(
        folder / "access-points.csv",
        ["campus", "id", "name", "address", "building", "room"],
        [[CAMPUS, ap.id, ap.name, ap.address, BUILDING, ROOM] for ap in access_points],
    )
    _write(folder / "rooms.csv", ["campus", "building", "room", "chosen"], [[CAMPUS, BUILDING, ROOM, "chosen"]])


def _write(path: Path, header: list[str], rows: list[list[str]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *rows])


def _ip(*arguments: str) -> str:
    if shutil.which("ip") is None:
        raise RuntimeError("the command `ip` is missing (Debian's iproute2)")
    done = subprocess.run(["ip", *arguments], capture_output=True, text=True, check=False, timeout=30)
    if done.returncode:
        raise RuntimeError(done.stderr.strip() or f"ip {' '.join(arguments)} failed")
    return done.stdout
