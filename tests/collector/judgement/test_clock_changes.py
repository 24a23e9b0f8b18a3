"""The instructional minutes around every clock change from 2020 to 2040, against an oracle that counts each minute.

The oracle knows no time zone: it has the law's own rule (second Sunday of March, first Sunday of November, two in the
morning) and looks at what the clock on the wall shows in each minute that passes.
"""

import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.inventory import Campus
from collector.school_time.hours import DAY_NAMES, Band, Calendar, Hours, Schedule, class_intervals, instructional

CAMPUS = Campus("lincoln", "Lincoln")
SLOT = 300
EPOCH = datetime.datetime(1970, 1, 1)


def nth_sunday(year: int, month: int, n: int) -> datetime.date:
    first = datetime.date(year, month, 1)
    return first + datetime.timedelta(days=(6 - first.weekday()) % 7 + 7 * (n - 1))


def changes() -> list[datetime.date]:
    return [day for year in range(2020, 2041) for day in (nth_sunday(year, 3, 2), nth_sunday(year, 11, 1))]


def wall_clock(minute: int) -> datetime.datetime:
    """What the clock shows at that minute of Unix time."""
    utc = EPOCH + datetime.timedelta(minutes=minute)
    begins = datetime.datetime.combine(nth_sunday(utc.year, 3, 2), datetime.time(10))  # 2:00 at UTC-8
    ends = datetime.datetime.combine(nth_sunday(utc.year, 11, 1), datetime.time(9))  # 2:00 at UTC-7
    return utc - datetime.timedelta(hours=7 if begins <= utc < ends else 8)


def counted(day: datetime.date, bands: list[Band]) -> dict[int, int]:
    """Minutes of class in each slot, of the minutes in which the wall shows this date."""
    noon = int((datetime.datetime.combine(day, datetime.time(20)) - EPOCH).total_seconds() // 60)
    found: dict[int, int] = {}
    for minute in range(noon - 22 * 60, noon + 18 * 60):
        shown = wall_clock(minute)
        now = shown.time()
        if shown.date() == day and any(
            band.begins <= now < band.ends and not any(since <= now < until for since, until in band.breaks)
            for band in bands
        ):
            slot = minute * 60 // SLOT * SLOT
            found[slot] = found.get(slot, 0) + 1
    return found


def hours_of(bands: list[Band]) -> Hours:
    return Hours({"default": Schedule({"every": tuple(bands)}, ("every",) * len(DAY_NAMES))}, Calendar())


@st.composite
def school_bands(draw) -> Band:
    """A school day between four in the morning and ten at night, with up to two breaks."""
    marks = sorted(draw(st.sets(st.integers(4 * 60, 22 * 60), min_size=2, max_size=6)))
    times = [datetime.time(mark // 60, mark % 60) for mark in (marks if len(marks) % 2 == 0 else marks[:-1])]
    inner = times[1:-1]
    return Band("", times[0], times[-1], tuple(zip(inner[::2], inner[1::2], strict=True)))


@settings(max_examples=300)
@given(st.sampled_from(changes()), st.integers(-1, 1), st.lists(school_bands(), min_size=1, max_size=3))
def test_the_minutes_of_any_bells_around_a_clock_change_are_those_that_pass_on_the_wall(sunday, beside, bands):
    day = sunday + datetime.timedelta(days=beside)

    found = instructional(hours_of(bands), CAMPUS, day, SLOT)

    assert found == {slot: 60 * minutes for slot, minutes in counted(day, bands).items()}


@pytest.mark.parametrize("sunday", changes(), ids=str)
def test_a_regular_day_has_the_same_minutes_on_the_change_and_on_both_sides_of_it(sunday):
    band = Band("", datetime.time(8), datetime.time(14, 30), ((datetime.time(12), datetime.time(12, 40)),))
    for beside in (-2, 0, 1):
        day = sunday + datetime.timedelta(days=beside)
        assert sum(instructional(hours_of([band]), CAMPUS, day, SLOT).values()) == 350 * 60


@pytest.mark.parametrize("sunday", changes(), ids=str)
def test_a_day_around_the_clock_has_twenty_three_or_twenty_five_hours(sunday):
    ((begin, end),) = class_intervals(Hours(always=True), CAMPUS, sunday)

    assert (end - begin) / 3600 == (23 if sunday.month == 3 else 25)
