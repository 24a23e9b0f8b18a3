"""The same on a real PostgreSQL: rows become hours, hours rows, and digests what has expired."""

from agent import wire
from collector import retention
from collector.compaction.compactor import Compactor
from collector.config import Config
from collector.store import Batch, Incoming, Store, agents, evidence, judging, outbox
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
