"""A campus's period as counts: its days' sums and what the ledger lost go in, numerators and denominators come out."""

from __future__ import annotations

import datetime

from msgspec import Struct

from collector.commitment import planned_work
from collector.commitment.basis import Basis
from collector.commitment.day_sums import DaySums
from collector.commitment.planned_work import LeftOut, Part
from collector.commitment.roll_up import Tally, total
from collector.inventory import Campus
from collector.judgement.day_record import local_day
from collector.store.exclusions import Exclusion

_ONE = {"met": Tally(met=1), "short": Tally(short=1), "unknown": Tally(unknown=1)}


class Counts(Struct, frozen=True):
    """``seconds`` and ``slots`` of class by verdict, what the ledger lost counted as unknown; ``days``: each school day
    that is over, by its verdict."""

    sums: list[DaySums]
    lost: dict[str, list[Part]]
    seconds: Tally
    slots: Tally
    days: dict[str, Tally]

    @property
    def lost_seconds(self) -> int:
        return sum(part[3] for parts in self.lost.values() for part in parts)

    @property
    def day_tally(self) -> Tally:
        return total(self.days.values())


def count(basis: Basis, campus: Campus, first: datetime.date, last: datetime.date) -> Counts:
    sums = basis.sums(campus.id, first, last)
    lost = basis.unrecorded(campus, {one.day for one in sums}, first, last)
    met, short, unknown = [0, 0], [0, 0], [0, 0]
    for one in sums:  # a term has many thousand: one pass
        met[0] += one.met_seconds
        short[0] += one.short_seconds
        unknown[0] += one.unknown_seconds
        met[1] += one.met_slots
        short[1] += one.short_slots
        unknown[1] += one.unknown_slots
    for parts in lost.values():
        unknown[0] += sum(part[3] for part in parts)
        unknown[1] += len(parts)
    seconds, slots = (Tally(met[of], short[of], unknown[of]) for of in (0, 1))
    return Counts(sums, lost, seconds, slots, _days(basis, campus, sums, lost))


def left_out(basis: Basis, campus: Campus, counts: Counts, exclusions: list[Exclusion]) -> LeftOut:
    """What approved planned work takes. Only the days that it touches are read whole."""
    if not exclusions:
        return planned_work.left_out([], {}, [])
    touched = [(local_day(one.from_at, campus.timezone), local_day(one.to_at, campus.timezone)) for one in exclusions]
    mine = {one.day for one in counts.sums}
    records = [one for one in basis.records(campus, touched) if one.day in mine]
    return planned_work.left_out(records, counts.lost, exclusions)


def _days(basis: Basis, campus: Campus, sums: list[DaySums], lost: dict[str, list[Part]]) -> dict[str, Tally]:
    """Each school day by its verdict: those that are over, and of which the policy of that day required something. A
    day that was closed before days were judged, or of which no row is left, is unknown where something was required."""
    found = {}
    today = local_day(basis.now, campus.timezone).isoformat()
    for one in sums:
        verdict = one.day_verdict
        if verdict is None:
            verdict = "unknown" if one.day < today and one.slots and basis.asks_of(one.day) else ""
        if verdict:
            found[one.day] = _ONE[verdict]
    for day, parts in lost.items():
        if parts and basis.asks_of(day):
            found[day] = _ONE["unknown"]
    return found
