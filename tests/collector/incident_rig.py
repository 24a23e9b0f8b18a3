"""A small district on a real database whose slots a test writes as letters: m met, s short, u without a report."""

import contextlib
import datetime
from collections.abc import Iterator
from pathlib import Path

from msgspec import structs

from agent import wire
from collector.administration.operations import perform
from collector.judgement.judge import Judge
from collector.policies import beginning, policy
from collector.store import Incoming, Store, snapshots
from collector.store.evidence import pack
from tests.collector.judgement.test_judge_loop import (
    AP,
    MORNING,
    SLOT,
    Now,
    a_slot,
    enrolled,
    imported,
    judged_until,
    pushed,
)

CAMPUSES = "id,name,region,uplink,simulated\nlincoln,Lincoln,East,,no\noak,Oak,West,,no\nmodel,Model,East,,yes\n"


@contextlib.contextmanager
def a_district(folder: Path, clock: Now, campuses: str = CAMPUSES) -> Iterator[Store]:
    with Store(f"sqlite:///{folder}/collector.db", slot_seconds=SLOT) as store:
        beginning.ensure_policy(store, clock, demonstration=True, report_seconds=10)
        day = datetime.date(2026, 1, 1)
        body = policy.baseline().to_bytes()
        store.write(lambda c: snapshots.keep(c, "policy", body, day, clock())).result()
        imported(store, clock, "campuses", campuses)
        imported(store, clock, "access-points", f"campus,id,name,address\nlincoln,{AP},ap-1,10.0.0.1\n")
        imported(store, clock, "rooms", "campus,building,room\nlincoln,main,101\nlincoln,main,102\n")
        yield store


def stands(store: Store, clock: Now, agent: str = "a" * 32, place: str = "lincoln/main/101") -> None:
    enrolled(store, clock, agent, place.split("/", 1)[0])
    perform(store, None, clock, "agents-approve", {"agent": agent, "place": place})


def measured(store: Store, clock: Now, judge: Judge, letters: str, since: int = MORNING, agent: str = "a" * 32) -> None:
    """Pushes one slot a letter and has the judge look at each as it ends."""
    for number, letter in enumerate(letters):
        slot = since + number * SLOT
        if letter != "u":
            pushed(store, clock, *a_slot(slot, ap_answers=letter == "m", agent=agent))
        judged_until(judge, clock, slot + SLOT + 61)


def for_access_point(one: Incoming, ap: str) -> Incoming:
    """The same minute, in which another access point was asked."""
    report = structs.replace(one.report, reach=structs.replace(one.report.reach, target=[ap]))
    document = wire.encode(report)
    return Incoming(report, wire.digest(document), "signature", pack(document))


def iso(at: float) -> str:
    return datetime.datetime.fromtimestamp(at, datetime.UTC).isoformat()
