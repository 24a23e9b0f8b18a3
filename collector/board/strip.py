"""A day's slots as a picture's geometry: the ledger's strip goes in, runs of equal slots as shares of a width come out.

Outside class nothing is judged, so the picture spans class time, in whole hours, and never hides a judged slot.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass

from collector.judgement.day_record import NOT_JUDGED, WORDS, DayRecord

_HOUR = 3600
_FEW_LABELS = 8


@dataclass(frozen=True, slots=True)
class Piece:
    """Slots [from_at, to_at) of one state; ``x`` and ``width`` in per cent of the picture."""

    state: str
    from_at: int
    to_at: int
    x: float
    width: float


@dataclass(frozen=True, slots=True)
class Tick:
    at: int
    x: float


@dataclass(frozen=True, slots=True)
class Strip:
    """``seconds``: class time by state."""

    day: str
    pieces: tuple[Piece, ...]
    ticks: tuple[Tick, ...]
    seconds: tuple[tuple[str, int], ...]


def strip(record: DayRecord, class_time: Iterable[tuple[float, float]], *, always: bool) -> Strip:
    """``class_time``: when the campus teaches on that day; ``always``: demonstration hours, where the picture spans
    what was judged, because a day without an end would hide an hour's record in a hair's breadth."""
    slots = list(record.slots())
    shown = [slot for slot, letter in slots if letter != NOT_JUDGED and WORDS[letter] != "no_class"]
    spans = [] if always else [(int(begin), int(end)) for begin, end in class_time]
    edges = [*shown, *(slot + record.slot_seconds for slot in shown), *itertools.chain.from_iterable(spans)]
    if not edges:
        return Strip(record.day, (), (), _seconds(record))
    begin = min(edges) // _HOUR * _HOUR
    end = -(-max(edges) // _HOUR) * _HOUR
    width = end - begin

    def at(instant: int) -> float:
        return round(100 * (min(max(instant, begin), end) - begin) / width, 3)

    pieces = []
    for letter, run in itertools.groupby(slots, key=lambda one: one[1]):
        found = [slot for slot, _ in run]
        since, until = found[0], found[-1] + record.slot_seconds
        if until > begin and since < end:
            state = "not_judged" if letter == NOT_JUDGED else WORDS[letter]
            pieces.append(Piece(state, since, until, at(since), round(at(until) - at(since), 3)))
    step = _HOUR * max(1, -(-width // (_HOUR * _FEW_LABELS)))
    ticks = tuple(Tick(hour, at(hour)) for hour in range(begin, end, step))
    return Strip(record.day, tuple(pieces), ticks, _seconds(record))


def _seconds(record: DayRecord) -> tuple[tuple[str, int], ...]:
    totals = record.totals()
    return tuple((state, totals[state][1]) for state in ("met", "short", "unknown"))
