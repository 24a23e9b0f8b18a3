"""Finished hours are joined behind everybody's back: who reads evidence gets what he got before, report by report."""

import os
import signal
import sqlite3
import subprocess
import sys
import time

import pytest
from sqlalchemy import update

from agent import wire
from collector.commands.verify import _first
from collector.compaction import hour
from collector.compaction.compactor import Compactor
from collector.store import (
    Batch,
    Incoming,
    Store,
    agents,
    evidence,
    finished,
    joined,
    judging,
    marks,
    outbox,
    schema,
    space,
)
from collector.store.evidence import pack
from collector.store.facts import StoreFacts
from tests.collector.judgement.test_judge_loop import SLOT
from tests.collector.small_ledger import DAY, HOME, MORNING, Device, District, lived_in

LATER = MORNING + 3 * DAY


@pytest.fixture
def district(tmp_path):
    made = lived_in(tmp_path)
    yield made
    made.store.close()


def compacted(district: District, forwards: bool = False):
    district.clock.at = max(district.clock.at, float(LATER))
    return Compactor(district.store, district.clock, 3600.0, forwards=forwards).run()


def read(district: District, function, *arguments):
    with district.store.read() as connection:
        return function(connection, *arguments)


def everything(district: District) -> list[tuple]:
    """All that readers are given of every report, its document unpacked."""
    with district.store.read() as connection:
        kept = evidence.of_campus(connection, "lincoln", 0, 4e9)
    names = [name for name in evidence.Kept.__struct_fields__ if name != "body"]
    return [(*(getattr(one, name) for name in names), one.document()) for one in kept]


def rows_left(district: District) -> int:
    return read(
        district, lambda c: c.exec_driver_sql("SELECT count(*) FROM evidence WHERE campus IS NOT NULL").scalar()
    )


def confirmed(district: District) -> None:
    with district.store.read() as connection:
        difference, counts = _first(StoreFacts(connection, None, None, None))
    assert difference is None
    assert counts.reports > 0


def test_joined_evidence_reads_as_before_and_is_confirmed(district):
    before = everything(district)
    waiting = read(district, outbox.after, 0, 1000)
    kept = read(district, evidence.count_kept)

    done = compacted(district)

    assert done.reports == len(before) - 1
    assert rows_left(district) == 1  # the newest row: its number must not be given again
    assert everything(district) == before
    after = read(district, outbox.after, 0, 1000)
    assert [one._replace(body=b"") for one in after] == [one._replace(body=b"") for one in waiting]
    assert [evidence.unpack(one.body) for one in after] == [evidence.unpack(one.body) for one in waiting]
    assert read(district, evidence.count_kept) == kept
    confirmed(district)


def test_a_pass_over_what_is_joined_already_does_nothing(district):
    compacted(district)

    assert compacted(district).hours == 0


def test_an_hour_that_has_not_settled_is_left_alone(district):
    district.clock.at = MORNING + 1800.0

    assert Compactor(district.store, district.clock, 3600.0, forwards=False).run().hours == 0


def test_what_remote_write_has_not_sent_waits_for_it(district):
    district.store.write(lambda c: outbox.advance(c, 7)).result()

    assert compacted(district, forwards=True).reports == 7
    assert read(district, outbox.after, 7, 1)[0].position == 8


def test_the_remote_write_cursor_goes_through_joined_and_landed_reports_in_order(district):
    whole = [one.position for one in read(district, outbox.after, 0, 1000)]
    compacted(district)
    found, at = [], 0
    while some := read(district, outbox.after, at, 3):
        found += [one.position for one in some]
        at = found[-1]

    assert found == whole
    assert read(district, outbox.backlog, 0).reports == whole[-1]
    assert read(district, outbox.backlog, whole[-1]).reports == 0


def test_a_repeat_of_a_joined_report_is_known_and_another_content_is_a_conflict(district):
    first = read(district, evidence.of_campus, "lincoln", 0, 4e9)[0]
    report = first.report()
    compacted(district)

    def pushed(document: bytes):
        made = wire.decode_report(document)[0]
        one = evidence_incoming(made, document)
        return district.store.submit(Batch(first.agent, [one], district.clock())).result()

    assert pushed(first.document()).results[0].status == "duplicate"
    report.duration_seconds = 59.0
    other = pushed(wire.encode(report))
    assert other.results[0].status == "rejected"
    assert "409" in other.results[0].reason


def evidence_incoming(report: wire.Report, document: bytes):
    return Incoming(report, wire.digest(document), "s", pack(document))


def test_late_evidence_is_judged_again_and_joined_with_its_hour_at_the_next_pass(district):
    compacted(district)
    hours = read(district, lambda c: c.exec_driver_sql("SELECT count(*) FROM evidence_hour").scalar())
    late = Device("one")
    late.seq = 500
    reports = [late.minute(MORNING + 3 * SLOT + 60 * k) for k in range(5)]
    district.push(late, *reports)
    district.judge_until(LATER + 61)
    before = everything(district)
    confirmed(district)

    done = compacted(district)

    assert done.reports >= 5
    assert everything(district) == before
    assert read(district, lambda c: c.exec_driver_sql("SELECT count(*) FROM evidence_hour").scalar()) == hours
    confirmed(district)


def test_streams_go_on_where_they_were(district):
    before = {one.id: read(district, agents.streams, one.id) for one in read(district, agents.every)}
    compacted(district)
    again = Device("one")
    again.seq = max(max(streams.values()) for streams in before.values())
    district.store.write(lambda c: agents.confirm(c, again.id, "test", district.clock(), SLOT))  # forgets its memory
    district.push(again, again.minute(district.clock.at))

    assert read(district, agents.streams, again.id) != before[again.id]
    assert read(district, evidence.count_kept, again.id) > 0


def test_a_record_begins_with_joined_evidence_too(district):
    approved_later = update(schema.placement).values(from_at=float(LATER))
    district.store.write(lambda c: c.execute(approved_later)).result()
    landed = read(district, judging.records_begin, ["lincoln", "adams", "nowhere"])
    assert landed["lincoln"] < LATER

    compacted(district)

    assert read(district, judging.records_begin, ["lincoln", "adams", "nowhere"]) == landed
    assert {name: read(district, judging.record_begins, name) for name in landed} == landed


def test_a_move_into_the_past_takes_joined_reports_along(district):
    compacted(district)
    device = Device("one")
    since = float(MORNING + SLOT)
    district.store.write(
        lambda c: agents.move(c, device.id, "adams", None, "test", district.clock(), SLOT, from_at=since)
    ).result()

    moved = read(district, evidence.of_campus, "adams", 0, 4e9)
    stayed = [one for one in read(district, evidence.of_campus, "lincoln", 0, 4e9) if one.agent == device.id]
    assert moved
    assert all(one.start_at >= since and one.agent == device.id for one in moved)
    assert all(one.start_at < since for one in stayed)
    confirmed_again = compacted(district)
    assert confirmed_again.reports > 0
    assert [one.digest for one in read(district, evidence.of_campus, "adams", 0, 4e9)] == [one.digest for one in moved]


def test_a_move_within_the_campus_marks_the_slots_of_joined_reports(district):
    compacted(district)
    district.judge_until(LATER + 61)
    device = Device("one")
    since = float(MORNING)
    district.store.write(lambda c: agents.assign(c, device.id, HOME, "test", district.clock(), SLOT, since)).result()

    assert MORNING in read(district, marks.of_campus, "lincoln")


def test_a_report_that_is_not_what_its_digest_says_stays_as_it_landed(district):
    raw = sqlite3.connect(district.store.path)
    raw.execute("UPDATE evidence SET digest = ? WHERE id = 2", ("0" * 64,))
    raw.commit()

    done = compacted(district)

    assert done.left == 1
    assert read(district, lambda c: c.exec_driver_sql("SELECT count(*) FROM evidence WHERE id = 2").scalar()) == 1


def test_rows_that_changed_meanwhile_are_not_taken(district):
    district.clock.at = float(LATER)
    limits = read(district, lambda c: finished.limits(c, LATER, forwards=False))
    (group, *_), _ = read(district, finished.groups, "lincoln", 0.0, limits)
    landed = read(district, finished.rows, group, limits)
    made = hour.join(landed)
    raw = sqlite3.connect(district.store.path)
    raw.execute("UPDATE evidence SET campus = 'adams' WHERE id = ?", (landed[0].id,))
    raw.commit()

    assert district.store.write(lambda c: joined.put(c, made, landed, [])).result() is False
    assert read(district, lambda c: c.exec_driver_sql("SELECT count(*) FROM evidence_hour").scalar()) == 0


def test_the_file_gives_room_back(district):
    big = [Device(f"d{n}") for n in range(3)]
    for device in big:
        district.enroll(device)
    for device in big:
        district.push(device, *(device.minute(MORNING + 1.5 * DAY + 60 * k) for k in range(50)))
    pages = read(district, lambda c: c.exec_driver_sql("PRAGMA page_count").scalar())
    compacted(district)

    assert space.give_back(district.store, 0.0) > 0
    assert read(district, lambda c: c.exec_driver_sql("PRAGMA page_count").scalar()) < pages
    confirmed(district)


@pytest.mark.crash
def test_a_kill_in_the_middle_loses_and_doubles_nothing(tmp_path):
    district = lived_in(tmp_path)
    more = [Device(f"d{n}") for n in range(6)]
    begin = MORNING + 1.5 * DAY
    for device in more:
        district.enroll(device)
    for device in more:
        district.push(device, *(device.minute(begin + 60 * k) for k in range(50)))
        district.push(device, *(device.minute(begin + 3000 + 60 * k) for k in range(50)))
    before = everything(district)
    district.store.close()
    url = str(district.store.url)
    code = (
        "import sys\nfrom collector.compaction.compactor import Compactor\nfrom collector.store import Store\n"
        f"store = Store({url!r}, slot_seconds={SLOT})\nprint('begin', flush=True)\n"
        f"Compactor(store, lambda: {LATER}.0, 3600.0, forwards=False).run()\nprint('end', flush=True)\nstore.close()\n"
    )
    kills = 0
    for turn in range(12):
        child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
        assert child.stdout.readline() == "begin\n"
        time.sleep(0.01 + 0.02 * turn)
        os.kill(child.pid, signal.SIGKILL)
        kills += child.stdout.read() == ""
        child.wait()
    district = _opened(district, url)
    assert everything(district) == before
    left = rows_left(district)
    assert compacted(district).reports == left - 1
    assert everything(district) == before
    confirmed(district)
    district.store.close()
    assert kills > 0


def _opened(district: District, url: str) -> District:
    district.store = Store(url, slot_seconds=SLOT)
    return district
