"""A fleet lives the real schedule, seals real reports and loses none, live or in compressed time."""

import threading
import time
from collections.abc import Sequence
from pathlib import Path

from agent import wire
from agent.identity import Identity
from agent.push import Unreachable
from agent.simulate import district
from agent.simulate.clock import Time
from agent.simulate.device import Device
from agent.simulate.faults import Faults
from agent.simulate.fleet import Fleet, Progress
from agent.simulate.probes import Place

DAY = 1_792_080_000.0


class Memory:
    """A collector that keeps what it is given, for one device; ``down`` refuses everything."""

    def __init__(self, campus: district.Campus, *, report_seconds: int, simulated: bool = True) -> None:
        self.kept: dict[tuple[str, int], wire.Report] = {}
        self.down = False
        self._lock = threading.Lock()
        self._plan = wire.Plan(
            schema=1, agent="0" * 32, campus=campus.id, place=None, issued_at=0.0, slot_seconds=report_seconds * 5,
            report_seconds=report_seconds, reach_count=3, reach_interval_seconds=0.1,
            access_points=[wire.PlanTarget(ap.id, ap.address) for ap in campus.access_points],
            paths=[wire.PathTarget("gateway", "gateway")],
            cadence=wire.Cadence(full_seconds=report_seconds, windows=[(0.0, 1.0)]), simulated=simulated,
        )  # fmt: skip

    def plan(self) -> tuple[wire.Plan, str] | None:
        return self._plan, "a" * 64

    def push(self, push: wire.Push) -> wire.Ack:
        if self.down:
            raise Unreachable("switched off by the test")
        results = []
        with self._lock:
            for sealed in push.reports:
                report, _ = wire.decode_report(bytes(sealed.report))
                known = (report.stream, report.seq) in self.kept
                self.kept[report.stream, report.seq] = report
                results.append(wire.Result(report.stream, report.seq, "duplicate" if known else "accepted"))
        through: dict[str, int] = {}
        for stream, seq in sorted(self.kept):
            if seq == through.get(stream, 0) + 1:
                through[stream] = seq
        return wire.Ack(push.request_id, "", results, through, time.time(), credit=50)


def fleet_of(
    tmp_path: Path, campuses: Sequence[district.Campus], time_: Time, *, report_seconds: int, until: float
) -> tuple[Fleet, list[Device], list[Memory], Faults]:
    faults = Faults(campuses, 1, report_seconds * 5)
    devices, memories = [], []
    for campus in campuses:
        for number, room in enumerate(campus.agents):
            memory = Memory(campus, report_seconds=report_seconds)
            folder = tmp_path / campus.id / str(number)
            devices.append(
                Device(
                    Place(campus, *room), Identity.generate(), folder, collector=memory, faults=faults, seed=1,
                    time_=time_, version="test",
                )
            )  # fmt: skip
            memories.append(memory)
    return Fleet(devices, time_, until), devices, memories, faults


def test_a_past_day_is_told_whole_and_marked_simulated(tmp_path: Path) -> None:
    time_ = Time(DAY, live=False)
    fleet, devices, memories, _ = fleet_of(tmp_path, district.model(2), time_, report_seconds=60, until=DAY + 7200)
    told: list[Progress] = []

    assert fleet.run(told.append, 600.0)

    for memory in memories:
        reports = sorted(memory.kept.values(), key=lambda report: report.seq)
        assert [report.seq for report in reports] == list(range(1, len(reports) + 1))
        assert all(report.simulated and report.clock.state == "synced" for report in reports)
        starts = [report.start_at for report in reports if report.start_at is not None]
        assert starts == sorted(set(starts))
        assert min(starts) >= DAY - 60 and max(starts) <= DAY + 7200
        # Full cadence in the past, whatever windows the plan names for the days to come.
        assert sum(report.reach is not None for report in reports) >= 118
    assert told[-1].waiting == 0
    assert told[-1].sealed == sum(device.sealed for device in devices)


def test_the_collector_hears_of_every_fault_that_the_truth_names(tmp_path: Path) -> None:
    time_ = Time(DAY, live=False)
    campuses = district.model(3)
    fleet, _, memories, faults = fleet_of(tmp_path, campuses, time_, report_seconds=60, until=DAY + 3600)

    fleet.run(lambda _: None, 600.0)

    dead = {f.subject for f in faults.between(DAY, DAY + 3600) if f.kind == "access_point_down"}
    silent = {
        target
        for memory in memories
        for report in memory.kept.values()
        if report.reach is not None
        for target, received in zip(report.reach.target, report.reach.received, strict=True)
        if received == 0
    }
    assert dead
    assert dead <= silent


def test_a_live_fleet_that_is_stopped_keeps_in_its_spools_what_was_not_acknowledged(tmp_path: Path) -> None:
    begin = time.time()
    time_ = Time(begin, live=True)
    fleet, devices, memories, _ = fleet_of(tmp_path, district.model(1), time_, report_seconds=1, until=begin + 60)
    for memory in memories:
        memory.down = True
    runner = threading.Thread(target=fleet.run, args=(lambda _: None, 60.0))
    runner.start()
    deadline = time.monotonic() + 20
    while min(device.sealed for device in devices) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    fleet.stop()
    runner.join(20)

    assert not runner.is_alive()
    assert min(device.sealed for device in devices) >= 2
    assert fleet.progress().acknowledged == 0
    assert fleet.progress().waiting == sum(device.sealed for device in devices)


def test_a_model_never_speaks_for_a_real_campus(tmp_path: Path) -> None:
    time_ = Time(DAY, live=False)
    campus = district.model(1)[0]
    _, devices, _, _ = fleet_of(tmp_path, [campus], time_, report_seconds=60, until=DAY + 60)
    devices[0]._collector = Memory(campus, report_seconds=60, simulated=False)

    try:
        devices[0].ask_plan()
    except ValueError as refused:
        assert "not flagged simulated" in str(refused)
    else:
        raise AssertionError("a plan of a real campus was taken")
    assert devices[0].plan is None
