"""When a silent edge is a fact about the campus, and when it is only our own silence."""

from hypothesis import given
from hypothesis import strategies as st

from collector.edge.rounds import Failure, Slots

SLOT = 1_800_000_000 - 1_800_000_000 % 300
EDGES = {"lincoln": "192.0.2.1", "oak": "192.0.2.2"}
KNOWN = [("lincoln", "192.0.2.1"), ("oak", "192.0.2.2")]


def slots(*rounds: set[str], known=KNOWN, reports=True) -> list[Failure]:
    made = Slots(300, known)
    for number, answered in enumerate(rounds):
        made.take(SLOT + 60 * number, EDGES, answered, reports_came=reports)
    return made.finished(SLOT + 300)


def test_an_edge_that_answers_none_of_a_slots_rounds_failed():
    assert slots(*[{"192.0.2.2"}] * 5) == [Failure("lincoln", SLOT, "192.0.2.1", 5)]


def test_one_answer_in_the_slot_is_enough():
    assert slots(set(), set(), {"192.0.2.1", "192.0.2.2"}, set(), set()) == []


def test_an_edge_that_never_answered_proves_nothing():
    assert slots(*[{"192.0.2.2"}] * 5, known=KNOWN[1:]) == []


def test_where_nothing_answers_and_no_report_comes_the_silence_is_our_own():
    assert slots(*[set()] * 5, reports=False) == []
    assert [one.campus for one in slots(*[set()] * 5, reports=True)] == ["lincoln", "oak"]


def test_too_few_rounds_say_nothing_and_a_slot_is_told_once_and_only_when_it_has_ended():
    assert slots(*[{"192.0.2.2"}] * 2) == []
    made = Slots(300, KNOWN)
    for number in range(5):
        made.take(SLOT + 60 * number, EDGES, {"192.0.2.2"}, reports_came=False)
    assert made.finished(SLOT + 299) == []
    assert len(made.finished(SLOT + 300)) == 1
    assert made.finished(SLOT + 600) == []


def test_a_first_answer_is_told_once_and_a_new_address_begins_anew():
    made = Slots(300, [])
    assert made.take(SLOT, EDGES, {"192.0.2.1"}, reports_came=True) == {("lincoln", "192.0.2.1")}
    assert made.take(SLOT + 60, EDGES, {"192.0.2.1"}, reports_came=True) == set()
    for number in range(2, 5):
        made.take(SLOT + 60 * number, {"lincoln": "192.0.2.9"}, set(), reports_came=True)
    assert made.finished(SLOT + 300) == []


@given(
    rounds=st.lists(st.sets(st.sampled_from(sorted(EDGES.values()))), min_size=1, max_size=5),
    more=st.sampled_from(sorted(EDGES)),
    at=st.integers(0, 4),
)
def test_another_answer_of_an_edge_never_makes_that_edge_fail(rounds, more, at):
    before = {one.campus for one in slots(*rounds)}
    at %= len(rounds)
    after = {one.campus for one in slots(*rounds[:at], rounds[at] | {EDGES[more]}, *rounds[at + 1 :])}

    assert more not in after
    assert after <= before
