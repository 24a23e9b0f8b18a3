"""Answers of periods and groups from a real ledger: a whole equals the roll-up of its parts."""

import csv
import datetime
import io
import json
import socket
import threading
from pathlib import Path

import httpx
import msgspec
import pytest
import uvicorn
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.applications import Starlette

from collector.commitment.answer_routes import routes
from collector.commitment.answers import Asked, answer, commitment, of_periods
from collector.commitment.as_csv import COLUMNS, GROUP_COLUMNS, LIST_COLUMNS, as_csv
from collector.commitment.groups import BY
from collector.commitment.lists import NAMES
from collector.commitment.period import Known, UnknownPeriod, parse
from collector.config import Config
from collector.school_time.hours import Calendar, Semester
from collector.services import Services
from collector.signer import Signer
from collector.store import exclusions, schema, snapshots
from collector.store.facts import StoreFacts
from collector.verification.facts import Difference
from collector.verification.verify import Verification
from tests.collector.command import command_line
from tests.collector.commitment.days import CAMPUSES, CLASS_SLOTS, SLOT, District, noon, record

D = datetime.date
YEAR = Calendar(
    D(2026, 8, 13), D(2027, 6, 9), {}, {},
    (Semester("fall", D(2026, 8, 13), D(2026, 12, 18)), Semester("spring", D(2027, 1, 11), D(2027, 6, 9))),
)  # fmt: skip
# A Friday evening: September is whole, October has two school days.
NOW = noon(D(2026, 10, 2)) + 6 * 3600
DAYS = [D(2026, 9, 1) + datetime.timedelta(days=n) for n in range(32)]
SCHOOL_DAYS = [day for day in DAYS if day.weekday() < 5]
LETTERS = st.text("msu", min_size=CLASS_SLOTS, max_size=CLASS_SLOTS)


@pytest.fixture
def district(tmp_path: Path):
    made = District(tmp_path, YEAR)
    yield made
    made.store.close()


def whole_september(district: District) -> None:
    """Lincoln meets though a room of it is short; Roosevelt falls short; Vermont lacks evidence; all on each day."""
    for day in SCHOOL_DAYS:
        district.write(
            record("lincoln", day, "m" * 12, {"lincoln/main/1": "ssssmmmmmmmm", "lincoln/main/2": "m" * 12}),
            record("roosevelt", day, "ssssmmmmmmmm", {"roosevelt/main/1": "s" * 4 + "m" * 8}),
            record("vermont", day, "mmmmmmmmmmuu", {"vermont/main/1": "mmmmmmmmmsuu"}),
            record("modelled", day, "s" * 12, {"modelled/main/1": "s" * 12}),
        )


def asked(district: District, **what):
    return answer(district.store, Asked(**what), now=NOW)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.sampled_from(sorted(CAMPUSES)), st.sampled_from(SCHOOL_DAYS), LETTERS), max_size=12))
def test_a_period_equals_the_roll_up_of_its_days_and_groups_that_of_their_campuses(district, written) -> None:
    """Each example adds revisions to the ledger of those before it."""
    for campus, day, letters in written:
        district.write(record(campus, day, letters))
    whole = answer(district.store, Asked(period="month:2026-09", by="board_district"), now=NOW)
    of_days = [commitment(district.store, day, day, now=NOW) for day in DAYS if day.month == 9]
    for one in whole["campuses"]:
        parts = [part for day in of_days for part in day["campuses"] if part["campus"] == one["campus"]]
        for key in ("seconds", "slots", "days"):
            assert one[key] == {word: sum(part[key][word] for part in parts) for word in one[key]}
        allowed = [part["error_budget"]["allowed_seconds"] for part in parts]
        assert one["error_budget"]["allowed_seconds"] == pytest.approx(sum(allowed))
    for by in BY[1:]:
        grouped = answer(district.store, Asked(period="month:2026-09", by=by), now=NOW)
        for group in grouped["groups"]:
            mine = [c for c in whole["campuses"] if (c[by], c["simulated"]) == (group["group"], group["simulated"])]
            assert group["campuses"] == len(mine) > 0
            assert group["seconds"] == {word: sum(c["seconds"][word] for c in mine) for word in group["seconds"]}
            met, total = group["seconds"]["met"], sum(group["seconds"].values())
            assert group["met_ratio_lower"] == pytest.approx(met / total if total else 0)
        assert sum(group["campuses"] for group in grouped["groups"]) == len(CAMPUSES)


def test_each_answer_has_bounds_budget_evidence_trend_and_both_figures(district) -> None:
    whole_september(district)
    found = asked(district, period="month:2026-09")
    lincoln, roosevelt = (
        one for name in ("lincoln", "roosevelt") for one in found["campuses"] if one["campus"] == name
    )

    seconds = 22 * CLASS_SLOTS * SLOT
    assert (found["from"], found["to"], found["period"]) == (
        "2026-09-01", "2026-09-30", {"kind": "month", "name": "2026-09"},
    )  # fmt: skip
    assert lincoln["verdict"] == "meets"
    assert lincoln["error_budget"]["left_seconds_lower"] == pytest.approx(0.05 * seconds)
    assert roosevelt["error_budget"]["left_seconds_upper"] == pytest.approx(0.05 * seconds - seconds / 3)
    assert roosevelt["error_budget"]["left_ratio_upper"] == pytest.approx(1 - (1 / 3) / 0.05)
    assert roosevelt["without_exclusions"]["verdict"] == "falls_short"
    assert lincoln["trend"]["why_not"].endswith("begins on 2026-09-01, after the period before began on 2026-08-01")
    assert (lincoln["grade_span"], roosevelt["grade_span"], found["campuses"][-1]["simulated"]) == (
        "elementary", "high", True,
    )  # fmt: skip
    assert found["totals"]["real"]["campuses"] == 3
    assert found["totals"]["simulated"]["seconds"] == {"met": 0, "short": seconds, "unknown": 0}


def test_a_period_that_is_not_over_is_compared_with_as_many_days_of_the_one_before(district) -> None:
    whole_september(district)
    found = asked(district, period="month")

    assert found["before"] == {"name": "2026-09", "from": "2026-09-01", "to": "2026-09-02"}
    assert all(one["trend"]["comparable"] for one in found["campuses"])
    assert {one["trend"]["direction"] for one in found["campuses"]} == {"unchanged"}
    district.write(record("roosevelt", D(2026, 10, 1), "m" * 12))
    roosevelt = next(one for one in asked(district, period="month")["campuses"] if one["campus"] == "roosevelt")
    assert (roosevelt["trend"]["direction"], roosevelt["trend"]["met_ratio_lower_change"]) == (
        "better", pytest.approx(1 / 6),
    )  # fmt: skip


def test_a_period_judged_by_another_policy_is_not_compared(district) -> None:
    whole_september(district)
    other = msgspec.structs.replace(district.policy, slot_objective=0.99)
    district.store.write(lambda c: snapshots.keep(c, "policy", other.to_bytes(), D(2026, 10, 1), 1.0)).result()

    found = asked(district, period="month")
    assert {one["trend"]["why_not"] for one in found["campuses"]} == {"another policy judged the period before"}


def test_semester_school_year_and_term_come_from_the_calendar_and_the_agreement(district) -> None:
    whole_september(district)
    for text, first, last in (
        ("semester", "2026-08-13", "2026-12-18"),
        ("school_year", "2026-08-13", "2027-06-09"),
        ("term", "2025-07-01", "2028-06-30"),
        ("semester:spring", "2027-01-11", "2027-06-09"),
    ):
        found = asked(district, period=text)
        assert (found["from"], found["to"]) == (first, last)
        spring = text == "semester:spring"
        assert found["totals"]["real"]["instructional_seconds"] == (0 if spring else 3 * 24 * CLASS_SLOTS * SLOT)
    assert asked(district, period="semester:spring")["campuses"][0]["trend"]["why_not"] == "the period has not begun"


def test_planned_work_is_left_out_of_the_second_figure_at_every_level(district) -> None:
    whole_september(district)
    begin = noon(D(2026, 9, 8)) - 4 * 3600

    def plan(connection) -> None:
        one = exclusions.ask(connection, "roosevelt", begin, begin + 4 * SLOT, "switches", "ana", 0.0)
        exclusions.approve(connection, one, "ben", 1.0)

    district.store.write(plan).result()
    found = asked(district, period="month:2026-09", by="region")
    north = next(one for one in found["groups"] if one["group"] == "North" and not one["simulated"])

    for whole in (north, found["totals"]["real"]):
        without = whole["without_exclusions"]
        assert whole["instructional_seconds"] - without["instructional_seconds"] == 4 * SLOT
        assert without["seconds"]["short"] == whole["seconds"]["short"] - 4 * SLOT
        assert without["met_ratio_lower"] > whole["met_ratio_lower"]


def test_lists_name_short_rooms_of_campuses_that_meet_silent_rooms_and_campuses_without_evidence(district) -> None:
    whole_september(district)
    found = asked(district, period="month:2026-09")["lists"]

    assert [(one["room"], one["campus_verdict"], one["short_ratio"]) for one in found["rooms_short"]] == [
        ("lincoln/main/1", "meets", pytest.approx(1 / 3)),
        ("roosevelt/main/1", "falls_short", pytest.approx(1 / 3)),
        ("modelled/main/1", "falls_short", 1.0),
    ]
    silent = found["rooms_silent_while_short"]
    assert {one["room"] for one in silent} == {"vermont/main/1"}
    assert len(silent) == 22
    assert [one["is_silent"] for one in silent] == [True] + [False] * 21
    assert [one["campus"] for one in found["campuses_below_evidence_floor"]] == ["vermont"]
    assert asked(district, rooms_over=0.34)["lists"]["rooms_short"][0]["campus"] == "modelled"
    assert asked(district, evidence_floor=0.5)["lists"]["campuses_below_evidence_floor"] == []


def test_the_gauges_of_all_periods_read_at_once_are_the_answers_of_each(district) -> None:
    whole_september(district)
    known = Known(D(2026, 10, 2), (YEAR,))
    texts = ("day", "7d", "30d", "month", "month:2026-09", "semester", "term")
    at_once = of_periods(district.store, {text: parse(text, known) for text in texts}, now=NOW)

    for text in texts:
        for one in asked(district, period=text)["campuses"]:
            same = at_once[text][one["campus"]]
            assert {key: same[key] for key in same if key != "trend"} == {
                key: one[key] for key in same if key != "trend"
            }


def test_a_lost_day_counts_as_unknown_and_changed_sums_are_named_by_verify(district) -> None:
    whole_september(district)
    table = schema.day_sums

    def spoil(connection) -> None:
        connection.execute(schema.ledger.delete().where(schema.ledger.c.day == "2026-09-03"))
        connection.execute(
            table.update().where(table.c.campus == "roosevelt", table.c.day == "2026-09-04").values(short_seconds=0)
        )

    lincoln = asked(district, period="month:2026-09", campus="lincoln")["campuses"][0]
    district.store.write(spoil).result()
    after = asked(district, period="month:2026-09", campus="lincoln")["campuses"][0]
    with district.store.read() as connection:
        found = list(Verification(StoreFacts(connection, None, None, None)).differences())

    assert after["seconds"]["unknown"] - lincoln["seconds"]["unknown"] == CLASS_SLOTS * SLOT
    changed = Difference(
        "sums of roosevelt 2026-09-04", "they are not what the ledger's row says", "roosevelt", "2026-09-04"
    )
    assert changed in found


def test_csv_of_campuses_groups_and_lists_is_whole_and_runs_no_formula(district) -> None:
    whole_september(district)
    found = asked(district, period="month:2026-09")
    campuses = list(csv.DictReader(io.StringIO(as_csv(found))))
    groups = list(csv.DictReader(io.StringIO(as_csv(asked(district, period="month:2026-09", by="grade_span")))))

    assert tuple(campuses[0]) == COLUMNS
    assert "'=Lincoln" in [one["name"] for one in campuses]
    assert tuple(groups[0]) == GROUP_COLUMNS
    assert [one["group"] for one in groups] == ["high", "span", "elementary", ""]
    for name in NAMES:
        assert as_csv(found, name).splitlines()[0] == ",".join(LIST_COLUMNS[name])
    assert len(as_csv(found, "rooms_silent_while_short").splitlines()) == 23


def test_a_person_asks_for_periods_groups_and_lists_on_the_command_line(district, tmp_path: Path) -> None:
    whole_september(district)
    run = command_line(tmp_path)
    shown = run("commitment", "--period", "month:2026-09", "--by", "board_district")
    listed = run("commitment", "--period", "month:2026-09", "--list", "rooms_short", "--json")

    assert (shown.returncode, shown.stderr) == (0, "")
    assert "Commitment month 2026-09, 2026-09-01 to 2026-09-30, policy baseline version 1 (proposed)" in shown.stdout
    assert "By board district" in shown.stdout
    assert "SIMULATED" in shown.stdout
    assert "error budget left" in shown.stdout
    assert json.loads(listed.stdout)[0]["room"] == "lincoln/main/1"
    for words, said in (
        (("--period", "month:2026-13"), "'2026-13' is no month\n  write month:2026-10"),
        (("--period", "semester:winter"), "known: 2026-27/fall, 2026-27/spring"),
        (("--period", "month", "--from", "2026-09-01"), "leave one of them out"),
        (("--rooms-over", "2"), "no share from 0 to 1"),
    ):
        refused = run("commitment", *words)
        assert refused.returncode == 2
        assert said in refused.stderr


def test_without_a_calendar_a_semester_is_an_error_and_not_an_empty_answer(tmp_path: Path) -> None:
    district = District(tmp_path)
    with pytest.raises(UnknownPeriod, match="no calendar says when the semesters are"):
        asked(district, period="semester")
    district.store.close()


def test_the_same_is_answered_over_http_and_a_wrong_question_says_what_to_write(district, tmp_path: Path) -> None:
    whole_september(district)
    config = Config(data_dir=tmp_path)
    services = Services(district.store, config, Signer.load_or_create(tmp_path), lambda: NOW)
    listener = socket.create_server(("127.0.0.1", 0))
    app = Starlette(routes=routes(services))
    server = uvicorn.Server(uvicorn.Config(app, lifespan="off", log_config=None, access_log=False))
    thread = threading.Thread(target=lambda: server.run([listener]), daemon=True)
    thread.start()
    with httpx.Client(base_url=f"http://127.0.0.1:{listener.getsockname()[1]}", timeout=20, trust_env=False) as http:
        whole = http.get("/v1/commitment?period=month:2026-09&by=region").json()
        listed = http.get("/v1/commitment?period=month:2026-09&list=rooms_short").json()
        table = http.get("/v1/commitment?period=month:2026-09&by=region&format=csv").text
        queries = ("period=moth", "by=colour", "list=all", "rooms_over=2", "period=day&to=2026-01-01")
        wrong = {query: http.get(f"/v1/commitment?{query}") for query in queries}
    server.should_exit = True
    thread.join(20)

    same = asked(district, period="month:2026-09", by="region")
    assert whole == json.loads(msgspec.json.encode(same))
    assert listed == whole["lists"]["rooms_short"]
    assert table == as_csv(same)
    assert {found.status_code for found in wrong.values()} == {400}
    assert "write one of day, week" in wrong["period=moth"].json()["error"]
    assert "is none of campus, region" in wrong["by=colour"].json()["error"]
