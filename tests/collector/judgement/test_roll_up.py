"""A period is bounds: what is unknown counts for neither side."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.commitment.roll_up import Tally, bounds, roll_up, total
from collector.judgement.day_record import DayRecord
from collector.policies.policy import PolicyError, baseline, for_slots, parse

COUNTS = st.integers(0, 10_000)
TALLIES = st.builds(Tally, COUNTS, COUNTS, COUNTS)


@given(TALLIES, st.floats(0.01, 1.0))
def test_bounds_hold_the_share_and_the_verdict_follows_from_them(tally, objective):
    found = bounds(tally, objective)
    if not tally.all:
        assert found.verdict == "not_enough_evidence"
        return
    assert 0 <= found.lower <= found.upper <= 1
    assert (found.verdict == "falls_short") == (found.upper < objective)
    assert (found.verdict == "meets") == (found.lower >= objective)


@settings(max_examples=300)
@given(TALLIES, st.integers(0, 10_000), st.floats(0.01, 1.0))
def test_losing_evidence_moves_a_period_only_towards_not_enough(tally, lost, objective):
    gone_met, gone_short = min(lost, tally.met), min(lost, tally.short)
    fewer = Tally(tally.met - gone_met, tally.short - gone_short, tally.unknown + gone_met + gone_short)

    assert bounds(fewer, objective).verdict in (bounds(tally, objective).verdict, "not_enough_evidence")


@settings(max_examples=300)
@given(st.lists(TALLIES, max_size=40))
def test_a_period_equals_the_roll_up_of_its_days(days):
    whole = total(days)

    assert whole == Tally(sum(d.met for d in days), sum(d.short for d in days), sum(d.unknown for d in days))
    assert bounds(whole, 0.95) == bounds(total([total(days[:7]), total(days[7:])]), 0.95)


def test_an_hour_of_one_silent_agent_undoes_no_month():
    month = Tally(met=20 * 390 * 60 - 3600, unknown=3600)

    assert bounds(month, baseline().slot_objective).verdict == "meets"


def test_days_speak_only_where_the_policy_requires_something_of_a_day():
    policy = baseline()
    verdict, by_slots, by_days = roll_up(policy, Tally(met=100), Tally(short=3))

    assert (verdict, by_slots.verdict, by_days.verdict) == ("meets", "meets", "falls_short")


def test_the_baseline_names_a_source_for_every_threshold():
    for criterion in baseline().criteria:
        assert criterion.source.title and criterion.source.body and criterion.source.year
        assert criterion.author and criterion.reason


def test_reports_must_divide_the_slot():
    assert for_slots(baseline(), 30, 10).slot_seconds == 30
    with pytest.raises(PolicyError, match="30 is not a multiple of report_seconds 20"):
        for_slots(baseline(), 30, 20)
    with pytest.raises(PolicyError, match="report_seconds 0 must be 1 or more"):
        for_slots(baseline(), 30, 0)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (b"slot_secnds = 300", "did you mean `slot_seconds`"),
        (b"slot_objective = 1.5", "slot_objective"),
        (b"criteria = 5", "criteria is no list"),
        (b'criteria = [{ id = "x", treshold = 1.0 }]', "criteria entry 1 .x.: unknown key `treshold`; did you mean"),
    ],
)
def test_a_policy_with_a_wrong_key_is_refused_with_its_mend(wrong, said):
    head = b'id = "p"\nversion = 1\nprofile = "p"\nvalid_from = 2026-01-01\n'
    if b"criteria" not in wrong:
        wrong += b"\ncriteria = []"
    with pytest.raises(PolicyError, match=said.replace("`", ".").replace("?", ".")):
        parse("p.toml", head + wrong)


WEIGHTS = st.dictionaries(st.integers(-2, 40).map(lambda n: 600 + 300 * n), st.integers(1, 299), max_size=9)


@given(st.text("msu.-", max_size=30), WEIGHTS)
def test_a_days_totals_are_its_slots_of_class_each_with_its_own_seconds(strip, weights):
    record = DayRecord("c", "2026-01-01", 300, 600, strip, weights)
    expected = {"met": (0, 0), "short": (0, 0), "unknown": (0, 0)}
    for slot, letter in record.slots():
        word = {"m": "met", "s": "short", "u": "unknown"}.get(letter)
        if word:
            slots, seconds = expected[word]
            expected[word] = (slots + 1, seconds + weights.get(slot, 300))

    assert record.totals() == expected
