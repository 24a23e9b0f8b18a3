"""A report that lands while its hour is joined: its number in the table is never given to another."""

from collections import Counter

from sqlalchemy import select

from agent import wire
from collector.compaction.compactor import Compactor
from collector.store import Batch, Incoming, Store, agents, joined, schema
from collector.store.evidence import pack
from tests.collector.rig import CAMPUS, Device, fill

BEGIN, DAY, HOURS = 1_700_000_000.0, 86400.0, 40


def test_what_lands_during_a_pass_is_joined_by_the_next_one(tmp_path):
    device = Device()
    values = {
        "id": device.id, "public_key": device.identity.public_key, "campus": CAMPUS, "state": "pending", "name": "",
        "simulated": False, "version": "1", "token": "", "created_at": BEGIN,
    }  # fmt: skip
    with Store(f"sqlite:///{tmp_path}/collector.db") as store:
        fill(store, BEGIN)
        store.write(lambda c: agents.enroll(c, values)).result()
        store.write(lambda c: agents.approve(c, device.id, None, "test", BEGIN, 300)).result()

        def land(at: float) -> None:
            report = device.report(at)
            data = wire.encode(report)
            batch = Batch(device.id, [Incoming(report, wire.digest(data), "s", pack(data))], BEGIN + 3 * DAY)
            store.submit(batch).result()

        for n in range(HOURS):
            land(BEGIN + 3600 * n)

        def meanwhile() -> bool:
            land(BEGIN + 3600 * (HOURS - 3) + 60 * len(landed))
            landed.append(device.seq)
            return False

        landed: list[int] = []
        compactor = Compactor(store, lambda: BEGIN + 3 * DAY, 3600.0, forwards=False)
        compactor.run(until=meanwhile)
        assert landed, "nothing landed during the pass: the test shows nothing"
        land(BEGIN + 3600 * (HOURS - 4))
        compactor.run()

        with store.read() as connection:
            ids = Counter(connection.scalars(select(schema.evidence.c.id)))
            ids.update(one.id for hour in joined.read(connection) for one in joined.index(hour))
    assert len(ids) == device.seq
    assert set(ids.values()) == {1}
