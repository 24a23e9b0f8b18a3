"""kill -9 of the agent and of the real collector in turn: what was claimed as recorded is in the collector's
database once, byte for byte."""

from __future__ import annotations

import random
import socket
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from agent.clock import RealClock
from agent.identity import Identity
from agent.push import Pusher
from agent.spool import Spool
from agent.transport import Transport, client
from collector.signer import Signer
from tests.collector.rig import Device, running

HERE = Path(__file__).parent


class Pair:
    """An agent and a collector, each in a process of its own."""

    def __init__(self, folder: Path) -> None:
        self.device, self.server = folder / "agent", folder / "collector"
        self.device.mkdir()
        self.server.mkdir()
        self.identity = Identity.load_or_create(self.device / "identity.key")
        with running(self.server) as rig:
            rig.enroll(Device(self.identity))
        self.key = Signer.load_or_create(self.server).public_key
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.claims: dict[tuple[str, int], str] = {}
        self.children: list[subprocess.Popen[str]] = []

    def start_collector(self) -> subprocess.Popen[str]:
        command = [sys.executable, str(HERE / "collector_process.py"), str(self.server), str(self.port)]
        child = subprocess.Popen(command, text=True)
        self.children.append(child)
        until = time.monotonic() + 30
        while True:
            try:
                httpx.get(f"{self.url}/v1/time", timeout=2, trust_env=False)
                return child
            except httpx.HTTPError:
                assert child.poll() is None and time.monotonic() < until, "the collector does not start"
                time.sleep(0.05)

    def start_agent(self) -> subprocess.Popen[str]:
        command = [
            sys.executable, str(HERE / "crash_driver.py"), str(self.device), self.url, self.key.hex(), "0.1",
        ]  # fmt: skip
        child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.children.append(child)
        assert child.stdout is not None
        assert child.stdout.readline().startswith("up ")
        return child

    def kill_agent(self, child: subprocess.Popen[str]) -> None:
        child.kill()
        assert child.stdout is not None
        for line in child.stdout.read().splitlines():
            stream, seq, digest = line.split()
            self.claims[stream, int(seq)] = digest
        child.wait()

    def drain(self) -> None:
        clock = RealClock()
        spool = Spool(self.device / "spool.sqlite3", clock)
        with client(None, clock) as http:
            transport = Transport(self.url, identity=self.identity, clock=clock, http=http, collector_key=self.key)
            pusher = Pusher(agent_id=self.identity.id, spool=spool, courier=transport, clock=clock)
            until = time.monotonic() + 120
            while (wait := pusher.step()) is not None:
                assert time.monotonic() < until, pusher.standing
                time.sleep(min(wait, 1.0))
        assert spool.counts().pending == 0
        assert spool.counts().rejected == 0
        spool.close()

    def stored(self) -> list[tuple[str, int, str]]:
        with sqlite3.connect(self.server / "collector.db") as db:
            assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            return db.execute(
                "SELECT stream, seq, digest FROM evidence WHERE agent = ?", (self.identity.id,)
            ).fetchall()


def _kill_both(folder: Path, kills: int, seed: int) -> None:
    chance = random.Random(seed)
    pair = Pair(folder)
    try:
        collector, agent = pair.start_collector(), pair.start_agent()
        for number in range(2 * kills):
            time.sleep(chance.uniform(0.0, 0.5))
            if number % 2:
                collector.kill()
                collector.wait()
                collector = pair.start_collector()
            else:
                pair.kill_agent(agent)
                agent = pair.start_agent()
        time.sleep(0.5)
        pair.kill_agent(agent)
        pair.drain()
        collector.kill()
        collector.wait()
        rows = pair.stored()
        stored = {(stream, seq): digest for stream, seq, digest in rows}
        assert len(rows) == len(stored)
        assert len(pair.claims) > kills
        lost = pair.claims.keys() - stored.keys()
        assert not lost, f"{len(lost)} of {len(pair.claims)} recorded reports never arrived"
        assert all(stored[key] == digest for key, digest in pair.claims.items())
        for stream in {stream for stream, _ in stored}:
            seqs = sorted(seq for name, seq in stored if name == stream)
            assert seqs == list(range(1, len(seqs) + 1)), "a gap that nobody can explain"
    finally:
        for child in pair.children:
            child.kill()
            child.wait()


@pytest.mark.crash
def test_twenty_kills_of_each_lose_nothing_recorded_and_count_nothing_twice(tmp_path: Path) -> None:
    _kill_both(tmp_path, 20, seed=11)


@pytest.mark.crash
@pytest.mark.long
@pytest.mark.timeout(1800)
def test_a_hundred_kills_of_each_lose_nothing_recorded_and_count_nothing_twice(tmp_path: Path) -> None:
    _kill_both(tmp_path, 100, seed=12)
