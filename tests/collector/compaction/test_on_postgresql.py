"""The same on a real PostgreSQL: rows become hours, hours rows, and digests what has expired."""

import multiprocessing
from collections import Counter
from typing import Any

from sqlalchemy import select

from agent import wire
from collector import retention
from collector.compaction.compactor import Compactor
from collector.config import Config
from collector.store import Batch, Incoming, Store, agents, evidence, joined, judging, outbox, schema
from collector.store.evidence import pack
from tests.collector.rig import CAMPUS, OTHER, Device, fill
from tests.collector.test_postgresql import url  # noqa: F401 - a fixture

BEGIN = 1_700_000_000.0
DAY = 86400.0


def test_evidence_is_joined_moved_and_let_go_there_too(url: str) -> None:  # noqa: F811
    device = Device()
    values = {
        "id": device.id, "public_key": device.identity.public_key, "campus": CAMPUS, "state": "pending", "name": "",
        "simulated": False, "version": "1", "token": "", "created_at": BEGIN,
    }  # fmt: skip
    with Store(url) as store:
        fill(store, BEGIN)
        store.write(lambda c: agents.enroll(c, values)).result()
        store.write(lambda c: agents.approve(c, device.id, None, "test", BEGIN, 300)).result()
        for minute in range(30):
            report = device.report(BEGIN + 60 * minute)
            data = wire.encode(report)
            batch = Batch(device.id, [Incoming(report, wire.digest(data), "s", pack(data))], BEGIN + 60 * minute + 61)
            store.submit(batch).result()

        def documents(campus: str = CAMPUS) -> list[bytes]:
            with store.read() as connection:
                return [one.document() for one in evidence.of_campus(connection, campus, 0, 4e9)]

        before = documents()
        with store.read() as connection:
            waiting = outbox.after(connection, 0, 100)
        done = Compactor(store, lambda: BEGIN + DAY, 3600.0, forwards=False).run()
        with store.read() as connection:
            after = outbox.after(connection, 0, 100)
            numbers = evidence.count_kept(connection, device.id)

        assert done.reports == len(before) - 1
        assert documents() == before
        with store.read() as connection:
            begins = judging.records_begin(connection, [CAMPUS, OTHER])
            assert begins == {CAMPUS: judging.record_begins(connection, CAMPUS)}
        assert [one.position for one in after] == [one.position for one in waiting]
        assert numbers == len(before)

        again = Batch(device.id, [Incoming(report, wire.digest(data), "s", pack(data))], BEGIN + DAY)
        assert store.submit(again).result().results[0].status == "duplicate"
        half = BEGIN + 60 * 15
        store.write(lambda c: agents.move(c, device.id, OTHER, None, "test", BEGIN + DAY, 300, half)).result()
        assert documents() + documents(OTHER) == before
        assert Compactor(store, lambda: BEGIN + DAY, 3600.0, forwards=False).run().reports == len(before) - 1

        config = Config(evidence_days=5)
        assert retention.apply(store, config, lambda: BEGIN + 6 * DAY) == 2
        assert len(documents() + documents(OTHER)) == 1
        with store.read() as connection:
            assert evidence.count_kept(connection, device.id) == len(before)


def join_all(where: str, ready: Any, go: Any, stop: Any, told: Any) -> None:
    """Another collector: it joins what is ready, again and again, while reports still land."""
    with Store(where) as store:
        ready.release()
        go.wait(60)
        done = [Compactor(store, lambda: BEGIN + DAY, 3600.0, forwards=False).run()]
        while not stop.is_set():
            done.append(Compactor(store, lambda: BEGIN + DAY, 3600.0, forwards=False).run())
        told.put((sum(one.reports for one in done), sum(one.left for one in done)))


def test_two_collectors_that_join_at_once_keep_each_report_once_and_byte_for_byte(url: str) -> None:  # noqa: F811
    """Late reports of the same hours land meanwhile, twice over, through a third."""
    devices = [Device() for _ in range(3)]
    context = multiprocessing.get_context("spawn")
    ready, go, stop, told = context.Semaphore(0), context.Event(), context.Event(), context.Queue()
    with Store(url) as store:
        fill(store, BEGIN)
        batches: list[Batch] = []
        for device in devices:
            values = {
                "id": device.id, "public_key": device.identity.public_key, "campus": CAMPUS, "state": "pending",
                "name": "", "simulated": False, "version": "1", "token": "", "created_at": BEGIN,
            }  # fmt: skip
            store.write(lambda c, values=values: agents.enroll(c, values)).result()
            store.write(lambda c, device=device: agents.approve(c, device.id, None, "test", BEGIN, 300)).result()
            for minute in range(130):
                report = device.report(BEGIN + 60 * minute)
                data = wire.encode(report)
                incoming = Incoming(report, wire.digest(data), device.identity.sign("report", data), pack(data))
                batches.append(Batch(device.id, [incoming], BEGIN + 60 * minute + 61))
        early = [one for n, one in enumerate(batches) if n % 4]
        late = [one for n, one in enumerate(batches) if n % 4 == 0]
        for future in [store.submit(one) for one in early]:
            future.result()

        others = [context.Process(target=join_all, args=(url, ready, go, stop, told), daemon=True) for _ in range(2)]
        for one in others:
            one.start()
        assert all(ready.acquire(timeout=60) for _ in others)
        go.set()
        statuses: Counter[str] = Counter()
        for batch in late:
            for again in (batch, early[len(early) // 2], batch):
                statuses.update(one.status for one in store.submit(again).result().results)
        stop.set()
        done = [told.get(timeout=120) for _ in others]
        for one in others:
            one.join(30)
        assert [one.exitcode for one in others] == [0, 0]
        assert statuses == {"accepted": len(late), "duplicate": 2 * len(late)}

        last = Compactor(store, lambda: BEGIN + DAY, 3600.0, forwards=False).run()
        assert last.left == sum(left for _, left in done) == 0
        with store.read() as connection:
            landed = connection.execute(select(schema.evidence.c.agent, schema.evidence.c.seq)).all()
            hours = list(joined.read(connection))
            numbers = Counter([*((row.agent, row.seq) for row in landed),
                               *((one.agent, one.seq) for hour in hours for one in joined.index(hour))])  # fmt: skip
            documents = sorted(one.document() for one in evidence.of_campus(connection, CAMPUS, 0, 4e9))
            positions = [one.position for one in outbox.after(connection, 0, 10_000)]
        # The newest report of all stays as it landed; each of the others was joined by one of them, and once.
        assert len(landed) == 1
        assert sum(reports for reports, _ in done) + last.reports == len(batches) - 1
        assert set(numbers.values()) == {1}
        assert documents == sorted(evidence.unpack(one.reports[0].body) for one in batches)
        assert len(positions) == len(set(positions)) == len(batches)
