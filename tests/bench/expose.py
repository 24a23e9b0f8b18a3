"""What showing and forwarding cost: a scrape of 1,000 campuses beside prometheus-client's own text, and a sample's way
into a remote-write request beside the protobuf library's.

    python -m tests.bench.expose [--campuses N] [--rounds N]

CPU seconds of this process, medians; the peers run interleaved with us. Limits: 50 ms a scrape, 0.3 us a sample.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Any

import cramjam
from prometheus_client import CollectorRegistry, Gauge, generate_latest

from agent import wire
from collector.commitment.period import GAUGES
from collector.metrics import prompb, series
from collector.metrics.expose import Bounds, CampusBlock, CampusNow, Exposition, Rooms, Told
from collector.metrics.remote_write import REPORTS_PER_REQUEST
from collector.store import evidence
from tests.bench.remote_write_messages import WriteRequest

ACCESS_POINTS = 100
START = 1_790_000_000.0


def cpu(work: Callable[[], Any]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def campuses(count: int, turn: int) -> list[CampusNow]:
    """A district at one instant. Each turn every agent has reported again and one campus in fifty has changed."""
    bounds = {period: Bounds(0.93, 0.97, 0.96, -0.4, 0.4, 3.9e5) for period in GAUGES}
    made = []
    for n in range(count):
        up = {f"00:11:22:{n >> 8:02x}:{n & 255:02x}:{ap:02x}": "up" for ap in range(ACCESS_POINTS)}
        if (n + turn) % 50 == 0:
            up[next(iter(up))] = "down"
        agents = {(f"{n:031x}{a}", f"c{n}/A/{a}"): START + 60 * turn for a in range(2)}
        told = {agent: Told("1.0.0", "synced", 0) for agent, _ in agents}
        places = {place: "met" for _, place in agents}
        criteria = {f"place.criterion-{k}": (ACCESS_POINTS - k, k, ACCESS_POINTS) for k in range(7)}
        facts = (f"c{n}", f"Campus {n}", f"r{n % 7}", f"{n % 7}", "elementary", f"u{n % 40}", False, True, "met", "")
        made.append(
            CampusNow(*facts, up, bounds, agents, told=told, places=places, criteria=criteria, rooms=Rooms(60, 2))
        )
    return made


def peer(shown: list[CampusNow]) -> Callable[[], bytes]:
    """The same access points as prometheus-client's gauges; everything else left out, in the peer's favour."""
    registry = CollectorRegistry()
    gauge = Gauge("campus_wifi_ap_up", "Whether it answered.", ["campus", "ap"], registry=registry)
    for campus in shown:
        for ap in campus.access_points:
            gauge.labels(campus.campus, ap).set(1)
    return lambda: generate_latest(registry)


def reports(count: int) -> list[wire.Report]:
    made = []
    for seq in range(1, count + 1):
        rows = ACCESS_POINTS
        columns: dict[str, list[Any]] = {name: [None] * rows for name in wire.Reach.__struct_fields__}
        columns |= {
            "at": [round(5 + 0.011 * n + seq / 1e3, 6) for n in range(rows)], "outcome": ["ok"] * rows,
            "target": [f"00:11:22:33:{seq & 63:02x}:{n:02x}" for n in range(rows)], "method": ["icmp"] * rows,
            "duration_seconds": [1.0] * rows, "sent": [3] * rows, "received": [3] * rows, "loss_ratio": [0.0] * rows,
            **{
                f"{name}_seconds": [round(0.001 + n * 13 % 977 * 1e-6 + seq * 1e-6, 6) for n in range(rows)]
                for name in ("rtt_min", "rtt_mean", "rtt_max", "jitter")
            },
        }  # fmt: skip
        made.append(
            wire.Report(
                schema=1, agent=f"{seq & 63:032x}", agent_version="1", stream="a" * 32, seq=seq, boot_id="b" * 32,
                start_at=START + 60 * (seq >> 6), duration_seconds=60.0, clock=wire.Clock("synced", 5.0), plan=None,
                reach=wire.Reach(**columns),
            )
        )  # fmt: skip
    return made


def protobuf(report: wire.Report) -> bytes:
    """The usual way: an object a label, a sample and a series."""
    request = WriteRequest()
    reach: Any = report.reach
    for forwarded in (f for f in series.WIRE if f.kind == "reach"):
        for row, value in enumerate(getattr(reach, forwarded.column)):
            one = request.timeseries.add()
            labels = {"__name__": forwarded.series.name, "agent": report.agent, "ap": reach.target[row],
                      "campus": "c1", "place": "c1/A/1"}  # fmt: skip
            for name, text in labels.items():
                one.labels.add(name=name, value=text)
            one.samples.add(value=value, timestamp=round((START + reach.at[row]) * 1000))
    return bytes(cramjam.snappy.compress_raw(request.SerializeToString()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--campuses", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=7)
    asked = parser.parse_args()

    block = CampusBlock()
    exposition = Exposition(CollectorRegistry(), block)
    block.show(campuses(asked.campuses, 0), 0.95, START)
    theirs = peer(campuses(asked.campuses, 0))
    changed, scraped, peers = [], [], []
    for turn in range(1, asked.rounds + 1):
        now = campuses(asked.campuses, turn)
        changed.append(cpu(lambda now=now, turn=turn: block.show(now, 0.95, START + turn)))
        scraped.append(cpu(exposition.text))
        if turn <= 3:
            peers.append(cpu(theirs))
    samples = exposition.text().count(b"\n")
    ours, refresh, other = (statistics.median(figures) * 1e3 for figures in (scraped, changed, peers))
    print(f"/metrics of {asked.campuses} campuses, {samples} lines:")
    print(f"  a scrape after everything changed {ours:8.1f} ms CPU   (limit 50)")
    print(f"  keeping the text ready            {refresh:8.1f} ms CPU   (a look at what changed, in its own thread)")
    print(f"  prometheus_client generate_latest {other:8.1f} ms CPU   (peer; ratio {ours / other:.3f})")

    batch = reports(256)
    packed = [evidence.pack(wire.encode(report)) for report in batch]
    encoder = prompb.Encoder()
    here = prompb.Origin("c1", "c1/A/1", False)
    count = sum(encoder.encode(report, report.start_at or 0.0, here).samples for report in batch)

    def encode() -> None:
        for first in range(0, len(batch), REPORTS_PER_REQUEST):
            chunk = batch[first : first + REPORTS_PER_REQUEST]
            prompb.compress([encoder.encode(report, report.start_at or 0.0, here).body for report in chunk])

    read, made, usual = [], [], []
    for _ in range(asked.rounds):
        read.append(cpu(lambda: [wire.decode_report(evidence.unpack(body)) for body in packed]))
        made.append(cpu(encode))
        usual.append(cpu(lambda: [protobuf(report) for report in batch[:32]]) * len(batch) / 32)
    reading, forwarding, objects = (statistics.median(figures) / count * 1e6 for figures in (read, made, usual))
    print(f"remote write, {count} samples in {len(batch)} reports:")
    print(f"  encode and snappy                 {forwarding:8.3f} us a sample   (limit 0.3)")
    print(f"  reading the evidence before it    {reading:8.3f} us a sample")
    print(f"  protobuf objects and snappy       {objects:8.3f} us a sample   (peer; ratio {forwarding / objects:.3f})")


if __name__ == "__main__":
    main()
