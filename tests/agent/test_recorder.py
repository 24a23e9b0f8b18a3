"""Rows land in the window in which they were measured, whatever the clock does."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent import wire
from agent.identity import Identity, verify
from agent.recorder import WindowRecorder
from agent.spool import Held, Spool
from tests.agent.doubles import FakeClock


def host_table(*at: float) -> wire.Host:
    columns = {name: [None] * len(at) for name in wire.Host.__struct_fields__}
    return wire.Host(**{**columns, "at": list(at), "outcome": ["ok"] * len(at)})  # type: ignore[arg-type]


def reach_table(*at: float) -> wire.Reach:
    n = len(at)
    return wire.Reach(
        at=list(at), duration_seconds=[0.1] * n, outcome=["ok"] * n, reason=[None] * n,
        target=[f"ap-{i}" for i in range(n)], method=["icmp"] * n, stamp=["kernel"] * n, sent=[3] * n,
        received=[3] * n, rtt_min_seconds=[0.01] * n, rtt_mean_seconds=[0.01] * n, rtt_max_seconds=[0.01] * n,
        jitter_seconds=[0.0] * n, loss_ratio=[0.0] * n,
    )  # fmt: skip


class Rig:
    def __init__(self, folder: Path, clock: FakeClock, report_seconds: float = 60) -> None:
        self.clock = clock
        self.identity = Identity.generate()
        self.spool = Spool(folder / "spool.sqlite3", clock)
        self.recorder = WindowRecorder(
            identity=self.identity, spool=self.spool, clock=clock, report_seconds=report_seconds, agent_version="0"
        )


def read(held: Held) -> wire.Report:
    return wire.decode_report(held.report)[0]


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path, FakeClock())


def test_a_window_is_sealed_once_signed_and_aligned_to_the_wall_clock(rig: Rig) -> None:
    rig.recorder.record("host", host_table(rig.clock.boot + 3))
    rig.clock.move(51)
    assert rig.recorder.seal() == []
    rig.clock.move(5)
    (held,) = rig.recorder.seal()
    report = read(held)
    assert report.start_at == 1_800_000_000.0
    assert report.duration_seconds == 60
    assert report.host is not None and report.host.at == [13.0]
    assert verify(rig.identity.public_key, "report", held.report, held.signature)
    assert rig.recorder.seal() == []


def test_an_empty_window_is_reported_too_because_silence_must_mean_absence(rig: Rig) -> None:
    for expected in range(3):
        rig.clock.move(60)
        (held,) = rig.recorder.seal()
        assert read(held).start_at == 1_800_000_000.0 + 60 * expected


def test_a_turn_that_comes_a_hair_early_costs_no_window(rig: Rig) -> None:
    rig.clock.move(54.995)
    assert rig.recorder.seal() == []
    rig.clock.move(60.01)
    assert [read(held).start_at for held in rig.recorder.seal()] == [1_800_000_000.0, 1_800_000_060.0]


def test_rows_of_one_sweep_go_each_to_its_own_window(rig: Rig) -> None:
    boot = rig.clock.boot
    rig.recorder.record("reach", reach_table(boot + 48, boot + 49, boot + 50, boot + 51))
    rig.clock.move(60)
    (first,) = rig.recorder.seal()
    rig.clock.move(60)
    (second,) = rig.recorder.seal()
    assert read(first).reach.target == ["ap-0", "ap-1"]  # type: ignore[union-attr]
    assert read(second).reach.target == ["ap-2", "ap-3"]  # type: ignore[union-attr]
    assert read(second).reach.at == [0.0, 1.0]  # type: ignore[union-attr]


def test_rows_that_come_late_get_a_second_report_of_their_window(rig: Rig) -> None:
    boot = rig.clock.boot
    rig.clock.move(60)
    rig.recorder.seal()
    rig.recorder.record("reach", reach_table(boot + 40))
    rig.clock.move(60)
    late, current = map(read, rig.recorder.seal())
    assert (late.start_at, current.start_at) == (1_800_000_000.0, 1_800_000_060.0)
    assert late.reach is not None and current.reach is None
    assert current.seq == late.seq + 1


def test_a_flush_seals_the_window_that_is_not_over(rig: Rig) -> None:
    rig.recorder.record("host", host_table(rig.clock.boot + 3))
    rig.clock.move(20)
    (held,) = rig.recorder.flush()
    assert read(held).duration_seconds == 30
    assert read(held).host is not None


def test_an_unknown_clock_seals_relative_to_boot_and_one_later_report_carries_the_anchor(tmp_path: Path) -> None:
    clock = FakeClock(now=12.0, state="unknown")
    rig = Rig(tmp_path, clock)
    rig.recorder.record("host", host_table(clock.boot + 10))
    clock.move(60)
    (unplaced,) = map(read, rig.recorder.seal())
    assert unplaced.start_at is None
    assert unplaced.host is not None
    measured = unplaced.clock.boottime_seconds + unplaced.host.at[0]
    assert measured == 1010.0
    clock.learn(1_800_000_000.0, 0.1)
    clock.move(60)
    (placed,) = map(read, rig.recorder.seal())
    assert placed.start_at is not None
    (anchor,) = placed.anchors
    assert anchor.boot_id == unplaced.boot_id
    # The collector's arithmetic: boot time plus the anchor's offset is when it really was.
    assert measured + anchor.offset_seconds == pytest.approx(1_800_000_000.0 - 50)
    clock.move(60)
    assert [read(held).anchors for held in rig.recorder.seal()] == [[]]


def test_a_lost_anchor_is_sent_again(tmp_path: Path) -> None:
    clock = FakeClock(now=12.0, state="unknown")
    rig = Rig(tmp_path, clock)
    clock.move(60)
    rig.recorder.seal()
    clock.learn(1_800_000_000.0, 0.1)
    clock.move(60)
    (carrier,) = rig.recorder.seal()
    assert read(carrier).anchors
    with rig.spool._shelf.writing():  # type: ignore[union-attr]
        rig.spool._shelf.db.execute("DELETE FROM report WHERE seq = ?", (carrier.seq,))  # type: ignore[union-attr]
    clock.move(60)
    assert read(rig.recorder.seal()[0]).anchors


@settings(max_examples=60)
@given(
    st.lists(
        st.tuples(st.sampled_from(["measure", "step", "wait", "seal"]), st.floats(0.01, 200), st.floats(-3e8, 3e8)),
        max_size=40,
    )
)
def test_no_row_is_ever_in_a_wrong_hour_lost_or_doubled_however_the_clock_steps(
    tmp_path_factory: pytest.TempPathFactory, story: list[tuple[str, float, float]]
) -> None:
    """The wall steps by years, as NTP or a person may do; the kernel then says "unsynced" until it is right again."""
    clock = FakeClock()
    rig = Rig(tmp_path_factory.mktemp("steps"), clock)
    right = clock.at - clock.boot
    measured: list[float] = []
    sealed: list[wire.Report] = []
    for what, wait, step in story:
        if what == "measure":
            measured.append(clock.boot)
            rig.recorder.record("host", host_table(clock.boot))
        elif what == "step":
            clock.at += step
            clock.state = "unknown"
            if step > 0:
                clock.at, clock.state = clock.boot + right, "synced"
        elif what == "wait":
            clock.move(wait)
        else:
            sealed += map(read, rig.recorder.seal())
    sealed += map(read, rig.recorder.flush())
    found = []
    for report in sealed:
        for at in report.host.at if report.host else ():
            assert 0 <= at <= 60
            found.append(report.clock.boottime_seconds + at)
            if report.start_at is not None:
                assert report.start_at + at - right == pytest.approx(found[-1], abs=0.01)
    # A window begun before boot has its start cut to boot zero: none here, since boot is at 1000 s.
    assert sorted(found) == pytest.approx(sorted(measured), abs=0.01)
    rig.spool.close()


def test_a_nearly_full_spool_keeps_access_points_before_the_device_and_says_so(tmp_path: Path) -> None:
    clock = FakeClock()
    rig = Rig(tmp_path, clock)
    rig.spool.close()
    rig.spool = Spool(tmp_path / "small", clock, quota_bytes=1 << 20)
    rig.recorder._spool = rig.spool
    while not rig.spool.pressed:
        for _ in range(4):
            rig.recorder.record("reach", reach_table(*[clock.boot + 5 + i / 7919 for i in range(400)]))
        clock.move(60)
        rig.recorder.seal()
    rig.recorder.record("reach", reach_table(clock.boot))
    rig.recorder.record("host", host_table(clock.boot))
    clock.move(60)
    report = read(rig.recorder.seal()[-1])
    assert report.reach is not None and report.host is None
    assert ("host", 1, "spool nearly full") in [(loss.kind, loss.count, loss.reason) for loss in report.losses]
