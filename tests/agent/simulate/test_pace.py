"""A past period lived together with a collector of the same time: lines that are cut hold reports back, devices lose
power and start again, and the clock is told."""

import threading
import time
from pathlib import Path

import pytest

from agent import wire
from agent.identity import Identity
from agent.push import Unreachable
from agent.simulate import district
from agent.simulate.clock import ModelClock, Time
from agent.simulate.device import Device
from agent.simulate.faults import Fault
from agent.simulate.fleet import Fleet
from agent.simulate.pace import STEP_SECONDS, Stalled
from agent.simulate.probes import Place
from agent.simulate.scenario import Scenario

BEGIN = 1_792_080_000.0
HOUR = 3600.0


class Collector:
    """Keeps what it is given and when, by the clock that it reads. ``down``: refuses everything."""

    def __init__(self, campus: district.Campus, clock: Path) -> None:
        self.kept: list[tuple[float, wire.Report]] = []
        self.plans = 0
        self.down = False
        self._clock = clock
        self._lock = threading.Lock()
        self._plan = wire.Plan(
            schema=1, agent="0" * 32, campus=campus.id, place=None, issued_at=0.0, slot_seconds=300, report_seconds=300,
            reach_count=3, reach_interval_seconds=1.0,
            access_points=[wire.PlanTarget(ap.id, ap.address) for ap in campus.access_points],
            paths=[wire.PathTarget("gateway", "gateway")], cadence=wire.Cadence(full_seconds=100), simulated=True,
        )  # fmt: skip

    def plan(self) -> tuple[wire.Plan, str] | None:
        self.plans += 1
        return self._plan, "a" * 64

    def push(self, push: wire.Push) -> wire.Ack:
        if self.down:
            raise Unreachable("switched off by the test")
        now = float(self._clock.read_text())
        reports = [wire.decode_report(bytes(sealed.report))[0] for sealed in push.reports]
        with self._lock:
            self.kept += [(now, report) for report in reports]
        results = [wire.Result(report.stream, report.seq, "accepted") for report in reports]
        return wire.Ack(push.request_id, "", results, {}, time.time(), credit=50)


def lived(tmp_path: Path, hours: float, *faults: Fault, collector_down: bool = False) -> list[Collector]:
    campus = district.model(1)[0]
    clock = tmp_path / "clock"
    time_ = Time(BEGIN, live=False, clock_file=clock)
    collectors, devices = [], []
    for number, room in enumerate(campus.agents):
        collector = Collector(campus, clock)
        collector.down = collector_down
        devices.append(
            Device(
                Place(campus, *room), Identity.generate(), tmp_path / str(number), collector=collector,
                faults=Scenario(faults), seed=1, time_=time_, version="test",
            )
        )  # fmt: skip
        collectors.append(collector)
    Fleet(devices, time_, BEGIN + hours * HOUR, patience_seconds=1.0).run(lambda _: None, 1e9)
    assert float(clock.read_text()) == BEGIN + hours * HOUR
    return collectors


def fault(kind: str, begin_hours: float, end_hours: float, subject: str = "") -> Fault:
    return Fault(kind, "sim-001", subject, BEGIN + begin_hours * HOUR, BEGIN + end_hours * HOUR)  # type: ignore[arg-type]


def test_every_report_is_there_within_a_step_of_its_end_and_never_before_it(tmp_path: Path) -> None:
    for collector in lived(tmp_path, 4):
        assert [report.seq for _, report in collector.kept if report.start_at] != []
        for now, report in collector.kept:
            assert report.start_at is not None
            assert report.start_at + report.duration_seconds <= now <= report.start_at + 300 + STEP_SECONDS + 300


@pytest.mark.parametrize("kind", ["wan_cut", "collector_cut"])
def test_behind_a_line_that_is_cut_nothing_is_lost_and_nothing_is_told(tmp_path: Path, kind: str) -> None:
    collector = lived(tmp_path, 8, fault(kind, 1, 6))[0]

    cut = [now for now, report in collector.kept if report.start_at and 1 <= (report.start_at - BEGIN) / HOUR < 6]
    assert len(cut) == 60
    assert min(cut) >= BEGIN + 6 * HOUR


def test_without_power_there_is_no_report_and_then_a_new_boot(tmp_path: Path) -> None:
    campus = district.model(1)[0]
    off, on = lived(tmp_path, 4, fault("agent_silent", 1, 2, "/".join(campus.agents[0])))

    told = sorted(report.start_at for _, report in off.kept if report.start_at is not None)
    # What it had measured last was not sealed when the power went.
    silent = [at for at in told if 1 * HOUR - 300 <= at - BEGIN < 2 * HOUR]
    assert silent == []
    assert len(on.kept) - len(off.kept) == 13
    assert len({report.boot_id for _, report in off.kept}) == 2
    assert len({report.boot_id for _, report in on.kept}) == 1


def test_a_window_is_over_for_a_device_at_the_very_instant_at_which_it_is_sealed() -> None:
    """However odd the moment at which it was switched on: by a hair too early it would be sealed a turn later."""
    sealed_at = BEGIN + 3605.0
    for n in range(200):
        time_ = Time(BEGIN + n * 1.2345678, live=False)
        clock = ModelClock(time_, "0" * 32)
        time_.at = sealed_at

        assert clock.reading().boottime_seconds + (clock.now() - clock.boottime()) >= sealed_at


def test_the_plan_is_asked_for_once_a_day(tmp_path: Path) -> None:
    assert {collector.plans for collector in lived(tmp_path, 26)} <= {2, 3}


def test_a_collector_that_takes_nothing_any_more_is_said(tmp_path: Path) -> None:
    with pytest.raises(Stalled, match="2 agents could not deliver: switched off by the test"):
        lived(tmp_path, 2, collector_down=True)
