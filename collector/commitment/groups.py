"""Groups of campuses: their answers go in, one answer a group comes out. Numerators and denominators are added up.

Real and simulated campuses never share a group.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from collector.commitment import trend
from collector.commitment.budget import budget
from collector.commitment.planned_work import answered
from collector.commitment.roll_up import Bounds, Tally, roll_up, total
from collector.policies.policy import Policy

BY = ("campus", "region", "board_district", "grade_span")
WORST_FIRST = {"falls_short": 0, "not_enough_evidence": 1, "meets": 2}


def groups(answers: Iterable[dict[str, Any]], by: str, policy: Policy) -> list[dict[str, Any]]:
    """Those whose campuses fall short first. A campus of which the inventory does not say it is in the group ''."""
    members: dict[tuple[bool, str], list[dict[str, Any]]] = {}
    for one in answers:
        members.setdefault((one["simulated"], one[by]), []).append(one)
    found = [
        {"group": name, "simulated": simulated} | summed(mine, policy)
        for (simulated, name), mine in sorted(members.items())
    ]
    return sorted(found, key=lambda one: (one["simulated"], -one["falls_short"], one["met_ratio_lower"], one["group"]))


def summed(answers: list[dict[str, Any]], policy: Policy) -> dict[str, Any]:
    """The one answer of many campuses, with how many of them have which. The verdict is that of their class time put
    together, which may be met where a campus is not: so the counts stand before it."""
    seconds = total(tally(one["seconds"]) for one in answers)
    slots = total(tally(one["slots"]) for one in answers)
    days = total(tally(one["days"]) for one in answers)
    verdict, by_slots, by_days = roll_up(policy, seconds, days)
    without = answered(
        policy,
        total(tally(one["without_exclusions"]["seconds"]) for one in answers),
        total(tally(one["without_exclusions"]["days"]) for one in answers),
    )
    return {
        "campuses": len(answers),
        **_counted(one["verdict"] for one in answers),
        "verdict": verdict,
        **ratios(by_slots),
        "slots": said(slots) | {"all": slots.all},
        "seconds": said(seconds),
        "instructional_seconds": seconds.all,
        "day_verdict": by_days.verdict if by_days.evidence_ratio is not None else None,
        "days": said(days) | {"all": days.all},
        **budgets(policy, seconds, days),
        "rooms": {key: sum(one["rooms"][key] for one in answers) for key in ("measured", "listed")},
        "without_exclusions": _counted(one["without_exclusions"]["verdict"] for one in answers)
        | {f"of_all_{key}" if key == "verdict" else key: value for key, value in without.items()},
        "trend": _trend(answers, policy),
    }


def _trend(answers: list[dict[str, Any]], policy: Policy) -> dict[str, Any]:
    """Of the campuses that can be compared: the same ones on both sides."""
    both = [one for one in answers if one["trend"]["comparable"]]
    if not both:
        reasons = sorted({one["trend"]["why_not"] for one in answers})
        why_not = reasons[0] if len(reasons) == 1 else "none of its campuses can be compared"
        return trend.not_comparable(why_not) | {"campuses": 0}
    now = total(tally(one["seconds"]) for one in both)
    before = total(tally(one["trend"]["seconds"]) for one in both)
    return trend.against(now, before, policy.slot_objective) | {"campuses": len(both)}


def budgets(policy: Policy, seconds: Tally, days: Tally) -> dict[str, Any]:
    """The error budget in seconds of class and, where school days speak, in days."""
    found: dict[str, Any] = {}
    of_days = any(one.required and one.window == "day" for one in policy.criteria) and days.all
    for key, unit, of, objective in (
        ("error_budget", "seconds", seconds, policy.slot_objective),
        ("day_error_budget", "days", days, policy.day_objective),
    ):
        left = budget(of, objective)
        found[key] = {
            f"allowed_{unit}": left.allowed,
            f"left_{unit}_lower": left.left_lower,
            f"left_{unit}_upper": left.left_upper,
            "left_ratio_lower": left.left_ratio_lower,
            "left_ratio_upper": left.left_ratio_upper,
        }
    return found if of_days else found | {"day_error_budget": None}


def ratios(bounds: Bounds) -> dict[str, float]:
    """Without any class time nothing is known: everything between nothing and all is possible."""
    return {
        "met_ratio_lower": 0.0 if bounds.lower is None else bounds.lower,
        "met_ratio_upper": 1.0 if bounds.upper is None else bounds.upper,
        "evidence_ratio": bounds.evidence_ratio or 0.0,
    }


def tally(counts: dict[str, int]) -> Tally:
    return Tally(counts["met"], counts["short"], counts["unknown"])


def said(counts: Tally) -> dict[str, int]:
    return {"met": counts.met, "short": counts.short, "unknown": counts.unknown}


def _counted(verdicts: Iterable[str]) -> dict[str, int]:
    found = list(verdicts)
    return {verdict: found.count(verdict) for verdict in WORST_FIRST}
