"""Bells from a spreadsheet: the same schedules as from TOML, and every row that cannot be right is named."""

import contextlib
import datetime

import pytest

from collector.inventory import Campus
from collector.lists.sheet import Refused
from collector.school_time import bells_csv
from collector.school_time.hours import Hours, parse_bells, schedules_of
from collector.school_time.school_day import lay_open
from collector.store import snapshots
from tests.collector.judgement.test_judge_loop import MORNING, Now, imported
from tests.collector.school_time.test_hours_command import BELLS
from tests.collector.small_ledger import District

HEADER = "schedule,day_type,weekdays,grades,begins,ends,breaks,default_for"
HAYNES = f"""{HEADER}
haynes,regular,mon wed-fri,K-2,8:00,14:30,10:00-10:20;12:00-12:40,
haynes,regular,"mon, wed, thu, fri",3-5,8:00 am,2:30 pm,10:20-10:40;12:20-1:00 pm,
haynes,banked,tue,K-5,8:00,1:30 p.m.,12:00-12:40; 10:00-10:20,
haynes,minimum,,K-5,8:00,12:45,10:00-10:20,
"""


def parsed(text: str):
    return bells_csv.parse("bells.csv", text.encode(), lambda _: None)


def refused(*rows: str) -> list[str]:
    with pytest.raises(Refused) as caught:
        parsed("\n".join([HEADER, *rows]))
    return [str(fault) for fault in caught.value.faults]


def test_a_spreadsheet_of_bells_is_the_same_schedule_as_its_toml():
    assert parsed(HAYNES)["haynes"] == parse_bells("b.toml", BELLS.encode())["haynes"]


def test_a_schedule_named_as_the_campus_is_its_own_and_said_so():
    hours = Hours(parsed(HAYNES.replace("haynes", "haynes-ces")))
    campus = Campus("haynes-ces", "Haynes")

    assert schedules_of(hours, campus) == ["haynes-ces"]
    assert lay_open(hours, campus, datetime.date(2025, 9, 15)).reasons[0] == "its own bells: haynes-ces"


def test_a_default_for_a_level_is_marked_as_one():
    found = parsed(f"{HEADER}\nes,regular,mon-fri,,8:05,14:29,,elementary\n")

    assert found["es"].default_for == "elementary"
    assert found["es"].weekly == ("regular",) * 5 + ("none", "none")


def test_every_bad_row_is_named_with_its_mend():
    found = refused(
        "a,regular,mon-fri,K-5,8:00,14:30,12:40-12:00,",
        "a,regular,mon-fri,K-5,25:00,14:30,,",
        "a,regular,someday,K-5,8:00,14:30,,",
        "a,regular,fri-mon,K-5,8:00,14:30,,",
        "a,none,mon,K-5,8:00,14:30,,",
        "a,,mon,K-5,8:00,14:30,,",
        "a,regular,mon-fri,K-5,8:00,14:30,lunch,",
        "a,regular,mon-fri,K-5,8:00,14:30,,infants",
    )

    assert [line.split(";")[0] for line in found] == [
        "line 2: begins, breaks and ends overlap",
        "line 3: begins '25:00' is not a time",
        "line 4: weekdays 'someday' is no weekday",
        "line 5: weekdays 'fri-mon' runs backwards",
        'line 6: day_type "none" means no school',
        "line 7: day_type is empty",
        "line 8: breaks 'lunch' is no break",
        "line 9: default_for 'infants' is not known",
    ]
    assert all("; " in line for line in found)


def test_overlapping_bells_of_the_same_grades_are_refused_in_both_forms():
    assert refused("a,regular,mon,K-5,8:00,14:30,,", "a,regular,mon,K-5,14:00,15:00,,") == [
        "line 3: a, regular, grades K-5 has bells at that time already; "
        "leave one out, or say whose bells they are in the column grades"
    ]
    twice = BELLS.replace('grades = "3-5"', 'grades = "K-2"')
    with pytest.raises(ValueError, match="the same grades have two bells at one time"):
        parse_bells("b.toml", twice.encode())


def test_two_types_on_one_weekday_and_a_schedule_without_weekdays_are_refused():
    found = refused("a,regular,mon,,8:00,14:30,,", "a,banked,mon,,8:00,13:30,,", "b,minimum,,,8:00,12:00,,")

    assert [line.split(";")[0] for line in found] == [
        "line 3: monday is regular by line 2 already",
        "line 4: schedule b has no weekday",
    ]


def test_a_spreadsheet_changes_the_schedules_that_it_names_and_no_other(tmp_path):
    with contextlib.closing(District(tmp_path).store) as store:
        clock = Now(MORNING)
        imported(store, clock, "bells", BELLS)
        done = imported(store, clock, "bells", HAYNES.replace("14:30", "14:40").replace("2:30 pm", "2:40 pm"))
        with store.read() as connection:
            snapshot = snapshots.every(connection, "hours")[-1]
            hours = Hours.from_bytes(snapshots.body(connection, "hours", snapshot.hash))

    assert done["counts"] == {"changed": 1}
    assert set(hours.schedules) == {"haynes", "standard-elementary", "standard-high"}
    assert hours.schedules["haynes"].days["regular"][0].ends == datetime.time(14, 40)
