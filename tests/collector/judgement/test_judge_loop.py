"""From kept evidence to the ledger on a real database: verdicts, revisions with reasons, the chain, and the answer."""

import base64
import datetime
import hashlib
import itertools
import json
from zoneinfo import ZoneInfo

import pytest

from agent import wire
from collector.administration.operations import perform
from collector.commitment.answers import commitment
from collector.commitment.as_csv import as_csv
from collector.judgement.judge import Judge
from collector.policies import beginning
from collector.store import Batch, Incoming, Store, agents, ledger
from collector.store.evidence import pack

SLOT = 300
ZONE = ZoneInfo("America/Los_Angeles")
# A Tuesday without a clock change; hours are "always", so every slot is class.
MORNING = int(datetime.datetime(2026, 9, 15, 9, 0, tzinfo=ZONE).timestamp())
AP = "00:11:22:33:44:01"
AGENT = "a" * 32
REPORTS = itertools.count(1)


class Now:
    def __init__(self, at: float) -> None:
        self.at = at

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def clock():
    return Now(MORNING - 3600.0)


@pytest.fixture
def store(tmp_path, clock):
    with Store(f"sqlite:///{tmp_path}/collector.db", slot_seconds=SLOT) as made:
        beginning.ensure_policy(made, clock, demonstration=True, report_seconds=10)
        from collector.policies import policy
        from collector.store import snapshots

        day = datetime.date(2026, 1, 1)
        body = policy.baseline().to_bytes()
        made.write(lambda c: snapshots.keep(c, "policy", body, day, clock())).result()
        imported(made, clock, "campuses", 'id,name,simulated\nlincoln,"+1+1",no\nmodel,Model,yes\n')
        imported(made, clock, "access-points", f"campus,id,name,address\nlincoln,{AP},ap-1,10.0.0.1\n")
        imported(made, clock, "rooms", "campus,building,room\nlincoln,main,101\nlincoln,main,102\n")
        yield made


def imported(store, clock, kind: str, text: str):
    body = {"kind": kind, "name": "f.csv", "data": base64.b64encode(text.encode()).decode(), "apply": True}
    return perform(store, None, clock, "import", body)


def enrolled(store, clock, agent: str = AGENT, campus: str = "lincoln") -> None:
    values = {
        "id": agent, "public_key": agent.encode(), "campus": campus, "state": "pending", "name": "", "simulated": False,
        "version": "1", "token": "", "created_at": clock(),
    }  # fmt: skip
    store.write(lambda c: agents.enroll(c, values)).result()


def approved(store, clock, agent: str = AGENT) -> None:
    perform(store, None, clock, "agents-approve", {"agent": agent, "place": "lincoln/main/101"})


def minute(start: float, *, ap_answers: bool = True, path_answers: bool = True, agent: str = AGENT) -> Incoming:
    """One signed minute as an agent would seal it: the access point and two targets beyond the gateway, asked."""

    def echo(kind, targets, answers, **columns):
        count = len(targets)
        received = 3 if answers else 0
        return kind(
            at=[30.0] * count, duration_seconds=[1.0] * count, outcome=["ok" if answers else "timeout"] * count,
            reason=[None] * count, target=targets, method=["icmp"] * count, stamp=["kernel"] * count,
            sent=[3] * count, received=[received] * count, rtt_min_seconds=[0.004 if answers else None] * count,
            rtt_mean_seconds=[0.005 if answers else None] * count,
            rtt_max_seconds=[0.006 if answers else None] * count,
            jitter_seconds=[0.001 if answers else None] * count,
            loss_ratio=[0.0 if answers else 1.0] * count, **columns,
        )  # fmt: skip

    report = wire.Report(
        schema=wire.SCHEMA, agent=agent, agent_version="1", stream="b" * 32, seq=next(REPORTS), boot_id="c" * 32,
        start_at=float(start), duration_seconds=60.0,
        clock=wire.Clock("synced", start - MORNING + 100_000.0), plan=None,
        reach=echo(wire.Reach, [AP], ap_answers),
        path=echo(wire.Path, ["collector", "one", "two"], path_answers, rung=["collector", "internet", "internet"]),
    )  # fmt: skip
    document = wire.encode(report)
    return Incoming(report, wire.digest(document), "signature", pack(document))


def pushed(store, clock, *reports: Incoming) -> None:
    # Nothing is received before it was measured: what claims to be would not count.
    clock.at = max(clock.at, *(one.report.start_at + 60 for one in reports))
    store.submit(Batch(reports[0].report.agent, reports, clock())).result()


def a_slot(slot: int, **how) -> list[Incoming]:
    return [minute(slot + 60 * n, **how) for n in range(5)]


def strip(store, campus: str = "lincoln", day: str = "2026-09-15") -> dict[int, str]:
    with store.read() as connection:
        row = ledger.newest(connection, campus, day)
    return {slot: letter for slot, letter in row.record.slots() if letter != "-"} if row else {}


def judged_until(judge: Judge, clock: Now, at: float) -> None:
    clock.at = at
    while judge.step().more:
        pass


@pytest.fixture
def district(store, clock):
    """One approved agent since nine o'clock."""
    clock.at = float(MORNING)
    enrolled(store, clock)
    approved(store, clock)
    return Judge(store, clock, grace_seconds=60.0)


def test_a_slot_is_met_short_or_unknown_once_its_end_is_more_than_the_grace_ago(store, clock, district):
    pushed(store, clock, *a_slot(MORNING), *a_slot(MORNING + SLOT, ap_answers=False))

    judged_until(district, clock, MORNING + 2 * SLOT + 59)
    assert strip(store) == {MORNING: "m"}

    judged_until(district, clock, MORNING + 2 * SLOT + 61)
    assert strip(store) == {MORNING: "m", MORNING + SLOT: "s"}

    judged_until(district, clock, MORNING + 3 * SLOT + 61)
    assert strip(store) == {MORNING: "m", MORNING + SLOT: "s", MORNING + 2 * SLOT: "u"}

    live = district.latest()["lincoln"]
    assert (live.slot, live.verdict.verdict, live.verdict.cause) == (MORNING + 2 * SLOT, "unknown", "agent_silent")


def test_late_evidence_gives_a_new_revision_with_its_reason_and_the_old_one_stays(store, clock, district):
    pushed(store, clock, *a_slot(MORNING))
    judged_until(district, clock, MORNING + 2 * SLOT + 61)
    assert strip(store) == {MORNING: "m", MORNING + SLOT: "u"}

    clock.at = MORNING + 3 * 86400.0
    pushed(store, clock, *a_slot(MORNING + SLOT, ap_answers=False))
    judged_until(district, clock, clock.at + 61)

    with store.read() as connection:
        revisions = ledger.revisions(connection, "lincoln", "2026-09-15", "2026-09-15")
        changes = ledger.changes(connection, "lincoln", "2026-09-15", "2026-09-15")
    said = [(one.slot, one.old, one.new, one.reason) for one in changes]
    assert said == [(MORNING + SLOT, "unknown", "short", "late evidence")]
    assert dict(revisions[0].record.slots())[MORNING + SLOT] == "u"
    assert dict(revisions[-1].record.slots())[MORNING + SLOT] == "s"
    assert not any(row.open for row in revisions)


def test_the_same_evidence_again_changes_nothing_and_nothing_is_counted_twice(store, clock, district):
    reports = a_slot(MORNING)
    pushed(store, clock, *reports)
    judged_until(district, clock, MORNING + SLOT + 61)
    with store.read() as connection:
        before = ledger.newest(connection, "lincoln", "2026-09-15")

    pushed(store, clock, *reports)
    judged_until(district, clock, MORNING + SLOT + 62)

    with store.read() as connection:
        assert ledger.newest(connection, "lincoln", "2026-09-15") == before
    assert commitment(store, None, None, "lincoln", now=clock())["campuses"][0]["slots"]["all"] == 1


def test_approval_counts_what_a_pending_agent_measured(store, clock):
    judge = Judge(store, clock, grace_seconds=60.0)
    clock.at = float(MORNING)
    enrolled(store, clock)
    pushed(store, clock, *a_slot(MORNING), *a_slot(MORNING + SLOT))
    judged_until(judge, clock, MORNING + 2 * SLOT + 61)
    assert strip(store) == {}

    approved(store, clock)
    judged_until(judge, clock, MORNING + 2 * SLOT + 62)

    assert strip(store) == {MORNING: "m", MORNING + SLOT: "m"}


def test_the_chain_follows_the_order_of_sealing_and_an_outsider_can_compute_it(store, clock, district):
    pushed(store, clock, *a_slot(MORNING))
    judged_until(district, clock, MORNING + 2 * 86400)
    pushed(store, clock, *a_slot(MORNING + SLOT))
    judged_until(district, clock, MORNING + 2 * 86400 + 61)

    with store.read() as connection:
        rows = ledger.sealed(connection)
    before = ""
    for row in rows:
        lines = [before, row.campus, row.day, str(row.revision), repr(row.written_at), row.reason, row.policy,
                 row.inventory, row.hours, row.evidence, hashlib.sha256(row.body).hexdigest()]  # fmt: skip
        before = hashlib.sha256("\n".join(lines).encode()).hexdigest()
        assert row.chain == before
    assert [(row.day, row.revision) for row in rows if row.campus == "lincoln"][-1] == ("2026-09-15", 2)
    assert len(rows) >= 3


def test_the_commitment_equals_a_count_made_outside_and_simulated_campuses_are_in_no_total(store, clock, district):
    truth = {}
    for n, how in enumerate([{}, {"ap_answers": False}, {}, None, {}, {"path_answers": False}]):
        slot = MORNING + n * SLOT
        truth[slot] = "u" if how is None else "m" if not how else "s"
        if how is not None:
            pushed(store, clock, *a_slot(slot, **how))
    judged_until(district, clock, MORNING + len(truth) * SLOT + 61)

    answer = commitment(store, None, None, now=clock(), why=True)

    assert strip(store) == truth
    one = answer["campuses"][0]
    letters = list(truth.values())
    assert one["met_ratio_lower"] == pytest.approx(letters.count("m") / len(letters))
    assert one["met_ratio_upper"] == pytest.approx((letters.count("m") + letters.count("u")) / len(letters))
    assert one["verdict"] == "falls_short"
    assert one["rooms"] == {"measured": 1, "listed": 2}
    assert one["why"]["rooms_never_measured"] == ["lincoln/main/102"]
    assert [span["verdict"] for span in one["why"]["spans"]] == ["short", "unknown", "short"]
    assert answer["totals"]["real"]["campuses"] == answer["totals"]["simulated"]["campuses"] == 1
    assert answer["totals"]["real"]["seconds"]["met"] == 3 * SLOT
    assert answer["campuses"][1]["verdict"] == "not_enough_evidence"
    json.dumps(answer)


def test_a_lost_ledger_row_makes_the_answer_worse_never_better(store, clock, district):
    pushed(store, clock, *a_slot(MORNING))
    judged_until(district, clock, MORNING + 2 * 86400)
    whole = commitment(store, None, None, "lincoln", now=clock())["campuses"][0]
    from collector.store import schema

    table = schema.ledger
    store.write(lambda c: c.execute(table.delete().where(table.c.day == "2026-09-16"))).result()

    less = commitment(store, None, None, "lincoln", now=clock())["campuses"][0]

    assert less["instructional_seconds"] == whole["instructional_seconds"]
    assert less["seconds"]["unknown"] == whole["seconds"]["unknown"]


def test_a_judge_that_starts_again_judges_what_ended_meanwhile(store, clock, district):
    pushed(store, clock, *a_slot(MORNING))
    judged_until(district, clock, MORNING + SLOT + 61)

    judged_until(Judge(store, clock, grace_seconds=60.0), clock, MORNING + 4 * SLOT + 61)

    assert list(strip(store).values()) == ["m", "u", "u", "u"]


def test_a_formula_in_a_name_is_disarmed_in_the_csv(store, clock, district):
    text = as_csv(commitment(store, None, None, now=clock()))

    assert "lincoln,'+1+1," in text


def test_evaluate_judges_a_period_again_and_finds_nothing_to_change(store, clock, district):
    pushed(store, clock, *a_slot(MORNING))
    judged_until(district, clock, MORNING + 2 * SLOT + 61)

    body = {"from": "2026-09-15", "to": "2026-09-15", "campus": "lincoln"}
    done = perform(store, None, clock, "evaluate", body)

    assert (done["slots"], done["changed"]) == (2, 0)
