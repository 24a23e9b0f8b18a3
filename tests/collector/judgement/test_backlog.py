"""However much is to be judged again: what ends meanwhile is judged first, and on time."""

import base64
import datetime

import pytest
from sqlalchemy import event

from collector.administration.operations import perform
from collector.judgement.judge import SLOTS_AT_ONCE, Judge
from collector.policies.policy import shipped
from collector.store import ledger, marks
from tests.collector.judgement.test_judge_loop import MORNING, SLOT, a_slot, approved, clock, enrolled, pushed, store

__all__ = ["clock", "store"]
GRACE = 60.0
DAY = 86400
DAYS = 40
SECONDS_A_STATEMENT = 5.0


class Busy:
    """Time passes with what the database is asked: a slow machine whose slowness is the same each time."""

    def __init__(self, store, at: float) -> None:
        self.at = at
        event.listen(store._read_engine, "after_cursor_execute", self._worked)

    def _worked(self, *_) -> None:
        self.at += SECONDS_A_STATEMENT

    def __call__(self) -> float:
        return self.at


class Watched:
    """A judge, and how late each slot was known of a campus."""

    def __init__(self, store, now: Busy) -> None:
        self.judge = Judge(store, now, GRACE, processes=1)
        self.now = now
        self.told: list[tuple[int, float, int]] = []
        self.judge.on_judged(lambda: self._judged(store))

    def _judged(self, store) -> None:
        at = self.now.at
        with store.read() as connection:
            left = marks.count(connection)
        live = self.judge.latest().get("lincoln")
        if live is not None and (not self.told or live.slot > self.told[-1][0]):
            self.told.append((live.slot, at - (live.slot + SLOT + GRACE), left))


def until_done(judge: Judge, store) -> None:
    """As the loop does: what a pass marks is another's."""
    waiting = 1
    while waiting:
        judge.step()
        with store.read() as connection:
            waiting = marks.count(connection)


@pytest.fixture
def lived(store, clock):
    """One campus whose agent has stood there for forty days, and spoke on the first morning alone."""
    clock.at = float(MORNING)
    enrolled(store, clock)
    approved(store, clock)
    pushed(store, clock, *a_slot(MORNING))
    return store


def test_a_judge_that_comes_back_after_weeks_says_first_what_holds_now(lived):
    watched = Watched(lived, Busy(lived, MORNING + DAYS * DAY + 400.0))
    until_done(watched.judge, lived)

    first, *others = watched.told
    assert first[2] > SLOTS_AT_ONCE, "the weeks were judged before"
    assert len(others) >= 3, "no slot ended meanwhile: the test shows nothing"
    assert max(late for _, late, left in others if left) < SLOT, "the next slot had ended already"
    with lived.read() as connection:
        rows = ledger.newest_of_period(connection, "2026-09-15", "2026-10-24", "lincoln")
        assert marks.count(connection) == 0
    assert [row.revision for row in rows] == [1] * DAYS
    assert sum("-" not in row.record.strip for row in rows) == DAYS - 1


def test_live_slots_are_on_time_while_a_back_dated_policy_is_worked_off(lived):
    now = Busy(lived, MORNING + DAYS * DAY + 400.0)
    watched = Watched(lived, now)
    until_done(watched.judge, lived)
    document = shipped("strict-2").to_bytes()
    body = {"document": base64.b64encode(document).decode(), "valid_from": "2026-09-15"}
    marked = perform(lived, None, now, "policy-adopt", body)["slots_judged_again"]
    assert marked > SLOTS_AT_ONCE
    watched.told.clear()
    now.at += SLOT
    until_done(watched.judge, lived)

    during = [late for _, late, left in watched.told if left]
    assert len(during) >= 3, "no slot ended meanwhile: the test shows nothing"
    assert max(during[1:]) < SLOT, "the next slot had ended already"
    slots = [slot for slot, _, _ in watched.told]
    assert slots == list(range(slots[0], slots[-1] + SLOT, SLOT)), "a slot was left out"
    with lived.read() as connection:
        rows = ledger.newest_of_period(connection, "2026-09-15", "2026-10-23", "lincoln")
    assert {row.policy for row in rows} == {rows[-1].policy}
    assert {(row.revision, row.reason) for row in rows} == {(2, "policy")}


def test_a_judge_that_is_stopped_in_a_backlog_has_lost_none_of_it(lived):
    now = Busy(lived, MORNING + DAYS * DAY + 400.0)
    judge = Judge(lived, now, GRACE, processes=1)
    judge.on_judged(judge.stop)
    while judge.step().more:
        if judge._stopping.is_set():
            break
    with lived.read() as connection:
        assert marks.count(connection) > SLOTS_AT_ONCE

    following = Judge(lived, now, GRACE, processes=2)
    until_done(following, lived)
    with lived.read() as connection:
        rows = ledger.newest_of_period(connection, "2026-09-15", "2026-10-23", "lincoln")
        assert marks.count(connection) == 0
    assert len(rows) == DAYS - 1
    assert {len(row.record.strip) for row in rows} == {288}
    assert datetime.date.fromisoformat(rows[0].day) == datetime.date(2026, 9, 15)
    assert not any("-" in row.record.strip for row in rows[1:])
