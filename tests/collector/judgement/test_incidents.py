"""What is an incident: a row of bad slots opens it, a row of met ones ends it, and nothing else does."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.alerting.alert import Terms
from collector.alerting.rules import alerts
from collector.incidents.finding import IN_A_ROW, Slot, of_campus, of_uplink, quiet_after
from collector.judgement.day_record import Criterion, Grounds

SECONDS = 300
_MEANING = {
    "m": ("met", ""), "s": ("short", "access_point_down"), "u": ("unknown", "agent_silent"), ".": ("no_class", ""),
    "-": ("", ""), "c": ("unknown", "campus_cut_off"), "x": ("unknown", "shared_uplink_cut"), "p": ("short", "slow"),
}  # fmt: skip


def made(letters: str) -> list[Slot]:
    slots = []
    for number, letter in enumerate(letters):
        verdict, cause = _MEANING[letter]
        slots.append(Slot(number * SECONDS, SECONDS, verdict, Grounds(verdict, cause)))
    return slots


def spans(letters: str, **how) -> list[tuple[int, int | None]]:
    found = of_campus("lincoln", made(letters), **how)
    return [(one.from_at // SECONDS, one.to_at if one.to_at is None else one.to_at // SECONDS) for one in found]


@pytest.mark.parametrize(
    ("letters", "expected"),
    [
        ("mssm", []),
        ("msssm", [(1, None)]),
        ("msssmm", [(1, None)]),
        ("msssmmm", [(1, 4)]),
        ("ss..s", [(0, None)]),
        ("ssus", []),
        ("ss-s", []),
        ("sssuuuuu....m.mu", [(0, None)]),
        ("sssmumm", [(0, None)]),
        ("sssm.mm", [(0, 3)]),
        ("sssmmsmmm", [(0, 6)]),
        ("sssmmmsss", [(0, 3), (6, None)]),
        ("cccmmm", [(0, 3)]),
        ("xxxmmm", []),
        ("ssxs", []),
    ],
)
def test_a_row_opens_and_a_row_ends_it_and_neither_gaps_nor_nights_do(letters, expected):
    assert spans(letters) == expected


@pytest.mark.parametrize(
    ("letters", "expected"), [("xxxmmm", [(0, 3)]), ("xxxsss", [(0, 3)]), ("xxxuuu", [(0, None)]), ("cccmmm", [])]
)
def test_a_shared_uplink_is_back_when_its_campuses_are_short_for_reasons_of_their_own(letters, expected):
    assert spans(letters, shared=True) == expected


def test_the_number_of_slots_is_the_one_that_the_alert_waits_for():
    short = next(one for one in alerts(Terms(SECONDS)) if one.name == "CampusShort")

    assert short.slots < IN_A_ROW < short.slots + 1


def test_it_names_the_cause_that_cost_most_and_the_rooms_and_access_points():
    short = Criterion("place.rtt", "short", 0, 2, 0, 2, ("lincoln/main/102", "agent aaaa"))
    down = Criterion("access_point.reachability", "short", 0, 1, 0, 1, ("00:11:22:33:44:01",))
    slots = [
        Slot(0, 300, "short", Grounds("short", "slow", "rooms", (short,))),
        Slot(300, 60, "short", Grounds("short", "access_point_down", "1 down", (down,))),
        Slot(600, 300, "short", Grounds("short")),
    ]

    (one,) = of_campus("lincoln", slots)

    assert (one.cause, one.cause_evidence, one.parts[0].lost_seconds) == ("slow", "rooms", 660)
    assert one.parts[0].rooms == ("lincoln/main/102",)
    assert one.parts[0].access_points == ("00:11:22:33:44:01",)


def test_campuses_of_one_uplink_that_are_cut_together_are_one_incident_and_later_ones_another():
    parts = [
        of_campus(name, made(letters), shared=True)
        for name, letters in (("a", "xxxxmmm...xxx"), ("b", "mxxxmmm......"), ("c", "mmxxxmmm....."))
    ]

    first, second = of_uplink("west", [one for found in parts for one in found])

    assert (first.scope, first.from_at, first.to_at) == ("uplink west", 0, 5 * SECONDS)
    assert [(part.campus, part.lost_seconds // SECONDS) for part in first.parts] == [("a", 4), ("b", 3), ("c", 3)]
    assert ([part.campus for part in second.parts], second.to_at) == (["a"], None)


@given(st.text(alphabet="msu.-cxp", max_size=40))
def test_what_comes_after_a_quiet_slot_does_not_depend_on_what_came_before(letters):
    slots = made(letters)
    for shared in (False, True):
        whole = of_campus("lincoln", slots, shared=shared)
        for begin in quiet_after(slots):
            later = of_campus("lincoln", [one for one in slots if one.begin >= begin], shared=shared)
            assert later == [one for one in whole if one.from_at >= begin]
            assert all(one.to_at is not None and one.to_at < begin for one in whole if one.from_at < begin)


@given(st.text(alphabet="ms", max_size=40))
def test_an_incident_loses_exactly_its_bad_slots(letters):
    for one in of_campus("lincoln", made(letters)):
        end = len(letters) if one.to_at is None else one.to_at // SECONDS
        assert one.parts[0].lost_seconds == letters[one.from_at // SECONDS : end].count("s") * SECONDS
