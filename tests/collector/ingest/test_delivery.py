"""At least once on the wire, once in the store: repetition, order, lost answers and kill -9 are harmless."""

import contextlib
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent import wire
from collector.config import Config
from collector.serve import slot_seconds
from collector.store import Store, agents, evidence, tokens
from tests.collector.rig import CAMPUS, Device, Rig, fill, running


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with running(tmp_path_factory.mktemp("collector")) as made:
        yield made


@given(data=st.data(), count=st.integers(1, 12))
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_repetition_and_order_leaves_each_report_once(rig: Rig, data: st.DataObject, count: int) -> None:
    device = rig.enroll(Device())
    start = rig.clock() // 60 * 60 - 7200
    sealed = [device.seal(device.report(start + 60 * n)) for n in range(count)]
    sent = data.draw(st.lists(st.lists(st.integers(0, count - 1), min_size=1, max_size=6), max_size=10))
    accepted: list[int] = []
    kept: set[int] = set()
    for numbers in [*sent, list(range(count))]:
        ack = rig.push(device, *(sealed[n] for n in numbers))
        accepted += [r.seq for r in ack.results if r.status == "accepted"]
        kept |= {n + 1 for n in numbers}
        through = next((n for n in range(count + 1) if n + 1 not in kept), count)
        assert ack.durable_through == {device.stream: through}
        assert all(r.status in {"accepted", "duplicate"} for r in ack.results)

    assert sorted(accepted) == list(range(1, count + 1))
    with rig.store.read() as connection:
        assert evidence.count_kept(connection, device.id) == count


@pytest.mark.parametrize("cut", [0, 1, 20, 100, 200])
def test_an_answer_cut_at_any_byte_costs_a_duplicate_and_no_report(rig: Rig, cut: int) -> None:
    device = rig.enroll(Device())
    sealed = device.seal(device.report(rig.clock() // 60 * 60))
    body = wire.encode(device.push(sealed))
    host, port = rig.url.removeprefix("http://").split(":")
    head = (
        f"POST /v1/reports HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
        f"Campus-Wifi-Agent: {device.id}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    with socket.create_connection((host, int(port))) as plain:
        plain.sendall(head.encode() + body)
        if cut:
            plain.recv(cut)
    again = rig.push(device, sealed)

    assert [r.status for r in again.results] in (["duplicate"], ["accepted"])
    assert rig.push(device, sealed).results[0].status == "duplicate"
    with rig.store.read() as connection:
        assert evidence.count_kept(connection, device.id) == 1


_SERVE = """
import sys
from pathlib import Path
from collector.config import Config
from collector.serve import serve
config = Config(data_dir=Path(sys.argv[1]), listen=sys.argv[2], throughput_listen="off", internet_targets="")
serve(config, lambda url: print("READY", flush=True))
"""


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def _collector(folder: Path, port: int) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-c", _SERVE, str(folder), f"127.0.0.1:{port}"], stdout=subprocess.PIPE, text=True,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        assert any("READY" in line for line in process.stdout)
        yield process
    finally:
        process.kill()
        process.wait()


def _enrolled(folder: Path, count: int) -> list[Device]:
    devices = [Device() for _ in range(count)]
    config = Config(data_dir=folder)
    with Store(config.database_url, slot_seconds=slot_seconds(config)) as store:
        now = time.time()
        fill(store, now)
        for device in devices:
            token = store.write(lambda c: tokens.create(c, campus=CAMPUS, now=now, by="test")).result()
            row = {
                "id": device.id, "public_key": device.identity.public_key, "campus": CAMPUS, "state": "pending",
                "name": "", "simulated": False, "version": "1", "token": tokens.digest(token), "created_at": now - 9e4,
            }  # fmt: skip
            store.write(lambda c, row=row: agents.enroll(c, row)).result()  # type: ignore[misc]
            store.write(lambda c, d=device: agents.approve(c, d.id, None, "test", now, 300)).result()  # type: ignore[misc]
    return devices


def _kill_loop(folder: Path, kills: int) -> None:
    """The oracle is what was acknowledged to the devices, outside of the collector; afterwards the store must hold
    each of those reports once, byte for byte, and nothing else than what was sent."""
    devices = _enrolled(folder, 4)
    chance = random.Random(7)
    port = _free_port()
    start = time.time() // 60 * 60 - 80_000
    acknowledged: dict[tuple[str, int], bytes] = {}
    sent: dict[tuple[str, int], bytes] = {}
    waiting: dict[str, list[wire.Sealed]] = {device.id: [] for device in devices}
    for _ in range(kills):
        with _collector(folder, port) as process, httpx.Client(timeout=5, trust_env=False) as http:
            kill_at = time.monotonic() + chance.uniform(0.02, 0.25)
            dead = False
            while not dead:
                for device in devices:
                    queue = waiting[device.id]
                    queue.append(device.seal(device.report(start + 10 * device.seq)))
                    sent[device.stream, device.seq] = bytes(queue[-1].report)
                    body = wire.encode(device.push(*queue[:20]))
                    if time.monotonic() >= kill_at and not dead:
                        # Dies while this request is on its way: whether it is kept is for the store to know.
                        os.kill(process.pid, signal.SIGKILL)
                        dead = True
                    try:
                        headers = {"Content-Type": "application/json", "Campus-Wifi-Agent": device.id}
                        answer = http.post(f"http://127.0.0.1:{port}/v1/reports", content=body, headers=headers)
                    except httpx.HTTPError:
                        dead = dead or process.poll() is not None
                        continue
                    if answer.status_code == 429:
                        continue
                    assert answer.status_code == 200, answer.text
                    for result in wire.decode(answer.content, wire.Ack).results:
                        acknowledged[result.stream, result.seq] = sent[result.stream, result.seq]
                    waiting[device.id] = [s for s in queue if s not in queue[:20]]
    with Store(Config(data_dir=folder).database_url) as store, store.read() as connection:
        assert connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
        kept = [(k.stream, k.seq, k.document()) for k in evidence.of_campus(connection, CAMPUS, 0, 4e9)]
        through = {name: n for device in devices for name, n in agents.streams(connection, device.id).items()}
    found = {(stream, seq): document for stream, seq, document in kept}
    assert len(kept) == len(found)  # none twice
    assert acknowledged.items() <= found.items()  # none lost
    assert found.items() <= sent.items()  # none invented
    assert len(acknowledged) >= kills
    for device in devices:
        assert all((device.stream, seq) in found for seq in range(1, through[device.stream] + 1))


@pytest.mark.crash
def test_twenty_kills_of_the_collector_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    _kill_loop(tmp_path, 20)


@pytest.mark.crash
@pytest.mark.long
@pytest.mark.timeout(1200)
def test_a_hundred_kills_of_the_collector_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    _kill_loop(tmp_path, 100)
