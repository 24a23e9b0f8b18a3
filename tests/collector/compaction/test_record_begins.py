"""When a campus's record begins is a fact of its history: what retention lets go does not move it."""

import datetime

import pytest

from agent import wire
from collector import retention
from collector.commitment.answers import commitment
from collector.compaction.compactor import Compactor
from collector.config import Config
from collector.judgement.judge import Judge
from collector.store import Batch, Incoming, Store, agents, evidence, judging
from collector.store.evidence import pack
from tests.collector.rig import CAMPUS, MODELLED, Clock, Device, fill

DAY = 86400.0
BEGIN = datetime.datetime(2026, 9, 15, 16, 0, tzinfo=datetime.UTC).timestamp()


@pytest.fixture
def store(tmp_path):
    with Store(f"sqlite:///{tmp_path}/collector.db") as made:
        fill(made, BEGIN)
        yield made


def measured(store: Store, device: Device, campus: str, minutes: int) -> None:
    values = {
        "id": device.id, "public_key": device.identity.public_key, "campus": campus, "state": "pending", "name": "",
        "simulated": device.simulated, "version": "1", "token": "", "created_at": BEGIN + DAY,
    }  # fmt: skip
    store.write(lambda c: agents.enroll(c, values)).result()
    store.write(lambda c: agents.approve(c, device.id, None, "test", BEGIN + DAY, 300)).result()
    if not device.simulated:
        # It stood there before anybody said so: evidence of that time is the campus's too.
        store.write(lambda c: agents.move(c, device.id, campus, None, "test", BEGIN + DAY, 300, BEGIN)).result()
    for n in range(minutes):
        report = device.report(BEGIN + 60 * n)
        data = wire.encode(report)
        batch = Batch(device.id, [Incoming(report, wire.digest(data), "s", pack(data))], BEGIN + 60 * n + 61)
        store.submit(batch).result()


def said(store: Store, now: float) -> dict:
    with store.read() as connection:
        singly = {name: judging.record_begins(connection, name) for name in (CAMPUS, MODELLED)}
        assert judging.records_begin(connection, singly) == singly
    answer = commitment(store, now=now, since=datetime.date(2026, 9, 14), until=datetime.date(2026, 9, 18))
    slots = {one["campus"]: (one["record_from"], one["slots"]) for one in answer["campuses"]}
    return {name: (begins, slots[name]) for name, begins in singly.items()}


def test_a_campus_whose_first_evidence_expired_begins_when_it_began(store):
    """A simulated campus has nothing else to begin with: its agents are placed since for ever."""
    measured(store, Device(), CAMPUS, 300)
    measured(store, Device(simulated=True), MODELLED, 300)
    clock = Clock(BEGIN + 3 * DAY)
    judge = Judge(store, clock)
    while judge.step().more:
        pass
    before = said(store, BEGIN + 3 * DAY)
    assert {begins for begins, _ in before.values()} == {BEGIN}
    Compactor(store, clock, 3600.0, forwards=False).run()
    assert said(store, BEGIN + 3 * DAY) == before

    gone = 0
    for days in (10.01, 10.1, 10.3):  # the oldest hours first, in three goes
        gone += retention.apply(store, Config(evidence_days=10), lambda days=days: BEGIN + days * DAY)
        assert said(store, BEGIN + 3 * DAY) == before
    with store.read() as connection:
        # The newest report of all stays as it landed.
        assert [one.start_at for one in evidence.of_campus(connection, MODELLED, 0, 4e9)] == [BEGIN + 299 * 60]
    assert gone >= 6

    clock = Clock(BEGIN + 3 * DAY)
    judge = Judge(store, clock)  # a judge that starts again reads where the record begins anew
    while judge.step().more:
        pass
    assert said(store, BEGIN + 3 * DAY) == before


def test_late_evidence_of_an_hour_that_expired_begins_nothing_anew(store):
    measured(store, Device(), CAMPUS, 90)
    clock = Clock(BEGIN + 2 * DAY)
    Compactor(store, clock, 3600.0, forwards=False).run()
    with store.read() as connection:
        before = judging.record_begins(connection, CAMPUS)
    retention.apply(store, Config(evidence_days=10), lambda: BEGIN + 12 * DAY)
    late = Device()
    measured(store, late, CAMPUS, 5)
    Compactor(store, lambda: BEGIN + 13 * DAY, 3600.0, forwards=False).run()
    retention.apply(store, Config(evidence_days=10), lambda: BEGIN + 14 * DAY)

    with store.read() as connection:
        assert judging.record_begins(connection, CAMPUS) == before
