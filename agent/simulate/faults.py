"""What is wrong in the modelled district, and when: a pure function of the seed, so that a test knows the truth.

Time is cut into epochs of 120 slots; each campus draws its faults anew in each, by its character. A fault lies within
its epoch, so that what is wrong at an instant follows from the instant alone.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from functools import lru_cache
from typing import Literal, NamedTuple, Protocol

from agent.simulate.district import Campus

EPOCH_SLOTS = 120

Kind = Literal[
    "access_point_down", "weak_room", "wan_cut", "slow_dns", "lunch_load", "radio_silent", "management_closed",
    "collector_cut", "dhcp_silent", "agent_silent", "agent_moved", "powered_off",
]  # fmt: skip
Character = Literal["steady", "neglected", "remote", "crowded"]

# By a campus's place in the district, so that twelve campuses show every character and most of them work.
_CHARACTERS: tuple[Character, ...] = (
    "steady", "steady", "neglected", "steady", "remote", "steady",
    "crowded", "steady", "steady", "steady", "remote", "steady",
)  # fmt: skip


class Fault(NamedTuple):
    """``subject``: the access point's id, or ``building/room``, or empty for the whole campus. ``seconds``: what a name
    takes where names are slow; 0: the model's own figure."""

    kind: Kind
    campus: str
    subject: str
    from_at: float
    to_at: float
    seconds: float = 0.0


class Truth(Protocol):
    """What is wrong in a district: drawn by a seed (:class:`Faults`), or placed on purpose
    (:class:`agent.simulate.scenario.Scenario`)."""

    def at(self, campus: str, when: float) -> list[Fault]:
        """What is wrong at one campus at one instant."""
        ...

    def between(self, start: float, end: float) -> list[Fault]:
        """Everything wrong anywhere in [start, end), in order: the truth that a judgement is checked against."""
        ...


class Faults:
    """The faults of a district. ``slot_seconds`` scales them: a fault lasts slots, not hours."""

    def __init__(self, campuses: Iterable[Campus], seed: int, slot_seconds: float) -> None:
        self._seed = seed
        self._slot = slot_seconds
        self._epoch = slot_seconds * EPOCH_SLOTS
        self._campuses = {campus.id: campus for campus in campuses}
        self._drawn = lru_cache(maxsize=4096)(self._draw)

    def at(self, campus: str, when: float) -> list[Fault]:
        """What is wrong at one campus at one instant."""
        return [f for f in self._drawn(campus, int(when // self._epoch)) if f.from_at <= when < f.to_at]

    def between(self, start: float, end: float) -> list[Fault]:
        """Everything wrong anywhere in [start, end), in order: the truth that a judgement is checked against."""
        epochs = range(int(start // self._epoch), int(end // self._epoch) + 1)
        found = [f for epoch in epochs for campus in self._campuses for f in self._drawn(campus, epoch)]
        return sorted((f for f in found if f.from_at < end and f.to_at > start), key=lambda f: (f.from_at, f))

    def _draw(self, campus_id: str, epoch: int) -> tuple[Fault, ...]:
        campus = self._campuses[campus_id]
        dice = random.Random(f"{self._seed}/faults/{campus_id}/{epoch}")  # noqa: S311 - a model, not a secret
        character = _CHARACTERS[campus.ordinal % len(_CHARACTERS)]
        begin = epoch * self._epoch
        faults: list[Fault] = []

        def add(kind: Kind, subject: str, slots: tuple[int, int], chance: float = 1.0) -> None:
            if dice.random() < chance:
                lasts = dice.randint(*slots)
                # Whole slots, so that a slot is either broken or not and the truth needs no fractions.
                first = dice.randint(0, EPOCH_SLOTS - lasts)
                faults.append(
                    Fault(kind, campus_id, subject, begin + first * self._slot, begin + (first + lasts) * self._slot)
                )

        aps = [ap.id for ap in campus.access_points]
        rooms = [f"{building}/{room}" for building, room in campus.agents]
        # The access points that an agent stands beside, so that somebody can hear them fall silent.
        near = [ap.id for ap in campus.access_points if (ap.building, ap.room) in campus.agents]
        if character == "neglected":
            for ap in dice.sample(aps, max(1, len(aps) // 3)):
                add("access_point_down", ap, (EPOCH_SLOTS, EPOCH_SLOTS))
            add("weak_room", dice.choice(rooms), (EPOCH_SLOTS // 2, EPOCH_SLOTS))
            add("radio_silent", dice.choice(near), (EPOCH_SLOTS // 4, EPOCH_SLOTS // 2))
        else:
            add("access_point_down", dice.choice(aps), (4, 20), chance=0.25)
            add("weak_room", dice.choice(rooms), (6, 30), chance=0.1)
        if character == "remote":
            add("wan_cut", "", (4, 12), chance=0.8)
            add("slow_dns", "", (10, 40), chance=0.8)
        if character == "crowded":
            add("lunch_load", "", (8, 10))
        return tuple(faults)
