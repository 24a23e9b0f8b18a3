"""What answers add up of a day is what its slots say, and what rooms say over days is what their letters say."""

import datetime
import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from collector.commitment.day_sums import room_criteria, sums
from collector.commitment.lists import rooms
from collector.policies.policy import baseline
from tests.collector.commitment.days import CLASS_SLOTS, OF_ROOMS, SLOT, record

MONDAY = datetime.date(2026, 10, 5)
LETTERS = st.text("msu", min_size=CLASS_SLOTS, max_size=CLASS_SLOTS)
DAYS = st.lists(st.tuples(LETTERS, LETTERS), min_size=1, max_size=5)


def of_days(days):
    made = []
    for n, (campus, room) in enumerate(days):
        day = MONDAY + datetime.timedelta(days=n)
        made.append(sums(record("lincoln", day, campus, {"lincoln/main/1": room, "lincoln/main/2": campus}), OF_ROOMS))
    return made


@settings(max_examples=200)
@given(DAYS)
def test_sums_are_the_slots_counted_by_hand(days):
    for found, (campus, _) in zip(of_days(days), days, strict=True):
        for word, letter in (("met", "m"), ("short", "s"), ("unknown", "u")):
            assert getattr(found, f"{word}_slots") == campus.count(letter)
            assert getattr(found, f"{word}_seconds") == campus.count(letter) * SLOT


@settings(max_examples=300)
@given(DAYS)
def test_a_room_is_short_and_silent_over_days_as_its_letters_in_a_row_say(days):
    found = rooms(of_days(days)).get("lincoln/main/1")
    letters = "".join(room for _, room in days)
    # The oracle: an unknown slot is silence where the last verdict before it, days before or not, was short.
    last, silent, runs = "", 0, []
    for at, letter in enumerate(letters):
        if letter == "u" and last == "s":
            silent += 1
            if not (runs and runs[-1][1] == at):
                runs.append([at, at])
            runs[-1][1] = at + 1
        if letter != "u":
            last = letter

    if set(letters) == {"m"}:
        assert found is None
        return
    assert found.short == letters.count("s") * SLOT
    assert found.unknown == letters.count("u") * SLOT
    assert sum(one.seconds for one in found.silences) == silent * SLOT
    assert [one.is_silent for one in found.silences[-1:]] == [end == len(letters) for _, end in runs[-1:]]
    assert not any(one.is_silent for one in found.silences[:-1])


def test_a_silence_begins_where_the_evidence_ended_and_outlives_the_night():
    days = of_days([("m" * 12, "mmmmmmmmssuu"), ("m" * 12, "uuuuuuuuuuuu"), ("m" * 12, "uummmmmmmmmm")])
    silence = rooms(days)["lincoln/main/1"].silences
    eight = datetime.datetime(2026, 10, 5, 15, tzinfo=datetime.UTC).timestamp()

    assert [(one.since, one.seconds, one.is_silent) for one in silence] == [(eight + 10 * SLOT, 16 * SLOT, False)]
    assert rooms(days[:2])["lincoln/main/1"].silences[0].is_silent
    back = of_days([("m" * 12, "mmmmmmmmssss"), ("m" * 12, "uuuuuuuuuuuu")])
    assert [one.since for one in rooms(back)["lincoln/main/1"].silences] == [eight + 86400]


def test_only_required_criteria_of_rooms_make_a_room_short():
    assert room_criteria(baseline()) == OF_ROOMS
    found = sums(record("lincoln", MONDAY, "m" * 12, {"lincoln/main/1": "s" * 12}), frozenset())
    assert found.rooms == {}
    assert list(itertools.chain(rooms([found]))) == []
