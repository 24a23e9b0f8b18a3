"""The district that is modelled: a seed and a number go in, campuses with access points and rooms come out.

The same seed gives the same campuses, access points and addresses on every machine. Addresses are from 198.18.0.0/15,
which is set aside for tests: nothing is ever sent to them.
"""

from __future__ import annotations

import csv
import ipaddress
import random
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

_FIRST_ADDRESS = int(ipaddress.IPv4Address("198.18.0.1"))
_MAX_ACCESS_POINTS = (1 << 17) - 2
_NAMES = (
    "Cedar", "Willow", "Sycamore", "Juniper", "Laurel", "Magnolia", "Alder", "Poplar", "Redwood", "Manzanita",
    "Cottonwood", "Hawthorn", "Chestnut", "Buckeye", "Toyon", "Madrone",
)  # fmt: skip
_KINDS = ("Elementary", "Middle School", "High School", "Academy")
_UPLINK_CAMPUSES = 4
_SSID = "SIMULATED-School"
# The first byte of the radios of 2.4 and of 5 GHz: locally administered too, and no access point's own.
_OF_RADIO = ("0a", "06")
_BELLS = """\
# Bell schedule of the modelled district.
[schedules.default]
weekly = { monday = "regular", tuesday = "short", wednesday = "regular", thursday = "regular", friday = "regular" }

[[schedules.default.days.regular]]
grades = "K-12"
begins = 08:00:00
ends = 15:00:00
breaks = [[10:00:00, 10:20:00], [12:00:00, 12:40:00]]

[[schedules.default.days.short]]
grades = "K-12"
begins = 08:00:00
ends = 13:30:00
breaks = [[10:00:00, 10:20:00], [12:00:00, 12:40:00]]
"""


class AccessPoint(NamedTuple):
    """``bssids``: of its radio of 2.4 GHz, and of its radio of 5 GHz."""

    id: str
    name: str
    address: str
    building: str
    room: str
    bssids: tuple[str, str]


class Campus(NamedTuple):
    """``ordinal`` counts from 0; ``agents`` are the rooms (building, room) that hold one; ``ssid``: its Wi-Fi's name,
    which they try to join."""

    ordinal: int
    id: str
    name: str
    region: str
    uplink: str
    access_points: tuple[AccessPoint, ...]
    rooms: tuple[tuple[str, str], ...]
    agents: tuple[tuple[str, str], ...]
    ssid: str = _SSID


class Listed(NamedTuple):
    """A campus that somebody else named: what the model does not make up. ``agents`` 0: as many as everywhere."""

    id: str
    name: str
    region: str = ""
    uplink: str = ""
    ssid: str = _SSID
    agents: int = 0


def read_list(path: Path) -> list[Listed]:
    """Campuses to model, from the list that ``wifi-collector import campuses`` takes; a column ``agents`` may say how
    many. Raises ValueError naming file and line, OSError."""
    found: list[Listed] = []
    with path.open(newline="", encoding="utf-8-sig") as file:
        for line, row in enumerate(csv.DictReader(file), start=2):
            cells = {key: (value or "").strip() for key, value in row.items() if key}
            if not cells.get("id") or not cells.get("name"):
                raise ValueError(f"{path}: line {line}: needs id and name")
            if cells.get("simulated", "").lower() not in ("yes", "true", "1"):
                raise ValueError(
                    f"{path}: line {line}: {cells['id']} is not marked simulated: a model speaks for no other"
                )
            if cells["id"] in {one.id for one in found}:
                raise ValueError(f"{path}: line {line}: {cells['id']} is named twice")
            agents = cells.get("agents") or "0"
            if not agents.isdigit():
                raise ValueError(f"{path}: line {line}: agents is {agents!r}: write a number")
            ssid = cells.get("join", "").split(";")[0] or _SSID
            found.append(
                Listed(cells["id"], cells["name"], cells.get("region", ""), cells.get("uplink", ""), ssid, int(agents))
            )
    if not found:
        raise ValueError(f"{path}: no campus is in it")
    return found


def model(
    count: int, *, seed: int = 1, access_points: int = 12, agents: int = 2, listed: Sequence[Listed] = ()
) -> tuple[Campus, ...]:
    """``count`` campuses of about ``access_points`` access points each, with ``agents`` agents each; those of
    ``listed`` where there are any, else made up."""
    if listed and count > len(listed):
        raise ValueError(f"{count} campuses are asked for and {len(listed)} are listed")
    if count * access_points * 5 // 4 > _MAX_ACCESS_POINTS:
        wanted = f"{count} campuses of {access_points} access points"
        raise ValueError(f"{wanted} need more than the {_MAX_ACCESS_POINTS} addresses there are for tests")
    campuses = []
    used = 0
    for index in range(count):
        dice = random.Random(f"{seed}/district/{index}")  # noqa: S311 - a model, not a secret
        named = listed[index] if listed else _made_up(index)
        here = named.agents or agents
        size = max(here, access_points + dice.randint(-access_points // 4, access_points // 4))
        found = tuple(_access_point(seed, index, number, used + number) for number in range(size))
        used += size
        rooms = tuple((ap.building, ap.room) for ap in found)
        campuses.append(
            Campus(
                ordinal=index,
                id=named.id,
                name=named.name,
                region=named.region,
                uplink=named.uplink,
                access_points=found,
                rooms=rooms,
                agents=tuple(rooms[number * size // here] for number in range(here)),
                ssid=named.ssid,
            )
        )
    return tuple(campuses)


def _made_up(index: int) -> Listed:
    return Listed(
        id=f"sim-{index + 1:03}",
        name=f"Simulated {_NAMES[index % len(_NAMES)]} {_KINDS[index // len(_NAMES) % len(_KINDS)]}",
        region=f"Region {'NSEW'[index % 4]}",
        uplink=f"sim-uplink-{index // _UPLINK_CAMPUSES + 1}",
    )


def _access_point(seed: int, campus: int, number: int, ordinal: int) -> AccessPoint:
    # Locally administered, so that no real device has it.
    raw = (0x02 << 40) | ((seed & 0xFF) << 32) | ((campus & 0xFFFF) << 16) | number
    mac = ":".join(f"{raw >> shift & 0xFF:02x}" for shift in range(40, -1, -8))
    building, room = f"{'ABCDEFGH'[number // 10 % 8]}", f"{100 * (number // 10 // 8 + 1) + number % 10 + 1}"
    address = str(ipaddress.IPv4Address(_FIRST_ADDRESS + ordinal))
    low, high = (first + mac[2:] for first in _OF_RADIO)
    return AccessPoint(mac, f"AP {building}-{room}", address, building, room, (low, high))


def write_inventory(campuses: Sequence[Campus], folder: Path) -> list[Path]:
    """The lists that ``wifi-collector import`` takes: campuses, access points, rooms, bells."""
    folder.mkdir(parents=True, exist_ok=True)
    bells = folder / "bells.toml"
    bells.write_text(_BELLS, encoding="utf-8")
    return [
        _write(
            folder / "campuses.csv",
            ("id", "name", "region", "timezone", "uplink", "simulated", "ssids", "join"),
            ((c.id, c.name, c.region, "America/Los_Angeles", c.uplink, "yes", c.ssid, c.ssid) for c in campuses),
        ),
        _write(
            folder / "access-points.csv",
            ("campus", "id", "name", "address", "building", "room", "bssids"),
            (
                (c.id, ap.id, ap.name, ap.address, ap.building, ap.room, ";".join(ap.bssids))
                for c in campuses
                for ap in c.access_points
            ),
        ),
        _write(
            folder / "rooms.csv",
            ("campus", "building", "room", "chosen", "chosen_by"),
            ((c.id, building, room, "drawn", "the model") for c in campuses for building, room in c.rooms),
        ),
        bells,
    ]


def _write(path: Path, header: Sequence[str], rows: Iterable[Sequence[str]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)
    return path
