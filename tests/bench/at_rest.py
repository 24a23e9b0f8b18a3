"""Evidence at rest, after its hours are joined: `python -m tests.bench.at_rest [--hours 6]`.

One campus of 100 access points and 5 agents, as the plan spreads them (each access point by two), every probe of the
model of `wifi-agent simulate` at its usual pace, signed by real keys and put in through the store's own door. Bytes are
what the SQLite file grows by with table and indexes, after VACUUM. A sample is a value that leaves by remote write, as
the peers count them; the values of the tables are told beside.
"""

import argparse
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import msgspec
from sqlalchemy import Connection

from agent import wire
from agent.identity import Identity
from agent.simulate import district
from agent.simulate.faults import Faults
from agent.simulate.probes import ModelProbes, Place
from collector.compaction.compactor import Compactor
from collector.metrics.prompb import Encoder, Origin
from collector.store import Batch, Incoming, Store, agents, evidence
from collector.store.evidence import pack
from tests.collector.rig import fill

LIMIT_BYTES = 1.3
BEGIN = 1_792_080_000.0
ACCESS_POINTS, AGENTS = 100, 5


class Figure(NamedTuple):
    """Bytes a sample landed and joined; values of tables a sample; microseconds of CPU a sample for joining, and
    milliseconds for reading an hour of one agent: what the judge reads of it, and each report's bytes."""

    reports: int
    samples: int
    values: int
    landed_bytes: int
    joined_bytes: int
    join_us: float
    judged_ms: float
    read_ms: float

    @property
    def bytes_a_sample(self) -> float:
        return self.joined_bytes / self.samples


class Agent:
    """One modelled agent with a key, its share of the access points and every probe."""

    def __init__(self, campus: district.Campus, number: int, faults: Faults) -> None:
        self.identity = Identity.generate()
        self._place = Place(campus, *campus.agents[number])
        self._faults = faults
        mine = [ap for n, ap in enumerate(campus.access_points) if number in (n % AGENTS, (n + 1) % AGENTS)]
        self._plan = wire.Plan(
            schema=1, agent=self.identity.id, campus=campus.id, place=None, issued_at=BEGIN, slot_seconds=300,
            report_seconds=60, reach_count=3, reach_interval_seconds=0.2,
            access_points=[wire.PlanTarget(ap.id, ap.address) for ap in mine],
            paths=[wire.PathTarget("gateway", "gateway"), wire.PathTarget("dns", "resolver", method="dns"),
                   wire.PathTarget("collector", "collector"), wire.PathTarget("internet", "one"),
                   wire.PathTarget("internet", "two")],
            cadence=wire.Cadence(), simulated=True, ssids=[campus.ssid],
            bssids=[bssid for ap in campus.access_points for bssid in ap.bssids],
            join=[wire.JoinTask(campus.ssid)],
        )  # fmt: skip

    def minute(self, number: int) -> Incoming:
        start = BEGIN + 60 * number
        probes = ModelProbes(self._place, self._faults, 1, start)
        tables: dict[str, wire.Table] = {
            "reach": probes.reach(self._plan, start + 5), "path": probes.path(self._plan, start + 7),
            "host": probes.host(start + 9),
        }  # fmt: skip
        if number % 5 == 0:
            tables |= probes.airspace(self._plan, start + 20) | {"link": probes.link(self._plan, start + 30)}
        if number % 15 == 0:
            tables["join"] = probes.join(self._plan, start + 40)
        if number % 60 == 30:
            tables["throughput"] = probes.throughput(wire.ThroughputTask(), start + 3)
        report = wire.Report(
            schema=1, agent=self.identity.id, agent_version="0.1.0", stream=self.identity.id[::-1], seq=number + 1,
            boot_id="1" * 32, start_at=start, duration_seconds=60.0,
            clock=wire.Clock("synced", 5000.25 + 60 * number, 0.0001, 0.001), plan="c" * 64, simulated=True, **tables,
        )  # fmt: skip
        document = wire.encode(report)
        return Incoming(report, wire.digest(document), self.identity.sign("report", document), pack(document))


def measure(hours: int, folder: Path) -> Figure:
    """Fills a store with so many hours, joins them, and looks at the file before and after."""
    campus = district.model(1, access_points=ACCESS_POINTS, agents=AGENTS)[0]
    made = [Agent(campus, number, Faults([campus], 1, 300.0)) for number in range(AGENTS)]
    reports, samples, values = 0, 0, 0
    encoder = Encoder()
    with Store(f"sqlite:///{folder}/collector.db") as store:
        fill(store, BEGIN)
        for one in made:
            _stands(store, one.identity)
        for number in range(hours * 60 + 1):
            for one in made:
                incoming = one.minute(number)
                store.submit(Batch(one.identity.id, [incoming], BEGIN + 60 * number + 61.234567)).result()
                reports += number < hours * 60
                if number < hours * 60:
                    origin = Origin("modelled", "", True)
                    samples += encoder.encode(incoming.report, incoming.report.start_at or 0.0, origin).samples
                    values += _values(incoming)
        landed = _bytes(store)
        begin = time.process_time()
        done = Compactor(store, lambda: BEGIN + (hours + 1) * 3600.0, 3600.0, forwards=False).run()
        joined_cpu = time.process_time() - begin
        assert done.reports == reports, done
        joined = _bytes(store)
        with store.read() as connection:
            judged, read = (_reading_ms(connection, made[0].identity.id, what) for what in _READ)
    return Figure(reports, samples, values, landed, joined, joined_cpu / samples * 1e6, judged, read)


_READ = (evidence.Kept.testimony, evidence.Kept.document)
_ROUNDS = 5


def _reading_ms(connection: Connection, agent: str, read: Callable[[evidence.Kept], object]) -> float:
    took = []
    for _ in range(_ROUNDS):
        begin = time.process_time()
        found = [read(one) for one in evidence.of_agents(connection, [agent], BEGIN, BEGIN + 3599.0)]
        took.append(time.process_time() - begin)
        assert len(found) >= 60
    return statistics.median(took) * 1e3


def _stands(store: Store, identity: Identity) -> None:
    values = {
        "id": identity.id, "public_key": identity.public_key, "campus": "modelled", "state": "pending", "name": "",
        "simulated": True, "version": "1", "token": "", "created_at": BEGIN,
    }  # fmt: skip
    store.write(lambda c: agents.enroll(c, values)).result()
    store.write(lambda c: agents.approve(c, identity.id, None, "bench", BEGIN, 300)).result()


def _values(incoming: Incoming) -> int:
    tables = [getattr(incoming.report, kind) for kind in wire.KINDS]
    return sum(len(column) for one in tables if one is not None for column in msgspec.structs.astuple(one))


def _bytes(store: Store) -> int:
    """What both tables of evidence with their indexes take: a copy of the file with them, and without."""
    with tempfile.TemporaryDirectory() as folder:
        sizes = []
        for name, empty in (("with", ()), ("without", ("evidence", "evidence_hour"))):
            path = Path(folder) / name
            source, copy = sqlite3.connect(f"file:{store.path}?mode=ro", uri=True), sqlite3.connect(path)
            source.backup(copy)
            for table in empty:
                copy.execute(f"DELETE FROM {table}")
            copy.commit()
            copy.execute("VACUUM")
            copy.close()
            source.close()
            sizes.append(path.stat().st_size)
    return sizes[0] - sizes[1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hours", type=int, default=6, help="an even number: two are joined together")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = measure(arguments.hours, Path(folder))
    a_sample = found.bytes_a_sample
    print(f"{found.reports} reports, {found.samples} samples ({found.values} values of tables)")
    print(f"landed  {found.landed_bytes / found.samples:.2f} bytes a sample")
    print(f"joined  {a_sample:.2f} bytes a sample, {found.joined_bytes / found.values:.2f} a value, "
          f"{found.joined_bytes / found.reports:.0f} a report")  # fmt: skip
    print(f"joining {found.join_us:.2f} us CPU a sample; an agent's hour is read in {found.read_ms:.1f} ms CPU to the "
          f"byte, by the judge in {found.judged_ms:.1f} ms (medians of {_ROUNDS})")  # fmt: skip
    print(f"limit   {LIMIT_BYTES} bytes a sample: {'held' if a_sample <= LIMIT_BYTES else 'MISSED'}")


if __name__ == "__main__":
    main()
