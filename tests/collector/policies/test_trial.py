"""Another policy tried over a real store: who changes, by how much, for what, and that nothing is written."""

import datetime

import msgspec
import pytest

from agent import wire
from collector.commitment.answers import commitment
from collector.policies.policy import baseline, shipped
from collector.policies.trial import trial
from collector.store import Incoming, ledger, schema
from collector.store.evidence import pack
from tests.collector.judgement.test_judge_loop import (  # noqa: F401 - a store with one approved agent
    MORNING,
    SLOT,
    a_slot,
    clock,
    district,
    judged_until,
    pushed,
    store,
)
from tests.collector.small_ledger import lived_in


def slow(reports, seconds):
    """The same reports, with another round trip."""
    made = []
    for one in reports:
        path = msgspec.structs.replace(one.report.path, rtt_mean_seconds=[seconds] * 3)
        report = msgspec.structs.replace(one.report, path=path)
        document = wire.encode(report)
        made.append(Incoming(report, wire.digest(document), "signature", pack(document)))
    return made


def judged(store, clock, judge, *slots):  # noqa: F811
    for n, how in enumerate(slots):
        rtt = how.pop("rtt", 0.005)
        pushed(store, clock, *slow(a_slot(MORNING + n * SLOT, **how), rtt))
    judged_until(judge, clock, MORNING + len(slots) * SLOT + 61)


def tried(store, clock, policy, **how):  # noqa: F811
    return trial(store, policy, None, None, None, now=clock(), processes=1, **how)


def rows(store):  # noqa: F811
    with store.read() as connection:
        return ledger.revisions(connection, "lincoln", "2026-01-01", "2026-12-31")


def test_a_harder_threshold_changes_the_campus_and_names_the_criterion_and_writes_nothing(store, clock, district):  # noqa: F811
    judged(store, clock, district, {}, {"rtt": 0.08}, {"rtt": 0.08}, {})
    before = rows(store)
    told = []

    answer = tried(store, clock, shipped("strict"), progress=lambda done, all_: told.append((done, all_)))

    one = answer["campuses"][0]
    assert (one["campus"], one["changes"]) == ("lincoln", True)
    assert (one["before"]["verdict"], one["after"]["verdict"]) == ("meets", "falls_short")
    assert one["before"]["seconds"] == {"met": 4 * SLOT, "short": 0, "unknown": 0}
    assert one["after"]["seconds"] == {"met": 2 * SLOT, "short": 2 * SLOT, "unknown": 0}
    assert one["met_ratio_change"] == pytest.approx(-0.5)
    assert [(r.criterion, r.before, r.after, r.seconds) for r in one["because"]] == [
        ("place.rtt", "met", "short", 2 * SLOT)
    ]
    assert not one["objective_decides"]
    assert answer["totals"]["real"] == {
        "campuses": 1, "change": 1,
        "before": {"falls_short": 0, "not_enough_evidence": 0, "meets": 1},
        "after": {"falls_short": 1, "not_enough_evidence": 0, "meets": 0},
    }  # fmt: skip
    assert answer["totals"]["simulated"]["campuses"] == 1
    assert told[-1] == (1, 1)
    assert rows(store) == before


def test_an_objective_alone_can_make_the_difference_and_is_named(store, clock, district):  # noqa: F811
    judged(store, clock, district, *({"ap_answers": n != 3} for n in range(25)))
    harder = msgspec.structs.replace(baseline(), slot_objective=0.99)

    one = tried(store, clock, harder)["campuses"][0]

    assert (one["before"]["verdict"], one["after"]["verdict"]) == ("meets", "falls_short")
    assert one["before"]["seconds"] == one["after"]["seconds"]
    assert one["because"] == [] and one["objective_decides"]


def test_the_policy_that_holds_changes_nothing_of_a_ledger_with_every_kind_of_day(tmp_path):
    made = lived_in(tmp_path)

    answer = trial(made.store, shipped("baseline-2"), None, None, None, now=made.clock(), processes=1)

    standing = commitment(made.store, None, None, now=made.clock())
    assert len(answer["campuses"]) == len(standing["campuses"])
    for one, said in zip(sorted(answer["campuses"], key=lambda c: c["campus"]),
                         sorted(standing["campuses"], key=lambda c: c["campus"]), strict=True):  # fmt: skip
        assert not one["changes"] and one["because"] == []
        assert one["after"]["seconds"] == one["before"]["seconds"] == said["seconds"]
        assert one["met_ratio_change"] == one["met_ratio_upper_change"] == 0.0
    made.store.close()


def test_where_the_evidence_is_gone_the_slot_is_unknown_and_counted(store, clock, district):  # noqa: F811
    judged(store, clock, district, {}, {})
    table = schema.evidence
    store.write(lambda c: c.execute(table.delete().where(table.c.start_at < MORNING + SLOT))).result()

    one = tried(store, clock, shipped("strict"))["campuses"][0]

    assert one["no_evidence_slots"] == 1
    assert one["after"]["seconds"] == {"met": SLOT, "short": 0, "unknown": SLOT}


def test_a_day_outside_the_period_is_not_tried(store, clock, district):  # noqa: F811
    judged(store, clock, district, {}, {"rtt": 0.08})
    since = datetime.date(2026, 9, 16)

    answer = trial(store, shipped("strict"), since, since, None, now=clock(), processes=1)

    assert answer["campus_days"] == 0
