"""Expected against seen: what never answered and since when, strangers under our name, rooms nobody measured."""

import asyncio
import csv
import io
import json

import httpx
import msgspec
import pytest
from starlette.applications import Starlette

from collector.expected import routes
from collector.expected.as_rows import as_csv
from collector.expected.looked_up import UnknownCampus, look
from collector.holding import held_at
from collector.store import unlisted
from tests.air_evidence import Bss, airspace
from tests.collector.command import command_line
from tests.collector.judgement.test_judge_loop import AP, MORNING, SLOT, imported
from tests.collector.rig import running
from tests.collector.small_ledger import HOME, OTHER_RADIO, RADIO, SECOND, Device, District

STRANGER, NEIGHBOUR = "06:00:00:00:00:01", "0a:00:00:00:00:02"
DEAD = "00:11:22:33:44:03"


@pytest.fixture
def district(tmp_path):
    """One agent in a room hears one of the campus's radios and a stranger; another stands nowhere."""
    made = District(tmp_path)
    aps = "\n".join(
        f"lincoln,{id_},{name},{address},{bssid}"
        for id_, name, address, bssid in (
            (AP, "ap-1", "10.0.0.1", RADIO),
            ("00:11:22:33:44:02", "ap-2", "10.0.0.2", OTHER_RADIO),
            (DEAD, "ap-3", "10.0.0.3", ""),
        )
    )
    imported(made.store, made.clock, "access-points", f"campus,id,name,address,bssids\n{aps}\n")
    one, two = Device("one"), Device("two")
    made.clock.at = float(MORNING)
    made.enroll(one)
    made.enroll(two)
    made.store.write(
        lambda c: c.exec_driver_sql("UPDATE placement SET place = NULL WHERE agent = ?", (two.id,))
    ).result()
    air = airspace(
        Bss(RADIO, -50.0),
        Bss(STRANGER, -60.0, listed=False, ssid="District"),
        Bss(NEIGHBOUR, -60.0, listed=False, ssid=None),
    )
    made.push(one, *(one.minute(MORNING + 60 * k, airspace=air) for k in range(5)))
    made.judge_until(MORNING + SLOT + 61)
    yield made
    made.store.close()


def found(district: District, campus: str | None = "lincoln"):
    with district.store.read() as connection:
        held = held_at(connection, district.clock())
        return list(look(connection, held, district.clock(), campus))


def test_what_is_listed_and_was_never_seen_is_named_with_since_when(district):
    one = found(district)[0]

    assert (one.access_points, [ap.id for ap in one.never_answered]) == (3, [DEAD])
    assert one.never_answered[0].since == one.record_from == "2026-09-15T16:00Z"
    assert [(ap.name, ap.since) for ap in one.never_heard] == [("ap-2", "2026-09-15T16:00Z")]
    assert one.without_bssids == 1
    assert one.never_measured == [SECOND]
    assert [agent.agent for agent in one.agents_without_place] == [Device("two").id]


def test_a_stranger_under_the_districts_name_is_kept_and_a_neighbour_is_not(district):
    assert [(one.bssid, one.ssid) for one in found(district)[0].unlisted] == [(STRANGER, "District")]
    with district.store.read() as connection:
        assert {one.bssid for one in unlisted.heard(connection)} == {STRANGER}


def test_a_stranger_that_an_inventory_lists_later_is_none_any_more(district):
    row = f"campus,id,name,address,bssids\nadams,00:11:22:33:44:09,ap-9,10.0.9.9,{STRANGER}\n"
    imported(district.store, district.clock, "access-points", row)

    assert found(district)[0].unlisted == []


def test_a_stranger_is_written_when_first_heard_and_then_once_an_hour(district):
    one = Device("one")
    one.seq = 100
    air = airspace(Bss(STRANGER, -60.0, listed=False, ssid="District"))
    for minute in (10, 11, 90):
        district.push(one, one.minute(MORNING + 60 * minute, airspace=air))
    late = one.minute(MORNING - 600, airspace=air)
    district.store.write(lambda c: c.exec_driver_sql("UPDATE placement SET from_at = 0")).result()
    district.push(one, late)

    with district.store.read() as connection:
        row = unlisted.heard(connection, "lincoln")[0]
    assert (row.first_at // 60 * 60 - MORNING, row.last_at // 60 * 60 - MORNING) in {(-600, 5400), (0, 5400)}


def test_a_campus_that_no_agent_ever_looked_at_says_so(district):
    adams = found(district, None)[0]

    assert (adams.campus, adams.record_from, adams.findings) == ("adams", None, 0)
    with pytest.raises(UnknownCampus):
        found(district, "nowhere")


def test_the_csv_has_one_finding_a_row_and_disarms_names(district):
    one = found(district)[0]
    evil = msgspec.structs.replace(one.never_answered[0], name="=cmd()")

    rows = list(csv.DictReader(io.StringIO(as_csv([msgspec.structs.replace(one, never_answered=[evil])]))))

    assert len(rows) == one.findings == 5
    assert (rows[0]["finding"], rows[0]["name"]) == ("never_answered", "'=cmd()")


def test_the_command_and_the_api_say_the_same(district, tmp_path):
    run = command_line(tmp_path)
    (tmp_path / "collector.toml").write_text(f'data_dir = "{tmp_path}"\n')
    district.store.close()

    said = json.loads(run("seen", "lincoln", "--json").stdout)["campuses"][0]
    shown = run("seen", "lincoln")
    everyone = run("seen", "--all")

    assert (said["findings"], said["never_measured"]) == (5, [SECOND])
    assert shown.returncode == everyone.returncode == 0
    assert "2 of 3 access points answered, 1 of 2 rooms were measured" in shown.stdout
    assert "2 campuses, most findings first" in everyone.stdout
    assert run("seen").returncode == 2
    assert run("seen", "nowhere").returncode == 2
    assert HOME not in shown.stdout


def test_the_api_answers_for_one_campus_and_for_all(tmp_path):
    with running(tmp_path) as rig:
        app = Starlette(routes=routes.routes(rig.services))

        async def asked(*paths: str) -> list[httpx.Response]:
            async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://collector") as client:
                return [await client.get(path) for path in paths]

        one, everyone, table, nowhere = asyncio.run(
            asked("/v1/campuses/lincoln/seen", "/v1/seen", "/v1/seen?format=csv", "/v1/campuses/nowhere/seen")
        )

    assert len(one.json()["never_answered"]) == 8
    assert {campus["campus"] for campus in everyone.json()["campuses"]} == {"lincoln", "roosevelt", "modelled"}
    assert table.text.startswith("campus,finding,id,name")
    assert nowhere.status_code == 404
