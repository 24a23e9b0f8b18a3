"""What a radio's evidence proves of a room and of an access point, and what it leaves unknown (baseline version 2)."""

import datetime
from importlib import resources

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.inventory import AccessPoint, Campus, Inventory
from collector.judgement.evaluate import Context, SlotVerdict, evaluate_slots
from collector.policies.policy import PolicyError, baseline, parse, shipped
from collector.school_time.hours import Hours
from tests.air_evidence import Bss, airspace, channels, join, link
from tests.evidence import CUT_PATH, GOOD_PATH, agent_id, placed, report

SLOT = 1772550000
DAY = datetime.datetime.fromtimestamp(SLOT, datetime.UTC).date()
POLICY = shipped("baseline-2")
AP, OTHER = "ap-1", "ap-2"
RADIO, RADIO_24, SECOND = "02:00:00:00:01:00", "02:00:00:00:01:10", "02:00:00:00:02:00"
ROOM = "lincoln/A/1"
INVENTORY = Inventory(
    {"lincoln": Campus("lincoln", "Lincoln", timezone="UTC", ssids=("District",))},
    {
        "lincoln": (
            AccessPoint(AP, "lincoln", AP, "10.0.0.1", bssids=(RADIO, RADIO_24)),
            AccessPoint(OTHER, "lincoln", OTHER, "10.0.0.2", bssids=(SECOND,)),
        )
    },
)
AGENTS = ((agent_id("a"), ROOM, 0.0, None),)
ANSWERED = frozenset((agent_id("a"), ap) for ap in (AP, OTHER))
HEARD = frozenset((agent_id("a"), bssid) for bssid in (RADIO, SECOND))
UP = {AP: (3, 3), OTHER: (3, 3)}
GOOD = (Bss(RADIO, -50.0), Bss(SECOND, -60.0))


def judge(*reports, policy=POLICY, inventory=INVENTORY, **known) -> SlotVerdict:
    context = Context(**{"ever_answered": ANSWERED, "ever_heard": HEARD, "agents": AGENTS} | known)
    evidence = [placed(one, ROOM) for one in reports]
    return evaluate_slots(policy, inventory, Hours(always=True), "lincoln", DAY, [SLOT], evidence, context)[SLOT]


def minute(*heard, agent="a", seq=1, **made):
    made = {"reach": UP, "path": GOOD_PATH, "airspace": airspace(*heard), "channels": channels({36: 0.2})} | made
    return report(agent, float(SLOT), seq=seq, **made)


def criterion(verdict: SlotVerdict, name: str) -> str:
    return {one.id: one.verdict for one in verdict.criteria}[name]


def signal(*heard, **made) -> str:
    return criterion(judge(minute(*heard, **made)), "signal.primary")


def test_a_campus_that_is_heard_well_on_quiet_channels_is_met():
    verdict = judge(minute(*GOOD))

    assert (verdict.verdict, verdict.cause) == ("met", "")
    assert set(verdict.access_points.values()) == {"up"}


@pytest.mark.parametrize(
    ("dbm", "said"), [(-64.0, "met"), (-65.5, "unknown"), (-67.0, "unknown"), (-68.5, "unknown"), (-70.0, "short")]
)
def test_a_signal_so_near_to_the_threshold_that_the_receiver_cannot_tell_is_unknown(dbm, said):
    assert signal(Bss(RADIO, dbm, worth_db=2.0)) == said


def test_a_receiver_that_does_not_say_what_it_is_worth_is_taken_to_be_five_decibels_wrong():
    assert signal(Bss(RADIO, -63.0, worth_db=None)) == "unknown"
    assert signal(Bss(RADIO, -61.0, worth_db=None)) == "met"


def test_the_best_listed_bss_of_a_district_ssid_in_the_bands_of_the_criterion_counts():
    far = Bss(RADIO, -85.0)

    assert signal(far, Bss(SECOND, -50.0)) == "met"
    assert signal(far, Bss(RADIO_24, -40.0, band="2.4", channel=1)) == "short"
    assert signal(far, Bss("02:00:00:00:09:00", -40.0, listed=False)) == "short"
    assert signal(far, Bss(SECOND, -40.0, ssid="Printers")) == "short"


def test_one_look_is_too_few_and_proves_nothing():
    assert signal(airspace=airspace(Bss(RADIO, -90.0), looks=1)) == "unknown"


def test_a_room_where_nothing_of_ours_is_heard_is_short_only_where_the_radio_hears_and_looked():
    assert signal() == "short"
    assert signal(channels=channels({36: 0.2}, foreign=0)) == "unknown"
    assert signal(channels=channels({36: 0.2}, looks=1)) == "unknown"
    assert signal(channels=channels({1: 0.2}, band="2.4")) == "unknown"
    assert signal(Bss("02:00:00:00:09:00", -40.0, listed=False)) == "unknown"


def test_where_the_inventory_names_no_bssid_a_silent_room_is_unknown():
    bare = Inventory(INVENTORY.campuses, {"lincoln": (AccessPoint(AP, "lincoln", AP, "10.0.0.1"),)})

    assert criterion(judge(minute(), inventory=bare), "signal.primary") == "unknown"


def test_the_second_signal_is_of_a_second_access_point_and_not_of_a_second_radio():
    other_radio = Bss("02:00:00:00:01:10", -50.0, band="6", channel=5)

    def second(*heard):
        return criterion(judge(minute(Bss(RADIO, -50.0), *heard)), "signal.secondary")

    assert second(Bss(SECOND, -70.0)) == "met"
    assert second(Bss(SECOND, -74.0)) == "unknown"
    assert second(Bss(SECOND, -80.0)) == "short"
    assert second(other_radio) == "short"
    assert second(Bss("02:00:00:00:09:00", -50.0, listed=False)) == "unknown"


def test_without_any_radio_evidence_the_radio_criteria_are_unknown_and_version_1_is_as_before():
    silent = report("a", float(SLOT), reach=UP, path=GOOD_PATH)

    assert judge(silent).verdict == "unknown"
    assert criterion(judge(silent), "signal.primary") == "unknown"
    assert judge(silent, policy=baseline()).verdict == "met"


@pytest.mark.parametrize(("busy", "said"), [(0.2, "met"), (0.49, "met"), (0.5, "short"), (0.9, "short")])
def test_airtime_is_that_of_the_channel_the_best_access_point_is_on(busy, said):
    here = judge(minute(*GOOD, channels=channels({36: busy, 40: 1.0 - busy})))

    assert criterion(here, "airtime") == said


def test_where_no_survey_is_true_the_most_that_the_radio_says_of_itself_counts():
    def load(*loads):
        twin = Bss("02:00:00:00:01:01", -51.0, load=loads[1], radio=RADIO)
        heard = minute(Bss(RADIO, -50.0, load=loads[0]), twin, channels=channels({36: None}))
        return criterion(judge(heard), "airtime")

    assert load(0.2, 0.3) == "met"
    assert load(0.3, 0.7) == "short"
    assert load(None, None) == "unknown"


@pytest.mark.parametrize(("retries", "said"), [((0.1, 0.3, 0.1), "met"), ((0.3, 0.4), "short"), ((None,), "unknown")])
def test_retries_are_the_median_of_the_intervals_with_enough_packets(retries, said):
    assert criterion(judge(minute(*GOOD, link=link(*retries))), "retries") == said


def test_an_access_point_that_answers_without_its_usual_beacon_is_up_and_named_radio_silent():
    verdict = judge(minute(Bss(SECOND, -60.0)))

    assert verdict.access_points == {AP: "radio_silent", OTHER: "up"}
    assert criterion(verdict, "access_point.reachability") == "met"
    assert judge(minute(Bss(SECOND, -60.0)), ever_heard=frozenset()).access_points[AP] == "up"


def test_a_beacon_without_an_echo_is_life_that_cannot_be_reached_from_here():
    dead = {AP: (3, 0), OTHER: (3, 3)}

    assert judge(minute(*GOOD, reach=dead)).access_points[AP] == "not_reachable_from_here"
    assert judge(minute(Bss(SECOND, -60.0), reach=dead)).access_points[AP] == "down"


def test_an_access_point_that_never_answered_is_down_where_its_beacon_was_heard_before_and_is_missing():
    dead = {AP: (3, 0), OTHER: (3, 3)}
    only_ears = {"ever_answered": frozenset()}

    assert judge(minute(Bss(SECOND, -60.0), reach=dead), **only_ears).access_points[AP] == "down"
    nobody = only_ears | {"ever_heard": frozenset()}
    assert judge(minute(Bss(SECOND, -60.0), reach=dead), **nobody).access_points[AP] == "not_reachable_from_here"


def test_an_ear_that_says_nothing_leaves_a_dead_access_point_unknown():
    both = {"agents": (*AGENTS, (agent_id("b"), "lincoln/B/2", 0.0, None)), "ever_heard": {(agent_id("b"), RADIO)}}
    dead = minute(reach={AP: (3, 0), OTHER: (3, 3)}, channels=None, airspace=None)

    assert judge(dead, **both).access_points[AP] == "unknown"
    assert judge(dead, ever_heard=frozenset()).access_points[AP] == "down"


def test_causes_on_the_air_are_named_with_their_rooms():
    weak = judge(minute(Bss(RADIO, -85.0), Bss(SECOND, -86.0)))
    busy = judge(minute(*GOOD, channels=channels({36: 0.9})))
    silent = judge(minute(Bss(SECOND, -85.0)))
    deaf = judge(minute(channels=channels({36: 0.0}, foreign=0)))

    assert (weak.verdict, weak.cause) == ("short", "wifi_weak")
    assert ROOM in weak.cause_evidence
    assert (busy.verdict, busy.cause) == ("short", "wifi_busy")
    assert (silent.verdict, silent.cause) == ("short", "radio_silent")
    assert AP in silent.cause_evidence
    assert (deaf.verdict, deaf.cause) == ("unknown", "radio")


@pytest.mark.parametrize(
    ("stage", "cause"),
    [
        ("associate", "association"),
        ("handshake", "authentication"),
        ("eap", "authentication"),
        ("dhcp", "dhcp"),
        ("portal", "portal"),
    ],
)
def test_an_agent_that_reaches_nothing_names_the_rung_at_which_it_failed_to_join(stage, cause):
    verdict = judge(minute(*GOOD, path=CUT_PATH, join=join([stage, stage])))

    assert (verdict.verdict, verdict.cause) == ("short", cause)
    assert f"2 of 2 tries to join failed at: {stage} 2" in verdict.cause_evidence
    assert judge(minute(*GOOD, path=CUT_PATH, join=join([stage, "ok"]))).cause == "internet"


def test_the_only_agent_names_a_cut_alike_whether_it_tried_to_join_or_not():
    tried = judge(minute(*GOOD, path=CUT_PATH, join=join(["dns", "dns"])))

    assert tried.cause == judge(minute(*GOOD, path=CUT_PATH)).cause == "internet"


@pytest.mark.parametrize(("stage", "cause"), [("dns", "campus_cut_off"), ("dhcp", "dhcp")])
def test_two_agents_that_reach_nothing_prove_a_cut_of_which_names_not_found_are_the_consequence(stage, cause):
    both = [minute(*GOOD, agent=name, path=CUT_PATH, join=join([stage, stage])) for name in "ab"]
    placed_both = tuple((agent_id(name), ROOM, 0.0, None) for name in "ab")

    assert judge(*both, agents=placed_both).cause == cause


HEARINGS = st.lists(
    st.tuples(
        st.sampled_from("ab"),
        st.lists(st.sampled_from([-40.0, -66.0, -70.0, -76.0, -90.0]), max_size=2),
        st.sampled_from([None, 0.1, 0.9]),
        st.integers(0, 3),
        st.booleans(),
    ),
    max_size=6,
)


def made(choices):
    reports = []
    for n, (agent, signals, busy, looks, answers) in enumerate(choices):
        heard = [Bss(bssid, dbm) for bssid, dbm in zip((RADIO, SECOND), signals, strict=False)]
        reach = dict.fromkeys((AP, OTHER), (3, 3 * answers))
        reports.append(
            minute(agent=agent, seq=n + 1, reach=reach, airspace=airspace(*heard, looks=looks),
                   channels=channels({36: busy}, looks=looks))
        )  # fmt: skip
    return reports


@settings(max_examples=300)
@given(HEARINGS, st.sampled_from("ab"))
def test_taking_away_what_a_radio_said_moves_every_verdict_only_towards_unknown(choices, gone):
    agents = tuple((agent_id(name), ROOM, 0.0, None) for name in "ab")
    known = {
        "agents": agents,
        "ever_answered": frozenset((agent, ap) for agent, *_ in agents for ap in (AP, OTHER)),
        "ever_heard": frozenset((agent, bssid) for agent, *_ in agents for bssid in (RADIO, SECOND)),
    }
    reports = made(choices)
    whole = judge(*reports, **known)
    fewer = judge(*[one for one in reports if one.agent != agent_id(gone)], **known)

    assert fewer.verdict in (whole.verdict, "unknown")
    for before, after in zip(whole.criteria, fewer.criteria, strict=True):
        assert after.verdict in (before.verdict, "unknown")


@settings(max_examples=100)
@given(HEARINGS, st.randoms(use_true_random=False))
def test_order_and_repetition_of_radio_evidence_change_nothing(choices, chance):
    reports = made(choices)
    shuffled = reports * 2
    chance.shuffle(shuffled)

    assert judge(*shuffled) == judge(*reports)


def test_version_2_names_a_source_for_every_threshold_and_version_1_keeps_its_digest():
    assert all(one.source.title and one.source.body and one.reason for one in POLICY.criteria)
    assert baseline().hash == "974832f3a1f70ec2961e9b168b465965e2433c4dfabdbe877fa37a815869fe2c"
    assert type(POLICY).from_bytes(POLICY.to_bytes()) == POLICY


@pytest.mark.parametrize(
    ("line", "wrong", "said"),
    [
        ('window = "survey"', 'window = "day"', "in day one of"),
        ("within_days = 365\n", "", "say within_days"),
        ('bands = ["5", "6"]', 'bands = ["7"]', "bands"),
    ],
)
def test_a_radio_criterion_that_cannot_be_judged_is_refused(line, wrong, said):

    text = resources.files("collector").joinpath("policies/baseline-2.toml").read_text()
    with pytest.raises(PolicyError, match=said):
        parse("p.toml", text.replace(line, wrong).encode())
