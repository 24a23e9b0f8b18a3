"""Rooms are drawn so that anybody gets the same ones again, and every building has its part."""

import json
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.inventory import Place
from collector.lists.sampling import draw, mark, shares_of
from tests.collector.command import command_line

ROOMS = [Place("oak", building, f"{n}") for building, count in (("A", 60), ("B", 30), ("C", 10)) for n in range(count)]


def test_the_same_seed_draws_the_same_rooms_whatever_the_order_of_the_list():
    first = draw(ROOMS, 10, "2026-09-01")

    assert first == draw(list(reversed(ROOMS)), 10, "2026-09-01")
    assert first != draw(ROOMS, 10, "2026-09-02")
    # Written down once: a draw that was agreed on must come out the same with every later version.
    assert [f"{place.building}{place.room}" for place in first] == EXPECTED


EXPECTED = ["A21", "A25", "A31", "A35", "A58", "A59", "B1", "B25", "B5", "C9"]


def test_each_building_gives_its_part():
    drawn = Counter(place.building for place in draw(ROOMS, 10, "s"))

    assert drawn == {"A": 6, "B": 3, "C": 1}
    assert Counter(place.building for place in draw(ROOMS, 2, "s")) == {"A": 1, "B": 1}


@given(st.dictionaries(st.text(max_size=4), st.integers(1, 40), min_size=1, max_size=12), st.data())
def test_the_parts_add_up_and_no_building_gives_more_than_it_has(rooms, data):
    n = data.draw(st.integers(1, sum(rooms.values())))
    shares = shares_of(rooms, n, "s")

    assert sum(shares.values()) == n
    assert all(0 <= shares[building] <= count for building, count in rooms.items())


def test_every_room_of_a_building_is_as_likely_as_the_others():
    often = Counter(place.id for seed in range(3000) for place in draw(ROOMS[60:90], 10, str(seed)))

    assert len(often) == 30
    assert all(850 < count < 1150 for count in often.values())  # 1000 expected, 26 is one standard deviation


def test_a_drawn_room_keeps_why_it_was_listed_before():
    complaint = Place("oak", "A", "1", "complaint", "Ms Bee")
    drawn = mark(complaint, "7", "both parties")

    assert (drawn.chosen, drawn.chosen_by) == ("drawn", "both parties, seed 7; before: complaint by Ms Bee")
    assert mark(drawn, "8", "another") == drawn


@pytest.fixture
def collector(tmp_path):
    run = command_line(tmp_path)
    (tmp_path / "campuses.csv").write_text("id,name\noak,Oak\n")
    (tmp_path / "rooms.csv").write_text("campus,building,room\n" + "".join(f"oak,B{n % 3},{n}\n" for n in range(30)))
    for kind in ("campuses", "rooms"):
        assert run("import", kind, f"{kind}.csv", "--apply").returncode == 0
    return run


def test_a_draw_is_shown_kept_once_and_a_later_one_does_not_hide_it(collector):
    ask = ("sample", "rooms", "oak", "--n", "6", "--seed", "2026-09-01")
    dry = json.loads(collector(*ask, "--json").stdout)
    kept = collector(*ask, "--by", "both parties", "--apply")
    again = collector(*ask, "--apply")
    other = json.loads(collector("sample", "rooms", "oak", "--n", "3", "--seed", "x", "--json").stdout)

    assert (len(dry["drawn"]), dry["of"], dry["applied"]) == (6, 30, False)
    assert Counter(room["building"] for room in dry["drawn"]) == {"B0": 2, "B1": 2, "B2": 2}
    assert "marked as drawn by both parties" in kept.stdout
    assert "these rooms are marked already" in again.stdout
    drawn = {room["place"] for room in dry["drawn"]}
    assert drawn - {room["place"] for room in other["drawn"]} == set(other["drawn_earlier"])
    assert collector("sample", "rooms", "oak", "--n", "31", "--seed", "x").returncode == 2
    assert collector("sample", "rooms", "elm", "--n", "1", "--seed", "x").returncode == 2
    assert collector("sample", "rooms", "oak", "--n", "1", "--seed", "").returncode == 2
