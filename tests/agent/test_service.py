"""The running agent as one process and as two, over real sockets: it starts, measures, pushes, ends, and starts
without its collector."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from agent import wire
from agent.identity import Identity
from agent.plan import InForce, PlanError, PlanKeeper
from agent.probes.base import CouldNotRun
from agent.relay import RecorderServer, SocketRecorder
from agent.run import Runner
from agent.watchdog import Pulse, Watchdog, notify
from tests.agent.doubles import CollectorDouble, FakeClock
from tests.agent.test_recorder import host_table

AGENT = [sys.executable, "-m", "agent.cli"]


def wait_for(ready: Callable[[], object], seconds: float = 30) -> None:
    until = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < until, "did not happen in time"
        time.sleep(0.02)


class Rig:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.double = CollectorDouble(report_seconds=1)
        self.environment = {
            **os.environ,
            "CAMPUS_WIFI_AGENT_DATA_DIR": str(folder),
            "CAMPUS_WIFI_AGENT_METRICS_PORT": "0",
            "CAMPUS_WIFI_AGENT_JOIN": self.double.join(),
        }
        self.children: list[subprocess.Popen[bytes]] = []
        subprocess.run([*AGENT, "enroll", "--no-wait"], env=self.environment, check=True, stdout=subprocess.DEVNULL)

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen[bytes]:
        child = subprocess.Popen([*AGENT, "run", *arguments], env={**self.environment, **environment})
        self.children.append(child)
        return child

    def __enter__(self) -> Rig:
        return self

    def __exit__(self, *_: object) -> None:
        for child in self.children:
            child.kill()
            child.wait()
        self.double.close()

    def status(self) -> dict[str, object]:
        done = subprocess.run([*AGENT, "status", "--json"], env=self.environment, check=True, capture_output=True)
        return dict(json.loads(done.stdout))


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    with Rig(tmp_path) as made:
        yield made


def test_one_process_measures_pushes_shows_itself_and_ends_with_everything_handed_over(rig: Rig) -> None:
    child = rig.start()
    wait_for(lambda: rig.double.accepted >= 2)
    status = rig.status()
    assert status["running"] is True
    assert status["campus"] == "c1"
    assert status["push"]["state"] == "ok"  # type: ignore[index]
    port = json.loads((rig.folder / "run.json").read_text())["port"]
    metrics = urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5).read().decode()
    assert 'campus_wifi_agent_push_state{state="ok"} 1.0' in metrics
    child.terminate()
    assert child.wait(30) == 0
    assert not (rig.folder / "run.json").exists()
    seqs = sorted(seq for _, seq in rig.double.kept)
    assert seqs == list(range(1, len(seqs) + 1))
    assert rig.status()["running"] is False


def test_a_second_agent_on_the_same_folder_is_refused(rig: Rig) -> None:
    rig.start()
    wait_for((rig.folder / "run.json").exists)
    done = subprocess.run([*AGENT, "run"], env=rig.environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "another agent runs here; stop it first" in done.stderr


def test_an_agent_started_without_its_collector_goes_on_by_the_plan_on_its_disk(rig: Rig) -> None:
    child = rig.start()
    wait_for(lambda: rig.double.accepted >= 1)
    child.kill()
    child.wait()
    rig.double.fault = "busy"
    accepted = rig.double.accepted
    rig.start()
    wait_for(lambda: rig.status().get("spool", {}).get("pending", 0) >= 2)  # type: ignore[attr-defined]
    status = rig.status()
    assert status["access_points"] == 2
    assert "503" in str(status["plan_fault"])
    assert rig.double.accepted == accepted


def test_prober_and_shipper_as_two_processes_give_the_same_reports(rig: Rig) -> None:
    rig.start("--role", "shipper")
    wait_for((rig.folder / "recorder.sock").exists)
    other = rig.folder / "prober"
    other.mkdir()
    rig.start(
        "--role",
        "prober",
        CAMPUS_WIFI_AGENT_DATA_DIR=str(other),
        CAMPUS_WIFI_AGENT_SOCKET=str(rig.folder / "recorder.sock"),
    )
    seen: list[str] = []
    rig.double.on_report = lambda report: seen.extend(  # type: ignore[method-assign]
        kind for kind in ("reach", "path", "host") if getattr(report, kind) is not None
    )
    wait_for(lambda: {"path", "host"} <= set(seen))
    assert not list(other.glob("*.key"))


class Kept:
    """A recorder that remembers."""

    def __init__(self) -> None:
        self.tables: list[wire.Table] = []
        self.faults: list[wire.NotRun] = []

    def record(self, kind: str, table: wire.Table) -> None:
        self.tables.append(table)

    def not_run(self, fault: wire.NotRun) -> None:
        self.faults.append(fault)


def test_the_prober_keeps_what_a_shipper_that_is_away_did_not_take_and_nothing_is_doubled(tmp_path: Path) -> None:
    kept, path, clock = Kept(), tmp_path / "r.sock", FakeClock()
    double = object.__new__(CollectorDouble)
    double.report_seconds = 60
    in_force = InForce(double.document("a" * 32), "d" * 64)
    got = threading.Event()
    prober = SocketRecorder(path, clock, got.set)
    prober.start()
    for number in range(5):
        prober.record("host", host_table(float(number)))
    server = RecorderServer(path, kept, lambda: in_force, "http://collector")
    server.start()
    assert got.wait(10)
    wait_for(lambda: not prober.held)
    assert prober.in_force == in_force
    assert prober.collector == "http://collector"
    server.stop()
    for number in range(5, 8):
        prober.record("host", host_table(float(number)))
    prober.not_run(wire.NotRun(8.0, "reach", "no permission"))
    server = RecorderServer(path, kept, lambda: in_force, "http://collector")
    server.start()
    wait_for(lambda: kept.faults)
    prober.stop()
    server.stop()
    assert [table.at for table in kept.tables] == [[float(n)] for n in range(8)]


def test_the_two_failures_stay_apart() -> None:
    def load(name: str):
        def probe(settings: object, deadline: object) -> wire.Table:
            if name == "cannot":
                raise CouldNotRun("no interface", "plug it in")
            if name == "broken":
                raise ZeroDivisionError("oops")
            return host_table(1.0)

        return probe

    kept = Kept()
    runner = Runner(kept, FakeClock(), load)
    assert [runner.run(name, lambda: None, 1.0) for name in ("works", "cannot", "broken")] == [
        "measured",
        "not_run",
        "crashed",
    ]
    assert [(fault.reason, fault.hint) for fault in kept.faults] == [
        ("no interface", "plug it in"),
        ("crashed: ZeroDivisionError: oops", "report this as a bug"),
    ]
    assert len(kept.tables) == 1


def test_a_probe_that_cannot_run_says_so_once_in_the_log_and_at_every_turn_in_the_reports(caplog) -> None:
    def load(_: str):
        def probe(reason: str, deadline: object) -> wire.Table:
            raise CouldNotRun(reason, "plug it in")

        return probe

    kept = Kept()
    runner = Runner(kept, FakeClock(), load)
    with caplog.at_level("WARNING"):
        for reason in ("no interface", "no interface", "no permission", "no permission"):
            runner.run("link", lambda reason=reason: reason, 1.0)

    assert len(caplog.records) == 2
    assert len(kept.faults) == 4


def test_a_plan_not_signed_by_the_pinned_key_or_for_another_agent_is_not_followed(tmp_path: Path) -> None:
    ours, theirs = Identity.generate(), Identity.generate()
    double = object.__new__(CollectorDouble)
    double.report_seconds = 60

    def signed(by: Identity, agent: str) -> bytes:
        document = wire.encode(double.document(agent))
        return wire.encode(wire.Signed("plan", by.sign("plan", document), msgspec.Raw(document)))

    keeper = PlanKeeper(tmp_path / "plan.json", ours.public_key, "a" * 32)
    assert keeper.take(signed(ours, "a" * 32)) is True
    assert keeper.take(signed(ours, "a" * 32)) is False
    for bad in (signed(theirs, "a" * 32), signed(ours, "b" * 32), b"<html>", b"{}"):
        with pytest.raises(PlanError):
            keeper.take(bad)
    again = PlanKeeper(tmp_path / "plan.json", ours.public_key, "a" * 32)
    assert again.load() == keeper.in_force
    (tmp_path / "plan.json").write_bytes(b"torn")
    assert again.load() is None


def test_the_watchdog_is_fed_only_when_every_part_has_worked(tmp_path: Path) -> None:
    said: list[str] = []
    dog = Watchdog(("recorded", "sealed"), said.append)
    dog.progress("sealed")
    dog.progress("sealed")
    assert said == []
    dog.progress("recorded")
    assert said == ["WATCHDOG=1"]
    dog.progress("recorded")
    assert len(said) == 1
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(tmp_path / "n"))
        assert notify("READY=1", {"NOTIFY_SOCKET": str(tmp_path / "n")})
        assert listener.recv(64) == b"READY=1"
    assert not notify("READY=1", {})


def test_a_joiner_is_alive_while_no_try_is_overdue_and_also_where_none_is_asked_for() -> None:
    now, fed = [100.0], []
    pulse = Pulse(lambda: fed.append(now[0]), lambda: now[0])

    pulse.turn(None)
    now[0] += 5000
    pulse.turn(None)
    pulse.turn(900)  # the first try is due from now on
    now[0] += 901
    pulse.turn(900)
    pulse.worked()
    pulse.turn(900)

    assert fed == [100.0, 5100.0, 5100.0, 6001.0]
