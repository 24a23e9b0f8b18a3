"""Which marked slots a pass takes: whole local days of a campus, the newest first."""

import base64
import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.judgement.day_record import day_bounds, local_day
from collector.judgement.judge import Judge
from collector.policies.policy import shipped
from collector.store import Store, ledger, marks
from tests.collector.judgement.test_judge_loop import MORNING, SLOT
from tests.collector.small_ledger import lived_in

ZONES = {"lincoln": "America/Los_Angeles", "adams": "America/New_York", "far": "Asia/Kathmandu"}
FIRST = int(datetime.datetime(2026, 10, 30, 12, tzinfo=ZoneInfo("America/Los_Angeles")).timestamp())


def day_of(campus: str, slot: int) -> tuple[int, int]:
    return day_bounds(local_day(slot, ZONES[campus]), ZONES[campus])


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    with Store(f"sqlite:///{tmp_path_factory.mktemp('marks')}/collector.db", slot_seconds=SLOT) as made:
        yield made


# Slots an hour apart over the week-end on which the clocks change in two of the three zones.
SLOTS = st.dictionaries(
    st.sampled_from(sorted(ZONES)), st.lists(st.integers(0, 100), min_size=1, unique=True), min_size=1
)


@given(SLOTS, st.integers(1, 60))
def test_a_days_marks_are_taken_together_newest_first_until_none_is_left(store, wanted, count):
    everything = {(campus, FIRST + 3600 * n) for campus, some in wanted.items() for n in some}
    store.write(lambda c: [marks.mark_slots(c, campus, [slot], "test") for campus, slot in everything]).result()
    left = set(everything)
    more = True
    while more:
        with store.read() as connection:
            taken, more = marks.pending(connection, 4e9, count, day_of)
        found = {(one.campus, one.slot) for one in taken}
        days = {(campus, day_of(campus, slot)) for campus, slot in found}
        assert found == {one for one in left if (one[0], day_of(*one)) in days}, "a day was cut"
        assert found and (len(found) <= count or len(days) == 1)
        assert max(slot for _, slot in found) == max(slot for _, slot in left), "newer ones wait"
        left -= found
        store.write(lambda c, taken=taken: marks.clear(c, taken)).result()
    assert left == set()


def test_what_is_not_over_yet_is_not_taken(store):
    store.write(lambda c: marks.mark_slots(c, "lincoln", [FIRST, FIRST + SLOT], "test")).result()

    with store.read() as connection:
        taken, more = marks.pending(connection, FIRST + SLOT, 1, day_of)
    store.write(lambda c: marks.clear(c, [*taken, marks.Dirty("lincoln", FIRST + SLOT, 1, "test")])).result()

    assert ([one.slot for one in taken], more) == ([FIRST], False)


def test_a_policy_adopted_for_days_that_are_over_makes_one_revision_of_each_day(tmp_path):
    """However few marks a pass takes: a day that was cut got one for each pass, whose reason said "added"."""
    made = lived_in(tmp_path)
    with made.store as store:
        made.judge_until(MORNING + 3 * 86400)
        before = _revisions(store)
        made.perform(
            "policy-adopt",
            document=base64.b64encode(shipped("baseline").to_bytes()).decode(),
            valid_from="2026-09-15",
        )
        judge = Judge(store, made.clock, grace_seconds=60.0, marks_a_pass=100)
        while judge.step().more:
            pass

        after = _revisions(store)
        assert "2026-09-15" in {day for day, _ in after}
        for day in {day for day, _ in after}:
            new = [why for (d, number), why in after.items() if d == day and (d, number) not in before]
            # Today's row is open: what was said before is sealed, and the new revision stands beside it.
            assert new == ["policy"] or (new == [] and day == max(d for d, _ in after)), (day, new)


def _revisions(store):
    with store.read() as connection:
        rows = ledger.revisions(connection, "lincoln", "2026-09-01", "2026-09-30")
    return {(row.day, row.revision): row.reason for row in rows}
