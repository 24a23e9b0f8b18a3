"""Instructional time: bells and calendar become seconds of slots, right on every day of the year."""

import datetime
import zoneinfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.inventory import Campus
from collector.school_time.hours import (
    Hours,
    HoursError,
    class_intervals,
    in_class,
    instructional,
    next_windows,
    parse_bells,
    parse_calendar,
)

ZONE = zoneinfo.ZoneInfo("America/Los_Angeles")
CAMPUS = Campus("haynes", "Haynes", bells="haynes")
BELLS = b"""
[schedules.haynes]
weekly = { monday = "regular", tuesday = "banked", wednesday = "regular", thursday = "regular", friday = "regular" }
[[schedules.haynes.days.regular]]
grades = "K-2"
begins = 08:00:00
ends = 14:30:00
breaks = [[10:00:00, 10:20:00], [12:00:00, 12:40:00]]
[[schedules.haynes.days.regular]]
grades = "3-5"
begins = 08:00:00
ends = 14:30:00
breaks = [[10:20:00, 10:40:00], [12:20:00, 13:00:00]]
[[schedules.haynes.days.banked]]
grades = "K-5"
begins = 08:00:00
ends = 13:30:00
[[schedules.haynes.days.minimum]]
grades = "K-5"
begins = 08:00:00
ends = 12:45:00
"""
CALENDAR = b"""
first = 2025-08-14
last = 2026-06-10
[[days]]
from = 2025-11-24
to = 2025-11-28
type = "none"
[[days]]
from = 2026-06-10
type = "minimum"
"""
HOURS = Hours(parse_bells("bells.toml", BELLS), parse_calendar("calendar.toml", CALENDAR))
MONDAY = datetime.date(2025, 9, 15)


def minutes(day, hours=HOURS):
    return sum(instructional(hours, CAMPUS, day, 300).values()) / 60


def test_a_campus_is_in_class_while_any_grade_band_is():
    # Breaks are staggered: only 12:20-12:40 is a break for both bands.
    assert minutes(MONDAY) == 6.5 * 60 - 20


def test_tuesday_is_banked_time_and_the_weekend_has_no_school():
    assert minutes(MONDAY + datetime.timedelta(days=1)) == 5.5 * 60
    assert minutes(MONDAY + datetime.timedelta(days=5)) == 0


def test_the_calendar_takes_days_out_and_changes_their_type():
    assert minutes(datetime.date(2025, 11, 26)) == 0
    assert minutes(datetime.date(2026, 6, 10)) == 4.75 * 60
    assert minutes(datetime.date(2026, 6, 11)) == 0
    assert minutes(datetime.date(2025, 8, 13)) == 0


def test_in_class_follows_the_bells_to_the_second():
    def at(hour, minute, second=0):
        return datetime.datetime(2025, 9, 15, hour, minute, second, tzinfo=ZONE).timestamp()

    assert not in_class(HOURS, CAMPUS, at(7, 59, 59))
    assert in_class(HOURS, CAMPUS, at(8, 0))
    assert not in_class(HOURS, CAMPUS, at(12, 30))
    assert in_class(HOURS, CAMPUS, at(14, 29, 59))
    assert not in_class(HOURS, CAMPUS, at(14, 30))


def test_a_slot_that_class_covers_in_part_weighs_its_part():
    bells = BELLS.replace(b"08:00:00", b"08:03:00").replace(b"13:30:00", b"13:31:00")
    hours = Hours(parse_bells("bells.toml", bells), HOURS.calendar)
    weights = instructional(hours, CAMPUS, MONDAY + datetime.timedelta(days=1), 300)

    assert next(iter(weights.values())) == 120
    assert list(weights.values())[-1] == 60
    assert sum(weights.values()) == 5 * 3600 + 28 * 60


def clock_changes():
    days = (datetime.date(2020, 1, 1) + datetime.timedelta(days=n) for n in range(21 * 366))
    return [day for day in days if day.year <= 2040 and noon(day).utcoffset() != noon(day, -1).utcoffset()]


def noon(day, offset=0):
    return datetime.datetime.combine(day + datetime.timedelta(days=offset), datetime.time(12), ZONE)


@pytest.mark.parametrize("day", clock_changes(), ids=str)
def test_every_clock_change_day_keeps_its_length_and_the_days_beside_it_their_class(day):
    always = instructional(Hours(always=True), CAMPUS, day, 300)
    assert sum(always.values()) == (23 if day.month == 3 else 25) * 3600

    term = Hours(HOURS.schedules)  # no calendar: school every weekday, so the Monday after counts
    monday = day + datetime.timedelta(days=1)
    assert minutes(monday, term) == 6.5 * 60 - 20
    first = min(instructional(term, CAMPUS, monday, 300))
    assert datetime.datetime.fromtimestamp(first, ZONE).time() == datetime.time(8)


@given(st.dates(datetime.date(2020, 1, 1), datetime.date(2040, 12, 31)), st.sampled_from([30, 60, 300]))
def test_slots_of_neighbouring_days_share_no_second_and_lose_none(day, slot_seconds):
    hours = Hours(always=True)
    this = instructional(hours, CAMPUS, day, slot_seconds)
    following = instructional(hours, CAMPUS, day + datetime.timedelta(days=1), slot_seconds)

    assert not this.keys() & following.keys()
    assert max(this) + slot_seconds == min(following)
    assert all(slot % slot_seconds == 0 for slot in this)


def test_agents_measure_from_an_hour_before_class_to_an_hour_after():
    (begin, end), *_ = next_windows(HOURS, CAMPUS, noon(MONDAY).timestamp(), days=1)
    intervals = class_intervals(HOURS, CAMPUS, MONDAY)

    assert begin == intervals[0][0] - 3600
    assert end == intervals[-1][1] + 3600
    assert next_windows(Hours(always=True), CAMPUS, 0.0) is None


def test_a_snapshot_reads_back_as_it_was():
    assert Hours.from_bytes(HOURS.to_bytes()) == HOURS
    assert Hours.from_bytes(HOURS.to_bytes()).hash == HOURS.hash


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        (b"begins = 08:00:00", b"begins = 15:00:00"),
        (b"12:00:00, 12:40:00", b"09:50:00, 12:40:00"),
        (b'tuesday = "banked"', b'tuesday = "bancked"'),
        (b"grades", b"grade"),
        (b"[schedules.haynes]", b"[[schedules.haynes]]"),
    ],
)
def test_bells_that_cannot_hold_are_refused_with_the_key(broken, said):
    with pytest.raises(HoursError, match=r"bells\.toml: "):
        parse_bells("bells.toml", BELLS.replace(broken, said, 1))


def test_a_calendar_that_names_a_date_twice_is_refused():
    twice = CALENDAR + b'[[days]]\nfrom = 2025-11-28\ntype = "minimum"\n'
    with pytest.raises(HoursError, match="2025-11-28 is already 'none'"):
        parse_calendar("calendar.toml", twice)


HEAD = b"[schedules.a]\nweekly = { monday = "
DAY = b"[[schedules.a.days.r]]\nbegins = 08:00:00\nends = 14:00:00\n"


@pytest.mark.parametrize(
    ("bells", "said"),
    [
        (b"schedules = 3", "schedules: is missing or no table"),
        (HEAD + b'["r"] }\n' + DAY, "schedules.a.weekly.monday is"),
        (HEAD + b'"r" }\n' + DAY + b"breaks = 3\n", "write breaks as pairs of times"),
        (HEAD + b'"r" }\n' + DAY.replace(b"days.r", b"days.none"), '"none" means no school'),
    ],
)
def test_bells_of_a_wrong_type_are_refused_with_their_mend(bells, said):
    with pytest.raises(HoursError, match=said):
        parse_bells("bells.toml", bells)


def test_a_weekday_may_say_that_it_has_no_school():
    schedules = parse_bells("bells.toml", HEAD + b'"r", tuesday = "none" }\n' + DAY)

    assert schedules["a"].weekly[:2] == ("r", "none")
