"""The sweep engine beside fping: cost of a probe, a campus's sweep, and how true the times are.

    python -m tests.bench.reach [--repeat N] [--only cost|sweep|truth]

Needs root and fping. Both sides ask the same fake access points (a namespace behind a veth) in turns; figures
are medians. CPU is user + system of the process: fping's whole, ours both the sweep alone (an agent starts once) and
whole. The kernel's answering is paid inside the sender's system calls, equally by both. The oracle for round trips is
the nanosecond stamps of a packet socket on the sender's side.
"""

import argparse
import json
import os
import shutil
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.segment import Segment

# 900, not 1000: the neighbour table (1,024 entries) is shared by every namespace of the machine.
_FLAT = (900, 67)
_CAMPUS = (250, 3)


def child(path: str, count: int, interval: float) -> None:
    """Our side of a run, in a process of its own: prints what it cost and what it found."""
    from agent import icmp

    addresses = Path(path).read_text().split()
    before, began = time.process_time(), time.monotonic()
    answers = icmp.sweep(addresses, count=count, interval_seconds=interval, timeout_seconds=1.0)
    took, cost = time.monotonic() - began, time.process_time() - before
    found = {
        "cpu": cost, "wall": took, "received": sum(answer.received for answer in answers),
        "kernel": sum(answer.kernel for answer in answers), "rtts": [answer.rtts for answer in answers],
    }  # fmt: skip
    sys.stdout.write(json.dumps(found))


def ours(path: str, count: int, interval: float) -> dict:
    command = [sys.executable, "-m", "tests.bench.reach", "--child", path, str(count), str(interval)]
    out, usage = _run(command)
    return json.loads(out) | {"whole": usage}


def fping(path: str, count: int, interval_ms: str, period_ms: str) -> dict:
    began = time.monotonic()
    command = ["fping", "-q", "-i", interval_ms, "-p", period_ms, "-C", str(count), "-t", "1000", "-f", path]
    out, usage = _run(command)
    wall = time.monotonic() - began
    rtts = [
        [float(v) / 1000 for v in line.split(":")[1].split() if v != "-"] for line in out.splitlines() if ":" in line
    ]
    return {"cpu": usage, "whole": usage, "wall": wall, "received": sum(map(len, rtts)), "rtts": rtts}


def _run(command: list[str]) -> tuple[str, float]:
    """Output and CPU seconds of one process."""
    with tempfile.TemporaryFile("w+") as out:
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        text = out.read()
    if process.returncode not in (0, 1):
        raise RuntimeError(f"{command[0]}: {text[-400:]}")
    return text, usage.ru_utime + usage.ru_stime


class Capture:
    """A packet socket on the interface: true round trips by address, in order of asking. It is read only afterwards,
    because a reader that wakes for each packet delays the very packet it looks at."""

    def __init__(self, interface: str) -> None:
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        self._socket.setsockopt(socket.SOL_SOCKET, 33, 64 << 20)  # SO_RCVBUFFORCE
        self._socket.setsockopt(socket.SOL_SOCKET, 35, 1)  # SO_TIMESTAMPNS
        self._socket.bind((interface, 3))
        self._socket.setblocking(False)

    def rtts(self) -> dict[str, list[float]]:
        asked: dict[tuple[bytes, bytes], int] = {}
        found: dict[str, list[float]] = {}
        with self._socket:
            while True:
                try:
                    packet, controls, _, _ = self._socket.recvmsg(64, 64)
                except BlockingIOError:
                    return found
                if packet[12:14] != b"\x08\x00" or packet[23] != 1:
                    continue
                seconds, nanoseconds = struct.unpack_from("@ll", controls[0][2])
                ns, kind, key = seconds * 1_000_000_000 + nanoseconds, packet[34], packet[38:42]
                if kind == 8:
                    asked[packet[30:34], key] = ns
                elif kind == 0 and (packet[26:30], key) in asked:
                    address = ".".join(map(str, packet[26:30]))
                    found.setdefault(address, []).append((ns - asked[packet[26:30], key]) / 1e9)


def errors(addresses: list[str], rtts: list[list[float]], truth: dict[str, list[float]]) -> list[float]:
    """Absolute errors in microseconds, where both sides have every answer."""
    return [
        abs(said - true) * 1e6
        for address, series in zip(addresses, rtts, strict=True)
        if len(series) == len(truth.get(address, ()))
        for said, true in zip(series, truth[address], strict=True)
    ]


def cost(folder: str, segment: Segment, repeat: int) -> None:
    path, probes = _addresses(folder, segment, _FLAT[0]), _FLAT[0] * _FLAT[1]
    fping(path, 1, "0", "1"), ours(path, 1, 0.0)  # fills the neighbour table
    runs = [(ours(path, _FLAT[1], 0.0), fping(path, _FLAT[1], "0", "1")) for _ in range(repeat)]
    mine, theirs = [r[0]["cpu"] / probes * 1e6 for r in runs], [r[1]["cpu"] / probes * 1e6 for r in runs]
    whole = [r[0]["whole"] / probes * 1e6 for r in runs]
    print(f"flat out, {probes} probes to {_FLAT[0]} addresses, {repeat} interleaved runs (medians)")
    print(f"  {'':28}{'us CPU/probe':>14}{'answers':>9}{'wall s':>8}")
    for name, figures, side in (
        ("agent, sweep", mine, 0),
        ("agent, whole process", whole, 0),
        ("fping -i 0", theirs, 1),
    ):
        answered = min(r[side]["received"] for r in runs)
        print(f"  {name:28}{_median(figures):14.2f}{answered:9d}{_median([r[side]['wall'] for r in runs]):8.2f}")
    ratio = _median([m / t for m, t in zip(mine, theirs, strict=True)])
    print(f"  ratio agent/fping {ratio:.2f} (target <= 1.10)\n")


def sweep(folder: str, segment: Segment, repeat: int) -> None:
    path, (targets, count) = _addresses(folder, segment, _CAMPUS[0]), _CAMPUS
    runs = [(ours(path, count, 0.3), fping(path, count, "1", "300")) for _ in range(repeat)]
    print(f"{targets} access points x {count}, {repeat} interleaved runs (medians)")
    print(f"  {'':28}{'wall s':>8}{'CPU ms':>9}{'answers':>9}")
    for name, side in (("agent, 0.3 s apart", 0), ("fping -i 1 -p 300", 1)):
        wall, cpu = _median([r[side]["wall"] for r in runs]), _median([r[side]["cpu"] for r in runs])
        print(f"  {name:28}{wall:8.2f}{cpu * 1000:9.1f}{min(r[side]['received'] for r in runs):9d}")
    print("  target: agent <= 1 s and <= 40 ms\n")


def truth(folder: str, segment: Segment, repeat: int) -> None:
    path, (targets, count) = _addresses(folder, segment, _CAMPUS[0]), _CAMPUS
    addresses = segment.addresses[:targets]
    print(f"error of the round trip against capture stamps, {targets} x {count}, us (medians of {repeat} runs)")
    print(f"  {'':28}{'p50':>8}{'p99':>8}{'max':>8}{'compared':>10}")
    for hogs in (0, 4):
        running = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(hogs)]
        try:
            sides: dict[str, list[tuple[float, float, float, int]]] = {"agent": [], "fping": []}
            for _ in range(repeat):
                for name, ask in (
                    ("agent", lambda: ours(path, count, 0.3)),
                    ("fping", lambda: fping(path, count, "1", "300")),
                ):
                    capture = Capture(segment.interface)
                    result = ask()
                    found = sorted(errors(addresses, result["rtts"], capture.rtts()))
                    p99 = found[int(len(found) * 0.99)]
                    sides[name].append((found[len(found) // 2], p99, found[-1], len(found)))
        finally:
            for process in running:
                process.kill()
                process.wait()
        for name, figures in sides.items():
            label = name + (f", {hogs} CPU hogs" if hogs else "")
            p50, p99, worst, compared = (_median([f[i] for f in figures]) for i in range(4))
            print(f"  {label:28}{p50:8.1f}{p99:8.1f}{worst:8.1f}{compared:10.0f}")
    print("  target: agent p99 <= 10 us, with and without hogs\n")


def _addresses(folder: str, segment: Segment, count: int) -> str:
    path = Path(folder, f"addresses{count}")
    path.write_text("\n".join(segment.addresses[:count]) + "\n")
    return str(path)


def _median(values: list) -> float:
    return float(statistics.median(values))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--only", choices=("cost", "sweep", "truth"))
    parser.add_argument("--child", nargs=3, metavar=("FILE", "COUNT", "INTERVAL"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        child(args.child[0], int(args.child[1]), float(args.child[2]))
        return 0
    missing = [name for name in ("fping", "ip") if shutil.which(name) is None]
    if missing or os.geteuid() != 0:
        print(f"needs root and {', '.join(missing) or 'nothing else'}", file=sys.stderr)
        return 1
    segment = Segment(_FLAT[0], prefix=94)
    try:
        with tempfile.TemporaryDirectory() as folder:
            for name, bench in (("cost", cost), ("sweep", sweep), ("truth", truth)):
                if args.only in (None, name):
                    bench(folder, segment, args.repeat)
    finally:
        segment.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
