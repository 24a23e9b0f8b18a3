"""``wifi-collector hours``: the day that a person sees is the day that is judged, and it says what made it."""

import datetime
import json

import pytest

from collector.inventory import Campus, School
from collector.school_time.hours import Hours, parse_bells, parse_calendar
from collector.school_time.school_day import as_json, lay_open
from tests.collector.command import command_line

# The published bells of a Los Angeles elementary school: Tuesday ends an hour earlier, recess and lunch are staggered.
BELLS = """
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
breaks = [[10:00:00, 10:20:00], [12:00:00, 12:40:00]]
[[schedules.haynes.days.minimum]]
grades = "K-5"
begins = 08:00:00
ends = 12:45:00
breaks = [[10:00:00, 10:20:00]]
[schedules.standard-elementary]
default_for = "elementary"
weekly = { monday = "regular", tuesday = "banked", wednesday = "regular", thursday = "regular", friday = "regular" }
[[schedules.standard-elementary.days.regular]]
begins = 08:05:00
ends = 14:29:00
[[schedules.standard-elementary.days.banked]]
begins = 08:05:00
ends = 13:29:00
[schedules.standard-high]
default_for = "high"
weekly = { monday = "regular" }
[[schedules.standard-high.days.regular]]
begins = 08:30:00
ends = 15:30:00
"""
CALENDAR = """
first = 2025-08-14
last = 2026-06-10
[[days]]
from = 2025-11-24
to = 2025-11-28
type = "none"
[[days]]
from = 2026-01-15
type = "minimum"
"""
HOURS = Hours(parse_bells("b.toml", BELLS.encode()), parse_calendar("c.toml", CALENDAR.encode()))
HAYNES = Campus("haynes", "Haynes", bells="haynes")


def day(date: str, campus: Campus = HAYNES, hours: Hours = HOURS):
    return as_json(lay_open(hours, campus, datetime.date.fromisoformat(date)))


def test_recess_and_lunch_are_out_and_each_group_has_its_own_minutes():
    monday = day("2025-09-15")

    assert [group["instructional_minutes"] for group in monday["groups"]] == [390 - 60, 390 - 60]
    # Somebody has class but for 12:20 to 12:40.
    assert monday["instructional_minutes"] == 390 - 20
    assert [period["begins"][11:16] for period in monday["groups"][0]["periods"]] == ["08:00", "10:20", "12:40"]
    assert monday["reasons"] == ["its own bells: haynes", "monday is regular in haynes"]


@pytest.mark.parametrize(
    ("tuesday", "offset"),
    [
        ("2025-10-28", "-07:00"),
        ("2025-11-04", "-08:00"),  # the clocks went back on Sunday the 2nd
        ("2026-03-03", "-08:00"),
        ("2026-03-10", "-07:00"),  # and forward on Sunday the 8th
    ],
)
def test_a_banked_tuesday_has_its_minutes_on_both_sides_of_a_clock_change(tuesday, offset):
    found = day(tuesday)

    assert found["instructional_minutes"] == 330 - 60
    assert found["in_class"][0]["begins"] == f"{tuesday}T08:00:00{offset}"
    assert found["in_class"][-1]["ends"] == f"{tuesday}T13:30:00{offset}"
    assert found["reasons"][1] == "tuesday is banked in haynes"


def test_a_minimum_day_a_holiday_and_a_day_before_the_year_say_what_made_them():
    minimum, holiday, before = day("2026-01-15"), day("2025-11-26"), day("2025-08-13")

    assert (minimum["instructional_minutes"], minimum["groups"][0]["day_type"]) == (285 - 20, "minimum")
    assert minimum["reasons"][1] == "the calendar's own entry makes 2026-01-15 minimum"
    assert (holiday["instructional_minutes"], holiday["reasons"][1]) == (
        0, "the calendar's own entry makes 2025-11-26 none",
    )  # fmt: skip
    assert before["reasons"][1] == "the school year is 2025-08-14 to 2026-06-10"


def test_a_campus_without_bells_has_the_marked_defaults_of_its_levels_and_says_that_they_are_assumed():
    both = Campus("both", "Both", schools=(School("1", grades="K-6"), School("2", grades="9-12")))
    small = Campus("small", "Small", schools=(School("1", grades="K-5"),), bells="small")
    neither = Campus("neither", "Neither", schools=(School("1", grades="6-8"),))

    assert day("2025-09-15", both)["instructional_minutes"] == 7 * 60 + 25  # 8:05 to 15:30: either of them
    assert day("2025-09-15", both)["reasons"][0] == (
        "assumed: standard-elementary and standard-high, the default of elementary and high schools, "
        "because it names no bells of its own"
    )
    assert day("2025-09-16", small)["instructional_minutes"] == 5 * 60 + 24
    assert day("2026-01-15", small)["reasons"][2] == "standard-elementary has no bells for minimum: it keeps regular"
    assert "its bells 'small' are not imported" in day("2025-09-16", small)["reasons"][0]
    assert day("2025-09-15", neither)["reasons"][0].startswith("no bells hold for it on that day")
    assert day("2025-09-15", neither)["instructional_minutes"] == 0


@pytest.fixture
def collector(tmp_path):
    return command_line(tmp_path)


def test_the_picture_of_a_day_and_the_event_that_made_it(collector, tmp_path):
    (tmp_path / "campuses.csv").write_text("id,name,bells\nhaynes,Haynes,haynes\n")
    (tmp_path / "bells.toml").write_text(BELLS)
    (tmp_path / "calendar.toml").write_text(CALENDAR + '[events]\n"minimum day*" = "minimum"\n')
    (tmp_path / "district.ics").write_text(
        "BEGIN:VCALENDAR\nVERSION:2.0\nBEGIN:VEVENT\nUID:1\nSUMMARY:Minimum Day\nDTSTART;VALUE=DATE:20260220\n"
        "END:VEVENT\nBEGIN:VEVENT\nUID:2\nSUMMARY:Bake sale\nDTSTART;VALUE=DATE:20260221\nEND:VEVENT\nEND:VCALENDAR\n"
    )
    since = ("--valid-from", "2025-08-01", "--apply")
    for kind in ("campuses", "bells"):
        suffix = "csv" if kind == "campuses" else "toml"
        assert collector("import", kind, f"{kind}.{suffix}", *since).returncode == 0
    without = collector("import", "calendar", "calendar.toml", *since)
    imported = collector("import", "calendar", "calendar.toml", "--events", "district.ics", *since)

    picture = collector("hours", "haynes", "2025-09-15").stdout
    minimum = json.loads(collector("hours", "haynes", "2026-02-20", "--json").stdout)
    unknown = collector("hours", "elm", "2025-09-15")

    assert (without.returncode, "give it with --events FILE" in without.stderr) == (2, True)
    assert imported.returncode == 0, imported.stderr
    assert "events that [events] does not name, not read: Bake sale" in imported.stdout
    assert picture.startswith("haynes, Monday 2025-09-15: 370 instructional minutes\n")
    assert "████████████··██████████····███████████···" in picture
    assert "██████████████··██████████····█████████···" in picture
    assert "08:00-12:20, 12:40-14:30" in picture
    assert minimum["reasons"][1] == "the event 'Minimum Day' makes 2026-02-20 minimum"
    assert unknown.returncode == 2
    assert "campus 'elm' is not in the inventory of 2025-09-15" in unknown.stderr


def test_a_week_is_shown_monday_first_with_the_clock_change_in_it_and_as_json(tmp_path):
    run = command_line(tmp_path)
    (tmp_path / "bells.toml").write_text(BELLS)
    (tmp_path / "calendar.toml").write_text(CALENDAR)
    (tmp_path / "campuses.csv").write_text("id,name\nhaynes,Haynes\n")
    for kind, file in (("campuses", "campuses.csv"), ("bells", "bells.toml"), ("calendar", "calendar.toml")):
        assert run("import", kind, file, "--apply", "--valid-from", "2025-08-01").returncode == 0

    shown = run("hours", "haynes", "--week", "2025-11-02").stdout
    days = json.loads(run("hours", "haynes", "--week", "2025-11-26", "--json").stdout)["days"]

    assert "haynes, week of 2025-10-27: 1750 instructional minutes" in shown
    assert "the clocks change on Sunday 2025-11-02: from -0700 to -0800" in shown
    assert "Sun 2025-11-02" in shown
    assert ([day["date"] for day in days][::6], {day["instructional_minutes"] for day in days}) == (
        ["2025-11-24", "2025-11-30"],
        {0},
    )
    assert run("hours", "haynes").returncode == 2
    assert run("hours", "haynes", "2025-11-02", "--week", "2025-11-02").returncode == 2
