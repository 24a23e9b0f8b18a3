"""The district's iCalendar file: what its events mean is the district's to say, and a wrong one is named."""

import datetime
import time

import pytest

from collector.school_time import events
from collector.school_time.hours import HoursError, parse_calendar, parse_meanings

TOML = b"""
first = 2025-08-14
last = 2026-06-10
[[days]]
from = 2025-10-31
type = "minimum"
[events]
"*winter recess*" = "none"
"Holiday" = "none"
"minimum day*" = "minimum"
"Banked*" = "banked"
"*Assembly*" = "usual"
"""
HEAD = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//school//EN\r\n"


def event(summary: str, *lines: str) -> str:
    body = "".join(f"{line}\r\n" for line in lines)
    return f"BEGIN:VEVENT\r\nUID:{summary}\r\nDTSTAMP:20250701T000000Z\r\nSUMMARY:{summary}\r\n{body}END:VEVENT\r\n"


def ics(*found: str) -> bytes:
    return (HEAD + "".join(found) + "END:VCALENDAR\r\n").encode()


def read(*found: str, toml: bytes = TOML) -> events.Read:
    return events.add("c.ics", ics(*found), parse_calendar("c.toml", toml), parse_meanings("c.toml", toml))


def days(*found: str) -> dict[str, str]:
    own = {"2025-10-31": "minimum"}
    exceptions = read(*found).calendar.exceptions
    assert exceptions.items() >= own.items()
    return {day: kind for day, kind in exceptions.items() if day not in own}


def refused(*found: str) -> str:
    with pytest.raises(HoursError) as caught:
        read(*found)
    return str(caught.value)


def test_an_all_day_range_ends_before_its_end_and_one_without_an_end_is_a_day():
    recess = event("LAUSD Winter Recess (no school)", "DTSTART;VALUE=DATE:20251222", "DTEND;VALUE=DATE:20251225")

    assert days(recess) == {"2025-12-22": "none", "2025-12-23": "none", "2025-12-24": "none"}
    assert days(event("Holiday", "DTSTART;VALUE=DATE:20251111")) == {"2025-11-11": "none"}
    assert days(event("Holiday", "DTSTART;VALUE=DATE:20251111", "DTEND;VALUE=DATE:20251111")) == {"2025-11-11": "none"}
    assert days(event("Holiday", "DTSTART;VALUE=DATE:20251111", "DURATION:P2D")) == {
        "2025-11-11": "none", "2025-11-12": "none",
    }  # fmt: skip


def test_a_timed_event_belongs_to_its_local_date_also_where_utc_is_a_day_on():
    evening = event("Minimum Day", "DTSTART:20260116T010000Z", "DTEND:20260116T020000Z")
    named = event("minimum day (all grades)", "DTSTART;TZID=America/Los_Angeles:20260130T080000",
                  "DTEND;TZID=America/Los_Angeles:20260130T124500")  # fmt: skip
    floating = event("Minimum day", "DTSTART:20260206T080000")
    midnight = event("Minimum day ", "DTSTART;TZID=America/Los_Angeles:20260209T000000",
                     "DTEND;TZID=America/Los_Angeles:20260210T000000")  # fmt: skip

    found = days(evening, named, floating, midnight)
    assert list(found) == ["2026-01-15", "2026-01-30", "2026-02-06", "2026-02-09"]
    assert set(found.values()) == {"minimum"}


@pytest.mark.parametrize(
    ("since", "until", "tuesdays"),
    [
        ("20251021", "20251111", ["2025-10-21", "2025-10-28", "2025-11-04"]),  # clocks go back on 2 November 2025
        ("20260224", "20260317", ["2026-02-24", "2026-03-03", "2026-03-10"]),  # and forward on 8 March 2026
    ],
)
def test_banked_tuesdays_stay_tuesdays_in_both_weeks_of_a_clock_change(since, until, tuesdays):
    local = event("Banked Time", f"DTSTART;TZID=America/Los_Angeles:{since}T133000", "RRULE:FREQ=WEEKLY;BYDAY=TU",
                  f"EXDATE;TZID=America/Los_Angeles:{until}T133000")  # fmt: skip
    ends = event("Banked Time", f"DTSTART;VALUE=DATE:{since}", f"RRULE:FREQ=WEEKLY;UNTIL={until}T065959Z")
    late = event("Banked Time", f"DTSTART;TZID=America/Los_Angeles:{since}T230000", "RRULE:FREQ=WEEKLY;COUNT=3")

    assert [day for day in days(local) if day < until[:4] + "-" + until[4:6] + "-" + until[6:]] == tuesdays
    assert f"{until[:4]}-{until[4:6]}-{until[6:]}" not in days(local)
    assert list(days(ends)) == tuesdays
    assert list(days(late)) == tuesdays


def test_a_rule_without_an_end_ends_with_the_school_year():
    found = list(days(event("Banked Tuesday", "DTSTART;VALUE=DATE:20240813", "RRULE:FREQ=WEEKLY")))

    assert (found[0], found[-1], len(found)) == ("2025-08-19", "2026-06-09", 43)


def test_one_repetition_that_was_moved_or_cancelled_is_followed():
    weekly = event("Banked Time", "DTSTART;VALUE=DATE:20250819", "RRULE:FREQ=WEEKLY;COUNT=3")
    moved = event("Banked Time", "RECURRENCE-ID;VALUE=DATE:20250826", "DTSTART;VALUE=DATE:20250827")
    cancelled = event("Banked Time", "RECURRENCE-ID;VALUE=DATE:20250902", "DTSTART;VALUE=DATE:20250902",
                      "STATUS:CANCELLED")  # fmt: skip

    assert list(days(weekly, moved, cancelled)) == ["2025-08-19", "2025-08-27"]


def test_names_are_matched_folded_or_by_category_and_the_unnamed_are_listed():
    folded = "SUMMARY:Minimum \r\n Day\r\n"
    found = read(
        event("x", "DTSTART;VALUE=DATE:20260115").replace("SUMMARY:x\r\n", folded),
        event("Veterans", "DTSTART;VALUE=DATE:20251111", "CATEGORIES:Observed,Holiday"),
        event("Spring Assembly", "DTSTART;VALUE=DATE:20260310"),
        event("Bake sale", "DTSTART;VALUE=DATE:20260311"),
        event("Bake sale of long ago", "DTSTART;VALUE=DATE:20200311"),
    )

    assert found.calendar.exceptions == {"2025-10-31": "minimum", "2025-11-11": "none", "2026-01-15": "minimum"}
    assert found.calendar.events == {"2025-11-11": "Veterans", "2026-01-15": "Minimum Day"}
    assert found.unnamed == ["Bake sale"]


def test_the_districts_own_dates_win_and_two_events_that_disagree_are_named():
    assert days(event("Holiday", "DTSTART;VALUE=DATE:20251031")) == {}
    assert refused(
        event("Holiday", "DTSTART;VALUE=DATE:20260115"), event("Minimum Day", "DTSTART;VALUE=DATE:20260115")
    ) == (
        "c.ics: event 2 'Minimum Day': 2026-01-15 is 'minimum' by it and 'none' by 'Holiday': "
        "name 2026-01-15 in [[days]] with the type that holds"
    )


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["DTSTART;VALUE=DATE:20260301", "DTEND;VALUE=DATE:20260201"], "it lasts -28 days from 2026-03-01 on"),
        (["DTSTART;VALUE=DATE:20260301", "DTEND;VALUE=DATE:20270301"], "it lasts 365 days from 2026-03-01 on"),
        (["DTSTART;VALUE=DATE:20260301", "RRULE:FREQ=SECONDLY"], "it repeats secondly: only days can be repeated"),
        (["DTSTART;VALUE=DATE:19000101", "RRULE:FREQ=DAILY"], "it repeats since 1900-01-01: let it begin in this"),
        (["DTSTART;VALUE=DATE:20261341"], "DTSTART cannot be read"),
        ([], "it has no DTSTART"),
    ],
)
def test_an_event_that_cannot_hold_is_named_with_its_mend(lines, said):
    assert f"c.ics: event 2 'Holiday': {said}" in refused(
        event("Assembly", "DTSTART;VALUE=DATE:20260310"), event("Holiday", *lines)
    )


def test_a_hundred_thousand_events_are_refused_before_they_are_parsed():
    data = ics(event("Holiday", "DTSTART;VALUE=DATE:20260310") * 100_000)
    begin = time.process_time()

    with pytest.raises(HoursError, match="100000 events; at most 20000 are read: export the school year alone"):
        events.add("c.ics", data, parse_calendar("c.toml", TOML), parse_meanings("c.toml", TOML))
    assert time.process_time() - begin < 2


def test_what_is_no_calendar_and_a_table_without_meanings_are_refused():
    calendar = parse_calendar("c.toml", TOML)

    with pytest.raises(HoursError, match=r"c\.ics: not an iCalendar file"):
        events.add("c.ics", b"hello", calendar, {"Holiday": "none"})
    with pytest.raises(HoursError, match="no event has a meaning yet"):
        events.add("c.ics", ics(), calendar, {})
    with pytest.raises(HoursError, match="events: 'Holiday' is 3"):
        parse_meanings("c.toml", b"[events]\nHoliday = 3\n")


def test_the_day_of_a_clock_change_is_one_day():
    for day in (datetime.date(2025, 11, 2), datetime.date(2026, 3, 8)):
        after = day + datetime.timedelta(days=1)
        found = event("Holiday", f"DTSTART;VALUE=DATE:{day:%Y%m%d}", f"DTEND;VALUE=DATE:{after:%Y%m%d}")
        assert days(found) == {day.isoformat(): "none"}
