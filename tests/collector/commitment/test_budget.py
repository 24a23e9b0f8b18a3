"""The error budget against plain arithmetic, and against the verdict that it must agree with."""

from fractions import Fraction

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from collector.commitment.budget import budget
from collector.commitment.roll_up import Tally, bounds

COUNTS = st.integers(0, 10_000_000)
TALLIES = st.builds(Tally, COUNTS, COUNTS, COUNTS)
OBJECTIVES = st.sampled_from([0.5, 0.9, 0.95, 0.99, 0.995])


@settings(max_examples=300)
@given(TALLIES, OBJECTIVES)
def test_what_is_left_is_what_the_objective_leaves_less_what_was_spent(tally: Tally, objective: float) -> None:
    found = budget(tally, objective)
    allowed = (1 - Fraction(str(objective))) * (tally.met + tally.short + tally.unknown)

    assert found.allowed == pytest.approx(float(allowed), abs=1e-6)
    assert found.left_upper == pytest.approx(float(allowed - tally.short), abs=1e-6)
    assert found.left_lower == pytest.approx(float(allowed - tally.short - tally.unknown), abs=1e-6)
    if allowed:
        assert found.left_ratio_upper == pytest.approx(float((allowed - tally.short) / allowed), abs=1e-6)
        assert found.left_ratio_lower == pytest.approx(
            float((allowed - tally.short - tally.unknown) / allowed), abs=1e-6
        )


@settings(max_examples=300)
@given(TALLIES, OBJECTIVES)
def test_the_budget_is_overspent_exactly_where_the_period_falls_short(tally: Tally, objective: float) -> None:
    found = budget(tally, objective)
    assume(tally.all and abs(found.left_lower) > 1e-6 and abs(found.left_upper) > 1e-6)
    verdict = bounds(tally, objective).verdict

    assert (verdict == "falls_short") == (found.left_upper < 0)
    assert (verdict == "meets") == (found.left_lower > 0)


def test_without_class_or_without_an_allowance_no_share_is_left() -> None:
    assert budget(Tally(), 0.95).left_ratio_lower is None
    strict = budget(Tally(met=10, short=2), 1.0)
    assert (strict.allowed, strict.left_upper, strict.left_ratio_upper) == (0.0, -2.0, None)
