"""Incidents on a real store, found by the judge's own passes: opened, moved, disproved, shared, and never twice."""

import random

import pytest

from collector.administration.operations import perform
from collector.incidents.finding import of_campus, slots
from collector.judgement.judge import Judge
from collector.store import incidents, ledger
from tests.collector.incident_rig import a_district, for_access_point, measured, stands
from tests.collector.judgement.test_judge_loop import AP, MORNING, SLOT, a_slot, imported, judged_until, pushed

SECOND = "b" * 32
# Which agents, by their letter, stand at which campus; all but elm share an uplink.
BEHIND = {"lincoln": "ab", "oak": "cd", "pine": "f", "elm": "e"}
AP_OF = {"lincoln": AP, "oak": "00:11:22:33:44:02", "pine": "00:11:22:33:44:04", "elm": "00:11:22:33:44:03"}
CUT = range(2, 6)


def all_of(store):
    with store.read() as connection:
        return sorted(incidents.of_period(connection, 0, 1 << 40), key=lambda one: one.id)


def steps_of(store, one):
    with store.read() as connection:
        return [(step.step, step.by) for step in incidents.steps(connection, [one])[one]]


def spans(store):
    """Of those that stand: the slots after nine o'clock."""
    found = [one.fault for one in all_of(store) if one.stands]
    return sorted(
        ((one.from_at - MORNING) // SLOT, None if one.to_at is None else (one.to_at - MORNING) // SLOT) for one in found
    )


def test_three_short_slots_open_one_and_three_met_ones_close_it(store, clock, judge):
    measured(store, clock, judge, "mss")
    assert all_of(store) == []

    measured(store, clock, judge, "s", MORNING + 3 * SLOT)
    (one,) = all_of(store)
    assert (one.state, one.fault.scope, one.fault.from_at) == ("open", "campus lincoln", MORNING + SLOT)
    assert one.opened_at == clock()
    assert (one.fault.cause, one.fault.parts[0].access_points) == ("access_point_down", ("00:11:22:33:44:01",))

    measured(store, clock, judge, "summ", MORNING + 4 * SLOT)
    assert [one.state for one in all_of(store)] == ["open"]

    measured(store, clock, judge, "m", MORNING + 8 * SLOT)
    (one,) = all_of(store)
    assert (one.state, one.fault.to_at, one.fault.parts[0].lost_seconds) == ("closed", MORNING + 6 * SLOT, 4 * SLOT)
    assert steps_of(store, one.id) == [("detected", "judge"), ("verified", "judge")]


def test_late_evidence_moves_an_incident_and_keeps_when_it_was_detected(store, clock, judge):
    measured(store, clock, judge, "muusssmmm")
    (before,) = all_of(store)

    pushed(store, clock, *a_slot(MORNING + 2 * SLOT, ap_answers=False), *a_slot(MORNING + SLOT, ap_answers=False))
    judged_until(judge, clock, clock() + 1)

    (after,) = all_of(store)
    assert spans(store) == [(1, 6)]
    assert (after.id, after.opened_at) == (before.id, before.opened_at)
    assert after.fault.parts[0].lost_seconds == 5 * SLOT


def test_late_evidence_disproves_an_incident_which_stays_and_shows_it_again_if_it_comes_back(store, clock, judge):
    measured(store, clock, judge, "msssmmm")
    (before,) = all_of(store)
    # A second agent, of another room, that was offline: the access point did answer it.
    stands(store, clock, SECOND, "lincoln/main/102")
    perform(store, None, clock, "agents-assign", {"agent": SECOND, "place": "lincoln/main/102", "at": float(MORNING)})
    pushed(store, clock, *[one for n in range(1, 4) for one in a_slot(MORNING + n * SLOT, agent=SECOND)])
    judged_until(judge, clock, clock() + 1)

    (after,) = all_of(store)
    assert (after.id, after.resolution, after.resolution_reason) == (
        before.id, "disproved", "disproved by late evidence",
    )  # fmt: skip
    assert steps_of(store, after.id)[-1] == ("note", "judge")
    judged_until(judge, clock, clock() + SLOT)
    assert len(steps_of(store, after.id)) == 3


def test_judging_again_changes_nothing(store, clock, judge):
    measured(store, clock, judge, "msssmmmsss")
    before = all_of(store)
    written = [steps_of(store, one.id) for one in before]

    perform(store, None, clock, "evaluate", {"from": "2026-09-15", "to": "2026-09-15", "campus": "lincoln"})
    judged_until(Judge(store, clock, grace_seconds=60.0), clock, clock() + 1)

    assert all_of(store) == before
    assert [steps_of(store, one.id) for one in before] == written


@pytest.mark.parametrize("seed", range(6))
def test_incidents_of_a_strip_do_not_depend_on_how_many_passes_judged_it(store, clock, seed):
    chance = random.Random(seed)
    letters = "m" + "".join(chance.choice("mmmsssu") * chance.randint(1, 4) for _ in range(14))
    order = list(range(len(letters)))
    chance.shuffle(order)
    judge = Judge(store, clock, grace_seconds=60.0)
    clock.at = MORNING + len(letters) * SLOT + 61.0
    for number in order:
        if letters[number] != "u":
            pushed(store, clock, *a_slot(MORNING + number * SLOT, ap_answers=letters[number] == "m"))
        if chance.random() < 0.5:
            judged_until(judge, clock, clock())
        if chance.random() < 0.1:
            judge = Judge(store, clock, grace_seconds=60.0)
    judged_until(judge, clock, clock())

    with store.read() as connection:
        rows = ledger.newest_of_period(connection, "", "9999", "lincoln")
    expected = of_campus("lincoln", slots(row.record for row in rows))
    assert expected
    assert sorted((one.fault for one in all_of(store) if one.stands), key=lambda one: one.from_at) == expected


def test_a_night_and_days_between_do_not_end_it_and_a_distant_change_is_found(store, clock, judge):
    measured(store, clock, judge, "msss")
    judged_until(judge, clock, MORNING + 9 * 86400)
    assert spans(store) == [(1, None)]

    later = MORNING + 3 * 86400
    pushed(store, clock, *[one for n in range(3) for one in a_slot(later + n * SLOT)])
    judged_until(judge, clock, clock() + 1)

    assert spans(store) == [(1, 3 * 86400 // SLOT)]


@pytest.fixture
def west(tmp_path, clock):
    """Three campuses behind one uplink that was cut for four slots, and one that was not."""
    uplinks = "lincoln,Lincoln,west\noak,Oak,west\npine,Pine,west\nelm,Elm,\n"
    with a_district(tmp_path, clock, f"id,name,uplink\n{uplinks}") as store:
        imported_lists(store, clock)
        for campus, letters in BEHIND.items():
            for room, letter in enumerate(letters, 101):
                stands(store, clock, letter * 32, f"{campus}/main/{room}")
        judge = Judge(store, clock, grace_seconds=60.0)
        for number in range(9):
            for name in "e" if number in CUT else "abcdef":
                pushed(store, clock, *reports(MORNING + number * SLOT, name))
            judged_until(judge, clock, MORNING + (number + 1) * SLOT + 61)
        yield store, judge


def late(store, clock, judge, names, **how):
    """What agents kept while the line was cut arrives."""
    for name in names:
        pushed(store, clock, *[one for n in CUT for one in reports(MORNING + n * SLOT, name, **how)])
        judged_until(judge, clock, clock() + 1)


def test_a_shared_uplink_is_one_incident_with_all_its_campuses(west):
    store, _ = west

    (one,) = all_of(store)

    assert (one.fault.scope, one.fault.cause, one.state) == ("uplink west", "shared_uplink_cut", "closed")
    lost = [(part.campus, part.lost_seconds) for part in one.fault.parts]
    assert lost == [(name, 4 * SLOT) for name in ("lincoln", "oak", "pine")]
    assert spans(store) == [(2, 6)]


def test_what_the_agents_behind_it_kept_agrees_and_it_stays_one(west, clock):
    store, judge = west

    late(store, clock, judge, "fabcd", path_answers=False)

    (one,) = [one for one in all_of(store) if one.stands]
    assert (one.id, one.fault.scope, [part.campus for part in one.fault.parts]) == (
        1, "uplink west", ["lincoln", "oak", "pine"],
    )  # fmt: skip


def test_it_was_not_the_uplink_where_one_campus_had_its_line(west, clock):
    store, judge = west

    late(store, clock, judge, "ab")

    found = [(one.fault.scope, one.resolution) for one in all_of(store)]
    assert found[0] == ("uplink west", "disproved")
    assert all((scope, said) == ("campus oak", "") for scope, said in found[1:])


def imported_lists(store, clock):
    rooms = "".join(f"{campus},main,{room}\n" for campus in BEHIND for room in (101, 102))
    imported(store, clock, "rooms", f"campus,building,room\n{rooms}")
    aps = "".join(f"{campus},{AP_OF[campus]},ap-1,10.0.0.{n}\n" for n, campus in enumerate(BEHIND, 1))
    imported(store, clock, "access-points", f"campus,id,name,address\n{aps}")


def reports(slot, name, **how):
    """A slot of the campus's own access point, by the agent of that letter."""
    campus = next(campus for campus, letters in BEHIND.items() if name in letters)
    return [for_access_point(one, AP_OF[campus]) for one in a_slot(slot, agent=name * 32, **how)]
