"""A placement's surroundings: in whatever order reports come, one that was carried away is in doubt from then on."""

from hypothesis import given
from hypothesis import strategies as st

from collector.agents.moved import ALL_TOGETHER, ALONE, moved
from collector.store.agents import Placement
from collector.store.surroundings import SETTLED_REPORTS, Surroundings

HERE, THERE, GLIMPSED = "a" * 32, "b" * 32, "c" * 32
SPOKEN_AT = 0.0


def told(*words: tuple[float, str], spoken_at: float = SPOKEN_AT) -> Surroundings:
    around = Surroundings(spoken_at)
    for at, fingerprint in words:
        if not around.knows(fingerprint, at):
            around.see(fingerprint, at)
    return around


def stay(fingerprint: str, begin: float, count: int = SETTLED_REPORTS) -> list[tuple[float, str]]:
    return [(begin + 60 * n, fingerprint) for n in range(count)]


@given(st.integers(3, 6), st.integers(3, 6), st.data())
def test_in_any_order_a_carried_device_is_in_doubt_from_the_first_report_elsewhere(before, after, data):
    words = stay(HERE, 60, before) + stay(THERE, 1000, after)

    assert told(*data.draw(st.permutations(words))).unconfirmed_from == 1000


@given(st.integers(3, 8), st.integers(0, SETTLED_REPORTS - 1), st.data())
def test_in_any_order_fewer_reports_than_settle_are_no_doubt(count, glimpses, data):
    words = stay(HERE, 60, count) + stay(GLIMPSED, data.draw(st.sampled_from([10, 90, 5000])), glimpses)

    assert told(*data.draw(st.permutations(words))).unconfirmed_from is None


def test_one_report_of_many_networks_each_is_a_device_on_its_way():
    words = stay(HERE, 60) + [(1000.0 + n, f"{n:032x}") for n in range(SETTLED_REPORTS)]

    assert told(*words).unconfirmed_from == 1000.0


def test_a_gateway_that_alternates_is_no_move_because_the_known_one_ends_each_glimpse():
    words = stay(HERE, 60) + [word for n in range(20) for word in ((1000.0 + 2 * n, THERE), (1001.0 + 2 * n, HERE))]

    assert told(*words).unconfirmed_from is None


def test_coming_back_does_not_end_the_doubt():
    assert told(*stay(HERE, 60), *stay(THERE, 1000), *stay(HERE, 2000, 50)).unconfirmed_from == 1000


def test_what_was_seen_before_somebody_spoke_is_known_and_what_comes_after_is_not():
    words = stay(HERE, 60) + stay(THERE, 1000)

    assert told(*words, spoken_at=1500.0).unconfirmed_from is None
    assert told(*words, *stay(GLIMPSED, 3000), spoken_at=1500.0).unconfirmed_from == 3000
    assert told(*words, *stay(HERE, 3000), spoken_at=1500.0).unconfirmed_from is None


def standing(number: int, agent: str, place: str | None = None, to_at: float | None = None) -> Placement:
    return Placement(number, agent, "lincoln", place, 0.0, to_at, "test", 0.0)


def test_all_agents_of_a_campus_within_an_hour_are_called_a_new_gateway_and_one_alone_is_not():
    two = [standing(1, "one"), standing(2, "two"), standing(3, "gone", to_at=50.0), standing(4, "w", "walking")]

    words = {agent: one.words for agent, one in moved(two, {1: 100.0, 2: 3700.0}, 9e3).items()}
    apart = {agent: one.words for agent, one in moved(two, {1: 100.0, 2: 3701.0}, 9e3).items()}
    one = {agent: one.words for agent, one in moved(two, {1: 100.0, 3: 10.0}, 9e3).items()}
    alone = {agent: one.words for agent, one in moved(two[:1], {1: 100.0}, 9e3).items()}

    assert words == {"one": ALL_TOGETHER, "two": ALL_TOGETHER}
    assert apart == {"one": ALONE, "two": ALONE}
    assert one == alone == {"one": ALONE}
