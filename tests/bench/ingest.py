"""Ingest to durable commit, against VictoriaMetrics and Prometheus fed the same samples over remote write.

    python -m tests.bench.ingest [--reports 1500] [--rounds 3]

One push is 600 samples: 20 access points, 30 values each, of 500 agents: 300,000 series for the peers. Each server is
alone with one generator and warm; CPU is that of the server's process. The collector answers after
fsync; the peers do not fsync each request, but build an index.
"""

import argparse
import http.client
import os
import random
import signal
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import cramjam
import psutil
import zstandard

from agent import wire
from agent.identity import Identity
from collector.config import Config
from collector.store import Store, agents
from tests import binaries
from tests.collector.rig import CAMPUS, Device, fill

SAMPLES = 600
AGENTS = 500
"""Of 600 series each. Peers grow dearer with series, so the count is told."""


def report(device: Device, start_at: float, chance: random.Random) -> wire.Report:
    """86 answers of 20 access points. Of each seven values leave by remote write (series.py): 602 samples."""
    rows = 86
    means = [round(chance.lognormvariate(-6, 0.5), 6) for _ in range(rows)]
    made = device.report(start_at)
    made.reach = wire.Reach(
        at=[round(10 * (n // 20) + 0.1 + (n % 20) * 0.01, 3) for n in range(rows)],
        duration_seconds=[0.2] * rows, outcome=["ok"] * rows, reason=[None] * rows,
        target=[f"02:00:00:00:00:{n % 20:02x}" for n in range(rows)], method=["icmp"] * rows, stamp=["kernel"] * rows,
        sent=[3] * rows, received=[3] * rows,
        rtt_min_seconds=[round(m * 0.8, 6) for m in means], rtt_mean_seconds=means,
        rtt_max_seconds=[round(m * 1.3, 6) for m in means], jitter_seconds=[round(m * 0.1, 6) for m in means],
        loss_ratio=[0.0] * rows,
    )  # fmt: skip
    return made


def remote_write(agent: int, turn: int, at: float, chance: random.Random) -> bytes:
    """600 samples of 600 series, 5 labels each, as remote write: snappy over protobuf."""

    def field(number: int, data: bytes) -> bytes:
        return bytes([number << 3 | 2]) + varint(len(data)) + data

    def varint(value: int) -> bytes:
        out = bytearray()
        while value > 127:
            out.append(value & 127 | 128)
            value >>= 7
        out.append(value)
        return bytes(out)

    series = []
    stamp = varint(int((at + turn * 60) * 1000))
    for ap in range(20):
        for metric in range(30):
            labels = {
                "__name__": f"wifi_metric_{metric:02d}",
                "agent": f"{agent:032x}",
                "ap": f"02:00:00:00:00:{ap:02x}",
                "campus": f"campus-{agent:04d}",
                "place": f"building/room-{agent % 40}",
            }
            pairs = b"".join(field(1, field(1, k.encode()) + field(2, v.encode())) for k, v in labels.items())
            value = b"\x09" + struct.pack("<d", round(chance.lognormvariate(-6, 0.5), 6))
            series.append(field(1, pairs + field(2, value + b"\x10" + stamp)))
    return bytes(cramjam.snappy.compress_raw(b"".join(series)))


class Load:
    """Sends prepared requests over kept-alive connections and times each."""

    def __init__(self, port: int, path: str, bodies: list[tuple[bytes, dict[str, str]]]) -> None:
        self._port, self._path, self._bodies = port, path, bodies
        self._next = 0
        self._lock = threading.Lock()
        self.times: list[float] = []

    def _take(self) -> tuple[bytes, dict[str, str]] | None:
        with self._lock:
            self._next += 1
            return self._bodies[self._next - 1] if self._next <= len(self._bodies) else None

    def run(self, connections: int, rate: float = 0.0) -> float:
        """Sends all, at ``rate`` a second in open loop or as fast as answers come. Returns the seconds it took."""
        began = time.perf_counter()

        def worker(number: int) -> None:
            connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
            while True:
                with self._lock:
                    turn = self._next
                    self._next += 1
                if turn >= len(self._bodies):
                    break
                due = began + turn / rate if rate else 0.0
                if (wait := due - time.perf_counter()) > 0:
                    time.sleep(wait)
                body, headers = self._bodies[turn]
                asked = due or time.perf_counter()
                connection.request("POST", self._path, body, headers)
                answer = connection.getresponse()
                answer.read()
                assert answer.status in {200, 204}, answer.status
                self.times.append(time.perf_counter() - asked)

        threads = [threading.Thread(target=worker, args=(n,)) for n in range(connections)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return time.perf_counter() - began


def cpu(process: psutil.Process) -> float:
    used = process.cpu_times()
    return used.user + used.system


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def wait_for(port: int, path: str) -> None:
    until = time.monotonic() + 30
    while time.monotonic() < until:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
            connection.request("GET", path)
            if connection.getresponse().status < 500:
                return
        except OSError:
            time.sleep(0.05)
    raise SystemExit(f"nothing answers on port {port}")


_SERVE = """
import asyncio, sys, time, uvloop
from pathlib import Path
import uvicorn
from collector import app
from collector.ingest import receive
from collector.config import Config
from collector.services import Services
from collector.signer import Signer
from collector.store import Store
folder, port, check = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3] == "signed"
receive.AGENT_RATE = receive.AGENT_BURST = 1e9
class Receive(receive.Receive):
    def __init__(self, services, directory):
        super().__init__(services, directory, check_signatures=check)
        self._buckets = receive.Buckets(1e9, 1e9)
app.Receive = Receive
store = Store(Config(data_dir=folder).database_url)
made = app.create_app(Services(store, Config(data_dir=folder), Signer.load_or_create(folder), time.time))
uvloop.install()
uvicorn.run(made, host="127.0.0.1", port=port, http="httptools", loop="uvloop", lifespan="off", access_log=False,
            proxy_headers=False, log_level="error", timeout_keep_alive=75)
"""


def collector(folder: Path, mode: str) -> tuple[subprocess.Popen[bytes], int, list[Device]]:
    devices = [Device(Identity.from_seed(n.to_bytes(2, "big") * 16)) for n in range(1, AGENTS + 1)]
    with Store(Config(data_dir=folder).database_url) as store:
        now = time.time()
        fill(store, now)
        for device in devices:
            row = {
                "id": device.id, "public_key": device.identity.public_key, "campus": CAMPUS, "state": "pending",
                "name": "", "simulated": False, "version": "1", "token": "", "created_at": now - 9e5,
            }  # fmt: skip
            store.write(lambda c, row=row: agents.enroll(c, row)).result()
            store.write(lambda c, d=device: agents.approve(c, d.id, None, "bench", now, 300)).result()
    port = free_port()
    process = subprocess.Popen([sys.executable, "-c", _SERVE, str(folder), str(port), mode])
    wait_for(port, "/healthz")
    return process, port, devices


def pushes(devices: list[Device], count: int) -> list[tuple[bytes, dict[str, str]]]:
    chance = random.Random(1)
    packer = zstandard.ZstdCompressor(3)
    start = time.time() // 60 * 60 - 800_000
    made = []
    for n in range(count):
        device = devices[n % len(devices)]
        body = packer.compress(
            wire.encode(device.push(device.seal(report(device, start + 60 * (device.seq + 1), chance))))
        )
        made.append(
            (body, {"Content-Type": "application/json", "Content-Encoding": "zstd", "Campus-Wifi-Agent": device.id})
        )
    return made


def measure_collector(mode: str, count: int, rates: tuple[float, ...]) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        process, port, devices = collector(Path(folder), mode)
        try:
            seen = psutil.Process(process.pid)
            Load(port, "/v1/reports", pushes(devices, AGENTS)).run(8)
            bodies = pushes(devices, count)
            before = cpu(seen)
            took = Load(port, "/v1/reports", bodies).run(16)
            found = {"us_per_sample": (cpu(seen) - before) / count / SAMPLES * 1e6, "reports_per_second": count / took}
            for rate in rates:
                bodies = pushes(devices, int(rate * 5))
                load = Load(port, "/v1/reports", bodies)
                before = cpu(seen)
                took = load.run(4 if rate < 100 else 48, rate)
                found[f"core_at_{rate:.0f}"] = (cpu(seen) - before) / took
                found[f"p99_ms_at_{rate:.0f}"] = statistics.quantiles(load.times, n=100)[98] * 1e3
            found["rss_mib"] = seen.memory_info().rss / 2**20
            return found
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(20)


def measure_peer(name: str, count: int) -> dict[str, float] | None:
    binary = binaries.find(name)
    if binary is None:
        print(f"{name}: not on this machine")
        return None
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        if name == "victoria-metrics":
            command = [
                str(binary),
                f"-storageDataPath={folder}",
                f"-httpListenAddr=127.0.0.1:{port}",
                "-retentionPeriod=100y",
            ]
            path, alive = "/api/v1/write", "/health"
        else:
            (Path(folder) / "prometheus.yml").write_text("storage: {tsdb: {out_of_order_time_window: 30d}}\n")
            command = [str(binary), f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data",
                       f"--web.listen-address=127.0.0.1:{port}", "--web.enable-remote-write-receiver",
                       "--log.level=error"]  # fmt: skip
            path, alive = "/api/v1/write", "/-/ready"
        environment = {**os.environ, "GOMAXPROCS": "1"}
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)
        try:
            wait_for(port, alive)
            headers = {"Content-Type": "application/x-protobuf", "Content-Encoding": "snappy",
                       "X-Prometheus-Remote-Write-Version": "0.1.0"}  # fmt: skip
            chance = random.Random(1)
            start = time.time() - 3600
            # The first round makes the series, which is dear for both peers and not what is compared.
            first = [(remote_write(agent, 0, start, chance), headers) for agent in range(AGENTS)]
            Load(port, path, first).run(4)
            bodies = [(remote_write(n % AGENTS, 1 + n // AGENTS, start, chance), headers) for n in range(count)]
            seen = psutil.Process(process.pid)
            before = cpu(seen)
            took = Load(port, path, bodies).run(4)
            return {"us_per_sample": (cpu(seen) - before) / count / SAMPLES * 1e6, "reports_per_second": count / took}
        finally:
            process.kill()
            process.wait()


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--reports", type=int, default=1500)
    given = arguments.parse_args()
    found: dict[str, list[dict[str, float]]] = {}
    for turn in range(given.rounds):
        rates = (85.0, 850.0) if turn == 0 else ()
        for name in ("signed", "unsigned"):
            found.setdefault(name, []).append(measure_collector(name, given.reports, rates if name == "signed" else ()))
        for name in ("victoria-metrics", "prometheus"):
            if measured := measure_peer(name, min(given.reports, 1000)):
                found.setdefault(name, []).append(measured)
    medians = {name: statistics.median(one["us_per_sample"] for one in some) for name, some in found.items()}
    for name, some in found.items():
        most = statistics.median(one["reports_per_second"] for one in some)
        print(f"{name:17} {medians[name]:8.3f} us CPU a sample   {most:8.0f} pushes/s at most (median of {len(some)})")
    for name, value in found["signed"][0].items():
        print(f"  collector, signed: {name} = {value:.3f}")
    for ours, peer, bound in (
        ("unsigned", "victoria-metrics", 0.5), ("signed", "victoria-metrics", 0.8),
        ("unsigned", "prometheus", 0.1), ("signed", "prometheus", 0.1),
    ):  # fmt: skip
        if peer in medians:
            ratio = medians[ours] / medians[peer]
            print(f"  {ours} / {peer} = {ratio:.3f} (target <= {bound}) {'ok' if ratio <= bound else 'MISSED'}")


if __name__ == "__main__":
    main()
