"""The ledger recomputed: an untouched store is confirmed whatever has happened to it, and a touched one names where."""

import sqlite3

import msgspec
import pytest

from agent import wire
from collector.judgement.judge import Judge
from collector.store import Store, ledger
from collector.store.facts import StoreFacts
from collector.verification.verify import Verification
from tests.collector.incident_rig import iso
from tests.collector.judgement.test_judge_loop import AP, MORNING, SLOT, imported
from tests.collector.small_ledger import DAY, HOME, RADIO, SECOND, Device, District, air, lived_in

TUESDAY = "2026-09-15"


def verified(store: Store):
    """Every difference, and what was looked at."""
    with store.read() as connection:
        verification = Verification(StoreFacts(connection, None, None, None))
        return list(verification.differences()), verification.counts


@pytest.fixture
def district(tmp_path):
    made = lived_in(tmp_path)
    yield made
    made.store.close()


def touched(district: District, statement: str, *values) -> None:
    """What somebody with the database file in hand may do."""
    district.store.close()
    with sqlite3.connect(district.store.path) as connection:
        assert connection.execute(statement, values).rowcount
    connection.close()
    district.store = Store(str(district.store.url), write=False)


def slots_judged(district: District, day: str = TUESDAY) -> str:
    with district.store.read() as connection:
        return ledger.newest(connection, "lincoln", day).record.strip.strip("-")


def test_an_untouched_store_is_confirmed_after_late_evidence_and_revisions(district):
    differences, counts = verified(district.store)

    assert differences == []
    assert (counts.revisions, counts.reports, counts.days, counts.gaps) == (3, 30, 2, [])
    assert slots_judged(district)[:6] == "mssusu"


def test_planned_work_that_is_approved_and_then_withdrawn_is_confirmed_each_time(district):
    row = {"campus": "lincoln", "reason": "switch upgrade", "from": iso(MORNING), "to": iso(MORNING + 6 * SLOT)}
    (number,) = district.perform("exclusions-add", row=row, by="ana")["exclusions"]
    seen = []
    for verb, more in (("approve", {"by": "ben"}), ("withdraw", {"by": "carl", "reason": "called off"})):
        district.perform(f"exclusions-{verb}", ids=[number], **more)
        waiting = verified(district.store)[0]
        district.judge_until(district.clock.at + 1)
        with district.store.read() as connection:
            seen.append("planned_work" in ledger.newest(connection, "lincoln", TUESDAY).record.causes())
        assert (waiting, verified(district.store)[0]) == ([], [])

    assert seen == [True, False]


def test_a_first_answer_that_comes_late_is_told_to_the_slots_after_it(tmp_path):
    made = District(tmp_path)
    one = Device("one")
    made.clock.at = float(MORNING)
    made.enroll(one)
    late = [one.minute(MORNING + 60 * k, **air()) for k in range(5)]
    for n in range(1, 4):
        made.push(one, *(one.minute(MORNING + n * SLOT + 60 * k, ap_answers=False) for k in range(5)))
    made.judge_until(MORNING + 4 * SLOT + 61)
    assert slots_judged(made) == "uuuu"

    made.clock.at += 2 * SLOT
    made.push(one, *late)
    # The live slot and the late one are judged in one pass: what lies between must hear of it too.
    made.judge_until(made.clock.at + SLOT)
    made.judge_until(made.clock.at + 1)

    assert slots_judged(made)[:4] == "msss"
    assert verified(made.store)[0] == []
    made.store.close()


def test_a_day_whose_last_judged_slot_measured_a_room_is_confirmed_while_it_is_open(tmp_path):
    made = District(tmp_path)
    one = Device("one")
    made.clock.at = float(MORNING)
    made.enroll(one)
    made.push(one, *(one.minute(MORNING + 60 * k, **air()) for k in range(5)))
    made.judge_until(MORNING + SLOT + 61)

    assert verified(made.store)[0] == []
    made.store.close()


def test_what_an_approval_or_a_back_dated_room_changes_is_judged_again_in_silent_slots_too(district):
    three = Device("three")
    district.enroll(three, HOME)
    for device, place, at in ((three, SECOND, MORNING + 2 * SLOT), (Device("one"), SECOND, MORNING)):
        district.perform("agents-assign", agent=device.id, place=place, at=float(at))
        district.judge_until(district.clock.at + 1)
        assert verified(district.store)[0] == []

    district.perform("agents-revoke", agent=Device("two").id)
    district.judge_until(district.clock.at + 2 * SLOT)
    assert verified(district.store)[0] == []


def test_a_new_list_a_lost_memory_and_a_learnt_clock_leave_it_confirmed(district):
    one = Device("one")
    one.seq, boot = 100, "d" * 32
    district.clock.at = float(MORNING + 2 * DAY + SLOT)
    blind = [one.minute(MORNING + 2 * DAY + 60 * k, clockless=True, boot_id=boot) for k in range(5)]
    district.push(one, *blind)
    offset = MORNING - 100_000.0
    anchor = [wire.Anchor(boot, offset)]
    district.push(one, one.minute(MORNING + 2 * DAY + SLOT, anchors=anchor, boot_id=boot, **air()))
    rows = f"lincoln,{AP},ap-1,10.0.0.1,{RADIO}\nlincoln,00:11:22:33:44:09,ap-9,10.0.0.9,\n"
    imported(district.store, district.clock, "access-points", f"campus,id,name,address,bssids\n{rows}")
    district.judge = Judge(district.store, district.clock, grace_seconds=60.0)
    district.judge_until(MORNING + 3 * DAY)

    differences, counts = verified(district.store)
    assert differences == []
    assert counts.reports == 36
    assert [(gap.first, gap.last) for gap in counts.gaps] == [(21, 100)]


def test_what_is_not_judged_yet_is_no_difference(district):
    one = Device("one")
    one.seq = 20
    district.push(one, *(one.minute(MORNING + 3 * SLOT + 60 * k) for k in range(5)))

    differences, counts = verified(district.store)
    assert differences == []
    assert counts.not_judged_yet == 1


def test_a_changed_verdict_of_an_open_day_is_named_with_its_slot(district):
    with district.store.read() as connection:
        row = ledger.newest(connection, "lincoln", "2026-09-16")
    record = row.record
    slot = MORNING + DAY
    at = (slot - record.first_slot) // SLOT
    strip = record.strip[:at] + "s" + record.strip[at + 1 :]
    body = msgspec.json.encode(msgspec.structs.replace(record, strip=strip))
    touched(district, "UPDATE ledger SET strip = ?, body = ? WHERE day = '2026-09-16'", strip, body)

    named = verified(district.store)[0][0]
    assert (named.campus, named.day, named.slot) == ("lincoln", "2026-09-16", slot)
    assert (named.what, named.ledger, named.evidence) == ("its verdict", "short", "unknown")


@pytest.mark.parametrize(
    ("statement", "what"),
    [
        ("DELETE FROM evidence WHERE seq = 3", "the digest of its evidence"),
        ("DELETE FROM evidence WHERE seq = 3", "were acknowledged and are not kept"),
        ("UPDATE evidence SET start_at = start_at + 300, end_at = end_at + 300 WHERE seq = 3", "at another time"),
        ("UPDATE evidence SET campus = 'adams' WHERE seq = 3", "for another campus"),
        ("UPDATE evidence SET flag = 'future' WHERE seq = 3", "flagged otherwise"),
        ("DELETE FROM answered", "earlier than the first that is kept"),
        ("UPDATE heard SET first_at = first_at - 86400", "no signed report says so"),
        ("DELETE FROM ledger WHERE sealed_order = 1", "rows of the chain are missing"),
        ("UPDATE ledger SET sealed_order = 0 WHERE sealed_order = (SELECT max(sealed_order) FROM ledger)", "missing"),
        ("DELETE FROM ledger WHERE day = '2026-09-15' AND revision = 2", "the digest of its evidence"),
        ("UPDATE ledger SET sealed_order = NULL, open = 1 WHERE sealed_order = 2", "closed and in no chain"),
        ("UPDATE placement SET place = 'lincoln/main/102'", "its counts"),
        ("UPDATE agent SET public_key = zeroblob(32)", "no key of this agent"),
        ("UPDATE snapshot SET body = CAST(body || ' ' AS BLOB)", "it is not what its name says"),
        ("DELETE FROM snapshot WHERE kind = 'hours'", "a snapshot that it names is not kept"),
    ],
)
def test_what_was_done_to_the_store_is_named(district, statement, what):
    touched(district, statement)

    assert any(what in one.what for one in verified(district.store)[0])
