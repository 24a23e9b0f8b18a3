"""The leased throughput test beside iperf3 and ping over one shaped path: rate, latency under load, cost.

    python -m tests.bench.throughput [--repeat N] [--rates 20,100,400] [--far-end collector|reflector]

Boots the lab's kernel (tests/lab), since tbf is needed; there, two namespaces and a veth shaped at both ends with a
queue of 50 ms. Each figure is the median of the runs: iperf3 with four streams and ours in turns, fping every 50 ms
beside ours. CPU is user + system of the whole process that tests;
system calls of this kernel cost many times a real one's, so iperf3's own cost stands beside ours.
`planned` is the test as agents are asked for it (25 MB, 5 s), `long` one of 4 s each way.
"""

import argparse
import base64
import json
import re
import resource
import shutil
import statistics
import subprocess
import sys
import time

import msgspec

from tests.lab import kernel
from tests.lab.accuracy import Result, report
from tests.lab.accuracy_figure import Figure
from tests.lab.machine import Lab

_WITHIN_SECONDS = 1800
QUEUE_MS = 50
PORT = 8081
NEAR, FAR = "10.77.0.1", "10.77.0.2"
SEED = bytes(range(32))
SIZES = {"long": (2_000_000_000, 8.0), "planned": (25_000_000, 5.0)}


def measure(repeat: int = 3, rates: str = "20,100,400", far_end: str = "collector") -> list[Figure]:
    """What the guest found and judged of it."""
    return boot(repeat, rates, far_end)[0].figures


def boot(repeat: int, rates: str, far_end: str) -> tuple[Result, str]:
    """The same command again, inside: the figures, and the table that it printed."""
    missing = [name for name in ("iperf3", "fping", "tc", "busybox") if shutil.which(name) is None]
    if missing:
        sys.exit(f"missing here: {', '.join(missing)}; install iperf3 fping iproute2 busybox-static")
    inner = ("--inside", f"--repeat={repeat}", f"--rates={rates}", f"--far-end={far_end}")
    with Lab("-m", "tests.bench.throughput", *inner, radios=1, memory="1024M") as lab:
        result = msgspec.json.decode(lab.wait_for("result.json", _WITHIN_SECONDS), type=Result)
        return result, (lab.folder / "stdout").read_text()


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
        command = [sys.executable, "-m", "collector.throughput.server"]
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
    from agent import wire
    from agent.clock import RealClock
    from agent.lease import proof
    from agent.probes import throughput
    from agent.probes.base import Deadline
    from agent.transport import client
    from collector.signer import Signer
    from collector.throughput.leases import Bounds, issue

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


def inside(args: argparse.Namespace) -> None:
    segment()
    server = serve(args.far_end)
    subprocess.Popen(["ip", "netns", "exec", "far", "iperf3", "-s"], stdout=subprocess.DEVNULL)
    ready()
    print(
        f"far end: {args.far_end}; medians of {args.repeat}\n"
        "Mb/s  size     iperf3 down/up   ours down/up     difference      loaded RTT / ping         "
        "    CPU ms/MB (iperf3)  resent"
    )
    figures: list[Figure] = []
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
            show(megabits, size, reference, middle(runs))
        figures += judged(megabits, reference, middle(found["long"]), args.repeat)
    server.terminate()
    report(Result(figures))


def middle(runs: list[dict]) -> dict[str, float | None]:
    known = {key: [run[key] for run in runs if run[key] is not None] for key in runs[0]}
    return {key: statistics.median(values) if values else None for key, values in known.items()}


def judged(megabits: int, iperf3: dict, mine: dict, runs: int) -> list[Figure]:
    """5 % of the rate, 10 % of the latency, 2.5 ms CPU a megabyte (or what iperf3 needs here). A latency that was not
    measured counts as none."""
    at = f"at {megabits} Mb/s"
    rate, cpu = "bits_per_second", "seconds_per_megabyte"
    down, up = (mine["down"], iperf3["down"]), (mine["up"], iperf3["up"])
    latency = (mine["loaded"] or 0.0, mine["ping"] or 1.0)
    most = max(2.5, iperf3["cpu"]) / 1000
    return [
        Figure(f"download {at}", "iperf3, 4 streams", rate, [down], None, 0.05, runs),
        Figure(f"upload {at}", "iperf3, 4 streams", rate, [up], None, 0.05, runs),
        Figure(f"round trip under load {at}", "fping, the same seconds", "seconds", [latency], None, 0.1, runs),
        Figure(f"CPU {at}", "2.5, or iperf3's own", cpu, [(mine["cpu"] / 1000, None)], most, None, runs),
    ]


def show(megabits: int, size: str, iperf3: dict, mine: dict) -> None:
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


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--rates", default="20,100,400", help="Mb/s, divided by commas")
    parser.add_argument("--far-end", choices=("collector", "reflector"), default="collector")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.serve:
        return reflect()
    if args.inside:
        inside(args)
        return 0
    if kernel.find() is None:
        sys.exit("no kernel that boots here: run tests/lab/build-kernel once, or set CAMPUS_WIFI_LAB_KERNEL")
    result, table = boot(args.repeat, args.rates, args.far_end)
    print(table, end="")
    return 0 if all(figure.holds for figure in result.figures) else 1


if __name__ == "__main__":
    sys.exit(main())
