"""What radios say, on a real database: first beacons are remembered, days are judged when over, rooms are covered."""

import base64
import datetime

import msgspec
import pytest
from prometheus_client.parser import text_string_to_metric_families

from agent import wire
from collector.administration.operations import perform
from collector.commitment.answers import commitment
from collector.commitment.as_csv import as_csv
from collector.config import Config
from collector.judgement.judge import Judge
from collector.metrics.current import Current
from collector.policies import beginning, policy
from collector.services import Services
from collector.signer import Signer
from collector.store import Batch, Incoming, Store, coverage, judging, ledger, snapshots
from collector.store.evidence import pack
from tests.air_evidence import Bss, airspace, channels, join, throughput
from tests.collector.judgement.test_judge_loop import (
    AGENT,
    AP,
    MORNING,
    SLOT,
    Now,
    approved,
    enrolled,
    imported,
    judged_until,
    minute,
)  # fmt: skip

RADIO, SECOND = "02:00:00:00:01:00", "02:00:00:00:02:00"
OTHER_AP = "00:11:22:33:44:02"
HOME, WALKED = "lincoln/main/101", "lincoln/main/102"
TUESDAY = "2026-09-15"


@pytest.fixture
def clock():
    return Now(MORNING - 3600.0)


@pytest.fixture
def store(tmp_path, clock):
    with Store(f"sqlite:///{tmp_path}/collector.db", slot_seconds=SLOT) as made:
        beginning.ensure_policy(made, clock, demonstration=True, report_seconds=10)
        body = policy.shipped("baseline-2").to_bytes()
        made.write(lambda c: snapshots.keep(c, "policy", body, datetime.date(2026, 1, 1), clock())).result()
        imported(made, clock, "campuses", "id,name,ssids\nlincoln,Lincoln,District\n")
        aps = f"lincoln,{AP},ap-1,10.0.0.1,{RADIO}\nlincoln,{OTHER_AP},ap-2,10.0.0.2,{SECOND}\n"
        imported(made, clock, "access-points", f"campus,id,name,address,bssids\n{aps}")
        imported(made, clock, "rooms", "campus,building,room\nlincoln,main,101\nlincoln,main,102\nlincoln,main,103\n")
        clock.at = float(MORNING)
        enrolled(made, clock)
        approved(made, clock)
        yield made


@pytest.fixture
def judge(store, clock):
    return Judge(store, clock, grace_seconds=60.0)


def heard(start: float, *bss: Bss, **more) -> Incoming:
    """One minute as the agent seals it, with what its radio heard."""
    report = minute(start).report
    tables = {"airspace": airspace(*bss), "channels": channels({36: 0.1})} | more
    report = msgspec.structs.replace(report, **tables)
    document = wire.encode(report)
    return Incoming(report, wire.digest(document), "signature", pack(document))


def pushed(store, clock, *reports: Incoming) -> None:
    clock.at = max(clock.at, *(one.report.start_at + 60 for one in reports))
    store.submit(Batch(AGENT, reports, clock())).result()


GOOD = (Bss(RADIO, -50.0), Bss(SECOND, -55.0))


def tried(outcomes, tests) -> dict:
    return {"join": join(outcomes), "throughput": throughput(tests)}


def record(store):
    with store.read() as connection:
        return ledger.newest(connection, "lincoln", TUESDAY)


def test_a_first_beacon_is_remembered_and_the_earlier_one_replaces_it(store, clock, judge):
    stranger = Bss("02:00:00:00:09:00", -50.0, listed=False)
    pushed(store, clock, heard(MORNING + SLOT, *GOOD, stranger))
    pushed(store, clock, heard(MORNING, GOOD[0]))

    with store.read() as connection:
        found = judging.heard(connection, {AGENT})
    assert {pair: one.at for pair, one in found.items()} == {
        (AGENT, RADIO): (MORNING + 30.0, MORNING + SLOT + 30.0), (AGENT, SECOND): (MORNING + SLOT + 30.0,)
    }  # fmt: skip

    pushed(store, clock, heard(MORNING + 2 * SLOT, GOOD[1]))
    judged_until(judge, clock, MORNING + 3 * SLOT + 61)
    assert judge.latest()["lincoln"].verdict.access_points[AP] == "radio_silent"


def test_a_day_is_judged_when_it_is_over_and_again_with_late_evidence(store, clock, judge):
    for n in range(3):
        pushed(store, clock, heard(MORNING + n * SLOT, *GOOD, **tried(["ok"] * 5, ["ok", "deferred"])))
    judged_until(judge, clock, MORNING + 3 * SLOT + 61)
    assert record(store).record.day_verdict is None

    midnight = MORNING + 15 * 3600
    judged_until(judge, clock, midnight + 61)
    row = record(store)
    assert not row.open
    assert row.record.day_verdict.verdict == "met"
    assert row.record.day_verdict.outcomes == {"join ok": 15, "throughput deferred": 3, "throughput ok": 3}

    pushed(store, clock, heard(MORNING + 3 * SLOT, *GOOD, **tried(["dhcp"] * 5, [])))
    judged_until(judge, clock, midnight + 3 * SLOT + 61)
    again = record(store)
    assert (again.revision, again.reason) == (row.revision + 1, "late evidence")
    said = again.record.day_verdict
    assert (said.verdict, said.cause) == ("short", "dhcp")

    answer = commitment(store, None, None, "lincoln", now=clock(), why=True)["campuses"][0]
    assert answer["days"] == {"met": 0, "short": 1, "unknown": 0, "all": 1}
    assert answer["day_verdict"] == "falls_short"
    assert answer["verdict"] == "falls_short"
    assert answer["day_outcomes"]["throughput deferred"] == 3
    assert [one["cause"] for one in answer["why"]["days"]] == ["dhcp"]


def test_the_metrics_show_criteria_of_slot_day_and_survey_each_with_its_threshold(tmp_path, store, clock, judge):
    def said() -> dict[str, dict[str, float]]:
        services = Services(store, Config(data_dir=tmp_path), Signer.load_or_create(tmp_path), clock)
        services.judge = judge
        current = Current(services)
        current.refresh()
        found: dict[str, dict[str, float]] = {}
        for family in text_string_to_metric_families(current.text().decode()):
            for sample in family.samples:
                found.setdefault(sample.name, {})[sample.labels.get("criterion", "")] = sample.value
        return found

    lower, upper = (f"campus_wifi_criterion_met_ratio_{bound}" for bound in ("lower", "upper"))
    began = "campus_wifi_campus_judged_day_timestamp_seconds"
    for n in range(3):
        pushed(store, clock, heard(MORNING + n * SLOT, *GOOD, **tried(["ok"] * 5, ["ok", "deferred"])))
    judged_until(judge, clock, MORNING + 3 * SLOT + 61)
    told = said()
    # The day lasts: of joining and throughput nothing is said; of three rooms one was heard, and stands covered.
    assert told[lower]["access_point.reachability"] >= 0
    assert "join.success" not in told[lower]
    assert began not in told
    assert (told[lower]["coverage.primary"], told[upper]["coverage.primary"]) == (1 / 3, 1)
    assert told["campus_wifi_policy_signal_dbm"] == {"signal.primary": -67, "coverage.primary": -67}
    assert set(told["campus_wifi_policy_criterion_info"]) == set(told["campus_wifi_policy_share_ratio"])

    midnight = MORNING + 15 * 3600
    judged_until(judge, clock, midnight + 61)
    told = said()
    assert [told[lower][name] for name in ("join.success", "join.time", "campus.throughput")] == [1, 1, 1]
    assert told[began] == {"": midnight - 86400}

    # Late evidence makes another revision of the day, and another word of it.
    pushed(store, clock, heard(MORNING + 3 * SLOT, *GOOD, **tried(["dhcp"] * 5, [])))
    judged_until(judge, clock, midnight + 3 * SLOT + 61)
    assert said()[upper]["join.success"] == 0

    # What another policy judged says nothing of the one that holds.
    document = base64.b64encode(policy.shipped("strict-2").to_bytes()).decode()
    perform(store, None, clock, "policy-adopt", {"document": document, "valid_from": "2026-09-16"})
    told = said()
    assert began not in told
    assert "join.success" not in told[lower]


def test_a_closed_day_that_the_ledger_lost_is_an_unknown_day(store, clock, judge):
    pushed(store, clock, heard(MORNING, *GOOD, **tried(["ok"] * 20, ["ok"] * 3)))
    judged_until(judge, clock, MORNING + 2 * 86400)
    before = commitment(store, None, None, "lincoln", now=clock())["campuses"][0]["days"]
    from collector.store import schema

    table = schema.ledger
    store.write(lambda c: c.execute(table.delete().where(table.c.day == "2026-09-16"))).result()

    assert before == {"met": 1, "short": 0, "unknown": 1, "all": 2}
    assert commitment(store, None, None, "lincoln", now=clock())["campuses"][0]["days"] == before


def test_coverage_counts_the_room_of_the_agent_and_the_rooms_a_technician_walked_through(store, clock, judge):
    pushed(store, clock, heard(MORNING, *GOOD))
    pushed(store, clock, heard(MORNING + 60, Bss(RADIO, -90.0), place=WALKED))
    pushed(store, clock, heard(MORNING + 120, *GOOD, place="roosevelt/main/101"))
    judged_until(judge, clock, MORNING + SLOT + 61)

    answer = commitment(store, None, None, "lincoln", now=clock(), why=True)
    one = answer["campuses"][0]
    primary = one["coverage"][0]
    assert (primary["id"], primary["verdict"]) == ("coverage.primary", "short")
    assert (primary["met"], primary["short"], primary["unknown"], primary["of"]) == (1, 1, 1, 3)
    assert primary["rooms_short"] == [WALKED]
    assert one["rooms"] == {"measured": 2, "listed": 3}
    assert one["why"]["rooms_never_measured"] == ["lincoln/main/103"]
    header, row = as_csv(answer).splitlines()
    assert dict(zip(header.split(","), row.split(","), strict=True))["rooms_covered"] == "1"

    # Another day keeps its own last measurement, and the answer takes the newest.
    pushed(store, clock, heard(MORNING + 86400, *GOOD, place=WALKED))
    judged_until(judge, clock, MORNING + 86400 + SLOT + 61)
    with store.read() as connection:
        then, now = (coverage.latest(connection, day)["lincoln"][WALKED] for day in (TUESDAY, "2026-09-16"))
    assert (then.verdicts["coverage.primary"], now.verdicts["coverage.primary"]) == ("short", "met")
    assert HOME in record(store).record.rooms


def test_no_slot_waits_for_a_device_that_a_technician_carries(store, clock, judge):
    walker = "b" * 32
    enrolled(store, clock, walker)
    perform(store, None, clock, "agents-approve", {"agent": walker, "place": "walking"})
    pushed(store, clock, heard(MORNING, *GOOD))
    judged_until(judge, clock, MORNING + SLOT + 61)

    verdict = judge.latest()["lincoln"].verdict
    assert set(verdict.places) == {HOME}
    assert verdict.cause != "agent_silent"


def test_a_policy_adopted_later_judges_again_only_from_its_day(store, clock, judge):
    pushed(store, clock, heard(MORNING, *GOOD), heard(MORNING + 86400, Bss(RADIO, -90.0), Bss(SECOND, -91.0)))
    judged_until(judge, clock, MORNING + 86400 + SLOT + 61)
    document = base64.b64encode(policy.baseline().to_bytes()).decode()

    done = perform(store, None, clock, "policy-adopt", {"document": document, "valid_from": "2026-09-16"})
    assert done["slots_judged_again"] > 0
    judged_until(judge, clock, clock())

    with store.read() as connection:
        rows = [ledger.newest(connection, "lincoln", day) for day in (TUESDAY, "2026-09-16")]
        kept = {one.hash: one.valid_from for one in snapshots.every(connection, "policy")}
    assert [kept[row.policy] for row in rows] == [datetime.date(2026, 1, 1), datetime.date(2026, 9, 16)]
    criteria = [{one.id for span in row.record.spans for one in span.grounds.criteria} for row in rows]
    assert ["signal.primary" in one for one in criteria] == [True, False]


def test_a_room_is_not_covered_by_what_may_have_been_heard_elsewhere(store, clock, judge):
    def at(slot: int, count: int, fingerprint: str) -> list[Incoming]:
        columns = {name: [None] for name in wire.Host.__struct_fields__}
        host = wire.Host(**columns | {"at": [9.0], "outcome": ["ok"], "surroundings": [fingerprint * 32]})
        return [heard(MORNING + slot * SLOT + 60 * n, *GOOD, host=host) for n in range(count)]

    def covered() -> bool:
        with store.read() as connection:
            return HOME in coverage.latest(connection, TUESDAY).get("lincoln", {})

    pushed(store, clock, *at(0, 4, "a"), *at(1, 2, "b"))
    judged_until(judge, clock, MORNING + 2 * SLOT + 61)
    assert covered()

    pushed(store, clock, *at(2, 5, "b"))
    judged_until(judge, clock, MORNING + 3 * SLOT + 61)
    assert not covered()
    assert HOME not in record(store).record.rooms

    perform(store, None, clock, "agents-confirm", {"agent": AGENT})
    judged_until(judge, clock, clock())
    assert covered()
