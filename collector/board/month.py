"""A month of slots as one picture's geometry: ledger rows go in, a column a day with its class time from top to bottom
comes out. Pure.

Every column spans the same hours of the day, so that a fault at the same hour of each day shows as a line across.
"""

from __future__ import annotations

import datetime
import itertools
import zoneinfo
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from collector.commitment.roll_up import Tally
from collector.judgement.day_record import NOT_JUDGED, WORDS, DayRecord, day_bounds

_HOUR = 3600
_FEW_LABELS = 6


@dataclass(frozen=True, slots=True)
class Block:
    """Slots of one state; ``y`` and ``height`` in per cent of the picture."""

    state: str
    y: float
    height: float


@dataclass(frozen=True, slots=True)
class Column:
    """A day. ``x`` and ``width`` in per cent; ``labelled``: its date stands below; ``seconds``: class time by state."""

    day: str
    x: float
    width: float
    blocks: tuple[Block, ...]
    labelled: bool
    seconds: Tally
    causes: tuple[tuple[str, int], ...]
    revision: int


@dataclass(frozen=True, slots=True)
class HourMark:
    """``at``: an instant of the first day with this hour, for the words of a language."""

    at: int
    y: float


@dataclass(frozen=True, slots=True)
class Month:
    columns: tuple[Column, ...]
    hours: tuple[HourMark, ...]
    seconds: Tally

    @property
    def judged(self) -> tuple[Column, ...]:
        """Days with class time, newest first."""
        return tuple(one for one in reversed(self.columns) if one.seconds.all)


def month(
    days: Iterable[datetime.date],
    records: Mapping[str, DayRecord],
    revisions: Mapping[str, int],
    timezone: str,
) -> Month | None:
    """``days``: in order; ``records`` and ``revisions`` by ISO date. None where no class time was judged."""
    zone = zoneinfo.ZoneInfo(timezone)
    all_days = list(days)
    runs = {name: _runs(records[name], zone) for day in all_days if (name := day.isoformat()) in records}
    judged = [run for found in runs.values() for run in found if run[0] != "no_class"]
    edges = [edge for _, begin, end in judged for edge in (begin, end)]
    if not edges:
        return None
    top, bottom = min(edges) // _HOUR * _HOUR, -(-max(edges) // _HOUR) * _HOUR
    high = bottom - top
    wide = 100 / len(all_days)
    columns = []
    for number, day in enumerate(all_days):
        name = day.isoformat()
        record = records.get(name)
        totals = record.totals() if record else {}
        columns.append(
            Column(
                day=name,
                x=round(number * wide, 3),
                width=round(wide, 3),
                blocks=tuple(
                    Block(state, round(100 * (begin - top) / high, 2), round(100 * (end - begin) / high, 2))
                    for state, begin, end in runs.get(name, ())
                    if state != "no_class"
                ),
                labelled=day.weekday() == 0,
                seconds=Tally(**{state: totals[state][1] for state in ("met", "short", "unknown")})
                if record
                else Tally(),
                causes=tuple(sorted(record.causes().items(), key=lambda one: -one[1])) if record else (),
                revision=revisions.get(name, 1),
            )
        )
    midnight = day_bounds(all_days[0], timezone)[0]
    step = _HOUR * max(1, -(-high // (_HOUR * _FEW_LABELS)))
    hours = tuple(HourMark(midnight + at, round(100 * (at - top) / high, 2)) for at in range(top, bottom, step))
    return Month(tuple(columns), hours, sum((one.seconds for one in columns), Tally()))


def _runs(record: DayRecord, zone: zoneinfo.ZoneInfo) -> list[tuple[str, int, int]]:
    """Runs of equal judged slots as (state, begin, end), in seconds of the wall clock's day: where the clock is set
    back two hours share a place, and the later one shows."""
    found = []
    at = record.first_slot
    for letter, run in itertools.groupby(record.strip):
        since, at = at, at + sum(1 for _ in run) * record.slot_seconds
        if letter != NOT_JUDGED:
            begin, last = _of_day(since, zone), _of_day(at - record.slot_seconds, zone)
            found.append((WORDS[letter], min(begin, last), last + record.slot_seconds))
    return found


def _of_day(slot: int, zone: zoneinfo.ZoneInfo) -> int:
    local = datetime.datetime.fromtimestamp(slot, zone)
    return local.hour * _HOUR + local.minute * 60 + local.second
