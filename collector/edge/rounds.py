"""Answers of the campus edges go in, round by round; which edges fail in a slot comes out. Pure: nothing is asked here.

An edge fails in a slot where it answered some day before, was asked often enough in the slot, and never answered. A
round in which nothing else shows that the collector's own line works says nothing about anybody: its silence is ours.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec import Struct

ROUNDS_A_SLOT = 5
MIN_ASKED = 3


class Asked(Struct):
    """How often one edge was asked in a slot in which the collector's own line worked, and how often it answered."""

    address: str
    sent: int = 0
    received: int = 0


class Failure(Struct, frozen=True):
    """A campus's edge answered none of ``sent`` requests in the slot, and had answered before."""

    campus: str
    slot: int
    address: str
    sent: int


class Slots:
    """Adds up rounds. ``known``: (campus, address) pairs that answered before."""

    def __init__(self, slot_seconds: int, known: Iterable[tuple[str, str]]) -> None:
        self._seconds = slot_seconds
        self.known = set(known)
        self._asked: dict[int, dict[str, Asked]] = {}

    def take(
        self, at: float, edges: Mapping[str, str], answered: set[str], *, reports_came: bool
    ) -> set[tuple[str, str]]:
        """One round: ``edges`` is each campus's address, ``reports_came`` whether an agent's report arrived during it.
        Returns the pairs that answered for the first time."""
        counts = bool(answered) or reports_came
        slot = int(at // self._seconds) * self._seconds
        asked = self._asked.setdefault(slot, {})
        fresh = set()
        for campus, address in edges.items():
            one = asked.get(campus)
            if one is None or one.address != address:
                one = asked[campus] = Asked(address)
            if address in answered:
                one.received += 1
                if (campus, address) not in self.known:
                    fresh.add((campus, address))
            one.sent += counts
        self.known |= fresh
        return fresh

    def finished(self, at: float) -> list[Failure]:
        """The failures of slots that have ended by ``at``; each slot once."""
        found = []
        for slot in sorted(one for one in self._asked if one + self._seconds <= at):
            for campus, one in sorted(self._asked.pop(slot).items()):
                if one.sent >= MIN_ASKED and not one.received and (campus, one.address) in self.known:
                    found.append(Failure(campus, slot, one.address, one.sent))
        return found
