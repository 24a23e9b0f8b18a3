"""The error budget: a tally and an objective go in, what may be lost and what of it is left come out. Pure.

The formula is that of service levels (Google, Site Reliability Engineering, 2016, chapter 3): the budget is the share
that the objective leaves, here of the period's class time so far. It is spent by what is short; what is unknown may
have spent it. So what is left are bounds, and they agree with the verdict: a period meets the objective where at least
nothing of the budget is overspent, and falls short where even at most it is.
"""

from __future__ import annotations

from msgspec import Struct

from collector.commitment.roll_up import Tally


class Budget(Struct, frozen=True):
    """In seconds of class, or in school days. What is left is less than nothing where more was spent than the objective
    leaves. The ratios are of the allowance; None where nothing is allowed, or nothing was class."""

    allowed: float
    left_lower: float
    left_upper: float
    left_ratio_lower: float | None
    left_ratio_upper: float | None


def budget(tally: Tally, objective: float) -> Budget:
    allowed = (1 - objective) * tally.all
    lower, upper = allowed - tally.short - tally.unknown, allowed - tally.short
    if allowed <= 0:
        return Budget(0.0, lower, upper, None, None)
    return Budget(allowed, lower, upper, lower / allowed, upper / allowed)
