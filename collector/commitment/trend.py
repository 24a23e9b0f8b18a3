"""Trend: the counts of a period and of the one before it go in, what changed comes out, or why nobody can say. Pure.

Bounds say what is proven: a period is better only where its least is more than the other's most.
"""

from __future__ import annotations

import datetime
from typing import Any, Literal

from collector.commitment.roll_up import Tally, bounds

Direction = Literal["better", "worse", "unchanged", "undecided"]


def against(now: Tally, before: Tally, objective: float) -> dict[str, Any]:
    """Both in seconds of class, with some in each."""
    new, old = bounds(now, objective), bounds(before, objective)
    assert new.lower is not None and new.upper is not None and old.lower is not None and old.upper is not None
    direction: Direction = "undecided"
    if new.lower > old.upper:
        direction = "better"
    elif new.upper < old.lower:
        direction = "worse"
    elif (new.lower, new.upper) == (old.lower, old.upper):
        direction = "unchanged"
    return {
        "comparable": True,
        "why_not": "",
        "direction": direction,
        "met_ratio_lower": old.lower,
        "met_ratio_upper": old.upper,
        "evidence_ratio": old.evidence_ratio,
        "seconds": {"met": before.met, "short": before.short, "unknown": before.unknown},
        "met_ratio_lower_change": new.lower - old.lower,
        "met_ratio_upper_change": new.upper - old.upper,
    }


def not_comparable(why_not: str) -> dict[str, Any]:
    return {
        "comparable": False,
        "why_not": why_not,
        "direction": None,
        "met_ratio_lower": None,
        "met_ratio_upper": None,
        "evidence_ratio": None,
        "seconds": None,
        "met_ratio_lower_change": None,
        "met_ratio_upper_change": None,
    }


def of_campus(
    now: Tally, before: Tally, objective: float, begun: datetime.date | None, since: datetime.date
) -> dict[str, Any]:
    """``begun``: the day on which the campus's record begins; ``since``: the first day of the period before."""
    if begun is None or begun > since:
        when = f"begins on {begun}" if begun else "has not begun"
        return not_comparable(f"the campus's record {when}, after the period before began on {since}")
    if not now.all or not before.all:
        return not_comparable("one of the two periods has no class time")
    return against(now, before, objective)
