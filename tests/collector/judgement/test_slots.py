"""What one slot's evidence proves, and what it leaves unknown (design: how the judgement works)."""

import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.inventory import AccessPoint, Campus, Inventory
from collector.judgement.causes import district
from collector.judgement.evaluate import Context, SlotVerdict, evaluate_slots
from collector.policies.policy import baseline
from collector.school_time.hours import Hours
from tests.evidence import CUT_PATH, DEAF_PATH, GOOD_PATH, agent_id, placed, report

DAY = datetime.date(2026, 3, 3)
SLOT = 1772550000
POLICY = baseline()
APS = [f"02:00:00:00:00:{n:02x}" for n in range(20)]
CAMPUS = Campus("lincoln", "Lincoln", timezone="UTC")
INVENTORY = Inventory(
    {"lincoln": CAMPUS},
    {"lincoln": tuple(AccessPoint(ap, "lincoln", ap, "10.0.0.1") for ap in APS)},
)
ROOMS = {"a": "lincoln/A/1", "b": "lincoln/B/2"}
AGENTS = tuple((agent_id(name), room, 0.0, None) for name, room in ROOMS.items())
KNOWN = frozenset((agent_id(name), ap) for name in ROOMS for ap in APS)
ALL_UP = dict.fromkeys(APS, (3, 3))


def judge(evidence, context=None, slot=SLOT) -> SlotVerdict:
    context = context or Context(ever_answered=KNOWN, agents=AGENTS)
    hours = Hours(always=True)
    day = datetime.datetime.fromtimestamp(slot, datetime.UTC).date()
    return evaluate_slots(POLICY, INVENTORY, hours, "lincoln", day, [slot], evidence, context)[slot]


def minute(agent="a", minute=0, **made):
    made = {"reach": ALL_UP, "path": GOOD_PATH} | made
    return placed(report(agent, SLOT + 60.0 * minute, seq=minute + 1, **made), ROOMS[agent])


def both(**made):
    return [minute(agent, **made) for agent in ROOMS]


def down(*aps):
    return ALL_UP | dict.fromkeys(aps, (3, 0))


def test_a_campus_whose_access_points_and_rooms_all_answer_is_met():
    verdict = judge(both())

    assert verdict.verdict == "met"
    assert verdict.cause == ""
    assert verdict.weight_seconds == 300
    assert set(verdict.access_points.values()) == {"up"}
    assert verdict.places == {"lincoln/A/1": "met", "lincoln/B/2": "met"}


def test_one_access_point_of_twenty_may_be_down():
    assert judge(both(reach=down(APS[0]))).verdict == "met"


def test_three_of_twenty_down_is_short_and_names_them():
    verdict = judge(both(reach=down(*APS[:3])))

    assert verdict.verdict == "short"
    assert verdict.cause == "access_point_down"
    assert verdict.criteria[0].failing == tuple(APS[:3])
    assert (verdict.criteria[0].met, verdict.criteria[0].short, verdict.criteria[0].n) == (17, 3, 20)


def test_an_access_point_is_up_if_any_agent_reached_it():
    verdict = judge([minute("a", reach=down(*APS[:3])), minute("b")])

    assert verdict.access_points[APS[0]] == "up"
    assert verdict.verdict == "met"


def test_too_few_samples_are_unknown():
    verdict = judge(both(reach=dict.fromkeys(APS, (2, 0))))

    assert set(verdict.access_points.values()) == {"unknown"}
    assert verdict.verdict == "unknown"


def test_samples_of_several_reports_add_up_within_the_slot():
    evidence = [minute("a", n, reach=dict.fromkeys(APS, (1, 1))) for n in range(3)] + [minute("b")]

    assert judge(evidence).verdict == "met"


def test_an_access_point_that_never_answered_this_agent_is_not_reachable_from_here_and_never_down():
    nobody = Context(agents=AGENTS)
    verdict = judge(both(reach=dict.fromkeys(APS, (3, 0))), nobody)

    assert set(verdict.access_points.values()) == {"not_reachable_from_here"}
    assert verdict.verdict == "unknown"
    assert verdict.cause == "not_reachable_from_here"


def test_an_agent_whose_own_gateway_and_all_else_is_silent_says_nothing_about_access_points():
    deaf = minute("a", reach=dict.fromkeys(APS, (3, 0)), path=DEAF_PATH)
    verdict = judge([deaf, minute("b")])

    assert verdict.criteria[0].verdict == "met"
    assert judge([deaf]).criteria[0].verdict == "unknown"


def test_an_agent_that_could_not_run_its_probe_is_no_loss():
    verdict = judge([minute("a", reach={}, not_run="reach"), minute("b", reach={}, not_run="reach")])

    assert verdict.criteria[0].verdict == "unknown"
    assert "could not run" in verdict.cause_evidence


def test_without_evidence_a_slot_is_unknown_and_two_silent_agents_are_a_cut_campus():
    verdict = judge([])

    assert verdict.verdict == "unknown"
    assert verdict.cause == "campus_cut_off"


def test_one_silent_agent_is_a_ticket_not_a_cut_off():
    verdict = judge([], Context(agents=AGENTS[:1]))

    assert (verdict.verdict, verdict.cause) == ("unknown", "agent_silent")


def test_the_collectors_own_gap_is_its_own_cause():
    context = Context(agents=AGENTS, collector_gaps=((SLOT + 10.0, SLOT + 200.0),))

    assert judge([], context).cause == "collector_gap"


def test_planned_work_is_named_and_never_dropped():
    context = Context(ever_answered=KNOWN, agents=AGENTS, exclusions=((SLOT, SLOT + 300.0, "switch upgrade"),))
    verdict = judge(both(reach=down(*APS[:3])), context)

    assert (verdict.verdict, verdict.cause, verdict.cause_evidence) == ("short", "planned_work", "switch upgrade")


def test_a_cut_uplink_is_short_once_late_evidence_proves_it():
    verdict = judge(both(path=CUT_PATH))

    assert verdict.verdict == "short"
    assert verdict.cause == "campus_cut_off"
    assert verdict.criteria[0].verdict == "met"


def test_the_internet_is_short_only_if_two_independent_targets_fail():
    one_fails = GOOD_PATH | {("internet", "one"): (5, 0)}
    only_one = {("collector", "collector"): (5, 0)}

    assert judge(both(path=one_fails)).verdict == "met"
    assert judge(both(path=only_one)).verdict == "unknown"


def test_one_lost_packet_in_a_few_proves_nothing_and_two_do():
    def lossy(lost):
        return dict.fromkeys(GOOD_PATH, (20, 20 - lost))

    assert judge(both(path=lossy(1))).verdict == "met"
    assert judge(both(path=lossy(2))).cause == "loss"


def test_slow_rooms_are_short_for_slowness():
    verdict = judge(both(rtt=0.25))

    assert (verdict.verdict, verdict.cause) == ("short", "slow")
    assert "lincoln/A/1" in verdict.cause_evidence


def test_an_unconfirmed_placement_says_nothing():
    doubtful = [placed(one.report, one.place, confirmed=False) for one in both()]

    assert judge(doubtful).verdict == "unknown"


def test_agents_that_may_stand_elsewhere_are_neither_silent_nor_a_campus_cut_off():
    doubtful = [placed(one.report, one.place, confirmed=False) for one in both()]
    context = Context(agents=AGENTS, unconfirmed=tuple((agent, float(SLOT), None) for agent, *_ in AGENTS))
    verdict = evaluate_slots(POLICY, INVENTORY, Hours(always=True), "lincoln", DAY, [SLOT], doubtful, context)[SLOT]

    assert (verdict.verdict, verdict.cause) == ("unknown", "placement_unconfirmed")


def test_a_measurement_belongs_to_the_slot_of_its_end():
    late = report("a", SLOT + 270.0, reach=ALL_UP, path=GOOD_PATH)  # measured 30 s later: in the next slot

    assert judge([placed(late, ROOMS["a"])]).criteria[0].verdict == "unknown"
    assert judge([placed(late, ROOMS["a"])], slot=SLOT + 300).criteria[0].verdict == "met"


def test_a_required_criterion_with_nothing_to_judge_is_unknown():
    empty = Inventory({"lincoln": CAMPUS})
    context = Context(agents=AGENTS)
    verdict = evaluate_slots(POLICY, empty, Hours(always=True), "lincoln", DAY, [SLOT], both(), context)[SLOT]

    assert verdict.criteria[0].n == 0
    assert verdict.verdict == "unknown"


def test_outside_instructional_time_there_is_no_class():
    verdict = evaluate_slots(POLICY, INVENTORY, Hours(), "lincoln", DAY, [SLOT], both(), Context())[SLOT]

    assert (verdict.verdict, verdict.weight_seconds) == ("no_class", 0)


def test_a_shared_uplink_cut_is_one_cause():
    campuses = {f"c{n}": Campus(f"c{n}", "C", uplink="fibre-7") for n in range(3)}
    cut = SlotVerdict(SLOT, "unknown", 300, cause="campus_cut_off")
    found = district(dict.fromkeys(campuses, cut), Inventory(campuses), {})

    assert {cause for cause, _ in found.values()} == {"shared_uplink_cut"}
    assert len(found) == 3


def test_one_campus_of_an_uplink_that_still_speaks_disproves_the_shared_cut():
    campuses = {f"c{n}": Campus(f"c{n}", "C", uplink="fibre-7") for n in range(3)}
    cut = SlotVerdict(SLOT, "unknown", 300, cause="campus_cut_off")
    verdicts = {"c0": cut, "c1": cut, "c2": SlotVerdict(SLOT, "met", 300)}

    assert district(verdicts, Inventory(campuses), {}) == {}


@pytest.mark.parametrize(("turned", "suspect"), [(20, False), (21, True)])
def test_more_than_a_fifth_of_the_district_turning_short_makes_the_monitor_suspect_itself(turned, suspect):
    campuses = {f"c{n}": Campus(f"c{n}", "C") for n in range(100)}
    short = SlotVerdict(SLOT, "short", 300, cause="slow")
    verdicts = {c: short if n < turned else SlotVerdict(SLOT, "met", 300) for n, c in enumerate(campuses)}
    found = district(verdicts, Inventory(campuses), dict.fromkeys(campuses, "met"))

    assert bool(found) is suspect
    assert district(verdicts, Inventory(campuses), {c: v.verdict for c, v in verdicts.items()}) == {}


CHOICES = st.lists(
    st.tuples(
        st.sampled_from("ab"),
        st.integers(0, 4),
        st.lists(st.integers(0, 3), min_size=20, max_size=20),
        st.sampled_from([GOOD_PATH, CUT_PATH, DEAF_PATH]),
    ),
    max_size=8,
)


def made(choices):
    return [
        minute(agent, n, reach={ap: (3, got) for ap, got in zip(APS, answers, strict=True)}, path=path)
        for agent, n, answers, path in choices
    ]


@settings(max_examples=200)
@given(CHOICES, st.randoms(use_true_random=False))
def test_order_and_repetition_of_evidence_change_nothing(choices, chance):
    evidence = made(choices)
    shuffled = evidence * 2
    chance.shuffle(shuffled)

    assert judge(shuffled) == judge(evidence)


@settings(max_examples=200)
@given(CHOICES, st.booleans(), st.booleans(), st.booleans())
def test_every_short_or_unknown_slot_has_a_cause_with_its_evidence(choices, any_agents, known, edge_failed):
    context = Context(
        ever_answered=KNOWN if known else frozenset(),
        agents=AGENTS if any_agents else (),
        edge_failed=frozenset({SLOT}) if edge_failed else frozenset(),
    )
    verdict = judge(made(choices), context)

    assert bool(verdict.cause) is bool(verdict.cause_evidence) is (verdict.verdict in ("short", "unknown"))


def test_a_slot_without_any_agent_and_one_with_too_few_samples_say_so():
    assert judge([], Context()).cause == "no_agent"
    few = judge([minute(agent, reach=dict.fromkeys(APS, (1, 1))) for agent in ROOMS])

    assert (few.verdict, few.cause) == ("unknown", "too_little_evidence")
    assert "20 of 20 unknown" in few.cause_evidence


@settings(max_examples=300)
@given(CHOICES, st.sets(st.sampled_from("ab"), min_size=1), st.booleans())
def test_taking_away_what_an_agent_said_moves_every_verdict_only_towards_unknown(choices, gone, one_room):
    agents = tuple((agent_id(name), ROOMS["a"] if one_room else room, 0.0, None) for name, room in ROOMS.items())
    context = Context(ever_answered=KNOWN, agents=agents)
    evidence = made(choices)
    left = {agent_id(name) for name in gone}
    whole = judge(evidence, context)
    fewer = judge([one for one in evidence if one.agent not in left], context)

    assert fewer.verdict in (whole.verdict, "unknown")
    for before, after in zip(whole.criteria, fewer.criteria, strict=True):
        assert after.verdict in (before.verdict, "unknown")
    for ap, state in fewer.access_points.items():
        assert state in (whole.access_points[ap], "unknown")
    for room, state in fewer.places.items():
        assert state in (whole.places[room], "unknown")


def test_a_silent_agent_that_reached_it_before_leaves_an_access_point_unknown_until_it_speaks():
    a_says_down = minute("a", reach=down(*APS[:3]))

    assert judge([a_says_down]).access_points[APS[0]] == "unknown"
    assert judge([a_says_down, minute("b", reach=down(*APS[:3]))]).access_points[APS[0]] == "down"
    assert judge([a_says_down, minute("b")]).access_points[APS[0]] == "up"


def test_an_agent_that_reports_other_access_points_was_not_asked_and_holds_nothing_up():
    others = minute("b", reach=dict.fromkeys(APS[10:], (3, 3)))

    assert judge([minute("a", reach=down(*APS[:3])), others]).access_points[APS[0]] == "down"


def test_a_room_with_two_agents_is_short_only_where_both_find_it_so():
    agents = tuple((agent_id(name), ROOMS["a"], 0.0, None) for name in ROOMS)
    context = Context(ever_answered=KNOWN, agents=agents)
    a_cut = minute("a", path=CUT_PATH)

    assert judge([a_cut], context).places == {ROOMS["a"]: "unknown"}
    assert judge([a_cut, minute("b")], context).places == {ROOMS["a"]: "met"}
    assert judge([a_cut, minute("b", path=CUT_PATH)], context).places == {ROOMS["a"]: "short"}


def test_without_any_evidence_every_criterion_is_unknown():
    assert {one.verdict for one in judge([]).criteria} == {"unknown"}
