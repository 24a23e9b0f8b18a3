"""What answers add up of a campus's day: its record goes in, counts come out. Pure.

A record holds the grounds and the digest of every slot and is read in some tens of microseconds; a school year of a
district has two hundred thousand of them. So what periods add up stands beside the ledger, made of the record by this
one function, and ``verify`` makes it again.
"""

from __future__ import annotations

from collections.abc import Collection

from msgspec import Struct

from agent import wire
from collector.judgement.day_record import DayRecord, Grounds
from collector.policies.policy import Policy


class RoomDay(Struct, frozen=True, array_like=True):
    """A room whose agent did not find all of the day's class met; seconds of class.

    ``silent``: without a verdict after its last one was short. ``leading``: without one before the day's first.
    ``first_slot`` begins those, ``silent_slot`` the last silence (Unix seconds). ``last``: the day's last verdict, s or
    m, or empty; ``is_silent``: the day ended in silence after short."""

    short: int = 0
    unknown: int = 0
    silent: int = 0
    leading: int = 0
    first_slot: int = 0
    silent_slot: int = 0
    last: str = ""
    is_silent: bool = False


class DaySums(Struct, frozen=True):
    """Slots and instructional seconds by verdict; ``day_verdict``: None where the day was not judged (yet), empty where
    the policy requires nothing of it; ``causes``: seconds; ``outcomes``: tries; ``places``: rooms measured; ``rooms``:
    those that were not met throughout."""

    campus: str
    day: str
    met_slots: int = 0
    short_slots: int = 0
    unknown_slots: int = 0
    met_seconds: int = 0
    short_seconds: int = 0
    unknown_seconds: int = 0
    day_verdict: str | None = None
    causes: dict[str, int] = {}
    outcomes: dict[str, int] = {}
    places: tuple[str, ...] = ()
    rooms: dict[str, RoomDay] = {}

    @property
    def slots(self) -> int:
        return self.met_slots + self.short_slots + self.unknown_slots


def room_criteria(policy: Policy) -> frozenset[str]:
    """The criteria that say whether a room is short in a slot."""
    return frozenset(
        one.id for one in policy.criteria if one.required and one.window == "slot" and one.scope == "place"
    )


def sums(record: DayRecord, of_rooms: Collection[str]) -> DaySums:
    """``of_rooms``: the ids of :func:`room_criteria` of the policy that judged the day."""
    totals = record.totals()
    verdict = record.day_verdict
    return DaySums(
        record.campus,
        record.day,
        **{f"{word}_slots": slots for word, (slots, _) in totals.items()},
        **{f"{word}_seconds": seconds for word, (_, seconds) in totals.items()},
        day_verdict=None if verdict is None else verdict.verdict,
        causes=record.causes(),
        outcomes={} if verdict is None else dict(verdict.outcomes),
        places=tuple(record.places_measured),
        rooms=_rooms(record, of_rooms),
    )


def _rooms(record: DayRecord, of_rooms: Collection[str]) -> dict[str, RoomDay]:
    parts = []
    mentioned: set[str] = set()
    for span in record.spans:
        short, unknown = _states(span.grounds, of_rooms)
        slots = range(span.from_slot, span.to_slot, record.slot_seconds)
        seconds = sum(record.weights.get(slot, record.slot_seconds) for slot in slots)
        parts.append((span.from_slot, seconds, short, unknown))
        mentioned |= short | unknown
    return {room: _room(room, parts) for room in sorted(mentioned)}


def _states(grounds: Grounds, of_rooms: Collection[str]) -> tuple[frozenset[str], frozenset[str]]:
    """Rooms that are short by a required criterion, and those of the rest of which one is unknown."""
    mine = [one for one in grounds.criteria if one.id in of_rooms]
    short = frozenset(room for one in mine for room in one.failing)
    return short, frozenset(room for one in mine for room in one.missing) - short


def _room(room: str, parts: list[tuple[int, int, frozenset[str], frozenset[str]]]) -> RoomDay:
    found = {"short": 0, "unknown": 0, "silent": 0, "leading": 0}
    last, is_silent, silent_slot = "", False, 0
    for slot, seconds, short, unknown in parts:
        if room in unknown:
            found["unknown"] += seconds
            if not last:
                found["leading"] += seconds
            elif last == "s":
                found["silent"] += seconds
                silent_slot = silent_slot if is_silent else slot
                is_silent = True
            continue
        found["short"] += seconds if room in short else 0
        last, is_silent = "s" if room in short else "m", False
    return RoomDay(**found, first_slot=parts[0][0], silent_slot=silent_slot, last=last, is_silent=is_silent)


class More(Struct, frozen=True, omit_defaults=True):
    """The part of the sums that most days say alike, as one text of the table."""

    causes: dict[str, int] = {}
    outcomes: dict[str, int] = {}
    places: tuple[str, ...] = ()
    rooms: dict[str, RoomDay] = {}


wire.learn(More)
