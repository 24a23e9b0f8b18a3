"""The method page as values: the policy that holds goes in, its lines with their sources come out. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from collector.board.views import PolicyNow, policy_now
from collector.incidents.finding import IN_A_ROW
from collector.incidents.room_reports import SURVEY_SCHOOL_DAYS

if TYPE_CHECKING:
    from collector.holding import Held
    from collector.policies.policy import Criterion, Policy


@dataclass(frozen=True, slots=True)
class MethodPage:
    """``rules``: by window (slot, day, survey), those required first. ``real``: an id of a real campus for the examples
    of commands, empty where there is none."""

    policy: PolicyNow
    document: Policy
    rules: Mapping[str, tuple[Criterion, ...]]
    hashes: Mapping[str, str]
    timezone: str
    demonstration: bool
    real: str
    slots_in_a_row: int
    survey_school_days: int


def method_view(held: Held) -> MethodPage:
    rules = {
        window: tuple(
            sorted((one for one in held.policy.criteria if one.window == window), key=lambda one: not one.required)
        )
        for window in ("slot", "day", "survey")
    }
    real = (one.id for one in held.inventory.campuses.values() if not one.simulated)
    return MethodPage(
        policy=policy_now(held),
        document=held.policy,
        rules={window: found for window, found in rules.items() if found},
        hashes=held.hashes,
        timezone=held.timezone,
        demonstration=held.hours.always,
        real=min(real, default=""),
        slots_in_a_row=IN_A_ROW,
        survey_school_days=SURVEY_SCHOOL_DAYS,
    )
