"""How long people take: incidents and their steps go in, medians and counts by campus and by region come out.

Each time runs from the incident's begin, as the evidence now has it. What is closed as false, disproved or planned work
is counted apart and is in no figure. Real and simulated campuses never share one.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping
from typing import Any

from collector.incidents.acts import STEPS
from collector.inventory import Campus
from collector.judgement.causes import PLANNED_WORK
from collector.store.incidents import DETECTED, FALSE, VERIFIED, Kept, Step

ALL_STEPS = (DETECTED, *STEPS)
_LAST_COUNTS = ("fixed", VERIFIED)
"""What was fixed may break again within the incident: of these the last counts, of the others the first."""


def figures(found: Iterable[Kept], steps: Mapping[int, list[Step]], campuses: Mapping[str, Campus]) -> dict[str, Any]:
    counted = []
    left_out = {"false": 0, "disproved": 0, "planned_work": 0}
    for one in found:
        if why := _left_out(one):
            left_out[why] += 1
        else:
            counted.append(one)
    by_campus: dict[tuple[bool, str], list[Kept]] = {}
    by_region: dict[tuple[bool, str], list[Kept]] = {}
    for one in counted:
        known = [campuses[part.campus] for part in one.fault.parts if part.campus in campuses]
        for campus in known:
            by_campus.setdefault((campus.simulated, campus.id), []).append(one)
        for key in sorted({(campus.simulated, campus.region) for campus in known}):
            by_region.setdefault(key, []).append(one)
    return {
        "campuses": [
            {
                "campus": name,
                "name": campuses[name].name,
                "region": campuses[name].region,
                "simulated": simulated,
                **_figures(some, steps, {name}),
            }
            for (simulated, name), some in sorted(by_campus.items())
        ],
        "regions": [
            {
                "region": region,
                "simulated": simulated,
                **_figures(some, steps, _of_region(campuses, simulated, region)),
            }
            for (simulated, region), some in sorted(by_region.items())
        ],
        "left_out": left_out,
    }


def seconds_to(one: Kept, taken: Iterable[Step]) -> dict[str, float]:
    """For each step that was taken, the seconds from the incident's begin; late evidence may have moved that to after
    a step, which then took no time."""
    found: dict[str, float] = {}
    for step in sorted(taken, key=lambda step: step.at):
        if step.step == VERIFIED and one.fault.to_at is None:
            continue  # it came back, so nothing was verified
        if step.step in ALL_STEPS and (step.step not in found or step.step in _LAST_COUNTS):
            found[step.step] = max(0.0, step.at - one.fault.from_at)
    return found


def _left_out(one: Kept) -> str:
    if not one.stands:
        return "disproved"
    if one.resolution == FALSE:
        return "false"
    return "planned_work" if one.fault.cause == PLANNED_WORK else ""


def _figures(some: list[Kept], steps: Mapping[int, list[Step]], campuses: set[str]) -> dict[str, Any]:
    times: dict[str, list[float]] = {name: [] for name in ALL_STEPS}
    for one in some:
        for name, seconds in seconds_to(one, steps.get(one.id, ())).items():
            times[name].append(seconds)
    return {
        "incidents": len(some),
        "open": sum(one.state == "open" for one in some),
        "lost_seconds": sum(part.lost_seconds for one in some for part in one.fault.parts if part.campus in campuses),
        "steps": {
            name: {"count": len(found), "median_seconds": statistics.median(found) if found else None}
            for name, found in times.items()
        },
    }


def _of_region(campuses: Mapping[str, Campus], simulated: bool, region: str) -> set[str]:
    return {one.id for one in campuses.values() if one.region == region and one.simulated is simulated}
