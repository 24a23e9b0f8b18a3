"""kill -9 at random moments: an oracle outside the agent, which heard each claim "this is recorded", holds it to it."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from agent.clock import RealClock
from agent.identity import Identity
from agent.push import Pusher
from agent.salvage import open_or_salvage
from agent.spool import Spool
from agent.transport import Transport, client
from tests.agent.doubles import CollectorDouble

DRIVER = Path(__file__).with_name("crash_driver.py")


def _kill_again_and_again(folder: Path, kills: int, seed: int) -> None:
    chance = random.Random(seed)
    double = CollectorDouble()
    identity = Identity.load_or_create(folder / "identity.key")
    double.agents[identity.id] = identity.public_key
    claims: dict[tuple[str, int], str] = {}
    command = [sys.executable, str(DRIVER), str(folder), double.url, double.key.public_key.hex(), "0.005"]
    try:
        for _ in range(kills):
            double.fault = chance.choice(["", "", "", "portal", "cut"])
            double.cut_at = chance.randrange(600)
            child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
            assert child.stdout is not None
            assert child.stdout.readline().startswith("up ")
            time.sleep(chance.uniform(0.0, 0.5))
            child.send_signal(signal.SIGKILL)
            for line in child.stdout.read().splitlines():
                stream, seq, digest = line.split()
                claims[stream, int(seq)] = digest
            child.wait()
        double.fault = ""
        _drain(folder, double, identity)
        assert len(claims) > kills
        lost = claims.keys() - double.kept.keys()
        assert not lost, f"{len(lost)} of {len(claims)} recorded reports never arrived"
        assert all(double.kept[key] == digest for key, digest in claims.items())
        assert double.accepted == len(double.kept)
        assert double.conflicts == 0
        for stream in {stream for stream, _ in double.kept}:
            seqs = sorted(seq for name, seq in double.kept if name == stream)
            assert seqs == list(range(1, len(seqs) + 1)), "a gap that nobody can explain"
    finally:
        double.close()


def _drain(folder: Path, double: CollectorDouble, identity: Identity) -> None:
    opened = open_or_salvage(folder / "spool.sqlite3")
    assert opened.losses == []
    assert opened.db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    opened.db.close()
    clock = RealClock()
    spool = Spool(folder / "spool.sqlite3", clock)
    with client(None, clock) as http:
        transport = Transport(
            double.url, identity=identity, clock=clock, http=http, collector_key=double.key.public_key
        )
        pusher = Pusher(agent_id=identity.id, spool=spool, courier=transport, clock=clock)
        until = time.monotonic() + 60
        while pusher.step() is not None:
            assert time.monotonic() < until
    assert spool.counts().pending == 0
    spool.close()


@pytest.mark.crash
def test_twenty_kills_lose_nothing_recorded_and_count_nothing_twice(tmp_path: Path) -> None:
    _kill_again_and_again(tmp_path, 20, seed=1)


@pytest.mark.crash
@pytest.mark.long
def test_a_hundred_kills_lose_nothing_recorded_and_count_nothing_twice(tmp_path: Path) -> None:
    _kill_again_and_again(tmp_path, 100, seed=2)


@pytest.mark.crash
def test_the_whole_agent_killed_at_random_leaves_no_gap_in_its_numbers(tmp_path: Path) -> None:
    chance = random.Random(3)
    double = CollectorDouble(report_seconds=1)
    environment = {
        **os.environ,
        "CAMPUS_WIFI_AGENT_DATA_DIR": str(tmp_path),
        "CAMPUS_WIFI_AGENT_METRICS_PORT": "0",
        "CAMPUS_WIFI_AGENT_JOIN": double.join(),
    }
    agent = [sys.executable, "-m", "agent.cli"]
    try:
        subprocess.run([*agent, "enroll", "--no-wait"], env=environment, check=True, stdout=subprocess.DEVNULL)
        for _ in range(5):
            before = double.accepted
            child = subprocess.Popen([*agent, "run"], env=environment)
            until = time.monotonic() + 30
            while double.accepted == before and time.monotonic() < until:
                double.pushed.wait(1)
                double.pushed.clear()
            assert double.accepted > before, "the agent pushed nothing"
            time.sleep(chance.uniform(0, 1))
            child.kill()
            child.wait()
        child = subprocess.Popen([*agent, "run"], env=environment)
        time.sleep(2)
        child.terminate()
        assert child.wait(30) == 0
        _drain(tmp_path, double, Identity.load(tmp_path / "identity.key"))
        assert len({stream for stream, _ in double.kept}) == 1
        seqs = sorted(seq for _, seq in double.kept)
        assert seqs == list(range(1, len(seqs) + 1))
        assert double.accepted == len(seqs)
        assert double.conflicts == 0
    finally:
        double.close()
