"""Before the first bell: when it rings, through both clock changes, and what the last sweep found broken."""

import datetime
import zoneinfo
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from collector.alerting.before_class import FirstBells, first_bell
from collector.config import Config
from collector.holding import Held, Holding
from collector.inventory import Campus, Inventory
from collector.judgement.judge import Judge
from collector.metrics.current import Current
from collector.policies.policy import baseline
from collector.school_time.hours import Band, Calendar, Hours, Schedule
from collector.services import Services
from collector.signer import Signer
from collector.store import incidents, ledger, snapshots
from tests.collector.incident_rig import a_district, stands
from tests.collector.judgement.test_judge_loop import AP, MORNING, SLOT, Now, a_slot, judged_until, pushed

ZONE = zoneinfo.ZoneInfo("America/Los_Angeles")
CAMPUS = Campus("n1", "North")
ALL_YEAR = Calendar()
WEEK = (*("regular",) * 5, "none", "none")


def hours(begins: datetime.time, calendar: Calendar = ALL_YEAR) -> Hours:
    lunch = ((datetime.time(12), datetime.time(12, 40)),)
    return Hours(
        {"default": Schedule({"regular": (Band("K-12", begins, datetime.time(14, 30), lunch),)}, WEEK)}, calendar
    )


EIGHT = hours(datetime.time(8))


def local(*when: int) -> float:
    return datetime.datetime(*when, tzinfo=ZONE).timestamp()


def test_the_first_bell_is_that_of_the_next_day_once_it_has_rung_lunch_or_not() -> None:
    assert first_bell(EIGHT, CAMPUS, local(2026, 9, 15, 7, 59)) == local(2026, 9, 15, 8)
    assert first_bell(EIGHT, CAMPUS, local(2026, 9, 15, 8)) == local(2026, 9, 16, 8)
    assert first_bell(EIGHT, CAMPUS, local(2026, 9, 15, 12, 10)) == local(2026, 9, 16, 8)
    assert first_bell(EIGHT, CAMPUS, local(2026, 9, 18, 12, 50)) == local(2026, 9, 21, 8)


def test_the_bell_rings_at_eight_of_the_clock_on_the_wall_after_both_clock_changes() -> None:
    for friday, monday, elapsed in (
        ((2026, 3, 6), (2026, 3, 9), 3 * 86400 - 3600),
        ((2026, 10, 30), (2026, 11, 2), 3 * 86400 + 3600),
    ):
        bell = first_bell(EIGHT, CAMPUS, local(*friday, 15))

        assert bell == local(*monday, 8)
        assert bell - local(*friday, 8) == elapsed


def test_no_bell_rings_in_summer_nor_in_demonstration_hours() -> None:
    year = Calendar(datetime.date(2026, 8, 13), datetime.date(2027, 6, 10))

    assert first_bell(hours(datetime.time(8), year), CAMPUS, local(2026, 7, 15, 6)) is None
    assert first_bell(Hours(always=True), CAMPUS, local(2026, 9, 15, 6)) is None


def test_bells_are_worked_out_again_when_one_has_rung_and_when_the_hours_change() -> None:
    held = Held(baseline(), Inventory({"n1": CAMPUS}, {}, {}), EIGHT, {"hours": "1", "inventory": "1", "policy": "1"})
    later = Held(held.policy, held.inventory, hours(datetime.time(9)), held.hashes | {"hours": "2"})
    bells = FirstBells()

    assert bells.at(held, local(2026, 9, 15, 6)) == {"n1": local(2026, 9, 15, 8)}
    assert bells.at(held, local(2026, 9, 15, 8)) == {"n1": local(2026, 9, 16, 8)}
    assert bells.at(later, local(2026, 9, 15, 8, 30)) == {"n1": local(2026, 9, 15, 9)}


def test_an_access_point_that_died_overnight_is_seen_before_the_bell_and_nothing_of_it_is_judged(
    tmp_path: Path,
) -> None:
    clock = Now(MORNING - 3600.0)
    with a_district(tmp_path, clock) as store:
        bells = hours(datetime.time(10, 15))
        store.write(lambda c: snapshots.keep(c, "hours", bells.to_bytes(), datetime.date(2026, 1, 2), clock())).result()
        clock.at = float(MORNING)
        stands(store, clock)
        services = Services(store, Config(data_dir=tmp_path), Signer.load_or_create(tmp_path), clock)
        services.judge = judge = Judge(store, clock, 60.0)
        current = Current(services)
        for slot, answers in ((MORNING, True), (MORNING + SLOT, False)):
            pushed(store, clock, *a_slot(slot, ap_answers=answers))
            judged_until(judge, clock, slot + SLOT + 61)
        current.refresh()
        said = {
            (sample.name, sample.labels["campus"]): sample.value
            for family in text_string_to_metric_families(current.text().decode())
            for sample in family.samples
            if "campus" in sample.labels
        }
        with store.read() as connection:
            row = ledger.newest(connection, "lincoln", "2026-09-15")

        assert said["campus_wifi_ap_up", "lincoln"] == 0
        assert said["campus_wifi_campus_in_class", "lincoln"] == 0
        assert ("campus_wifi_campus_verdict", "lincoln") not in said
        assert said["campus_wifi_campus_first_bell_timestamp_seconds", "lincoln"] == local(2026, 9, 15, 10, 15)
        assert row is not None
        assert set(row.record.strip) <= {"-", "."}
        assert AP.encode() in current.text()


def test_closed_incidents_are_counted_by_cause_and_last_word_without_simulated_campuses(tmp_path: Path) -> None:
    clock = Now(MORNING - 3600.0)
    with a_district(tmp_path, clock) as store:

        def keep(connection: object, campus: str, resolution: str) -> None:
            part = incidents.Part(campus, MORNING, MORNING + 900, 900)
            fault = incidents.Incident(f"campus {campus}", MORNING, MORNING + 900, "dns", "", (part,))
            incidents.resolve(connection, incidents.add(connection, fault, clock()), resolution, "seen")

        for campus, word in (
            ("lincoln", "confirmed"),
            ("oak", "confirmed"),
            ("oak", "false"),
            ("model", "false"),
            ("oak", ""),
        ):
            store.write(lambda c, campus=campus, word=word: keep(c, campus, word)).result()
        with store.read() as connection:
            assert incidents.closed(connection, {"model"}) == {("dns", "confirmed"): 2, ("dns", "false"): 1}
            assert Holding().refresh(connection)
