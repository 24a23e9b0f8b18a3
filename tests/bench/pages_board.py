"""The board's half of the pages' bench: a real server in a process of its own over a real store, at a steady rate.

The store holds a month of ledger rows, written by the store's own functions. Requests leave on time, whether those
before them are answered or not, so that a page that stalls shows in the figures of all that wait for it.
"""

import itertools
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx

from collector import heap
from tests.collector.board.board_server import serving
from tests.collector.board.sample_district import campus_id

ACCESS_POINTS, ROOMS = 40, 30
BROWSER = {"Accept-Encoding": "gzip, deflate, br, zstd", "Accept-Language": "en-US,en"}


def measure(campuses: int, days: int, rate: float, seconds: float) -> None:
    with tempfile.TemporaryDirectory() as folder:
        began = time.monotonic()
        server = subprocess.Popen(
            [sys.executable, "-m", "tests.bench.pages_board", folder, str(campuses), str(days)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert server.stdin is not None
        assert server.stdout is not None
        try:
            url = server.stdout.readline().strip()
            said = f"{campuses} campuses, {days} days, {ACCESS_POINTS} access points and {ROOMS} rooms each"
            print(f"board of {said} (store made in {time.monotonic() - began:.0f} s), {rate:g} requests a second:")
            _report(url, rate, seconds, campuses, server.pid)
        finally:
            server.stdin.close()
            server.wait(60)


def _report(url: str, rate: float, seconds: float, campuses: int, server: int) -> None:
    with httpx.Client(base_url=url, timeout=120, trust_env=False, headers=BROWSER) as http:
        began = time.monotonic()
        page = http.get("/")
        print(f"  first district page of a fresh server {1000 * (time.monotonic() - began):9.0f} ms")
        sizes = {packing: _wire_bytes(http, packing) for packing in ("zstd", "gzip")}
        print(f"  district page, HTML                   {len(page.content) / 1000:9.0f} kB")
        for packing, size in sizes.items():
            print(f"  district page, over the wire, {packing}    {size / 1000:9.1f} kB   (limit 100)")
        every = itertools.cycle(f"/campus/{campus_id(n)}" for n in range(campuses))
        for name, limit, paths in (
            ("district page", 100, itertools.repeat("/")),
            ("campus page, another one each time", 60, every),
            ("incidents", None, itertools.repeat("/incidents")),
            ("room page", None, (f"{path}/room/Main/100" for path in every)),
        ):
            before = _cpu_seconds(server)
            taken = _asked(http, paths, rate, seconds)
            _print(name, limit, taken, (_cpu_seconds(server) - before) / len(taken))


def _cpu_seconds(pid: int) -> float:
    """What the server has used: on a busy machine the figure that stays true."""
    user, system = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def _print(name: str, limit: int | None, taken: list[float], cpu_seconds: float) -> None:
    ordered = sorted(taken)
    p95 = ordered[int(0.95 * (len(ordered) - 1))]
    against = f"   (limit of p95 {limit})" if limit else ""
    median = statistics.median(ordered)
    figures = f"median {1000 * median:7.1f}, p95 {1000 * p95:7.1f}, max {1000 * ordered[-1]:7.1f} ms"
    print(f"  {name:36s} {figures}, {1000 * cpu_seconds:5.1f} ms CPU{against}")


def _wire_bytes(http: httpx.Client, packing: str) -> int:
    with http.stream("GET", "/", headers={"Accept-Encoding": packing}) as answer:
        assert answer.headers["content-encoding"] == packing
        return sum(len(part) for part in answer.iter_raw())


def _asked(http: httpx.Client, paths: Iterator[str], rate: float, seconds: float) -> list[float]:
    """Seconds from the moment at which each request was to leave to its whole answer."""
    taken: list[float] = []
    lock = threading.Lock()

    def ask(path: str, due: float) -> None:
        answer = http.get(path)
        assert answer.status_code == 200, path
        with lock:
            taken.append(time.monotonic() - due)

    with ThreadPoolExecutor(32) as pool:
        start = time.monotonic() + 0.1
        for number in range(int(rate * seconds)):
            due = start + number / rate
            time.sleep(max(0.0, due - time.monotonic()))
            pool.submit(ask, next(paths), due)
    return taken


def _serve(folder: Path, campuses: int, days: int, ready: Callable[[str], None]) -> None:
    heap.tune()
    sizes = {"access_points": ACCESS_POINTS, "rooms": ROOMS}
    with serving(folder, campuses=campuses, simulated=0, days=days, **sizes) as board:
        ready(board.url)
        sys.stdin.read()


if __name__ == "__main__":
    _serve(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), lambda url: print(url, flush=True))
