"""From a silent edge to the cause in the ledger, and ``verify`` that comes to the same."""

import contextlib
import types

import msgspec
import pytest
from sqlalchemy import text

from collector.edge.watch import Watch
from collector.store import edges, ledger
from collector.store.facts import StoreFacts
from collector.verification import bundle
from collector.verification.verify import Verification
from tests.collector.judgement.test_judge_loop import MORNING, SLOT, imported
from tests.collector.small_ledger import Device, District

EDGE, OTHER = "192.0.2.1", "192.0.2.2"


class World:
    """A district whose campus lincoln has one agent and an edge, and a network in which somebody pulls cables."""

    def __init__(self, folder) -> None:
        self.district = District(folder)
        lists = f"id,name,ssids,edge_address\nlincoln,Lincoln,District,{EDGE}\nadams,Adams,District,{OTHER}\n"
        imported(self.district.store, self.district.clock, "campuses", lists)
        self.up = {EDGE, OTHER}
        self.asked: list[list[str]] = []
        services = types.SimpleNamespace(store=self.district.store, clock=self.district.clock)
        self.watch = Watch(services, SLOT, self._ask)
        self.one = Device("one")
        self.district.clock.at = float(MORNING)
        self.district.enroll(self.one)

    def _ask(self, addresses, _seconds):
        self.asked.append(addresses)
        return self.up & set(addresses)

    def slot(self, number: int, *, agent: bool = True, up: set[str] | None = None) -> None:
        """Five rounds, each at the end of a minute, in which the agent reports or not."""
        self.up = {EDGE, OTHER} if up is None else up
        for minute in range(5):
            start = MORNING + number * SLOT + 60 * minute
            self.district.clock.at = start + 30.0
            self.watch.round()
            if agent:
                self.district.push(self.one, self.one.minute(start))

    def judged(self, number: int) -> tuple[str, str]:
        self.district.clock.at = float(MORNING + (number + 1) * SLOT + 1)
        self.watch.round()  # writes what the ended slot showed
        self.district.judge_until(MORNING + (number + 1) * SLOT + 61)
        with self.district.store.read() as connection:
            row = ledger.newest(connection, "lincoln", "2026-09-15")
            slot = MORNING + number * SLOT
            return next(
                (span.grounds.cause, span.grounds.cause_evidence)
                for span in row.record.spans
                if span.from_slot <= slot < span.to_slot
            )

    def differences(self):
        with self.district.store.read() as connection:
            return list(Verification(StoreFacts(connection, None, None, None)).differences())


@pytest.fixture
def world(tmp_path):
    made = World(tmp_path)
    with contextlib.closing(made.district.store):
        yield made


def test_a_silent_agent_behind_a_silent_edge_is_a_campus_cut_off_and_verify_confirms_it(world):
    world.slot(0)
    world.slot(1, agent=False, up={OTHER})

    assert world.judged(1) == ("campus_cut_off", "the collector's own check of the campus edge fails")
    assert world.differences() == []


def test_a_silent_agent_behind_an_edge_that_answers_is_one_agent_silent(world):
    world.slot(0)
    world.slot(1, agent=False)

    assert world.judged(1)[0] == "agent_silent"


def test_where_the_collectors_own_line_is_cut_no_campus_is_called_cut_off(world):
    world.slot(0)
    world.slot(1, agent=False, up=set())

    assert world.judged(1)[0] == "agent_silent"
    with world.district.store.read() as connection:
        assert edges.failed(connection, "lincoln", 0, 9e9) == []


def test_a_fact_about_an_edge_that_is_taken_out_of_the_store_is_found(world):
    world.slot(0)
    world.slot(1, agent=False, up={OTHER})
    world.judged(1)

    world.district.store.write(lambda c: c.execute(text("DELETE FROM edge_failure"))).result()

    assert [(one.what, one.ledger[:14], one.evidence[:12]) for one in world.differences()] == [
        ("its cause", "campus_cut_off", "agent_silent")
    ]


def test_a_bundle_holds_the_facts_about_the_edge(world):
    world.slot(0)
    world.slot(1, agent=False, up={OTHER})
    world.judged(1)
    with world.district.store.read() as connection:
        campus = StoreFacts(connection, None, None, None).campus("lincoln")

    told = msgspec.json.decode(msgspec.json.encode(bundle.context_of(campus, {})), type=bundle.Context)

    assert bundle.campus_of("lincoln", told, campus.witnesses).beside == campus.beside
    assert campus.beside.edge_failed == (MORNING + SLOT,)


def test_simulated_campuses_and_those_without_an_edge_are_not_asked(tmp_path):
    made = World(tmp_path)
    with contextlib.closing(made.district.store):
        lists = "id,name,simulated,edge_address\nmodel,Model,yes,192.0.2.3\nelm,Elm,no,\n"
        imported(made.district.store, made.district.clock, "campuses", lists)

        made.watch.round()

    assert made.asked == [[EDGE, OTHER]]


def test_it_knows_after_a_restart_who_answered_before(world):
    world.slot(0)
    services = types.SimpleNamespace(store=world.district.store, clock=world.district.clock)
    world.watch = Watch(services, SLOT, world._ask)

    world.slot(1, agent=False, up={OTHER})

    assert world.judged(1)[0] == "campus_cut_off"
