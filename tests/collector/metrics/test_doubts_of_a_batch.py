"""Which rooms of a forwarded batch are in doubt is asked of its own placements, and not of the whole district."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection, insert, select

from collector.compaction.compactor import Compactor
from collector.store import Store, outbox, schema, surroundings
from collector.store.surroundings import COLUMNS, SIGHTED, by_placement
from tests.collector.metrics.test_remote_write import Kept

NOW = 1_790_000_000.0


def steps(store: Store, work: Any) -> int:
    """How much SQLite does for it, in thousandths of its virtual machine's instructions: the same on every machine."""
    counted = [0]

    def count() -> int:
        counted[0] += 1
        return 0

    with store.read() as connection:
        driver: Any = connection.connection.dbapi_connection
        driver.set_progress_handler(count, 100)
        work(connection)
        driver.set_progress_handler(None, 0)
    return counted[0]


def settled(connection: Connection, agents: int, *, carried: int = 0) -> None:
    """Placed agents that tell of their surroundings; ``carried`` of them of others, too."""
    for n in range(agents):
        row = {"agent": f"{n:032d}", "campus": f"c{n // 5}", "place": f"c{n // 5}/A/{n}", "from_at": NOW - 9e6}
        number = connection.execute(
            insert(schema.placement).values(**row, set_by="test", set_at=NOW - 9e6).returning(schema.placement.c.id)
        ).scalar_one()
        seen = [{"placement": number, "fingerprint": "a" * 32, "first_at": NOW - 8e6, "reports": 3}]
        if n < carried:
            seen.append({"placement": number, "fingerprint": "b" * 32, "first_at": NOW - 10_000, "reports": 3})
        connection.execute(insert(schema.surroundings), seen)


@pytest.mark.parametrize("joined", [False, True])
def test_a_batch_costs_no_more_in_a_large_district_than_in_a_small_one(tmp_path, joined):
    kept = Kept(tmp_path, NOW)
    with kept.store as store:
        kept.approve()
        for n in range(20):
            kept.keep(NOW - 90_000 + 60 * n)
        if joined:
            assert Compactor(store, lambda: NOW, 3600.0, forwards=False).run().reports > 10

        def take(connection: Connection) -> None:
            assert len(outbox.after(connection, 0, 16)) == 16

        before = steps(store, take)
        store.write(lambda c: settled(c, 2000, carried=20)).result()
        after = steps(store, take)

        assert after < before + 20, (before, after)


@pytest.mark.parametrize("joined", [False, True])
def test_a_report_of_an_agent_in_doubt_leaves_without_its_room_in_either_form(tmp_path, joined):
    kept = Kept(tmp_path, NOW)
    with kept.store as store:
        kept.approve()
        for n in range(20):
            kept.keep(NOW - 90_000 + 60 * n)
        with store.read() as connection:
            number = connection.scalar(select(schema.placement.c.id))
        since = NOW - 90_000 + 600
        words = [(number, "a" * 32, NOW - 99_000), (number, "b" * 32, since)]
        rows = [{"placement": n, "fingerprint": name, "first_at": at, "reports": 3} for n, name, at in words]
        spoke = schema.placement.update().values(set_at=NOW - 99_000)
        store.write(lambda c: (c.execute(insert(schema.surroundings), rows), c.execute(spoke))).result()
        if joined:
            assert Compactor(store, lambda: NOW, 3600.0, forwards=False).run().reports > 10
        with store.read() as connection:
            waiting = outbox.after(connection, 0, 100)

    assert len(waiting) == 20
    assert all(one.place == ("" if one.start_at >= since else "n1/A/101") for one in waiting)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    with Store(f"sqlite:///{tmp_path_factory.mktemp('doubts')}/collector.db") as made:
        yield made


SIGHTINGS = st.lists(
    st.tuples(st.integers(1, 4), st.sampled_from("abc"), st.integers(0, 9), st.integers(1, 3)), max_size=12
)


@given(SIGHTINGS, st.sets(st.integers(1, 4)))
def test_asking_for_some_placements_says_of_each_what_all_its_sightings_say(store, sightings, wanted):
    rows = {(n, name): {"placement": n, "fingerprint": name, "first_at": at, "reports": count}
            for n, name, at, count in sightings}  # fmt: skip

    def fill(connection: Connection) -> None:
        connection.execute(schema.surroundings.delete())
        connection.execute(schema.placement.delete())
        for n in range(1, 5):
            values = {"id": n, "agent": str(n), "campus": "c", "from_at": 0, "set_by": "test", "set_at": 2.0}
            connection.execute(insert(schema.placement).values(values))
        if rows:
            connection.execute(insert(schema.surroundings), [*rows.values()])

    store.write(fill).result()
    with store.read() as connection:
        every = by_placement(connection.execute(select(*COLUMNS).select_from(SIGHTED)))
        expected = {n: one.unconfirmed_from for n, one in every.items() if one.unconfirmed_from is not None}

        assert surroundings.unconfirmed(connection) == expected
        assert surroundings.unconfirmed(connection, numbers=wanted) == {
            n: at for n, at in expected.items() if n in wanted
        }
        assert all(at < math.inf for at in expected.values())
