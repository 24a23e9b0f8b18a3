"""What the outside oracle is told: the simulator's faults, what people did, the lists, the bells, the calendar and the
policy's text. Read here with the standard library alone; nothing of the product is imported, here or in the oracle."""

import csv
import dataclasses
import datetime
import itertools
import json
import math
import tomllib
import zoneinfo
from pathlib import Path

ZONE = zoneinfo.ZoneInfo("America/Los_Angeles")
SLOT = 300
REPORT = 300
"""A device that loses its power loses the window that it had not sealed."""
FOREVER = math.inf
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


@dataclasses.dataclass(frozen=True)
class Fault:
    kind: str
    campus: str
    subject: str
    begin: float
    end: float
    seconds: float


@dataclasses.dataclass(frozen=True)
class Stay:
    """An agent in a room, in [begin, end); nothing it says counts in [doubt_from, doubt_to)."""

    home: str
    room: str
    begin: float = 0.0
    end: float = FOREVER
    doubt_from: float = FOREVER
    doubt_to: float = FOREVER


class Told:
    """One period's facts; ``slots``: for each campus and school day its slots of class with their seconds."""

    def __init__(self, folder: Path) -> None:
        self.campuses = _rows(folder / "campuses.csv")
        self.policy = tomllib.loads((folder / "policy.toml").read_text())
        self._bells = tomllib.loads((folder / "bells.toml").read_text())["schedules"]
        self._calendar = tomllib.loads((folder / "calendar.toml").read_text())
        self.aps = [row["campus"] for row in _rows(folder / "model" / "access-points.csv")]
        self.homes = [(row["campus"], row["place"]) for row in _rows(folder / "fleet" / "agents.csv")]
        self.acts = json.loads((folder / "acts.json").read_text())
        told = [json.loads(path.read_text()) for path in sorted(folder.glob("truth-*.json"))]
        self.faults = [Fault(*one) for one in sorted({tuple(each) for of_stage in told for each in of_stage})]
        self.slots = {row["id"]: self._class_slots(row["bells"]) for row in self.campuses}

    def _class_slots(self, schedule: str) -> dict[str, dict[int, int]]:
        """For each school day its slots of class with their instructional seconds."""
        special = {one["from"]: one["type"] for one in self._calendar.get("days", [])}
        days = {}
        day, last = self._calendar["first"], self._calendar["last"]
        while day <= last:
            bells = self._bells[schedule]
            kind = special.get(day, bells["weekly"].get(WEEKDAYS[day.weekday()], "none"))
            found: dict[int, int] = {}
            for band in bells["days"].get(kind, []):
                times = [band["begins"], *itertools.chain(*band.get("breaks", [])), band["ends"]]
                instants = [int(datetime.datetime.combine(day, one, ZONE).timestamp()) for one in times]
                for begin, end in zip(instants[::2], instants[1::2], strict=True):
                    for slot in range(begin // SLOT * SLOT, end, SLOT):
                        found[slot] = found.get(slot, 0) + min(end, slot + SLOT) - max(begin, slot)
            if found:
                days[day.isoformat()] = found
            day += datetime.timedelta(days=1)
        return days

    def teaches(self, campus: str, slot: int) -> bool:
        return any(slot in day for day in self.slots[campus].values())

    def is_silent(self, campus: str, stay: Stay, slot: int) -> bool:
        return any(
            f.kind == "agent_silent" and f.campus == campus and (not f.subject or is_of(f, stay))
            and f.begin - REPORT < slot + SLOT and f.end > slot
            for f in self.faults
        )  # fmt: skip

    def stays(self, campus: str) -> list[Stay]:
        """Where the campus's agents stood, as people said it in the end, and when nobody could be sure."""
        found = []
        for home in (place for id_, place in self.homes if id_ == campus):
            moves = [f for f in self.faults if f.kind == "agent_moved" and f"{f.campus}/{f.subject}" == home]
            said = [one for one in self.acts if one.get("room") == home]
            if not moves:
                found.append(Stay(home, home))
            elif not said:
                found.append(Stay(home, home, doubt_from=moves[0].begin))
            elif said[0]["verb"] == "confirm":
                found.append(Stay(home, home))
            else:
                found.append(Stay(home, home, end=said[0]["from"]))
                found.append(Stay(home, said[0]["moved_to"], begin=said[0]["from"]))
        return found

    def spoken(self, campus: str, stay: Stay, slots: list[int]) -> list[int]:
        return [
            slot for slot in slots
            if stay.begin <= slot < stay.end and not stay.doubt_from <= slot < stay.doubt_to
            and not self.is_silent(campus, stay, slot)
        ]  # fmt: skip

    def hit(self, campus: str, kinds: tuple[str, ...], slots: list[int], stay: Stay | None = None) -> list[int]:
        faults = [f for f in self.faults if f.campus == campus and f.kind in kinds and (not stay or is_of(f, stay))]
        return [slot for slot in slots if any(f.begin < slot + SLOT and f.end > slot for f in faults)]


def is_of(fault: Fault, stay: Stay) -> bool:
    """Whether a fault of one agent is of this one: it is named by where the agent was set up."""
    return f"{fault.campus}/{fault.subject}" == stay.home


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))
