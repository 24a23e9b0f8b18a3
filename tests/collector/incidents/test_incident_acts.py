"""What people do about incidents: steps, the last word, room reports, and what the figures make of it."""

import datetime

import httpx
import pytest

from collector.administration.operations import perform
from collector.administration.refusals import NotDone
from collector.incidents import answers, room_reports
from collector.incidents.figures import ALL_STEPS, figures
from collector.incidents.finding import Incident, Part
from collector.inventory import Campus
from collector.judgement.day_record import RoomAir
from collector.school_time.hours import Hours, parse_bells, parse_calendar
from collector.store import audit, coverage, incidents
from collector.store.incidents import Kept, Step
from tests.collector.incident_rig import measured
from tests.collector.judgement.test_judge_loop import MORNING, SLOT, judged_until, strip

HOUR = 3600.0


def act(store, clock, verb, **body):
    return perform(store, None, clock, verb, {"incident": 1, "by": "ana"} | body)


def shown(store, clock, **how):
    return answers.one_of(store, 1, now=clock(), **how)


def test_steps_are_kept_with_time_person_and_note_and_in_the_audit_log(store, clock, judge):
    measured(store, clock, judge, "msss")
    act(store, clock, "incident-step", step="acknowledged", note="on my way")
    act(store, clock, "incident-step", step="on_site", at=clock() - 10)
    act(store, clock, "incident-note", note="switch is dark")

    steps = [(one["step"], one["by"], one["note"]) for one in shown(store, clock, names=True)["steps"]]

    assert steps == [
        ("detected", "judge", "access_point_down"), ("acknowledged", "ana", "on my way"), ("on_site", "ana", ""),
        ("note", "ana", "switch is dark"),
    ]  # fmt: skip
    with store.read() as connection:
        assert [one.action for one in audit.entries(connection)][:3] == [
            "incident note", "incident on_site", "incident acknowledged",
        ]  # fmt: skip
        assert audit.is_whole(connection)


@pytest.mark.parametrize(
    ("verb", "body", "said"),
    [
        ("incident-step", {"step": "detected"}, "no step 'detected'"),
        ("incident-step", {"step": "fixed", "at": MORNING + 86400.0}, "in the future"),
        ("incident-step", {"step": "fixed", "at": MORNING - 1.0}, "before the incident's begin"),
        ("incident-step", {"step": "fixed", "incident": 9}, "no incident 9"),
        ("incident-note", {"note": " "}, "empty note"),
        ("incident-close", {"as": "confirmed", "reason": "mended"}, "still lasts"),
        ("incident-close", {"as": "gone", "reason": "x"}, "not closed as 'gone'"),
        ("incident-close", {"as": "false", "reason": ""}, "no reason"),
    ],
)
def test_what_cannot_be_is_refused(store, clock, judge, verb, body, said):
    measured(store, clock, judge, "msss")

    with pytest.raises(NotDone, match=said):
        act(store, clock, verb, **body)
    assert len(shown(store, clock)["steps"]) == 1


def test_the_last_word_is_said_once_and_the_judge_goes_on_measuring(store, clock, judge):
    measured(store, clock, judge, "msss")
    act(store, clock, "incident-close", **{"as": "false", "reason": "a test of the switch"})
    measured(store, clock, judge, "smmm", MORNING + 4 * SLOT)

    one = shown(store, clock, names=True)

    assert (one["state"], one["resolution"], one["resolution_reason"]) == ("closed", "false", "a test of the switch")
    assert (one["to_at"], one["lost_seconds"]) == (MORNING + 5 * SLOT, 4 * SLOT)
    with pytest.raises(NotDone, match="closed already as false"):
        act(store, clock, "incident-close", **{"as": "confirmed", "reason": "no, it was real"})
    with store.read() as connection:
        assert len(incidents.of_period(connection, 0, 1 << 40)) == 1


def test_planned_work_is_an_incident_of_that_cause_and_in_no_figure_until_it_is_withdrawn(store, clock, judge):
    measured(store, clock, judge, "msss")
    times = {
        key: datetime.datetime.fromtimestamp(MORNING + n * SLOT, datetime.UTC).isoformat()
        for key, n in (("from", 1), ("to", 4))
    }
    row = {"campus": "lincoln", "reason": "switch upgrade"} | times
    ids = perform(store, None, clock, "exclusions-add", {"row": row, "by": "ana"})["exclusions"]
    perform(store, None, clock, "exclusions-approve", {"ids": ids, "by": "ben"})
    judged_until(judge, clock, clock() + 1)

    assert shown(store, clock)["cause"] == "planned_work"
    answer = answers.figures_of(store, (None, None), now=clock())
    assert (answer["campuses"], answer["left_out"]["planned_work"]) == ([], 1)

    perform(store, None, clock, "exclusions-withdraw", {"ids": ids, "by": "ben", "reason": "called off"})
    judged_until(judge, clock, clock() + 1)

    assert shown(store, clock)["cause"] == "access_point_down"
    answer = answers.figures_of(store, (None, None), now=clock())
    assert ([one["campus"] for one in answer["campuses"]], answer["left_out"]["planned_work"]) == (["lincoln"], 0)


def test_figures_of_a_worked_example():
    """Three incidents at two campuses of the east; by hand: acknowledged after 1 h and 3 h at lincoln (median 2 h),
    and after 2 h at oak; the region's three are 1, 2 and 3 h (median 2 h)."""
    campuses = {
        "lincoln": Campus("lincoln", "Lincoln", "East"),
        "oak": Campus("oak", "Oak", "East"),
        "model": Campus("model", "Model", "East", simulated=True),
    }

    def kept(number, *names, to_at=7200, resolution=""):
        parts = tuple(Part(name, 0, to_at, 600 * number) for name in names)
        return Kept(number, Incident(f"campus {names[0]}", 0, to_at, "slow", "", parts), 60.0, resolution, "")

    found = [
        kept(1, "lincoln"), kept(2, "lincoln", to_at=None), kept(3, "oak"), kept(4, "model"),
        kept(5, "oak", resolution="false"), kept(6, "oak", resolution="disproved"),
    ]  # fmt: skip
    steps = {
        1: [Step(1, "detected", 60.0, "judge", ""), Step(1, "acknowledged", HOUR, "ana", ""),
            Step(1, "acknowledged", 2 * HOUR, "ben", ""), Step(1, "fixed", 3 * HOUR, "ana", ""),
            Step(1, "fixed", 5 * HOUR, "ana", ""), Step(1, "verified", 6 * HOUR, "judge", "")],
        2: [Step(2, "acknowledged", 3 * HOUR, "ana", ""), Step(2, "verified", 4 * HOUR, "judge", "")],
        3: [Step(3, "acknowledged", 2 * HOUR, "ana", "")],
        5: [Step(5, "acknowledged", 99 * HOUR, "ana", "")],
    }  # fmt: skip

    answer = figures(found, steps, campuses)

    def of(key, name, simulated=False):
        return next(one for one in answer[key] if name in one.values() and one["simulated"] is simulated)

    lincoln = of("campuses", "lincoln")
    assert (lincoln["incidents"], lincoln["open"], lincoln["lost_seconds"]) == (2, 1, 1800)
    assert lincoln["steps"] == {key: {"count": 0, "median_seconds": None} for key in ALL_STEPS} | {
        "detected": {"count": 1, "median_seconds": 60.0},
        "acknowledged": {"count": 2, "median_seconds": 2 * HOUR},
        "fixed": {"count": 1, "median_seconds": 5 * HOUR},
        "verified": {"count": 1, "median_seconds": 6 * HOUR},
    }
    assert of("campuses", "oak")["incidents"] == 1
    east = of("regions", "East")
    assert (east["incidents"], east["lost_seconds"]) == (3, 3600)
    assert east["steps"]["acknowledged"] == {"count": 3, "median_seconds": 2 * HOUR}
    assert of("regions", "East", simulated=True)["lost_seconds"] == 2400
    assert answer["left_out"] == {"false": 1, "disproved": 1, "planned_work": 0}


def test_a_shared_fault_counts_once_in_its_region_and_in_each_campus():
    campuses = {name: Campus(name, name, "West") for name in ("a", "b")}
    parts = tuple(Part(name, 0, 900, 900) for name in ("a", "b"))
    one = Kept(1, Incident("uplink west", 0, 900, "shared_uplink_cut", "", parts), 60.0, "", "")

    answer = figures([one], {}, campuses)

    assert [(row["campus"], row["incidents"], row["lost_seconds"]) for row in answer["campuses"]] == [
        ("a", 1, 900), ("b", 1, 900),
    ]  # fmt: skip
    assert [(row["incidents"], row["lost_seconds"]) for row in answer["regions"]] == [(1, 1800)]


def test_a_room_report_changes_no_verdict_and_stands_with_the_open_incident(store, clock, judge):
    measured(store, clock, judge, "msss")
    before = strip(store)
    body = {"place": "lincoln/main/102", "text": "nothing loads", "by": "mx lee"}
    made = perform(store, None, clock, "room-report-add", body)
    judged_until(judge, clock, clock() + 1)

    assert strip(store) == before
    assert made["incident"] == 1
    assert (shown(store, clock)["room_reports"], "reports" in shown(store, clock)) == (1, False)
    assert shown(store, clock, names=True)["reports"][0]["text"] == "nothing loads"
    with pytest.raises(NotDone, match="in no room list"):
        perform(store, None, clock, "room-report-add", body | {"place": "lincoln/main/999"})


def test_the_survey_is_due_on_the_fifth_school_day():
    bells = (
        '[schedules.default]\nweekly = { monday = "r", tuesday = "r", wednesday = "r", thursday = "r", friday = "r" }\n'
        "[[schedules.default.days.r]]\nbegins = 08:00:00\nends = 14:00:00\n"
    )
    calendar = 'first = 2026-08-13\nlast = 2026-09-25\n[[days]]\nfrom = 2026-09-18\ntype = "none"\n'
    hours = Hours(parse_bells("b", bells.encode()), parse_calendar("c", calendar.encode()))
    lincoln = Campus("lincoln", "Lincoln")

    # Tuesday 15 September; Friday 18 has no school, nor the weekend: 16, 17, 21, 22, 23.
    assert room_reports.survey_due(hours, lincoln, MORNING) == datetime.date(2026, 9, 23)
    # The calendar ends on the 25th, four school days after Monday the 21st: weekdays stand in, to the next Monday.
    assert room_reports.survey_due(hours, lincoln, MORNING + 6 * 86400) == datetime.date(2026, 9, 28)


def test_a_survey_is_due_then_overdue_and_done_with_a_measurement_in_the_room(store, clock):
    def survey(at):
        return [one["survey"] for one in room_reports.listed(store, now=at)]

    perform(store, None, clock, "room-report-add", {"place": "lincoln/main/101", "text": "slow", "by": "a"})
    later = clock() + 10 * 86400
    assert (survey(clock()), survey(later)) == (["due"], ["overdue"])

    def keep(at):
        rooms = {"lincoln/main/101": RoomAir(at, {})}
        store.write(lambda c: coverage.keep(c, "lincoln", "2026-09-15", rooms)).result()

    keep(clock() - 1)
    assert survey(later) == ["overdue"]
    keep(clock() + 1)
    assert survey(later) == ["done"]


def test_the_open_interface_shows_steps_without_names_and_the_admin_socket_takes_them(store, clock, judge):
    from prometheus_client import CollectorRegistry
    from starlette.applications import Starlette

    from collector.administration.admin import create_admin
    from collector.config import Config
    from collector.incidents import incident_routes
    from collector.services import Services

    measured(store, clock, judge, "msss")
    services = Services(store, Config(), None, clock, CollectorRegistry())

    def asked(app, method, path, **how):
        import asyncio

        async def ask():
            transport = httpx.ASGITransport(app=app)
            async with httpx.AsyncClient(transport=transport, base_url="http://collector") as client:
                return await client.request(method, path, **how)

        return asyncio.run(ask())

    body = {"incident": 1, "step": "acknowledged", "by": "ana", "note": "called Mr Field"}
    done = asked(create_admin(services), "POST", "/admin/incident-step", json=body)
    assert (done.status_code, done.json()["step"]) == (200, "acknowledged")
    public = Starlette(routes=incident_routes.routes(services))
    one = asked(public, "GET", "/v1/incidents/1")
    assert [step["step"] for step in one.json()["steps"]] == ["detected", "acknowledged"]
    assert ("ana" in one.text, "Field" in one.text) == (False, False)
    assert [found["id"] for found in asked(public, "GET", "/v1/incidents?campus=lincoln&open=1").json()] == [1]
    assert asked(public, "GET", "/v1/incidents?campus=oak").json() == []
    assert asked(public, "GET", "/v1/incidents?from=2026-09-16&to=2026-09-17").json()[0]["state"] == "open"
    assert asked(public, "GET", "/v1/incidents/99").status_code == 404
    assert asked(public, "GET", "/v1/incidents?from=soon").status_code == 400
    assert asked(public, "POST", "/v1/incidents/1").status_code == 401


def test_the_words_of_a_report_wait_for_an_operator_and_what_is_erased_is_gone(store, clock):
    body = {"place": "lincoln/main/101", "text": "slow since Monday", "by": "board", "noticed_at": clock() - 3600}
    number = perform(store, None, clock, "room-report-add", body)["room_report"]

    def kept():
        one = room_reports.listed(store, now=clock(), place="lincoln/main/101")[0]
        return one["review"], one["text"], one["noticed_at"]

    assert kept() == ("", "slow since Monday", body["noticed_at"])
    perform(store, None, clock, "room-report-review", {"report": number, "as": "shown", "by": "ana"})
    assert kept()[:2] == ("shown", "slow since Monday")
    perform(store, None, clock, "room-report-review", {"report": number, "as": "erased", "by": "ana"})
    assert kept()[:2] == ("erased", "")
    with pytest.raises(NotDone, match="erased"):
        perform(store, None, clock, "room-report-review", {"report": number, "as": "shown", "by": "ana"})
    with store.read() as connection:
        lines = audit.entries(connection, "room report reviewed")
    assert [(one.actor, one.detail) for one in lines] == [("ana", "erased"), ("ana", "shown")]


@pytest.mark.parametrize("ago", [-3600, 40 * 86400])
def test_a_room_cannot_have_been_bad_in_the_future_or_long_ago(store, clock, ago):
    body = {"place": "lincoln/main/101", "text": "slow", "noticed_at": clock() - ago}
    with pytest.raises(NotDone, match="last month"):
        perform(store, None, clock, "room-report-add", body)


def test_readers_without_an_account_cannot_fill_the_list(store, clock):
    body = {"place": "lincoln/main/101", "text": "slow", "by": "board"}
    for _ in range(room_reports.ROOM_PER_DAY):
        perform(store, None, clock, "room-report-add", body)
    with pytest.raises(room_reports.Enough) as refused:
        perform(store, None, clock, "room-report-add", body)
    assert refused.value.room

    perform(store, None, clock, "room-report-add", body | {"place": "lincoln/main/102"})
    perform(store, None, clock, "room-report-add", body | {"by": "ana"})
    clock.at += 86401
    perform(store, None, clock, "room-report-add", body)


def test_metrics_count_the_incidents_that_last_by_campus_and_cause(store, clock, judge):
    measured(store, clock, judge, "msss")
    with store.read() as connection:
        assert incidents.open_by_campus(connection) == {"lincoln": {"access_point_down": 1}}

    act(store, clock, "incident-close", **{"as": "false", "reason": "a test of the switch"})
    with store.read() as connection:
        assert incidents.open_by_campus(connection) == {}
