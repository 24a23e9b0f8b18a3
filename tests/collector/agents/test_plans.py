"""What a plan asks of radios follows from the campus's own list: its SSIDs, its BSSIDs, and those it is joined at."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from agent import wire
from collector.administration.operations import perform
from collector.agents.inventories import Inventories
from collector.agents.plans import Plans, credential
from collector.config import Config
from collector.ingest.authenticate import KnownAgent
from collector.inventory import Inventory
from collector.lists.importing import campuses
from collector.lists.sheet import Refused
from collector.policies import beginning
from collector.services import Services
from collector.signer import Signer
from collector.store import Store
from tests.collector.judgement.test_judge_loop import Now, enrolled
from tests.collector.judgement.test_judge_loop import imported as taken_in

EMPTY = Inventory({}, {}, {})


def imported(text: str) -> Inventory:
    return campuses("campuses.csv", text.encode(), EMPTY, None, lambda _: None).inventory


def test_ssids_are_divided_by_semicolons_and_keep_their_spaces():
    text = "id,name,ssids,join\nlincoln,Lincoln,District; Guest of the District ,District\n"
    campus = imported(text).campuses["lincoln"]

    assert campus.ssids == ("District", "Guest of the District")
    assert campus.join == ("District",)
    assert imported("id,name\nlincoln,Lincoln\n").campuses["lincoln"].ssids == ()


@pytest.mark.parametrize(
    ("row", "said"),
    [("District,Other", "none of the campus's ssids"), (f"{'x' * 33},", "longer than 32 bytes")],
)
def test_an_ssid_that_cannot_be_is_refused_with_its_line(row, said):
    with pytest.raises(Refused, match=said) as refused:
        imported(f"id,name,ssids,join\nlincoln,Lincoln,{row}\n")
    assert refused.value.faults[0].line == 2


@pytest.mark.parametrize(("ssid", "name"), [("LAUSD Secure (5G)", "lausd-secure-5g"), ("школа", "default")])
def test_a_credential_is_named_after_its_ssid(ssid, name):
    assert credential(ssid) == name


AGENT, WALKER = "a" * 32, "b" * 32
ROOM = "lincoln/main/101"


@pytest.fixture
def plan(tmp_path):
    """The plan of an agent of a campus with these columns, as the collector would sign it."""
    with Store(f"sqlite:///{tmp_path}/collector.db", slot_seconds=300) as store:
        clock = Now(1789490000.0)
        beginning.ensure_policy(store, clock, demonstration=False, report_seconds=60)
        services = Services(store, Config(data_dir=tmp_path), Signer.load_or_create(tmp_path), clock)

        def made(agent: str, columns: str, bssids: str) -> wire.Plan:
            header, cells = columns.splitlines()
            taken_in(store, clock, "campuses", f"id,name,{header}\nlincoln,L,{cells}\n")
            row = f"lincoln,001122334455,ap-1,10.0.0.1,{bssids}\n"
            taken_in(store, clock, "access-points", f"campus,id,name,address,bssids\n{row}")
            taken_in(store, clock, "rooms", "campus,building,room\nlincoln,main,101\n")
            for one, place in ((AGENT, ROOM), (WALKER, "walking")):
                enrolled(store, clock, one)
                perform(store, None, clock, "agents-approve", {"agent": one, "place": place})
            key = Ed25519PrivateKey.generate().public_key()
            issued = Plans(services, Inventories()).issue(KnownAgent(agent, key, "lincoln", "approved", False))
            return wire.decode(wire.decode(issued.body, wire.Signed).document, wire.Plan)

        yield made


def test_a_plan_names_the_ssids_to_hear_and_those_to_join(plan):
    asked = plan(AGENT, "ssids,join\nDistrict;Guest,District", "02:00:00:00:00:01")

    assert asked.ssids == ["District", "Guest"]
    assert asked.bssids == ["02:00:00:00:00:01"]
    assert asked.airspace_seconds == asked.report_seconds == 60
    assert asked.join == [wire.JoinTask("District", "district", 900.0)]


def test_a_campus_without_ssids_and_bssids_asks_nothing_of_a_radio(plan):
    asked = plan(AGENT, "region\nEast", "")

    assert len(asked.access_points) == 1
    assert (asked.airspace_seconds, asked.ssids, asked.bssids, asked.join) == (0.0, [], [], [])


def test_a_device_that_a_technician_carries_watches_no_access_point(plan):
    asked = plan(WALKER, "ssids\nDistrict", "")

    assert (asked.place, asked.access_points) == (None, [])
    assert asked.airspace_seconds == 60.0
