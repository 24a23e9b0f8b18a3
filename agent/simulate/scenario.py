"""Faults placed on purpose: a TOML file and the district go in, what is wrong where and when comes out.

    seeded = false                      # true: the faults of the seed happen too

    [powered]                           # may be left out: agents have power only then, on school days' clocks
    weekdays = ["monday", "tuesday", "wednesday", "thursday", "friday"]
    from = 06:30:00
    to = 17:00:00

    [[faults]]
    kind = "access_point_down"          # see KINDS
    campus = "sim-001"
    access_point = 3                    # of access points: its id, or its number in the campus's list, from 1
    from = 2026-10-06T09:00:00          # local time of the campuses, or with an offset; whole slots
    to = 2026-10-06T11:00:00

Faults of one agent name it with ``agent = 1``: its number in the campus, from 1.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Any, NamedTuple, cast
from zoneinfo import ZoneInfo

from agent.simulate.district import Campus
from agent.simulate.faults import Fault, Faults, Kind

KINDS: dict[str, str] = {
    "access_point_down": "access_point",
    "radio_silent": "access_point",
    "weak_room": "agent",
    "agent_silent": "agent or the whole campus",
    "agent_moved": "agent",
    "management_closed": "",
    "wan_cut": "",
    "collector_cut": "",
    "slow_dns": "",
    "dhcp_silent": "",
    "lunch_load": "",
}
"""What can be placed, and what beside the campus it needs."""
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_ZONE = ZoneInfo("America/Los_Angeles")
_KEYS = {"kind", "campus", "access_point", "agent", "from", "to", "seconds"}


class ScenarioError(ValueError):
    """A file that cannot be played: names the file, the entry and the mend."""


class Powered(NamedTuple):
    """When agents have power, in local time."""

    weekdays: frozenset[int] = frozenset(range(7))
    since: time = time.min
    until: time = time.max

    def at(self, when: float) -> bool:
        local = datetime.fromtimestamp(when, _ZONE)
        return local.weekday() in self.weekdays and self.since <= local.time() < self.until


class Scenario:
    """The faults of a file; a :class:`agent.simulate.faults.Truth`."""

    def __init__(self, faults: Sequence[Fault], powered: Powered | None = None, seeded: Faults | None = None) -> None:
        self._of: dict[str, list[Fault]] = {}
        for fault in sorted(faults, key=lambda one: one.from_at):
            self._of.setdefault(fault.campus, []).append(fault)
        self._powered = powered
        self._seeded = seeded
        # Whether there is power is asked for each probe of each agent, mostly of the same instants.
        self._known: tuple[float, bool] = (-1.0, True)

    def at(self, campus: str, when: float) -> list[Fault]:
        found = [fault for fault in self._of.get(campus, ()) if fault.from_at <= when < fault.to_at]
        if self._powered is not None and not self._has_power(when):
            found.append(Fault("powered_off", campus, "", when, when))
        return found + self._seeded.at(campus, when) if self._seeded is not None else found

    def between(self, start: float, end: float) -> list[Fault]:
        """Times without power are no faults and not among them."""
        found = [fault for each in self._of.values() for fault in each if fault.from_at < end and fault.to_at > start]
        found += self._seeded.between(start, end) if self._seeded is not None else []
        return sorted(found, key=lambda fault: (fault.from_at, fault))

    def _has_power(self, when: float) -> bool:
        assert self._powered is not None
        minute = when // 60
        if self._known[0] != minute:
            self._known = (minute, self._powered.at(minute * 60))
        return self._known[1]


def load(path: Path, campuses: Sequence[Campus], seeded: Faults, slot_seconds: float) -> Scenario:
    """Raises ScenarioError, OSError."""
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as fault:
        raise ScenarioError(f"{path}: not TOML in UTF-8: {fault}; mend that line") from None
    _known(f"{path}", document, {"seeded", "powered", "faults"})
    entries = document.get("faults", [])
    if not isinstance(entries, list) or not all(isinstance(one, dict) for one in entries):
        raise ScenarioError(f"{path}: write each fault as [[faults]]")
    known = {campus.id: campus for campus in campuses}
    faults = [_fault(f"{path}: fault {n}", one, known, slot_seconds) for n, one in enumerate(entries, 1)]
    powered = _powered(f"{path}: powered", document["powered"]) if "powered" in document else None
    return Scenario(faults, powered, seeded if document.get("seeded", False) is True else None)


def _fault(where: str, entry: Mapping[str, Any], campuses: Mapping[str, Campus], slot_seconds: float) -> Fault:
    _known(where, entry, _KEYS)
    kind = entry.get("kind")
    if kind not in KINDS:
        raise ScenarioError(f"{where}: kind {kind!r} is not known: write one of {', '.join(KINDS)}")
    campus = campuses.get(str(entry.get("campus")))
    if campus is None:
        raise ScenarioError(f"{where}: campus {entry.get('campus')!r} is not of this district")
    begin, end = (_instant(where, key, entry.get(key)) for key in ("from", "to"))
    if begin >= end:
        raise ScenarioError(f"{where}: from {entry['from']} is not before to {entry['to']}: exchange the two")
    if begin % slot_seconds or end % slot_seconds:
        raise ScenarioError(f"{where}: a fault lasts whole slots of {slot_seconds:.0f} s: mend from and to")
    seconds = entry.get("seconds", 0.0)
    if not isinstance(seconds, int | float) or seconds < 0 or (seconds and kind != "slow_dns"):
        raise ScenarioError(f"{where}: seconds says what a name takes, of slow_dns alone: leave it out")
    return Fault(cast("Kind", kind), campus.id, _subject(where, str(kind), entry, campus), begin, end, float(seconds))


def _subject(where: str, kind: str, entry: Mapping[str, Any], campus: Campus) -> str:
    needs = KINDS[kind]
    for key in ("access_point", "agent"):
        if key in entry and key not in needs:
            raise ScenarioError(f"{where}: {kind} is of the whole campus: leave out {key}")
    if "access_point" in needs:
        ids = [ap.id for ap in campus.access_points]
        named = entry.get("access_point")
        if named in ids:
            return str(named)
        return ids[_number(where, "access_point", named, len(ids))]
    if needs.startswith("agent") and ("agent" in entry or needs == "agent"):
        return "/".join(campus.agents[_number(where, "agent", entry.get("agent"), len(campus.agents))])
    return ""


def _number(where: str, key: str, value: Any, count: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= count:
        raise ScenarioError(f"{where}: {key} is {value!r}: write a number from 1 to {count}")
    return value - 1


def _instant(where: str, key: str, value: Any) -> float:
    if not isinstance(value, datetime):
        raise ScenarioError(f"{where}: {key} is {value!r}: write {key} = 2026-10-06T09:00:00")
    return (value if value.tzinfo is not None else value.replace(tzinfo=_ZONE)).astimezone(UTC).timestamp()


def _powered(where: str, entry: Any) -> Powered:
    if not isinstance(entry, dict):
        raise ScenarioError(f"{where}: write it as [powered]")
    _known(where, entry, {"weekdays", "from", "to"})
    days = entry.get("weekdays", list(_DAYS))
    if not isinstance(days, list) or not days or not all(day in _DAYS for day in days):
        raise ScenarioError(f"{where}: weekdays is {days!r}: write some of {', '.join(_DAYS)}")
    since, until = entry.get("from", time.min), entry.get("to", time.max)
    if not isinstance(since, time) or not isinstance(until, time) or since >= until:
        raise ScenarioError(f"{where}: write from = 06:30:00 and to = 17:00:00")
    return Powered(frozenset(_DAYS.index(day) for day in days), since, until)


def _known(where: str, table: Mapping[str, Any], keys: set[str]) -> None:
    for key in table:
        if key not in keys:
            raise ScenarioError(f"{where}: unknown key `{key}`; known: {', '.join(sorted(keys))}")
