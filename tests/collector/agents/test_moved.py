"""An agent that is carried away: its evidence counts for nothing from then on, until somebody confirms or moves it."""

import asyncio

import httpx
import msgspec
import pytest
import sqlalchemy
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from starlette.applications import Starlette

from agent import wire
from collector import board
from collector.administration.operations import perform
from collector.administration.refusals import NotDone
from collector.agents.moved import moved
from collector.board import campus as page
from collector.inventory import Campus
from collector.judgement.judge import Judge
from collector.store import Batch, Incoming, agents, audit, ledger, outbox, surroundings
from collector.store.evidence import pack
from collector.store.schema import metadata
from tests.collector.judgement.test_judge_loop import (
    AGENT,
    MORNING,
    SLOT,
    approved,
    clock,
    enrolled,
    judged_until,
    minute,
    pushed,
    store,
    strip,
)  # fmt: skip
from tests.collector.rig import Device, Rig, running

__all__ = ["clock", "store"]
HERE, THERE = "d" * 32, "e" * 32
OTHER = "f" * 32


def told(start: float, fingerprint: str | None, **how) -> Incoming:
    """A minute whose host table tells these surroundings."""
    report = minute(start, **how).report
    columns = {name: [None] for name in wire.Host.__struct_fields__}
    host = wire.Host(**columns | {"at": [20.0], "outcome": ["ok"], "surroundings": [fingerprint]})
    report = msgspec.structs.replace(report, host=host)
    document = wire.encode(report)
    return Incoming(report, wire.digest(document), "signature", pack(document))


def a_slot(slot: int, fingerprint: str | None, **how) -> list[Incoming]:
    return [told(slot + 60 * n, fingerprint, **how) for n in range(5)]


def slots(count: int) -> list[int]:
    return [MORNING + n * SLOT for n in range(count)]


def verdicts(store) -> str:
    return "".join(letter for _, letter in sorted(strip(store).items()))


def campus_page(rig: Rig, code: str) -> str:
    async def get() -> str:
        transport = httpx.ASGITransport(Starlette(routes=board.routes(rig.services)))
        async with httpx.AsyncClient(transport=transport, base_url="http://board") as http:
            return (await http.get(f"/campus/lincoln?lang={code}")).text

    return asyncio.run(get())


def doubts(store, now: float) -> dict[str, float]:
    with store.read() as connection:
        found = moved(agents.placements(connection), surroundings.unconfirmed(connection), now)
    return {agent: one.since for agent, one in found.items()}


@pytest.fixture
def judge(store, clock):
    """One approved agent since nine o'clock."""
    clock.at = float(MORNING)
    enrolled(store, clock)
    approved(store, clock)
    return Judge(store, clock, grace_seconds=60.0)


@pytest.fixture
def carried(store, clock, judge):
    """Two slots at its place, then two elsewhere where nothing of the campus answers, and judged."""
    one, two, three, four = slots(4)
    pushed(store, clock, *a_slot(one, HERE), *a_slot(two, HERE))
    pushed(store, clock, *a_slot(three, THERE, ap_answers=False, path_answers=False))
    pushed(store, clock, *a_slot(four, THERE, ap_answers=False))
    judged_until(judge, clock, four + SLOT + 61)
    return judge


def test_a_carried_agent_no_longer_speaks_for_its_room(store, clock, carried):
    assert verdicts(store) == "mmuu"
    assert doubts(store, clock()) == {AGENT: slots(4)[2]}
    live = carried.latest()["lincoln"].verdict
    assert live.cause == "placement_unconfirmed"
    assert AGENT[:12] in live.cause_evidence


def test_slots_judged_before_the_third_report_came_are_judged_again(store, clock, judge):
    one, two, _ = slots(3)
    pushed(store, clock, *a_slot(one, HERE), *a_slot(two, HERE)[:3], told(two + 180, THERE), told(two + 240, THERE))
    judged_until(judge, clock, two + SLOT + 61)
    assert verdicts(store) == "mm"

    pushed(store, clock, *[told(two + SLOT + 60 * n, THERE, ap_answers=False) for n in range(5)])
    judged_until(judge, clock, two + 2 * SLOT + 61)

    assert doubts(store, clock()) == {AGENT: two + 180}
    assert verdicts(store) == "mmu"  # its three minutes at its place are enough for the second slot


def test_whole_slots_that_counted_for_the_room_are_taken_back(store, clock, judge):
    pushed(store, clock, *a_slot(slots(4)[3], THERE))
    for slot in slots(4)[1:3]:
        pushed(store, clock, *a_slot(slot, THERE))
    judged_until(judge, clock, slots(4)[3] + SLOT + 61)
    assert verdicts(store) == "ummm"

    pushed(store, clock, *a_slot(slots(4)[0], HERE))
    judged_until(judge, clock, slots(4)[3] + SLOT + 62)

    assert verdicts(store) == "muuu"
    with store.read() as connection:
        changes = ledger.changes(connection, "lincoln", "2026-09-15", "2026-09-15")
    assert {one.reason for one in changes if one.new == "unknown"} == {"surroundings changed"}


def test_a_late_report_of_before_the_change_still_counts(store, clock, judge):
    one, two, three = slots(3)
    pushed(store, clock, *a_slot(one, HERE))
    pushed(store, clock, *a_slot(three, THERE))
    judged_until(judge, clock, three + SLOT + 61)
    assert verdicts(store) == "muu"

    pushed(store, clock, *a_slot(two, HERE, ap_answers=False))
    judged_until(judge, clock, three + SLOT + 62)

    assert verdicts(store) == "msu"


def test_confirmed_it_is_judged_to_what_it_measured_and_the_log_says_who_confirmed(store, clock, carried):
    done = perform(store, None, clock, "agents-confirm", {"agent": AGENT, "by": "principal"})
    judged_until(carried, clock, clock())

    assert "confirmed where it stands" in done["said"]
    assert verdicts(store) == "mmss"
    assert doubts(store, clock()) == {}
    with store.read() as connection:
        (entry,) = audit.entries(connection, "placement confirmed")
    assert (entry.actor, entry.subject) == ("principal", AGENT)

    five = slots(5)[4]
    pushed(store, clock, *a_slot(five, THERE))
    judged_until(carried, clock, five + SLOT + 61)
    assert verdicts(store) == "mmssm"


def test_confirmed_once_it_is_asked_again_at_the_next_change(store, clock, carried):
    perform(store, None, clock, "agents-confirm", {"agent": AGENT})
    six = slots(6)[5]
    pushed(store, clock, *a_slot(six, OTHER))

    assert doubts(store, clock()) == {AGENT: six}


def test_moved_it_speaks_for_its_new_room_and_not_for_the_old_one(store, clock, carried):
    since = slots(4)[3]
    perform(store, None, clock, "agents-move", {"agent": AGENT, "place": "lincoln/main/102", "at": float(since)})
    judged_until(carried, clock, clock())

    assert verdicts(store) == "mmus"
    assert doubts(store, clock()) == {}
    pushed(store, clock, *a_slot(slots(5)[4], THERE))
    assert doubts(store, clock()) == {}


def test_there_is_nothing_to_confirm_where_nothing_changed(store, clock, judge):
    pushed(store, clock, *a_slot(MORNING, HERE))

    with pytest.raises(NotDone, match="nothing speaks against the place"):
        perform(store, None, clock, "agents-confirm", {"agent": AGENT})


def test_a_glimpse_no_gateway_at_all_and_a_walking_technician_are_no_move(store, clock, judge):
    one, two, three = slots(3)
    pushed(store, clock, *a_slot(one, HERE), told(two, THERE), told(two + 60, THERE))
    pushed(store, clock, *[told(two + 120 + 60 * n, None) for n in range(3)], *a_slot(three, HERE))
    enrolled(store, clock, OTHER)
    perform(store, None, clock, "agents-approve", {"agent": OTHER, "place": "walking"})
    for n, slot in enumerate(slots(7)[3:]):
        pushed(store, clock, *a_slot(slot, f"{n:032x}", agent=OTHER))

    assert doubts(store, clock()) == {}


def test_what_a_pending_agent_saw_before_its_approval_is_known(store, clock):
    clock.at = float(MORNING)
    enrolled(store, clock)
    one, two, _, four = slots(4)
    pushed(store, clock, *a_slot(one, HERE), *a_slot(two, THERE))
    approved(store, clock)
    assert doubts(store, clock()) == {}

    pushed(store, clock, *a_slot(four, OTHER))
    assert doubts(store, clock()) == {AGENT: four}


def test_reports_with_an_unknown_clock_are_looked_at_once_an_anchor_places_them(store, clock, judge):
    one, two = slots(2)
    pushed(store, clock, *a_slot(one, HERE))
    waiting = []
    for incoming in a_slot(two, THERE):
        report = msgspec.structs.replace(incoming.report, start_at=None, boot_id="9" * 32)
        waiting.append(Incoming(report, wire.digest(wire.encode(report)), "s", pack(wire.encode(report))))
    clock.at = two + 400.0
    store.submit(Batch(AGENT, waiting, clock())).result()
    assert doubts(store, clock()) == {}

    anchored = minute(two + SLOT).report
    anchored = msgspec.structs.replace(anchored, anchors=[wire.Anchor("9" * 32, MORNING - 100_000.0)])
    document = wire.encode(anchored)
    pushed(store, clock, Incoming(anchored, wire.digest(document), "s", pack(document)))

    assert doubts(store, clock()) == {AGENT: two}


def test_an_address_that_first_answered_elsewhere_proves_nothing_down(store, clock, judge):
    one, two, three = slots(3)
    pushed(store, clock, *a_slot(one, HERE, ap_answers=False))
    pushed(store, clock, *a_slot(two, THERE))
    body = {"agent": AGENT, "place": "lincoln/main/101", "at": float(three)}
    perform(store, None, clock, "agents-assign", body)
    pushed(store, clock, *a_slot(three, HERE, ap_answers=False))
    judged_until(judge, clock, three + SLOT + 61)

    assert verdicts(store) == "uuu"
    assert judge.latest()["lincoln"].verdict.cause == "not_reachable_from_here"


def test_the_board_lists_it_first_and_says_since_when(store, clock, carried):
    with store.read() as connection:
        known, placed = agents.every(connection), agents.placements(connection)
        found = moved(placed, surroundings.unconfirmed(connection), clock())
    names = page.Names((), ())
    (line,) = page.agent_lines(
        Campus("lincoln", "L"), known, placed, names, moved=found, now=clock(), silent_after_seconds=300
    )

    assert line.moved is not None and line.moved.since == slots(4)[2]


def test_over_the_network_too_and_the_page_says_it_in_both_languages(tmp_path):
    with running(tmp_path) as rig:
        begin = (rig.clock() // 60 - 20) * 60
        device = rig.stands_since(rig.enroll(Device()), begin - 60)
        for n in range(10):
            # Somebody spoke for the device a moment ago: what is seen after that is news.
            rig.clock.offset += 60
            at = begin + 60 * (n + 21)
            host = told(at, HERE if n < 5 else THERE).report.host
            rig.push(device, device.seal(device.report(at, host=host)))
        shown = [campus_page(rig, code) for code in ("en", "es")]
        since = doubts(rig.store, rig.clock())
        rig.store.write(lambda c: agents.confirm(c, device.id, "test", rig.clock(), SLOT)).result()
        after = campus_page(rig, "en")

    assert since == {device.id: begin + 60 * 26}
    assert "may have been moved" in shown[0]
    assert "puede haber sido trasladado" in shown[1]
    assert "may have been moved" not in after


def test_the_migrations_build_the_schema(store):
    engine = sqlalchemy.create_engine(store.url)
    with engine.connect() as connection:
        different = compare_metadata(MigrationContext.configure(connection), metadata)
    engine.dispose()

    assert different == []


def test_what_is_measured_in_doubt_is_forwarded_without_a_room(store, carried):
    with store.read() as connection:
        waiting = outbox.after(connection, 0, 100)

    assert {(one.start_at >= slots(4)[2], one.place) for one in waiting} == {(False, "lincoln/main/101"), (True, "")}
