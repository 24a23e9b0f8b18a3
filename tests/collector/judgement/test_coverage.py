"""Coverage is a line of its own: every room of the list with its last radio measurement, walked by or stood in."""

import datetime

from collector.inventory import AccessPoint, Campus, Inventory
from collector.judgement import coverage
from collector.judgement.day_record import RoomAir
from collector.judgement.evaluate import Context, Radio, evaluate_slots
from collector.policies.policy import baseline, shipped
from collector.school_time.hours import Hours
from tests.air_evidence import Bss, airspace, channels
from tests.evidence import agent_id, placed, report

POLICY = shipped("baseline-2")
SLOT = 1772550000
RADIO, SECOND = "02:00:00:00:01:00", "02:00:00:00:02:00"
AIR = Radio({RADIO: "ap-1", SECOND: "ap-2"}, ("District",))
ROOM = "lincoln/A/1"
NOW = datetime.datetime.fromtimestamp(SLOT + 86400, datetime.UTC)
MET = {"coverage.primary": "met", "coverage.secondary": "met"}


def heard(*dbm: float, room=ROOM, at=0.0, agent="a", **how):
    bss = [Bss(bssid, one) for bssid, one in zip((RADIO, SECOND), dbm, strict=False)]
    made = report(agent, SLOT + at, airspace=airspace(*bss), channels=channels({36: 0.1}))
    return placed(made, room, **how)


def measured(*evidence):
    return coverage.measured(POLICY, AIR, evidence)


def test_a_room_is_judged_by_its_last_measurement_of_the_day():
    found = measured(heard(-50.0, -60.0), heard(-90.0, -91.0, at=600.0))

    assert found[ROOM].verdicts == {"coverage.primary": "short", "coverage.secondary": "short"}
    late, early = heard(-90.0, at=600.0), heard(-50.0, -60.0)
    assert measured(late, early) == measured(early, late)


def test_one_agent_that_walks_measures_each_room_apart_and_a_doubtful_report_none():
    other = "lincoln/A/2"
    found = measured(heard(-50.0, -60.0), heard(-50.0, room=other, at=60.0), heard(-50.0, room="x", confirmed=False))

    assert {room: one.verdicts["coverage.secondary"] for room, one in found.items()} == {ROOM: "met", other: "short"}


def test_a_policy_without_survey_criteria_measures_no_coverage():
    assert coverage.measured(baseline(), AIR, [heard(-50.0)]) == {}


def test_a_later_measurement_replaces_an_earlier_one_and_never_the_other_way():
    early, late = {ROOM: RoomAir(1.0, MET)}, {ROOM: RoomAir(2.0, {})}

    assert coverage.merged(early, late) == coverage.merged(late, early) == late


def test_a_room_never_measured_or_measured_too_long_ago_is_unknown_and_named():
    rooms = [f"lincoln/A/{n}" for n in range(10)]
    known = {room: RoomAir(float(SLOT), MET) for room in rooms[:9]}

    def primary(known, until=NOW):
        return coverage.line(POLICY, rooms, known, until)[0]

    assert (primary(known)["verdict"], primary(known)["met"], primary(known)["of"]) == ("met", 9, 10)
    assert primary(known)["rooms_unknown"] == [rooms[9]]
    known[rooms[0]] = RoomAir(float(SLOT), {"coverage.primary": "unknown"})
    assert primary(known)["verdict"] == "unknown"
    short = {room: RoomAir(float(SLOT), {"coverage.primary": "short"}) for room in rooms[:2]}
    assert primary(known | short)["verdict"] == "short"
    assert primary(known | short)["rooms_short"] == rooms[:2]
    assert primary(known, NOW + datetime.timedelta(days=366))["unknown"] == 10


def test_a_walked_room_is_coverage_and_no_agents_word_on_a_slot():
    aps = tuple(AccessPoint(ap, "lincoln", ap, "10.0.0.1", bssids=(bssid,)) for bssid, ap in AIR.access_points.items())
    inventory = Inventory({"lincoln": Campus("lincoln", "Lincoln", timezone="UTC")}, {"lincoln": aps})
    context = Context(agents=((agent_id("a"), ROOM, 0.0, None),))
    day = datetime.datetime.fromtimestamp(SLOT, datetime.UTC).date()

    def room(**how):
        evidence = [heard(-50.0, -60.0, **how)]
        verdict = evaluate_slots(POLICY, inventory, Hours(always=True), "lincoln", day, [SLOT], evidence, context)[SLOT]
        return {one.id: one.verdict for one in verdict.criteria}["signal.primary"]

    assert room() == "met"
    assert room(survey=True) == "unknown"
    assert measured(heard(-50.0, -60.0, survey=True))[ROOM].verdicts == MET
