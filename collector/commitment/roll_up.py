"""A period from its parts: counts go in, bounds and a verdict come out. Numerators and denominators, never averages."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from msgspec import Struct

from collector.policies.policy import Policy

PeriodVerdict = Literal["falls_short", "not_enough_evidence", "meets"]
_WORST_FIRST: tuple[PeriodVerdict, ...] = ("falls_short", "not_enough_evidence", "meets")


class Tally(Struct, frozen=True):
    """Instructional seconds (or school days) by verdict."""

    met: int = 0
    short: int = 0
    unknown: int = 0

    @property
    def all(self) -> int:
        return self.met + self.short + self.unknown

    def __add__(self, other: Tally) -> Tally:
        return Tally(self.met + other.met, self.short + other.short, self.unknown + other.unknown)


class Bounds(Struct, frozen=True):
    """The share met lies in [lower, upper]; ``evidence_ratio`` is the share with a verdict. None without anything."""

    verdict: PeriodVerdict
    lower: float | None
    upper: float | None
    evidence_ratio: float | None


def total(tallies: Iterable[Tally]) -> Tally:
    return sum(tallies, Tally())


def bounds(tally: Tally, objective: float) -> Bounds:
    """Falls short if even the unknown could not reach the objective, meets if it is reached without them."""
    if not tally.all:
        return Bounds("not_enough_evidence", None, None, None)
    lower, upper = tally.met / tally.all, (tally.met + tally.unknown) / tally.all
    verdict: PeriodVerdict = "not_enough_evidence"
    if upper < objective:
        verdict = "falls_short"
    elif lower >= objective:
        verdict = "meets"
    return Bounds(verdict, lower, upper, (tally.met + tally.short) / tally.all)


def roll_up(policy: Policy, slots: Tally, days: Tally) -> tuple[PeriodVerdict, Bounds, Bounds]:
    """A period's verdict, the worse of its slots' and its days', with both bounds. Where the policy requires nothing of
    a day, or no school day of the period is over, days do not speak."""
    by_slots = bounds(slots, policy.slot_objective)
    by_days = bounds(days, policy.day_objective)
    if not days.all or not any(one.required and one.window == "day" for one in policy.criteria):
        return by_slots.verdict, by_slots, by_days
    return min(by_slots.verdict, by_days.verdict, key=_WORST_FIRST.index), by_slots, by_days
