"""The leased throughput test beside iperf3 and ping over one shaped path: rate, latency under load, cost.

    python -m tests.bench.throughput [--repeat N] [--rates 20,100,400] [--far-end collector|reflector]

Boots the lab's kernel (CAMPUS_WIFI_LAB_KERNEL names its folder, else ../shared/wifi-lab), since tbf is needed; there,
two namespaces and a veth shaped at both ends with a queue of 50 ms. Each figure is the median of the runs: iperf3 with
four streams and ours in turns, fping every 50 ms beside ours. CPU is user + system of the whole process that tests;
system calls of this kernel cost many times a real one's, so iperf3's own cost stands beside ours.
`planned` is the test as agents are asked for it (25 MB, 5 s), `long` one of 4 s each way.
"""

import argparse
import base64
import json
import os
import re
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
QUEUE_MS = 50
PORT = 8081
NEAR, FAR = "10.77.0.1", "10.77.0.2"
SEED = bytes(range(32))
SIZES = {"long": (2_000_000_000, 8.0), "planned": (25_000_000, 5.0)}


def lab() -> Path:
    folder = Path(os.environ.get("CAMPUS_WIFI_LAB_KERNEL") or ROOT.parent / "shared" / "wifi-lab")
    if not (folder / "run").exists():
        sys.exit(f"{folder}: no lab kernel there; set CAMPUS_WIFI_LAB_KERNEL to its folder")
    missing = [name for name in ("iperf3", "fping", "tc", "busybox") if shutil.which(name) is None]
    if missing:
        sys.exit(f"missing here: {', '.join(missing)}; install iperf3 fping iproute2 busybox-static")
    return folder


def boot(args: argparse.Namespace) -> int:
    """The same command again, inside."""
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "script"
        inner = f"--inside --repeat {args.repeat} --rates {args.rates} --far-end {args.far_end}"
        script.write_text(f"cd {ROOT} && exec {sys.executable} -m tests.bench.throughput {inner}\n")
        environment = {**os.environ, "T": "1800", "MEM": "1024M", "RADIOS": "1"}
        return subprocess.run([lab() / "run", script], env=environment, check=False).returncode


# --- inside ----------------------------------------------------------------------------------------------------


def sh(command: str) -> str:
    return subprocess.run(command.split(), check=True, capture_output=True, text=True).stdout


def segment() -> None:
    sh("ip netns add far")
    sh("ip link add near type veth peer name far0 netns far")
    for where, device, address in (("", "near", NEAR), ("ip netns exec far ", "far0", FAR)):
        sh(f"{where}ip addr add {address}/24 dev {device}")
        sh(f"{where}ip link set {device} up")
    sh("ip netns exec far ip link set lo up")


def shape(megabits: int) -> None:
    # This kernel's tick is 10 ms: a smaller bucket would run dry between two of them.
    burst = max(int(megabits * 1e6 / 8 * 0.012), 5000)
    for where, device in (("", "near"), ("ip netns exec far ", "far0")):
        sh(f"{where}tc qdisc replace dev {device} root tbf rate {megabits}mbit burst {burst} latency {QUEUE_MS}ms")


def serve(far_end: str) -> subprocess.Popen:
    if far_end == "reflector":
        command = [sys.executable, "-m", "tests.bench.throughput", "--serve"]
    else:
        command = [sys.executable, "-m", "collector.throughput"]
    process = subprocess.Popen(["ip", "netns", "exec", "far", *command], stdin=subprocess.PIPE)
    settings = {"secret": base64.b64encode(SEED).decode(), "host": FAR, "port": PORT}
    process.stdin.write(json.dumps(settings).encode() + b"\n")
    process.stdin.flush()
    return process


def reflect() -> int:
    """The reflector alone, for `serve`."""
    from agent.reflector import Reflector
    from collector.signer import Signer

    with Reflector((FAR, PORT), Signer(SEED).public_key, time.time) as reflector:
        reflector.serve_forever()
    return 0


def iperf(*more: str) -> tuple[float, float]:
    """Bits per second, and milliseconds of CPU a megabyte."""
    command = ["iperf3", "-c", FAR, "-P", "4", "-t", "4", "-O", "1", "-J", *more]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cost = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    received = found["end"]["sum_received"]
    # Five seconds were paid for, of which one is omitted from the figure.
    return received["bits_per_second"], cost * 1000 / (received["bytes"] * 5 / 4 / 1e6)


def ours(max_bytes: int, max_seconds: float) -> dict[str, float | None]:
    import msgspec

    from agent import wire
    from agent.clock import RealClock
    from agent.lease import proof
    from agent.probes import throughput
    from agent.probes.base import Deadline
    from agent.transport import client
    from collector.leases import Bounds, issue
    from collector.signer import Signer

    until = time.time() + 60
    lease = wire.Lease(issue(SEED, Bounds(until, max_bytes)), "a" * 32, True, 0.0, until, max_bytes, max_seconds)
    document = wire.encode(lease)
    shown = proof(wire.Signed("lease", Signer(SEED).sign("lease", document), msgspec.Raw(document)))
    heard: dict[str, list[float]] = {}
    with client(None, RealClock()) as http:
        settings = throughput.Settings(
            f"http://{FAR}:{PORT}", lambda: http, lease, max_bytes, max_seconds, 4, shown,
            progress=lambda phase, _: heard.setdefault(phase, []).append(time.time()),
        )  # fmt: skip
        ping = subprocess.Popen(["fping", "-D", "-l", "-p", "50", FAR], stdout=subprocess.PIPE, text=True)
        before = time.process_time()
        row = throughput.probe(settings, Deadline(60))
        cost = time.process_time() - before
    ping.terminate()
    if row.outcome != ["ok"]:
        sys.exit(f"{row.outcome}: {row.reason}")
    heard.pop("idle")
    pings: dict[str, list[float]] = {phase: [] for phase in heard}
    for at, took in re.findall(r"^\[([\d.]+)\].*?([\d.]+) ms", ping.communicate()[0], re.M):
        sent = float(at) - float(took) / 1000
        for phase, times in heard.items():
            # After the warm-up, like the test's own.
            if times[0] + 0.5 <= sent <= times[-1]:
                pings[phase].append(float(took) / 1000)
    medians = [statistics.median(rtts) for rtts in pings.values() if rtts]
    moved = row.download_bytes[0] + row.upload_bytes[0]
    return {
        "down": row.download_bits_per_second[0], "up": row.upload_bits_per_second[0],
        "loaded": row.rtt_loaded_seconds[0], "ping": statistics.mean(medians) if medians else None,
        "cpu": cost * 1000 / (moved / 1e6), "resent": row.retransmitted_segments[0],
    }  # fmt: skip


def ready() -> None:
    import socket

    until = time.monotonic() + 60
    while True:
        try:
            socket.create_connection((FAR, PORT), 1.0).close()
            return
        except OSError:
            if time.monotonic() > until:
                sys.exit("the throughput service does not come up")
            time.sleep(0.1)


def inside(args: argparse.Namespace) -> int:
    segment()
    server = serve(args.far_end)
    subprocess.Popen(["ip", "netns", "exec", "far", "iperf3", "-s"], stdout=subprocess.DEVNULL)
    ready()
    print(
        f"far end: {args.far_end}; medians of {args.repeat}\n"
        "Mb/s  size     iperf3 down/up   ours down/up     difference      loaded RTT / ping         "
        "    CPU ms/MB (iperf3)  resent"
    )
    worst = 0
    for megabits in map(int, args.rates.split(",")):
        shape(megabits)
        theirs, found = [], {size: [] for size in SIZES}
        for _ in range(args.repeat):
            (down, down_cpu), (up, up_cpu) = iperf("-R"), iperf()
            theirs.append({"down": down, "up": up, "cpu": (down_cpu + up_cpu) / 2})
            for size, bounds in SIZES.items():
                found[size].append(ours(*bounds))
        reference = middle(theirs)
        for size, runs in found.items():
            worst += line(megabits, size, reference, middle(runs))
    server.terminate()
    return 1 if worst else 0


def middle(runs: list[dict]) -> dict[str, float | None]:
    known = {key: [run[key] for run in runs if run[key] is not None] for key in runs[0]}
    return {key: statistics.median(values) if values else None for key, values in known.items()}


def line(megabits: int, size: str, iperf3: dict, mine: dict) -> bool:
    """Prints a line; whether it breaks a bound: 5 % of the rate, 10 % of the latency, 2.5 ms CPU a megabyte
    (or what iperf3 needs here)."""
    off = {way: mine[way] / iperf3[way] - 1 for way in ("down", "up")}
    late = mine["loaded"] / mine["ping"] - 1 if mine["loaded"] and mine["ping"] else None
    latency = f"{mine['loaded'] * 1000:.2f}" if mine["loaded"] else "-"
    latency += f" / {mine['ping'] * 1000:.2f} ms ({late:+.1%})" if late is not None else ""
    print(
        f"{megabits:4}  {size:8} {iperf3['down'] / 1e6:6.1f} {iperf3['up'] / 1e6:6.1f}    "
        f"{mine['down'] / 1e6:6.1f} {mine['up'] / 1e6:6.1f}    {off['down']:+6.1%} {off['up']:+6.1%}   "
        f"{latency:28} {mine['cpu']:5.2f} ({iperf3['cpu']:.2f})   {mine['resent']:.0f}",
        flush=True,
    )
    if size != "long":
        return False
    true = all(abs(one) <= 0.05 for one in off.values()) and late is not None and abs(late) <= 0.1
    return not true or mine["cpu"] > max(2.5, iperf3["cpu"])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--rates", default="20,100,400", help="Mb/s, divided by commas")
    parser.add_argument("--far-end", choices=("collector", "reflector"), default="collector")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    return reflect() if args.serve else inside(args) if args.inside else boot(args)


if __name__ == "__main__":
    sys.exit(main())
