"""Every fault of a policy file is told at once, with its line, its key and its mend."""

import re
from importlib import resources

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.policies.findings import look
from collector.policies.policy import baseline

TEXT = resources.files("collector").joinpath("policies/baseline-2.toml").read_text()


def told(text, report_seconds=60):
    policy, found = look("p.toml", text.encode(), report_seconds)
    return policy, [str(one) for one in found]


def line_of(text, part):
    return next(number for number, line in enumerate(text.splitlines(), 1) if part in line)


def test_a_shipped_file_has_no_fault():
    assert told(TEXT)[1] == []


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ('measure = "rtt_seconds"', 'measure = "rtt_second"', "unknown measure 'rtt_second'; did you mean rtt_seconds"),
        (
            'measure = "rtt_seconds"',
            'measure = "happiness"',
            "unknown measure 'happiness'; known measures: reach_ratio",
        ),
        ("threshold = 0.1", "thresold = 0.1", "unknown key `thresold`; did you mean `threshold`"),
        ("threshold = 0.1", "", "`threshold` is missing"),
        ('unit = "seconds"', 'unit = "ms"', "rtt_seconds is in seconds, not in 'ms'"),
        ("threshold = 0.5\n", "threshold = 1.5\n", "no reach_ratio can be >= 1.5: nothing would ever be met"),
        ("threshold = -67.0", "threshold = 67.0", "no signal_dbm can be >= 67"),
        ('window = "slot"', 'window = "day"', "reach_ratio is not judged in the window day"),
        ('window = "day"', 'window = "slot"', "download_bits_per_second is not judged in the window slot"),
        ('scope = "access_point"', 'scope = "place"', "reach_ratio is judged of each access_point, not of each place"),
        ('scope = "place"', 'scope = "campus"', "is judged of each place, not of each campus"),
        ('title = "Meet hardware kit guide"', 'title = " "', "the threshold has no source: its title is empty"),
        ('body = "Asus"', 'body = ""', "the threshold has no source: its body is empty"),
        ("year = 2020", "year = 0", "source: year 0 is no year"),
        ("year = 2020", 'year = "2020"', "source: `year`: expected `int`, got `str`"),
        ("slot_objective = 0.95", "slot_objective = 95", "`slot_objective`: expected `float` <= 1.0"),
        ("day_objective = 0.95", "day_objective = 0", "`day_objective`: expected `float` > 0.0"),
        ("slot_seconds = 300", "slot_seconds = 130", "slot_seconds 130 is not a multiple of the report interval, 60 s"),
        ('id = "place.loss"', 'id = "place.rtt"', "criterion 'place.rtt' stands twice, first as entry 2"),
        ("within_days = 365\n", "", "say within_days"),
        ("required = false", "required = nay", "not TOML in UTF-8"),
    ],
)
def test_a_fault_is_told_with_its_line_and_its_mend(before, after, said):
    assert before in TEXT
    broken = TEXT.replace(before, after, 1)

    found = told(broken)[1]

    assert [one for one in found if said in one], found
    assert all(re.match(r"p\.toml:\d+: .+; .+", one) for one in found)


def test_the_line_is_that_of_the_key():
    broken = TEXT.replace("threshold = 3200000.0", "threshold = -1.0").replace('comparison = ">="', 'comparison = "<"')
    _, found = told(broken)

    assert any(one.startswith(f"p.toml:{line_of(broken, 'threshold = -1.0')}: criteria entry 4") for one in found)


def test_all_faults_are_told_at_once_those_of_readable_entries_beside_those_of_broken_ones():
    broken = (
        TEXT.replace("slot_objective = 0.95", "slot_objective = 95")
        .replace('measure = "rtt_seconds"', 'measure = "rtt"')
        .replace('body = "Asus"', 'body = ""')
        .replace('unit = "dBm"', 'unit = "decibel"', 1)
        .replace('id = "retries"', 'id = "airtime"')
    )
    policy, found = told(broken)

    assert policy is None
    assert len(found) == 5, found


def entry(id_, comparison, threshold, share=0.9, bands=""):
    return f"""
[[criteria]]
id = "{id_}"
title = "t"
measure = "airtime_ratio"
scope = "place"
window = "slot"
statistic = "median"
comparison = "{comparison}"
threshold = {threshold}
unit = "ratio"
share = {share}
{bands}
source = {{ title = "t", body = "b", year = 2026 }}
"""


HEAD = 'id = "p"\nversion = 1\nprofile = "p"\nvalid_from = 2026-01-01\n'


@pytest.mark.parametrize(
    ("other", "contradict"),
    [
        (entry("b", ">", 0.6), True),
        (entry("b", ">=", 0.5), True),
        (entry("b", ">", 0.4), False),
        (entry("b", "<", 0.4), False),  # the harder one decides: no contradiction
        (entry("b", ">", 0.6, share=0.1), False),  # in other rooms
        (entry("b", ">", 0.6, bands='bands = ["6"]'), False),
    ],
)
def test_two_criteria_contradict_only_where_no_room_can_satisfy_both(other, contradict):
    _, found = told(HEAD + entry("a", "<", 0.5, bands='bands = ["5"]') + other)

    assert (len(found) == 1 and "cannot both hold" in found[0]) is contradict, found


@given(st.sampled_from(["<", "<="]), st.floats(0.01, 0.99), st.sampled_from([">", ">="]), st.floats(0.01, 0.99))
def test_where_no_contradiction_is_told_some_value_satisfies_both(below, high, above, low):
    policy, found = told(HEAD + entry("a", below, high, share=1.0) + entry("b", above, low, share=1.0))
    assert policy is not None
    values = [0.0, low, high, (low + high) / 2, 1.0]
    possible = any(all(one.satisfied(value) for one in policy.criteria) for value in values)

    assert possible is (found == [])


def test_a_policy_that_requires_nothing_of_a_slot_is_refused():
    _, found = told(HEAD + entry("a", "<", 0.5).replace("share =", "required = false\nshare ="))

    assert found == [
        "p.toml: no criterion of the window slot is required: every slot would stay unknown; "
        "set required = true in one of them"
    ]


@given(st.binary(max_size=60), st.integers(0, len(TEXT)))
def test_no_damage_to_a_file_is_more_than_a_finding(noise, at):
    whole = TEXT.encode()
    policy, found = look("p.toml", whole[:at] + noise + whole[at:])

    assert found or policy is not None


def test_a_file_without_faults_gives_the_policy():
    text = resources.files("collector").joinpath("policies/baseline.toml").read_text()
    assert told(text)[0] == baseline()
