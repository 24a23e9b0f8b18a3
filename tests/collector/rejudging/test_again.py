"""A period judged again by several processes comes to what one comes to."""

import base64
import datetime
import threading

import pytest

from collector.compaction.compactor import Compactor
from collector.judgement.judge import Stopped
from collector.policies.policy import shipped
from collector.policies.trial import trial
from collector.rejudging.workers import WorkerLost, Workers
from collector.store import ledger
from tests.collector.small_ledger import DAY, MORNING, lived_in

DAYS = datetime.date(2026, 9, 15), datetime.date(2026, 9, 16)


@pytest.fixture
def lived(tmp_path):
    made = lived_in(tmp_path)
    yield made
    made.store.close()


def bodies(made):
    with made.store.read() as connection:
        rows = ledger.newest_of_period(connection, "2026-09-01", "2026-09-30")
    return {(row.campus, row.day): (row.body, row.policy, row.evidence) for row in rows}


def again(made, processes):
    """Judged again by another policy, as an adoption has it."""
    document = base64.b64encode(shipped("strict-2").to_bytes()).decode()
    made.perform("policy-adopt", document=document, valid_from="2026-09-15")
    told = []
    done = made.judge.again(*DAYS, None, "evaluated again", processes=processes, progress=lambda *one: told.append(one))
    assert told[0][0] == 0 and told[-1] == (done.campus_days, done.campus_days)
    assert [one for one, _ in told] == sorted(one for one, _ in told)
    return done


def test_two_processes_write_the_ledger_that_one_writes(tmp_path):
    ledgers = []
    for processes in (1, 2):
        folder = tmp_path / str(processes)
        folder.mkdir()
        made = lived_in(folder)
        done = again(made, processes)
        ledgers.append((done.slots, bodies(made)))
        assert done.slots and {policy for _, policy, _ in bodies(made).values()} != set()
        made.store.close()

    assert ledgers[0] == ledgers[1]


def test_joined_evidence_comes_to_the_ledger_that_landed_evidence_comes_to(tmp_path):
    ledgers = []
    for form in ("landed", "joined"):
        folder = tmp_path / form
        folder.mkdir()
        made = lived_in(folder)
        if form == "joined":
            done = Compactor(made.store, lambda: MORNING + 9.0 * DAY, 3600.0, forwards=False).run()
            assert (done.reports > 20, done.left) == (True, 0)
        judged = again(made, 2)
        ledgers.append((judged.slots, bodies(made)))
        made.store.close()

    assert ledgers[0] == ledgers[1]


def test_two_processes_try_a_policy_as_one_does(lived):
    one, two = (
        trial(lived.store, shipped("strict-2"), None, None, None, now=lived.clock(), processes=n) for n in (1, 2)
    )

    assert one == two


def test_judging_again_finds_nothing_to_change(lived):
    before = bodies(lived)

    done = lived.judge.again(*DAYS, None, "evaluated again", processes=2)

    assert (done.changed, bodies(lived)) == (0, before)


def test_a_judge_that_is_told_to_stop_says_how_far_it_came(lived):
    reached = threading.Event()

    def stop(done, _):
        if done:
            lived.judge.stop()
            reached.set()

    with pytest.raises(Stopped, match=r"\d+ of \d+ campus-days were judged again"):
        lived.judge.again(*DAYS, None, "evaluated again", processes=1, progress=stop)
    assert reached.is_set()


def die(*_):
    raise SystemExit(3)


def test_a_process_that_dies_is_told_and_nothing_waits_for_ever(lived):
    with Workers(lived.store, 2) as workers:
        workers._pool._initializer = die
        with pytest.raises(WorkerLost, match="has ended"):
            list(workers.map(die, [None, None]))
