"""A trend says what two bounds prove, and nothing more."""

import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.commitment.roll_up import Tally
from collector.commitment.trend import against, of_campus

COUNTS = st.integers(0, 1_000_000)
TALLIES = st.builds(Tally, COUNTS, COUNTS, COUNTS).filter(lambda one: one.all)


@settings(max_examples=200)
@given(TALLIES, st.integers(1, 50))
def test_the_trend_of_equal_periods_is_zero(tally: Tally, times: int) -> None:
    longer = Tally(tally.met * times, tally.short * times, tally.unknown * times)
    found = against(tally, longer, 0.95)

    assert found["direction"] == "unchanged"
    assert found["met_ratio_lower_change"] == found["met_ratio_upper_change"] == 0


@settings(max_examples=200)
@given(TALLIES, TALLIES)
def test_better_and_worse_are_proven_and_turn_round_with_the_periods(one: Tally, other: Tally) -> None:
    found, turned = against(one, other, 0.95), against(other, one, 0.95)

    assert {"better": "worse", "worse": "better"}.get(found["direction"], found["direction"]) == turned["direction"]
    if found["direction"] == "better":
        assert one.met * other.all > (other.met + other.unknown) * one.all
    assert found["met_ratio_lower_change"] == pytest.approx(-turned["met_ratio_lower_change"])


def test_a_record_that_began_later_or_no_class_time_cannot_be_compared() -> None:
    since, met = datetime.date(2026, 9, 1), Tally(met=10)

    assert "record has not begun" in of_campus(met, met, 0.95, None, since)["why_not"]
    assert "begins on 2026-09-02" in of_campus(met, met, 0.95, datetime.date(2026, 9, 2), since)["why_not"]
    assert "no class time" in of_campus(met, Tally(), 0.95, since, since)["why_not"]
    assert of_campus(met, met, 0.95, since, since)["comparable"]
