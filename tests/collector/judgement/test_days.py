"""A school day is judged from the samples of its slots: joining and throughput, with three values and no guess."""

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.commitment.roll_up import Tally, roll_up
from collector.judgement.causes import of_joins
from collector.judgement.day_record import Grounds, Judged, blank, with_judged
from collector.judgement.day_verdict import judge_day
from collector.judgement.samples import Samples, by_agent, take
from collector.policies.policy import baseline, shipped
from tests.air_evidence import join, throughput
from tests.evidence import report

POLICY = shipped("baseline-2")
DAY = datetime.date(2026, 3, 3)
SLOT = 1772550000
ROOMS = {"a": "lincoln/A/1", "b": "lincoln/B/2"}
AGENTS = tuple((agent, room, 0.0, None) for agent, room in ROOMS.items())
JOINED = ["ok"] * 20
TESTED = ["ok"] * 3


def said(agent="a", joins=JOINED, seconds=2.0, tests=TESTED, download=50e6, room=None) -> Samples:
    made = Samples(agent, room or ROOMS[agent], {}, [], [])
    take(made, report(agent, 0.0, join=join(joins, seconds), throughput=throughput(tests, download)), None)
    return made


def day(*samples: Samples, policy=POLICY, agents=AGENTS, letter="met"):
    record = blank("lincoln", DAY, "UTC", 300)
    judged = [Judged(SLOT, 300, Grounds(letter), "", samples), Judged(SLOT + 300, 300, Grounds(letter))]
    return judge_day(policy, with_judged(record, judged)[0], agents)


def criterion(made, name: str) -> str:
    return {one.id: one.verdict for one in made.criteria}[name]


def test_a_day_on_which_every_room_joins_and_downloads_is_met():
    made = day(said("a"), said("b"))

    assert made.verdict == "met"
    assert made.outcomes == {"join ok": 40, "throughput ok": 6}


@pytest.mark.parametrize(
    ("joins", "expected"),
    [
        (["ok"] * 19 + ["dhcp"], "met"),
        (["ok"] * 18 + ["dhcp"] * 2, "short"),
        (["ok"] * 9, "unknown"),
        (["ok"] * 100 + ["scan"] * 3, "met"),
        (["ok"] * 100 + ["scan"] * 4, "short"),
    ],
)
def test_one_failed_try_proves_nothing_and_two_of_twenty_do(joins, expected):
    assert criterion(day(said("a", joins), said("b", joins)), "join.success") == expected


@pytest.mark.parametrize(("seconds", "expected"), [(5.0, "met"), (5.1, "short")])
def test_joining_takes_five_seconds_at_most(seconds, expected):
    assert criterion(day(said("a", seconds=seconds), said("b", seconds=seconds)), "join.time") == expected


def test_joins_that_come_too_late_name_the_stage_that_they_wait_for():
    made = day(said("a", seconds=6.0), said("b", seconds=6.0))

    assert (made.verdict, made.cause) == ("short", "dns")
    assert "joins wait longest for: dns" in made.cause_evidence


def test_tests_that_were_deferred_or_blocked_are_no_samples_and_are_counted():
    skipped = ["ok", "deferred", "deferred", "blocked"]
    made = day(said("a", tests=skipped), said("b", tests=skipped))

    assert criterion(made, "campus.throughput") == "unknown"
    assert made.verdict == "unknown"
    assert made.outcomes["throughput deferred"] == 4
    assert made.outcomes["throughput blocked"] == 2


@pytest.mark.parametrize(("rate", "expected"), [(3.2e6, "met"), (3.1e6, "short")])
def test_throughput_is_the_median_of_the_days_tests(rate, expected):
    assert criterion(day(said("a", download=rate), said("b", download=rate)), "campus.throughput") == expected


def test_a_short_day_names_the_stage_at_which_joining_broke():
    broken = ["ok"] * 10 + ["handshake"] * 6 + ["dhcp"] * 2
    made = day(said("a", broken), said("b", broken))

    assert (made.verdict, made.cause) == ("short", "authentication")
    assert made.cause_evidence == "12 of 36 tries to join failed at: handshake 12"


def test_an_sae_refusal_is_a_refused_password_and_an_unanswered_one_is_not():
    def counted(code):
        table = join(["authenticate"])
        table.method, table.reason_code = ["sae"], [code]
        made = Samples("a", ROOMS["a"], {}, [], [])
        take(made, report("a", 0.0, join=table), None)
        return of_joins(made.outcomes)[0]

    assert (counted(15), counted(None)) == ("authentication", "association")


def test_a_placed_agent_without_samples_leaves_its_room_unknown_and_no_agent_leaves_all_unknown():
    assert criterion(day(said("a")), "join.success") == "unknown"
    assert day(said("a"), agents=AGENTS[:1]).verdict == "met"
    assert day(agents=()).verdict == "unknown"


def test_a_day_without_class_has_no_verdict_and_version_1_requires_nothing_of_a_day():
    assert day(said("a"), said("b"), letter="no_class") is None
    first = day(said("a", download=1e6), said("b", download=1e6), policy=baseline())
    assert first.verdict == ""
    assert criterion(first, "campus.throughput") == "short"


def test_a_period_is_the_worse_of_its_slots_and_its_days_once_a_day_is_over():
    def verdict(days):
        return roll_up(POLICY, Tally(met=100), days)[0]

    assert verdict(Tally()) == "meets"
    assert verdict(Tally(met=20)) == "meets"
    assert verdict(Tally(met=18, unknown=2)) == "not_enough_evidence"
    assert verdict(Tally(met=18, short=2)) == "falls_short"


OUTCOMES = st.lists(st.sampled_from(["ok", "ok", "ok", "dhcp", "deferred"]), max_size=30)
SPOKEN = st.lists(st.tuples(st.sampled_from("ab"), OUTCOMES, st.sampled_from([2.0, 9.0]), OUTCOMES), max_size=6)


@given(SPOKEN, st.sampled_from("ab"), st.booleans())
def test_losing_what_an_agent_tried_moves_a_day_only_towards_unknown(spoken, gone, one_room):
    agents = tuple((agent, ROOMS["a"] if one_room else room, 0.0, None) for agent, room in ROOMS.items())
    room = ROOMS["a"] if one_room else None
    samples = [said(agent, joins, seconds, tests, room=room) for agent, joins, seconds, tests in spoken]
    whole = day(*samples, agents=agents)
    fewer = day(*[one for one in samples if one.agent != gone], agents=agents)

    assert fewer.verdict in (whole.verdict, "unknown")
    for before, after in zip(whole.criteria, fewer.criteria, strict=True):
        assert after.verdict in (before.verdict, "unknown")


@given(SPOKEN, st.randoms(use_true_random=False))
def test_the_order_of_samples_changes_nothing(spoken, chance):
    samples = [said(agent, joins, seconds, tests) for agent, joins, seconds, tests in spoken]
    shuffled = list(samples)
    chance.shuffle(shuffled)

    assert by_agent(shuffled) == by_agent(samples)
    assert day(*shuffled) == day(*samples)


def a_day_with(cause: str, *failed_at: str):
    """Forty tries that joined, and those that failed in a slot of that cause."""
    record = blank("lincoln", DAY, "UTC", 300)
    well = Judged(SLOT, 300, Grounds("met"), "", (said("a"), said("b")))
    ill = Judged(SLOT + 300, 300, Grounds("short", cause, "words"), "", (said("a", list(failed_at), tests=[]),))
    return judge_day(POLICY, with_judged(record, [well, ill])[0], AGENTS)


@pytest.mark.parametrize("cause", ["campus_cut_off", "shared_uplink_cut", "internet", "lan_down", "planned_work"])
def test_tries_that_fail_behind_a_line_that_is_cut_are_its_consequence_and_no_fault_of_the_name_servers(cause):
    made = a_day_with(cause, "dns", "dns", "dns")

    assert (made.verdict, made.cause) == ("short", cause)
    assert made.cause_evidence == "3 of 3 tries to join that failed did so in slots of this cause"


def test_a_slots_cause_that_says_nothing_of_joining_leaves_the_stage_that_failed():
    assert a_day_with("access_point_down", "dhcp", "dhcp", "dhcp").cause == "dhcp"
    assert a_day_with("", "dns", "dns").cause == "dns"
