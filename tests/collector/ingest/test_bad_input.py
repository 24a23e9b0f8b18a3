"""What people bring to importers that is not what it should be: refused whole, with where it is and the mend."""

import base64
import datetime
import io
import resource
import time

import pytest

from collector.administration.operations import perform
from collector.administration.refusals import NotDone
from collector.lists import directory
from collector.lists.sheet import Refused
from collector.school_time import events
from collector.school_time.hours import Calendar, HoursError
from collector.store import snapshots
from tests.collector.listing import school, text
from tests.collector.small_ledger import District

BELLS_TOML = (
    '[schedules.default]\nweekly = { monday = "r" }\n[[schedules.default.days.r]]\nbegins = 08:00:00\nends = 14:00:00\n'
)
GOOD = {
    "campuses": "id,name\noak,Oak\nelm,Élan\n",
    "access-points": "campus,id,name,address\nlincoln,001122334455,é-1,10.0.0.9\nlincoln,001122334466,ap-2,10.0.0.8\n",
    "rooms": "campus,building,room\nlincoln,main,é\nlincoln,main,102\n",
    "bells": "schedule,day_type,begins,ends,weekdays,grades\noak,régular,8:00,14:00,mon-fri,\noak,min,8:00,12:00,,\n",
    "calendar": 'first = 2025-08-14\nlast = 2026-06-10\n[[days]] # été\nfrom = 2025-11-24\ntype = "none"\n',
}
EVENT = "BEGIN:VEVENT\r\nUID:1\r\nDTSTART;VALUE=DATE:20251111\r\nSUMMARY:Journée\r\nEND:VEVENT\r\n"
ICS = f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\n{EVENT}END:VCALENDAR\r\n"
YEAR = Calendar(datetime.date(2025, 8, 14), datetime.date(2026, 6, 10))


@pytest.fixture
def district(tmp_path):
    made = District(tmp_path)
    yield made
    made.store.close()


def taken_in(district: District, kind: str, data: bytes, *, apply: bool = True, name: str = "list"):
    body = {"kind": kind, "name": name, "data": base64.b64encode(data).decode(), "apply": apply}
    return perform(district.store, None, district.clock, "import", body)


def kept(district: District) -> list[str]:
    with district.store.read() as connection:
        return [one.hash for kind in ("inventory", "hours") for one in snapshots.every(connection, kind)]


def refusal(district: District, kind: str, data: bytes) -> str:
    """What is said; nothing may have been kept."""
    before = kept(district)
    with pytest.raises(NotDone) as caught:
        taken_in(district, kind, data)
    assert kept(district) == before
    assert caught.value.status == 2
    return caught.value.reason


@pytest.mark.parametrize("kind", GOOD)
def test_nothing_is_kept_without_apply_and_the_good_file_is_taken_with_and_without_a_byte_order_mark(district, kind):
    before = kept(district)
    dry = taken_in(district, kind, GOOD[kind].encode(), apply=False)
    assert (dry["applied"], kept(district) == before) == (False, True)

    marked = taken_in(district, kind, b"\xef\xbb\xbf" + GOOD[kind].encode())

    assert marked["applied"] is True
    assert marked["changes"] == dry["changes"]


@pytest.mark.parametrize("kind", GOOD)
@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda text: text.encode("utf-16"), r"UTF-16|not TOML in UTF-8"),
        (lambda text: text.encode("latin-1"), r"line \d: byte 0x\w\w is not UTF-8 .*would be '[Ééà]|not TOML in UTF-8"),
        (lambda text: text.encode().replace(b"\n", b"\0\n", 1), r"line 1: a NUL byte|not TOML in UTF-8"),
        (lambda text: b"", r"the file is empty|`first` is None|is missing"),
        (lambda text: b"<html><body>Sign in</body></html>", r"no column \w+ \(found: |not TOML in UTF-8"),
        (lambda text: b"x,y\n1,2\n", r"no column \w+ \(found: x, y\)|not TOML in UTF-8"),
    ],
    ids=["utf-16", "latin-1", "nul", "empty", "web page", "wrong header"],
)  # fmt: skip
def test_a_wrong_encoding_and_a_wrong_header_are_said_with_place_and_mend(district, kind, damage, said):
    import re

    assert re.search(said, refusal(district, kind, damage(GOOD[kind])))


@pytest.mark.parametrize("kind", [kind for kind in GOOD if kind not in ("calendar",)])
def test_one_bad_row_keeps_every_good_one_out(district, kind):
    rows = GOOD[kind].splitlines()
    bad = "\n".join([*rows, rows[-1] + ",too,many,cells", ""])

    assert f"line {len(rows) + 1}: " in refusal(district, kind, bad.encode())


def test_duplicate_cds_codes_and_coordinates_at_sea_are_named_by_line():
    rows = (
        school(1, "Oak", "1 A St"),
        school(1, "Oak again", "2 A St"),
        school(2, "Wet", "3 A St", Latitude="33.5", Longitude="-119.5"),
        school(3, "Null Island", "4 A St", Latitude="0", Longitude="0"),
        school(4, "Turned", "5 A St", Latitude="-118.2", Longitude="34.0"),
    )
    with pytest.raises(Refused) as caught:
        directory.read("d.txt", io.BytesIO(text(*rows)), lambda _: None)

    assert [
        (fault.line, fault.reason.rpartition(" at sea")[1] or fault.reason[:30]) for fault in caught.value.faults
    ] == [
        (3, "CDS code 19647330000001 stands"),
        (4, " at sea"),
        (5, "Latitude 0, Longitude 0 is the"),
        (6, "Latitude -118.2, Longitude 34."),
    ]


def added(data: bytes):
    return events.add("district.ics", data, YEAR, {"Journée": "none"})


def test_an_event_without_an_end_is_one_day_and_a_rule_without_an_end_stops_with_the_school_year():
    assert list(added(ICS.encode()).calendar.exceptions) == ["2025-11-11"]
    forever = added(ICS.replace("SUMMARY", "RRULE:FREQ=DAILY\r\nSUMMARY").encode()).calendar.exceptions

    assert (min(forever), max(forever)) == ("2025-11-11", "2026-06-10")


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (ICS.replace("END:VCALENDAR", "").encode(), "ends before END:VCALENDAR: it was cut off, download it again"),
        (ICS.encode("latin-1"), "line 6: byte 0xe9 is not UTF-8 .*save the file as iCalendar in UTF-8"),
        (ICS.encode("utf-16"), "the file is UTF-16; save it as iCalendar in UTF-8"),
        (ICS.replace("Journée", "Jour\0").encode(), "line 6: a NUL byte"),
        (ICS.replace("20251111", "20251311").encode(), "event 1 'Journée': DTSTART cannot be read"),
        (ICS.replace("SUMMARY", "RRULE:FREQ=SECONDLY\r\nSUMMARY").encode(), "event 1 'Journée': it repeats secondly"),
        (b"<html>Sign in</html>", "not an iCalendar file"),
    ],
)  # fmt: skip
def test_a_damaged_calendar_is_said_by_event_or_line(data, said):
    with pytest.raises((HoursError, Refused), match=said):
        added(data)


def test_a_hundred_thousand_events_are_refused_before_they_cost_anything():
    data = f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\n{EVENT * 100_000}END:VCALENDAR\r\n".encode()
    begin, memory = time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    with pytest.raises(HoursError, match="100000 events; at most 20000 are read: export the school year alone"):
        added(data)

    assert time.process_time() - begin < 5
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory < 200 * 1024


@pytest.mark.parametrize("kind", ["campuses", "access-points", "rooms", "bells"])
def test_a_million_rows_are_refused_in_bounded_time_and_memory(district, kind):
    header, row = GOOD[kind].splitlines()[:2]
    data = f"{header}\n".encode() + f"{row}\n".encode() * 1_000_000
    begin = time.process_time()

    assert "line 300002: more than 300,000 rows" in refusal(district, kind, data)
    assert time.process_time() - begin < 30


@pytest.mark.parametrize("kind", ["campuses", "access-points", "rooms", "bells"])
def test_a_formula_is_refused_by_its_line(district, kind):
    header, row = GOOD[kind].splitlines()[:2]
    cells = row.split(",")
    damaged = (
        ",".join([cells[0], *cells[1:-1], '"=HYPERLINK(""x"")"']) if kind != "bells" else row.replace("8:00", "=A1")
    )

    assert "begins with =, as a formula does" in refusal(district, kind, f"{header}\n{damaged}\n".encode())


def test_bells_and_calendars_that_contradict_themselves_are_refused(district):
    double = BELLS_TOML + "[[schedules.default.days.r]]\nbegins = 09:00:00\nends = 10:00:00\n"
    assert "the same grades have two bells at one time" in refusal(district, "bells", double.encode())
    backwards = GOOD["calendar"].replace("2026-06-10", "2024-06-10")
    assert "is after `last`" in refusal(district, "calendar", backwards.encode())
