"""What lets a report leave the spool, and what does not: over a real socket against a collector double."""

from __future__ import annotations

import base64
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent import enroll, wire
from agent.identity import Identity
from agent.push import Pusher
from agent.recorder import WindowRecorder
from agent.spool import Spool
from agent.transport import Transport, client
from tests.agent.doubles import CollectorDouble, FakeClock


class Rig:
    """One agent's spool and pusher before a collector double, with time in hand."""

    def __init__(self, folder: Path, double: CollectorDouble) -> None:
        self.double = double
        self.clock = FakeClock()
        self.identity = Identity.generate()
        double.agents[self.identity.id] = self.identity.public_key
        self.spool = Spool(folder / "spool.sqlite3", self.clock)
        self.http = client(None, self.clock)
        self.transport = Transport(
            double.url,
            identity=self.identity,
            clock=self.clock,
            http=self.http,
            collector_key=double.key.public_key,
        )
        self.pusher = Pusher(
            agent_id=self.identity.id,
            spool=self.spool,
            courier=self.transport,
            clock=self.clock,
            chance=random.Random(1),
        )
        self.recorder = WindowRecorder(
            identity=self.identity, spool=self.spool, clock=self.clock, report_seconds=60, agent_version="0"
        )

    def seal(self, count: int) -> list[tuple[str, int]]:
        sealed = []
        for _ in range(count):
            self.clock.move(60)
            sealed += [(held.stream, held.seq) for held in self.recorder.seal()]
        return sealed

    def drain(self) -> None:
        for _ in range(100):
            wait = self.pusher.step()
            if wait is None:
                return
            self.clock.move(wait)
        raise AssertionError("the backlog does not drain")


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    double = CollectorDouble()
    made = Rig(tmp_path, double)
    yield made
    made.spool.close()
    made.http.close()
    double.close()


def test_what_is_sealed_is_kept_once_by_the_collector_and_leaves_the_backlog(rig: Rig) -> None:
    sealed = rig.seal(120)
    rig.drain()
    assert rig.double.kept.keys() == set(sealed)
    assert rig.double.accepted == 120
    assert rig.spool.counts().pending == 0


def test_the_newest_reports_go_before_the_backlog(rig: Rig) -> None:
    sealed = rig.seal(100)
    rig.pusher.step()
    kept = set(rig.double.kept)
    assert set(sealed[-5:]) <= kept
    assert set(sealed[:50]) <= kept
    assert sealed[60] not in kept


@pytest.mark.parametrize("fault", ["portal", "redirect", "forged", "revoked", "busy"])
def test_no_answer_but_a_signed_acknowledgement_lets_a_report_go(rig: Rig, fault: str) -> None:
    sealed = rig.seal(7)
    rig.double.fault = fault
    for _ in range(20):
        wait = rig.pusher.step()
        assert wait is not None and wait > 0
        rig.clock.move(wait)
    assert rig.spool.counts().pending == 7
    assert rig.spool.counts().rejected == 0
    rig.double.fault = ""
    rig.clock.move(5000)
    rig.drain()
    assert rig.double.kept.keys() == set(sealed)


def test_a_reply_cut_at_any_byte_loses_nothing_and_counts_nothing_twice(rig: Rig) -> None:
    sealed = rig.seal(3)
    rig.double.fault = "cut"
    for cut_at in range(0, 700, 7):
        rig.double.cut_at = cut_at
        wait = rig.pusher.step()
        rig.clock.move(wait or 0)
    rig.double.fault = ""
    rig.clock.move(1000)
    rig.drain()
    assert rig.double.kept.keys() == set(sealed)
    assert rig.double.accepted == 3
    assert rig.double.conflicts == 0


def test_the_poison_report_is_found_by_halving_set_aside_and_told(rig: Rig) -> None:
    sealed = rig.seal(40)
    rig.double.poison = {sealed[17]}
    rig.drain()
    assert rig.double.kept.keys() == set(sealed) - {sealed[17]}
    assert rig.spool.counts().rejected == 1
    rig.seal(1)
    rig.drain()
    assert [(loss.stream, loss.first_seq) for loss in rig.double.losses] == [sealed[17]]


def test_where_everything_is_refused_nothing_is_set_aside(rig: Rig) -> None:
    sealed = rig.seal(8)
    rig.double.poison = set(sealed)
    for _ in range(30):
        rig.clock.move(rig.pusher.step() or 60)
    assert rig.spool.counts().rejected == 0
    assert rig.spool.counts().pending == 8
    rig.double.poison = set()
    rig.clock.move(1000)
    rig.drain()
    assert rig.double.kept.keys() == set(sealed)


def test_retry_after_is_a_floor_and_waiting_is_jittered(rig: Rig) -> None:
    rig.seal(1)
    rig.double.fault = "busy"
    waits = []
    for _ in range(30):
        wait = rig.pusher.step()
        assert wait is not None
        waits.append(wait)
        rig.clock.move(wait)
    assert min(waits) >= 120
    assert len({round(wait) for wait in waits}) > 10


def test_the_first_reconnect_is_spread_over_a_minute_and_later_ones_are_capped(rig: Rig) -> None:
    rig.seal(1)
    rig.double.close()
    waits = []
    for _ in range(40):
        wait = rig.pusher.step()
        assert wait is not None
        waits.append(wait)
        rig.clock.move(wait)
    assert waits[0] <= 60
    assert waits[1] <= 10
    assert max(waits) <= 300
    assert max(waits[10:]) > 100


def test_a_refused_agent_asks_hourly(rig: Rig) -> None:
    rig.seal(1)
    rig.double.fault = "revoked"
    wait = rig.pusher.step()
    assert wait is not None and 3600 <= wait <= 4200
    assert rig.pusher.standing.state == "refused"


def test_a_plan_comes_signed_and_with_its_etag_only_once(rig: Rig) -> None:
    from agent.plan import verified

    signed = rig.transport.plan(None)
    assert signed is not None
    in_force = verified(signed, rig.double.key.public_key, rig.identity.id)
    assert in_force.plan.campus == "c1"
    assert rig.transport.plan(in_force.digest) is None
    assert rig.double.etags == [None, f'"{in_force.digest}"']


def test_enrolling_again_with_the_same_key_is_harmless_and_a_lost_answer_burns_no_token(tmp_path: Path) -> None:
    double = CollectorDouble()
    try:
        join = enroll.parse(double.join())
        double.fault = "cut"
        lost = 0
        for cut_at in range(0, 2000, 17):
            double.cut_at = cut_at
            try:
                enroll.enroll(join, tmp_path, FakeClock(), version="0")
                break
            except enroll.EnrollError:
                lost += 1
        assert lost > 10
        double.fault = ""
        kept = enroll.enroll(join, tmp_path, FakeClock(), version="0")
        again = enroll.enroll(join, tmp_path, FakeClock(), version="0")
        assert kept.agent == again.agent
        assert list(double.agents) == [kept.agent]
        assert base64.b64decode(kept.collector_key) == double.key.public_key
        with pytest.raises(enroll.EnrollError, match="taken by another key"):
            enroll.enroll(join, tmp_path / "other", FakeClock(), version="0")
    finally:
        double.close()


def test_an_answer_without_end_is_cut_off(rig: Rig) -> None:
    rig.seal(1)
    rig.double.route = lambda *_: (200, b"x" * (2 << 20), {})  # type: ignore[method-assign]
    wait = rig.pusher.step()
    assert wait is not None
    assert "longer than" in rig.pusher.standing.reason
    assert rig.spool.counts().pending == 1


def test_a_wire_acknowledgement_of_another_request_counts_for_nothing(rig: Rig) -> None:
    sealed = rig.seal(1)
    ack = wire.encode(wire.Ack("other", rig.identity.id, [wire.Result(*sealed[0], "accepted")], {}, 0.0))
    rig.double.route = lambda *_: (  # type: ignore[method-assign]
        200, ack, {"Campus-Wifi-Signature": rig.double.key.sign("ack", ack)},
    )  # fmt: skip
    rig.pusher.step()
    assert rig.spool.counts().pending == 1
