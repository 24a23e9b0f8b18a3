"""Judging on a real PostgreSQL, by real processes: what several do at once is what one does alone."""

import datetime
import multiprocessing
from collections import Counter

from collector.commands.verify import _first
from collector.judgement.judge import Judge
from collector.store import Store, day_sums, incidents, ledger, marks, schema
from collector.store.facts import StoreFacts
from tests.collector.rejudging.test_again import DAYS, again, bodies
from tests.collector.small_ledger import DAY, MORNING, SLOT, District, lived_in
from tests.collector.test_postgresql import url  # noqa: F401 - a fixture

PERIOD = "2026-09-01", "2026-09-30"


def sums(made: District) -> dict:
    with made.store.read() as connection:
        assert day_sums.rebuild(connection, write=False).differing == []
        return day_sums.of_period(connection, *PERIOD)


def verified(store: Store) -> None:
    with store.read() as connection:
        difference, counts = _first(StoreFacts(connection, None, None, None))
    assert difference is None
    assert counts.revisions and counts.slots and counts.reports


def test_days_judged_again_there_by_two_processes_come_to_what_one_comes_to_beside_sqlite(tmp_path, url):  # noqa: F811
    found = []
    for where, processes in (("", 1), (url, 2)):
        made = lived_in(tmp_path, where)
        done = again(made, processes)
        verified(made.store)
        found.append((done.slots, done.changed, bodies(made), sums(made)))
        assert made.judge.again(*DAYS, None, "evaluated again", processes=2).changed == 0
        assert (bodies(made), sums(made)) == found[-1][2:]
        made.store.close()

    assert found[0] == found[1]


def test_sums_that_are_not_what_the_ledger_says_are_named_and_put_right_there_too(tmp_path, url):  # noqa: F811
    made = lived_in(tmp_path, url)
    before = sums(made)
    table = schema.day_sums

    def spoil(connection):
        connection.execute(table.update().where(table.c.day == "2026-09-15").values(met_slots=table.c.met_slots + 1))
        connection.execute(table.delete().where(table.c.day == "2026-09-16"))

    made.store.write(spoil).result()
    wrong = [("lincoln", "2026-09-15"), ("lincoln", "2026-09-16")]
    with made.store.read() as connection:
        assert day_sums.rebuild(connection, write=False).differing == wrong
    assert made.store.write(lambda c: day_sums.rebuild(c, write=True)).result().differing == wrong
    assert sums(made) == before
    made.store.close()


def judge_all(where: str, until: float, ready, go, told) -> None:
    """Another collector: it opens the same database, waits for the others, and judges until nothing is left."""
    with Store(where, slot_seconds=SLOT) as store:
        judge = Judge(store, lambda: until, grace_seconds=60.0, processes=1)
        ready.release()
        go.wait(60)
        waiting, faults = 1, []
        while waiting:
            try:
                judge.step()
            except Exception as fault:  # as the judge's loop does: it is tried again, and told
                faults.append(repr(fault)[:500])
                assert len(faults) < 20, faults
            with store.read() as connection:
                waiting = marks.count(connection)
        told.put(faults)


def test_two_collectors_that_judge_at_once_write_one_chain_and_each_incident_once(tmp_path, url):  # noqa: F811
    made = lived_in(tmp_path, url)
    made.clock.at = float(MORNING + 12 * DAY)

    def mark(connection):
        for row in ledger.newest_of_period(connection, *PERIOD):
            slots = [slot for slot, letter in row.record.slots() if letter != "-"]
            marks.mark_slots(connection, row.campus, slots, "evaluated again")

    made.store.write(mark).result()
    context = multiprocessing.get_context("spawn")
    ready, go, told = context.Semaphore(0), context.Event(), context.Queue()
    others = [
        context.Process(target=judge_all, args=(url, made.clock.at, ready, go, told), daemon=True) for _ in range(2)
    ]
    for one in others:
        one.start()
    assert all(ready.acquire(timeout=60) for _ in others)
    go.set()
    faults = [told.get(timeout=120) for _ in others]
    for one in others:
        one.join(30)
    assert [one.exitcode for one in others] == [0, 0]
    assert faults == [[], []]

    verified(made.store)
    sums(made)
    with made.store.read() as connection:
        rows = ledger.revisions(connection, "lincoln", *PERIOD)
        found = [(one.fault.scope, one.fault.from_at, one.fault.cause)
                 for one in incidents.of_period(connection, 0, 1 << 40, "lincoln") if one.stands]  # fmt: skip
    days = {datetime.date(2026, 9, 15) + datetime.timedelta(days=n) for n in range(13)}
    assert {datetime.date.fromisoformat(row.day) for row in rows} == days
    assert found
    assert set(Counter(found).values()) == {1}
    made.store.close()


def test_a_collector_beside_one_that_judges_knows_what_is_live_and_writes_nothing(tmp_path, url):  # noqa: F811
    made = lived_in(tmp_path, url)
    made.clock.at = float(MORNING + 2 * DAY)
    with Store(url, slot_seconds=SLOT) as store:
        beside = Judge(store, made.clock, grace_seconds=60.0)
        before = bodies(made)
        with made.store.sole("judge") as mine:
            assert mine
            done = beside.step()
        live = beside.latest()["lincoln"]

        assert (done.slots, bodies(made)) == (0, before)
        assert live.slot == MORNING + 2 * DAY - 2 * SLOT
        assert beside.step().slots > 100, "nobody else judges any more: it does"
        assert bodies(made) != before
        verified(store)
    made.store.close()
