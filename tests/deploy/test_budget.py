"""The error budget's alert: each window fires on a total outage and not just below, for the real objectives."""

from pathlib import Path

import pytest

from collector.alerting import budget
from collector.alerting.alert import Terms
from collector.alerting.budget import LEAST_SHORT_SLOTS, WINDOWS
from collector.policies.policy import SHIPPED, shipped
from tests.deploy.made_up import CAMPUS, check, fired, scene

SLOT = 60
NAME = "CampusBudgetBurns"
pytestmark = pytest.mark.binaries


def in_class(short: int, slots: int) -> dict[str, str]:
    """``short`` short slots at the end of ``slots`` of class."""
    return {
        'campus_wifi_campus_in_class{campus="n1"}': f"1x{slots - 1}",
        'campus_wifi_campus_verdict{campus="n1",verdict="short"}': f"0x{slots - short - 1} 1x{max(short, 1) - 1}",
    }


def school_days(of_class: str, days: int) -> dict[str, str]:
    """The same sixty slots of class on so many days, with the nights between them; ``of_class``: short (1) or not."""
    return {
        'campus_wifi_campus_in_class{campus="n1"}': " ".join(["1x59 0x227"] * days),
        'campus_wifi_campus_verdict{campus="n1",verdict="short"}': " ".join([f"{of_class} stale _x227"] * days),
    }


@pytest.mark.parametrize("objective", sorted({shipped(name).slot_objective for name in SHIPPED} | {0.8, 0.95, 0.99}))
@pytest.mark.parametrize("window", WINDOWS, ids=[window.name for window in WINDOWS])
def test_each_factor_is_below_what_a_total_outage_reaches(window: budget.Window, objective: float) -> None:
    most, recent = window.spent_slots(objective)

    assert window.factor(objective) < 1 / (1 - objective)
    assert most < window.class_seconds / 300
    assert recent < window.recent_class_seconds / 300
    assert most > LEAST_SHORT_SLOTS - 1


@pytest.mark.parametrize("objective", [0.95, 0.99])
def test_the_hour_fires_with_the_first_slot_that_spends_too_much_and_not_before(
    objective: float, tmp_path: Path
) -> None:
    terms = Terms(SLOT, objective)
    most, _ = WINDOWS[0].spent_slots(objective)
    enough = int(most) + 1
    fires = check(NAME, 11 * SLOT + 2, {**CAMPUS, "window": "hour"}, terms=terms)
    silent = check(NAME, 11 * SLOT + 2, None, terms=terms)
    scenes = [scene(in_class(enough, 12), fires), scene(in_class(enough - 1, 12), silent)]

    assert fired(tmp_path, scenes, NAME, terms, SLOT) == ""


@pytest.mark.parametrize(("number", "objective"), [(1, 0.95), (2, 0.95), (1, 0.99), (2, 0.99)])
def test_day_and_week_fire_on_a_total_outage_of_class(number: int, objective: float, tmp_path: Path) -> None:
    terms = Terms(SLOT, objective)
    window = WINDOWS[number]
    days = 1 if window.name == "day" else 5
    outage = school_days("1x59", days)
    last = ((days - 1) * 288 + 59) * SLOT + 2
    spent = {one.name: one.spent_slots(objective)[0] for one in WINDOWS}
    expected = [{**CAMPUS, "window": name} for name in ("hour", "day")]
    if 60 * days > spent["week"]:
        expected.append({**CAMPUS, "window": "week"})

    assert fired(tmp_path, [scene(outage, check(NAME, last, *expected, terms=terms))], NAME, terms, SLOT) == ""


def test_a_little_every_day_fires_when_half_of_the_month_is_gone_and_no_shorter_window_does(tmp_path: Path) -> None:
    # 31.5 short slots are half of the month's budget: eight a day, an hour apart, are too many on the fourth day.
    little = school_days(" ".join(["1 0x5"] * 8) + " 0x3", 5)
    third, fourth = ((n * 288 + 59) * SLOT + 2 for n in (2, 3))
    checks = [check(NAME, third, None), check(NAME, fourth, {**CAMPUS, "window": "week"})]

    assert fired(tmp_path, [scene(little, *checks)], NAME, evaluated_every=SLOT) == ""


def test_whoever_was_paged_for_a_campus_is_reminded_for_a_day_and_no_longer(tmp_path: Path) -> None:
    outage = school_days("1x9 0x49", 1)
    checks = [check("CampusToldToday", when * SLOT + 2, CAMPUS) for when in (5, 60, 287)]
    never = check("CampusToldToday", 30 * SLOT, None)

    scenes = [scene(outage, *checks), scene(school_days("1 1 0x57", 1), never)]
    assert fired(tmp_path, scenes, "CampusToldToday", evaluated_every=SLOT // 2) == ""
