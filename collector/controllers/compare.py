"""A controller's log against our own evidence, one access point at a time: where the two disagree, and where we cannot
say. Pure.

A controller notices a loss after its own time-outs, we after a slot: within one slot of a change neither is wrong.
"""

from __future__ import annotations

import bisect
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

from msgspec import Struct

from collector.controllers.up_down import Entry

Kind = Literal["controller_down_ours_up", "controller_up_ours_down", "not_measured_by_us", "not_in_the_log"]


class Ours(Struct, frozen=True):
    """What our evidence says of an access point in a slot. ``state``: as the judge found it; how many agents asked, and
    what they sent and received."""

    state: str
    agents: int = 0
    sent: int = 0
    received: int = 0


class Part(Struct, frozen=True):
    """Consecutive slots [from_at, to_at) of one kind, with both sides' evidence. ``entry``: the line of the log that
    held; None where the log has none."""

    access_point: str
    kind: Kind
    from_at: int
    to_at: int
    entry: Entry | None
    agents: int
    sent: int
    received: int


class Counts(Struct):
    """Slots that were compared."""

    agree: int = 0
    disagree: int = 0
    not_measured: int = 0


_OURS = {"up": True, "radio_silent": True, "down": False}
"""A radio that went silent still answers its controller."""


def compare(
    access_point: str,
    entries: Sequence[Entry],
    ours: Mapping[int, Ours],
    slot_seconds: int,
    until: float,
    counts: Counts,
) -> Iterator[Part]:
    """``ours``: of every slot of the period, in order; without an entry the log says nothing of the access point."""
    times = [one.at for one in entries]
    run: list[tuple[int, Ours]] = []
    kind: Kind | None = None
    held: Entry | None = None
    for slot, said in ours.items():
        found, entry = _kind(entries, times, slot, said, slot_seconds, until, counts)
        if run and (found != kind or entry != held or slot != run[-1][0] + slot_seconds):
            yield _part(access_point, kind, held, run, slot_seconds)
            run = []
        kind, held = found, entry
        if found is not None:
            run.append((slot, said))
    if run:
        yield _part(access_point, kind, held, run, slot_seconds)


def _kind(
    entries: Sequence[Entry], times: list[float], slot: int, said: Ours, seconds: int, until: float, counts: Counts
) -> tuple[Kind | None, Entry | None]:
    mine = _OURS.get(said.state)
    if not entries:
        return ("not_in_the_log", None) if mine is False else (None, None)
    theirs, entry = _states(entries, times, slot - seconds, min(slot + 2 * seconds, until))
    if entry is None or None in theirs:
        return None, None
    if mine is None:
        counts.not_measured += True not in theirs
        return (None, None) if True in theirs else ("not_measured_by_us", entry)
    if mine in theirs:
        counts.agree += 1
        return None, None
    counts.disagree += 1
    return ("controller_up_ours_down" if mine is False else "controller_down_ours_up"), entry


def _states(
    entries: Sequence[Entry], times: list[float], begin: float, end: float
) -> tuple[set[bool | None], Entry | None]:
    """Every state that the log gives between the two instants, and the entry that held at the begin."""
    first = bisect.bisect_right(times, begin) - 1
    states: set[bool | None] = {entries[first].up if first >= 0 else None}
    states |= {one.up for one in entries[first + 1 : bisect.bisect_left(times, end)]}
    return states, entries[first] if first >= 0 else None


def _part(access_point: str, kind: Kind | None, entry: Entry | None, run: list[tuple[int, Ours]], seconds: int) -> Part:
    assert kind is not None
    return Part(
        access_point,
        kind,
        run[0][0],
        run[-1][0] + seconds,
        entry,
        max(said.agents for _, said in run),
        sum(said.sent for _, said in run),
        sum(said.received for _, said in run),
    )
