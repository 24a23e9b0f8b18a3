"""Pages and tickets about one campus begin in class only: through breaks, nights and both changes of the clock.

School days come from the collector's own hours, so that what rings at eight in March rings at eight in November.
"""

import datetime
import zoneinfo
from pathlib import Path

import pytest

from collector.alerting.alert import Terms
from collector.alerting.before_class import first_bell
from collector.inventory import Campus
from collector.school_time.hours import Band, Hours, Schedule, in_class
from tests.deploy.made_up import CAMPUS, check, fired, scene

SLOT = 300
ZONE = zoneinfo.ZoneInfo("America/Los_Angeles")
LUNCH = (datetime.time(12), datetime.time(12, 40))
BELLS = Hours(
    {
        "default": Schedule(
            {"regular": (Band("K-12", datetime.time(8), datetime.time(14, 30), (LUNCH,)),)},
            (*("regular",) * 5, "none", "none"),
        )
    }
)
NORTH = Campus("n1", "North")
AP, DOWN = 'campus_wifi_ap_up{campus="n1",ap="a1"}', {**CAMPUS, "ap": "a1"}
SHORT = 'campus_wifi_campus_verdict{campus="n1",verdict="short"}'
pytestmark = pytest.mark.binaries


def days(begin: datetime.datetime, end: datetime.datetime) -> dict[str, str]:
    """From ``begin`` to ``end`` a campus at which all is broken: what the collector says of it, a value a slot, with
    promtool's epoch at ``begin``."""
    origin = begin.timestamp()
    instants = [origin + n * SLOT for n in range(int((end.timestamp() - origin) // SLOT))]
    taught = [in_class(BELLS, NORTH, at) for at in instants]
    bells = [first_bell(BELLS, NORTH, at) for at in instants]
    early = [bell is not None and bell - at <= 7200 for at, bell in zip(instants, bells, strict=True)]
    shown = [teaching or near for teaching, near in zip(taught, early, strict=True)]
    return {
        'campus_wifi_campus_in_class{campus="n1"}': " ".join("1" if one else "0" for one in taught),
        SHORT: " ".join("1" if one else "stale" for one in taught),
        AP: " ".join("0" if one else "stale" for one in shown),
        'campus_wifi_campus_first_bell_timestamp_seconds{campus="n1"}': " ".join(
            f"{bell - origin:.0f}" if bell is not None else "stale" for bell in bells
        ),
    }


@pytest.mark.parametrize(
    "monday",
    [(2026, 3, 9), (2026, 11, 2), (2026, 9, 21)],
    ids=["spring forward", "fall back", "no change"],
)
def test_after_a_weekend_nothing_pages_until_eight_on_the_wall_and_the_digest_is_ninety_minutes_early(
    monday: tuple[int, int, int], tmp_path: Path
) -> None:
    """It begins on Saturday night, before the clocks change."""
    begin = datetime.datetime(*monday, 23, 0, tzinfo=ZONE) - datetime.timedelta(days=2)

    def at(hour: int, minute: int) -> int:
        return round(datetime.datetime(*monday, hour, minute, tzinfo=ZONE).timestamp() - begin.timestamp())

    made = days(begin, datetime.datetime(*monday, 9, 0, tzinfo=ZONE))
    broken, short = {**CAMPUS, "broken": "access points down"}, {**CAMPUS, "verdict": "short"}
    quiet = [check("CampusShort", at(*when), None) for when in ((0, 30), (7, 0), (8, 10))]
    checks = [
        *quiet,
        check("AccessPointDown", at(8, 10), None),
        check("BrokenBeforeClass", at(6, 29), None),
        check("BrokenBeforeClass", at(6, 35), broken),
        check("BrokenBeforeClass", at(7, 59), broken),
        check("BrokenBeforeClass", at(8, 6), None),
        check("CampusShort", at(8, 16), short),
        check("AccessPointDown", at(8, 16), DOWN),
    ]

    found = fired(tmp_path, [scene(made, *checks, interval=SLOT)], "weekend", Terms(SLOT), evaluated_every=150)
    assert found == ""


def test_a_page_goes_on_through_lunch_ends_after_the_last_class_and_a_ticket_waits_for_the_morning(
    tmp_path: Path,
) -> None:
    begin = datetime.datetime(2026, 9, 15, 11, 0, tzinfo=ZONE)
    made = days(begin, begin + datetime.timedelta(days=1))
    page = {**CAMPUS, "verdict": "short"}

    def at(hour: int, minute: int) -> int:
        return (hour - 11) * 3600 + minute * 60

    through = [check("CampusShort", at(*when), page) for when in ((11, 20), (12, 10), (12, 39), (14, 29), (15, 20))]
    over = [check("CampusShort", at(*when), None) for when in ((15, 45), (20, 0), (24 + 7, 0))]
    ticket = [check("AccessPointDown", at(*when), DOWN) for when in ((12, 30), (16, 0), (24 + 3, 0), (24 + 9, 0))]
    # Short for less than three slots when the bell rings for lunch: the break must not complete them.
    break_ = {**made, SHORT: f"0x9 1 1 {made[SHORT].split(' ', 12)[12]}"}
    none = [check("CampusShort", at(*when), None) for when in ((12, 5), (12, 39))]

    scenes = [scene(made, *through, *over, *ticket, interval=SLOT), scene(break_, *none, interval=SLOT)]
    assert fired(tmp_path, scenes, "day", Terms(SLOT), evaluated_every=150) == ""
