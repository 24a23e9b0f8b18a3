"""The periods that people ask about: what the date, the district's calendar and the agreement make of them."""

import datetime
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.commitment.period import KINDS, Known, Period, UnknownPeriod, before, parse
from collector.school_time.hours import Calendar, HoursError, parse_calendar

D = datetime.date
LAST_YEAR = parse_calendar(
    "c.toml",
    b'first = 2025-08-14\nlast = 2026-06-10\n[[semesters]]\nname = "fall"\nfrom = 2025-08-14\nto = 2025-12-19\n'
    b'[[semesters]]\nname = "spring"\nfrom = 2026-01-12\nto = 2026-06-10\n',
)
THIS_YEAR = parse_calendar(
    "c.toml",
    b'first = 2026-08-13\nlast = 2027-06-09\n[[semesters]]\nname = "fall"\nfrom = 2026-08-13\nto = 2026-12-18\n',
)
KNOWN = Known(D(2026, 10, 7), (LAST_YEAR, THIS_YEAR))
DATES = st.dates(D(2024, 1, 1), D(2030, 12, 31))


@pytest.mark.parametrize(
    ("text", "period"),
    [
        ("day", Period("day", "2026-10-07", D(2026, 10, 7), D(2026, 10, 7))),
        ("day:2026-02-28", Period("day", "2026-02-28", D(2026, 2, 28), D(2026, 2, 28))),
        ("week", Period("week", "2026-W41", D(2026, 10, 5), D(2026, 10, 11))),
        ("week:2026-W53", Period("week", "2026-W53", D(2026, 12, 28), D(2027, 1, 3))),
        ("month", Period("month", "2026-10", D(2026, 10, 1), D(2026, 10, 31))),
        ("month:2028-02", Period("month", "2028-02", D(2028, 2, 1), D(2028, 2, 29))),
        ("semester", Period("semester", "2026-27/fall", D(2026, 8, 13), D(2026, 12, 18))),
        ("semester:spring", Period("semester", "2025-26/spring", D(2026, 1, 12), D(2026, 6, 10))),
        ("semester:2025-26/fall", Period("semester", "2025-26/fall", D(2025, 8, 14), D(2025, 12, 19))),
        ("school-year", Period("school_year", "2026-27", D(2026, 8, 13), D(2027, 6, 9))),
        ("school_year:2025-26", Period("school_year", "2025-26", D(2025, 8, 14), D(2026, 6, 10))),
        ("term", Period("term", "2025-07-01 to 2028-06-30", D(2025, 7, 1), D(2028, 6, 30))),
        ("7d", Period("7d", "7d", D(2026, 10, 1), D(2026, 10, 7))),
    ],
)
def test_a_period_is_what_people_mean_by_its_name(text: str, period: Period) -> None:
    assert parse(text, KNOWN) == period


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("year", "write one of day, week"),
        ("month:2026-13", "write month:2026-10"),
        ("month:october", "write month:2026-10"),
        ("week:2026-W54", "write week:2026-W41"),
        ("day:yesterday", "write day:2026-10-05"),
        ("term:2025", "write term alone"),
        ("semester:winter", "known: 2025-26/fall, 2025-26/spring, 2026-27/fall; import it"),
        ("school_year:2027-28", "known: 2025-26, 2026-27; import it"),
    ],
)
def test_a_period_that_nobody_knows_is_refused_with_its_mend(text: str, said: str) -> None:
    with pytest.raises(UnknownPeriod, match=said):
        parse(text, KNOWN)


def test_without_a_calendar_school_years_and_semesters_are_refused_and_never_guessed() -> None:
    bare = Known(D(2026, 10, 7), (Calendar(D(2026, 8, 13), D(2027, 6, 9)),))

    with pytest.raises(UnknownPeriod, match=r"no calendar says when the semesters are; add \[\[semesters\]\]"):
        parse("semester", bare)
    with pytest.raises(UnknownPeriod, match="no calendar says when the school year is; import it"):
        parse("school_year", Known(D(2026, 10, 7)))
    with pytest.raises(UnknownPeriod, match="no calendar says what school_year was before 2026-27"):
        before(parse("school_year", bare), bare)
    with pytest.raises(UnknownPeriod, match="one term"):
        before(parse("term", KNOWN), KNOWN)


def test_in_the_summer_the_school_year_is_the_one_that_ended() -> None:
    assert parse("school_year", Known(D(2026, 7, 4), KNOWN.calendars)).name == "2025-26"
    assert parse("semester", Known(D(2027, 1, 4), KNOWN.calendars)).name == "2026-27/fall"


@given(DATES, st.sampled_from(["day", "week", "month", "7d", "30d"]))
def test_periods_hold_their_date_and_follow_one_another_without_a_gap(today: D, kind: str) -> None:
    known = Known(today)
    period = parse(kind, known)
    earlier = before(period, known)

    assert period.first <= today <= period.last
    assert earlier.last + datetime.timedelta(days=1) == period.first
    if kind not in ("7d", "30d"):
        assert parse(f"{kind}:{period.name}", Known(D(2020, 1, 1))) == period
        assert parse(f"{kind}:{earlier.name}", known) == earlier
    else:
        assert earlier.days == period.days


@given(DATES)
def test_a_school_year_holds_its_semesters(today: D) -> None:
    known = Known(today, KNOWN.calendars)
    years = [parse(f"school_year:{name}", known) for name in ("2025-26", "2026-27")]
    semesters = [parse(f"semester:{name}", known) for name in ("2025-26/fall", "2025-26/spring", "2026-27/fall")]

    for earlier, later in itertools.pairwise(semesters):
        assert before(later, known) == earlier
    for one in semesters:
        assert any(year.first <= one.first and one.last <= year.last for year in years)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ('name = "fall"\nfrom = 2026-08-01\nto = 2026-12-18', "is no part of 2026-08-13 to 2027-06-09"),
        ('name = "fall"\nfrom = 2026-12-18\nto = 2026-09-01', "mend the dates"),
        ('name = "a/b"\nfrom = 2026-08-13\nto = 2026-12-18', "write one of its own"),
        ('name = "fall"\nfrom = 2026-08-13', "to` is None: write a date"),
        ('name = "fall"\nfrom = 2026-08-13\nto = 2026-12-18\nweeks = 3', "unknown key `weeks`"),
    ],
)
def test_a_semester_that_cannot_be_is_refused_with_its_mend(wrong: str, said: str) -> None:
    with pytest.raises(HoursError, match=said):
        parse_calendar("c.toml", f"first = 2026-08-13\nlast = 2027-06-09\n[[semesters]]\n{wrong}\n".encode())


def test_semesters_that_overlap_are_refused() -> None:
    two = b'[[semesters]]\nname = "a"\nfrom = 2026-08-13\nto = 2026-12-18\n[[semesters]]\nname = "b"\n'
    with pytest.raises(HoursError, match="it begins 2026-12-18, before a ends"):
        parse_calendar(
            "c.toml", b"first = 2026-08-13\nlast = 2027-06-09\n" + two + b"from = 2026-12-18\nto = 2027-06-09"
        )


def test_every_kind_is_one_word_of_the_list() -> None:
    assert len(set(KINDS)) == len(KINDS)
