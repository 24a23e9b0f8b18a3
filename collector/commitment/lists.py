"""Lists of their own: what a campus's one answer does not show. Sums of days and answers go in, lists come out. Pure.

A campus may meet the commitment while one of its rooms is short every day, for the policy asks for a share of the
rooms. And a room that is short and then says nothing more is not well again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from msgspec import Struct

from collector.commitment.day_sums import DaySums, RoomDay

ROOMS_OVER = 0.1
"""Share of class time above which a short room is listed."""
EVIDENCE_FLOOR = 0.90
"""Share of class time with evidence below which a campus is listed: a proposal, as the objective is."""
NAMES = ("rooms_short", "rooms_silent_while_short", "campuses_below_evidence_floor")


class Silence(Struct):
    """A room whose evidence ended while it was short: since when (Unix seconds), and for how much class time."""

    since: int
    seconds: int
    is_silent: bool


class Room(Struct):
    """A room's period in seconds of class."""

    short: int = 0
    unknown: int = 0
    silences: list[Silence] = []


def rooms(days: Iterable[DaySums]) -> dict[str, Room]:
    """``days``: a campus's, oldest first. What a room said last holds over night."""
    found: dict[str, Room] = {}
    short_last: set[str] = set()
    for day in days:
        if not day.slots:
            continue
        for name in short_last - day.rooms.keys():  # met all day, or no agent stands there any more
            short_last.discard(name)
            _end(found[name])
        for name, one in day.rooms.items():
            room = found.setdefault(name, Room(silences=[]))
            room.short += one.short
            room.unknown += one.unknown
            _silences(room, one, name in short_last)
            if one.last == "s":
                short_last.add(name)
            elif one.last == "m":
                short_last.discard(name)
    return found


def _silences(room: Room, one: RoomDay, was_short: bool) -> None:
    if was_short and one.leading:
        if not (room.silences and room.silences[-1].is_silent):
            room.silences.append(Silence(one.first_slot, 0, is_silent=True))
        room.silences[-1].seconds += one.leading
    if one.last:
        _end(room)
    if one.silent:
        room.silences.append(Silence(one.silent_slot, one.silent, is_silent=one.is_silent))


def _end(room: Room) -> None:
    if room.silences:
        room.silences[-1].is_silent = False


def of_answers(
    answers: Sequence[tuple[dict[str, Any], Iterable[DaySums]]], rooms_over: float, evidence_floor: float
) -> dict[str, Any]:
    """Every list, the worst first. ``answers``: those of campuses, each with its days. A room's share is of all of the
    campus's class time in the period."""
    short, silent = [], []
    for answer, days in answers:
        seconds = answer["instructional_seconds"]
        for name, room in rooms(days).items():
            said = {"campus": answer["campus"], "name": answer["name"], "simulated": answer["simulated"], "room": name}
            if room.short > rooms_over * seconds:
                counts = {"short_seconds": room.short, "unknown_seconds": room.unknown, "class_seconds": seconds}
                short.append(
                    {**said, "campus_verdict": answer["verdict"], **counts, "short_ratio": room.short / seconds}
                )
            silent += [
                {**said, "since_at": one.since, "silent_seconds": one.seconds, "is_silent": one.is_silent}
                for one in room.silences
            ]
    return {
        "rooms_over": rooms_over,
        "evidence_floor": evidence_floor,
        "rooms_short": sorted(short, key=lambda one: (one["simulated"], -one["short_ratio"], one["room"])),
        "rooms_silent_while_short": sorted(silent, key=lambda one: (one["simulated"], -one["since_at"], one["room"])),
        "campuses_below_evidence_floor": _below_floor([one for one, _ in answers], evidence_floor),
    }


def _below_floor(answers: Iterable[dict[str, Any]], floor: float) -> list[dict[str, Any]]:
    """Campuses with less evidence than that, the least first. One without class time lacks none."""
    found = [
        {
            "campus": one["campus"],
            "name": one["name"],
            "simulated": one["simulated"],
            "evidence_ratio": one["evidence_ratio"],
            "unknown_seconds": one["seconds"]["unknown"],
            "class_seconds": one["instructional_seconds"],
            "record_from": one["record_from"],
        }
        for one in answers
        if one["instructional_seconds"] and one["evidence_ratio"] < floor
    ]
    return sorted(found, key=lambda one: (one["simulated"], one["evidence_ratio"], one["campus"]))
