"""A reproducible draw of rooms, spread over the buildings in proportion to their rooms.

Anybody can draw again and get the same rooms: a room's rank is the SHA-256 of the seed and the room's id, and of each
building the first ranks are drawn. Neither the order of the list nor the Python version changes a draw.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Sequence

import msgspec

from collector.inventory import Place

DRAWN = "drawn"


def draw(places: Sequence[Place], n: int, seed: str) -> list[Place]:
    """``n`` of the rooms, ordered by building and room."""
    buildings: dict[str, list[Place]] = defaultdict(list)
    for place in places:
        buildings[place.building].append(place)
    shares = shares_of({building: len(rooms) for building, rooms in buildings.items()}, n, seed)
    drawn = []
    for building, rooms in buildings.items():
        drawn += sorted(rooms, key=lambda place: rank(seed, place.id))[: shares[building]]
    return sorted(drawn, key=lambda place: (place.building, place.room))


def shares_of(rooms: dict[str, int], n: int, seed: str) -> dict[str, int]:
    """How many of the n rooms each building gives: one first of each where n reaches so far, then in proportion, what
    is left to the largest remainders. Equal buildings are put in order by rank."""
    order = sorted(rooms, key=lambda building: rank(seed, building))
    if n < len(rooms):
        # Too few for all buildings: the largest give one each.
        largest = sorted(order, key=lambda building: -rooms[building])
        return {building: int(at < n) for at, building in enumerate(largest)}
    shares = dict.fromkeys(rooms, 1)
    total = sum(rooms.values())
    for _ in range(min(n, total) - len(rooms)):
        # The building that is furthest below its proportional part gives the next room.
        behind = max(order, key=lambda building: rooms[building] * n / total - shares[building])
        shares[behind] += 1
    return shares


def mark(place: Place, seed: str, by: str) -> Place:
    """The room as drawn, by whom and with which seed. Why it was on the list before is kept beside it."""
    if place.chosen == DRAWN:
        return place
    said = f"{by}, seed {seed}"
    if place.chosen != "chosen" or place.chosen_by:
        said += f"; before: {place.chosen}" + (f" by {place.chosen_by}" if place.chosen_by else "")
    return msgspec.structs.replace(place, chosen=DRAWN, chosen_by=said)


def rank(seed: str, name: str) -> str:
    return hashlib.sha256(f"{seed}\n{name}".encode()).hexdigest()
