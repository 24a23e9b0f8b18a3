"""Schools of the directory become campuses: one a site, with an id that stays whatever the next file says."""

import datetime
import io
import json

import pytest

from collector.inventory import Inventory
from collector.lists import directory, sites
from collector.lists.directory_import import Schools, ids, propose
from collector.lists.importing import campuses
from collector.lists.sheet import Refused
from collector.lists.wanted import Wanted, choose
from tests.collector.command import command_line
from tests.collector.listing import school, text, workbook
from tests.collector.shared import lausd

DAY = datetime.date(2026, 9, 1)
EMPTY = Inventory(campuses={}, access_points={}, places={})
# 0.001 degrees of latitude are 111 metres.
LINCOLN = school(1, "Lincoln High", "100 North Broadway", OpenDate="09/01/1930", GSserved="9-12")
LEADERS = school(2, "Leaders' Academy", "100 N. Broadway", OpenDate="09/01/2010", GSserved="9-12")
OAK = school(3, "Oak Street Elementary", "7 Oak St", Latitude="34.059720")
FAR = school(4, "Far Elementary", "900 Far Road", Latitude="34.159220")


def asked(*rows, **options) -> Schools:
    chosen = choose(directory.read("d.txt", io.BytesIO(text(*rows)), lambda _: None), Wanted())
    return Schools(chosen.schools, chosen.closed, **options)


def take(*rows, present=EMPTY, **options):
    return propose("d.txt", asked(*rows, **options), present, DAY)


def held(outcome) -> dict[str, list[str]]:
    found = outcome.proposal.inventory.campuses
    return {campus.id: [one.cds_code[-1] for one in campus.schools] for campus in found.values()}


def changes(outcome) -> list[tuple[str, str, str]]:
    return [(one.change, one.subject, one.detail) for one in outcome.proposal.changes]


def test_schools_at_one_address_are_one_campus_named_after_the_oldest():
    outcome = take(LEADERS, LINCOLN, FAR)

    assert held(outcome) == {"lincoln-high-los-angeles": ["1", "2"], "far-elementary-los-angeles": ["4"]}
    campus = outcome.proposal.inventory.campuses["lincoln-high-los-angeles"]
    assert (campus.name, campus.address) == ("Lincoln High", "100 North Broadway, Los Angeles")
    assert changes(outcome)[0] == (
        "added", "lincoln-high-los-angeles", "Lincoln High, 100 North Broadway, Los Angeles (and 1 more school)",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("7 Oak St.", "7 Oak Street", True),
        ("7 E. Oak Ave", "7 East  Oak Avenue", True),
        ("7 Oak Street", "7 oak street", True),
        ("7 Oak Street", "7 Oak Avenue", False),
        ("7 Oak Street", "7 South Oak Street", False),
        ("7 St Street", "7 Street Street", False),
        ("12924-A Oxnard Street", "12924 Oxnard Street", False),
    ],
)
def test_an_address_is_the_same_however_it_is_written(one, other, same):
    assert (sites.address_key(one, "Los Angeles") == sites.address_key(other, "LOS ANGELES")) is same
    assert sites.address_key(one, "Los Angeles") != sites.address_key(one, "Van Nuys")


def test_near_sites_are_proposed_and_only_a_confirmed_distance_joins_them():
    shown, joined = take(LINCOLN, OAK, FAR), take(LINCOLN, OAK, FAR, join_within_metres=60.0)

    (pair,) = shown.proposed
    assert {pair.first.id, pair.second.id} == {"lincoln-high-los-angeles", "oak-street-elementary-los-angeles"}
    assert pair.metres == pytest.approx(55.6, abs=0.1)
    assert len(held(shown)) == 3
    assert held(joined) == {"lincoln-high-los-angeles": ["1", "3"], "far-elementary-los-angeles": ["4"]}
    assert len(held(take(LINCOLN, OAK, FAR, join_within_metres=55.0))) == 3


def test_schools_without_coordinates_are_sites_that_nothing_is_near_to():
    nowhere = {**OAK, "Latitude": "", "Longitude": ""}

    assert take(LINCOLN, nowhere, join_within_metres=1000.0).proposed == []


def test_ids_stay_by_cds_code_and_a_new_school_at_a_known_address_finds_its_campus():
    first = take(OAK, FAR).proposal.inventory
    renamed = {**OAK, "School": "Oak Academy", "OpenDate": "01/01/1900"}
    newer = school(5, "Oak Magnet", "7 Oak Street", OpenDate="07/01/2026")

    second = take(renamed, newer, FAR, present=first)

    assert held(second) == {"oak-street-elementary-los-angeles": ["3", "5"], "far-elementary-los-angeles": ["4"]}
    assert changes(second) == [
        ("changed", "oak-street-elementary-los-angeles",
         "school 19647330000005 Oak Magnet added; school 19647330000003 renamed: Oak Street Elementary -> Oak Academy"),
    ]  # fmt: skip
    assert second.proposal.inventory.campuses["oak-street-elementary-los-angeles"].name == "Oak Street Elementary"


def test_a_campus_that_the_operator_named_by_cds_code_keeps_its_id_also_when_the_school_moves():
    own = b"id,name,schools\n8001,Oak,19647330000003\n"
    named = campuses("c.csv", own, EMPTY, DAY, lambda _: None).inventory
    first = take(OAK, FAR, present=named)
    moved = take({**OAK, "Street": "1 New Road"}, FAR, present=first.proposal.inventory)

    assert held(first) == held(moved) == {"8001": ["3"], "far-elementary-los-angeles": ["4"]}
    assert changes(moved) == [("changed", "8001", "address: 7 Oak St, Los Angeles -> 1 New Road, Los Angeles")]


def test_a_school_that_closed_leaves_its_campus_and_the_last_one_leaves_a_note():
    first = take(LINCOLN, LEADERS, OAK).proposal.inventory

    second = take({**LEADERS, "StatusType": "Closed"}, LINCOLN, {**OAK, "StatusType": "Merged"}, present=first)

    assert held(second) == {"lincoln-high-los-angeles": ["1"], "oak-street-elementary-los-angeles": ["3"]}
    assert changes(second) == [("changed", "lincoln-high-los-angeles", "school 19647330000002 Leaders' Academy gone")]
    assert second.notes == [
        "campus oak-street-elementary-los-angeles: every school of it is closed in the directory; it stays a campus"
    ]


def test_what_the_operator_wrote_of_a_campus_stays_and_his_list_keeps_what_the_directory_brought():
    first = take(LINCOLN, LEADERS).proposal.inventory
    own = b"id,name,region,ssids,bells\nlincoln-high-los-angeles,Lincoln,East,LAUSD,high\n"
    edited = campuses("c.csv", own, first, DAY, lambda _: None)
    again = take(LINCOLN, LEADERS, present=edited.inventory)

    campus = edited.inventory.campuses["lincoln-high-los-angeles"]
    assert [one.name for one in campus.schools] == ["Lincoln High", "Leaders' Academy"]
    assert campus.address == "100 North Broadway, Los Angeles"
    assert again.proposal.changes == []
    assert again.proposal.inventory.campuses["lincoln-high-los-angeles"].region == "East"


def test_a_file_of_ids_names_splits_and_joins_and_its_faults_are_named():
    listed = asked(LINCOLN, LEADERS, FAR).schools
    mine = ids("ids.csv", b"cds_code,id\n19647330000001,8001\n19647330000002,8002\n19647330000004,8001\n", listed)
    split = take(LINCOLN, LEADERS, FAR, ids=mine)
    third = school(6, "Third", "100 North Broadway")

    assert held(split) == {"8001": ["1", "4"], "8002": ["2"]}
    with pytest.raises(Refused, match="line 4: Third is new where 2 campuses stand; say with --ids to which of 8"):
        take(LINCOLN, LEADERS, third, FAR, present=split.proposal.inventory)
    with pytest.raises(Refused) as caught:
        ids("ids.csv", b"cds_code,id\n1,a\n19647330000001,19647330000001\n19647330000002,a\n19647330000002,b\n", listed)
    assert [str(fault).split(";")[0] for fault in caught.value.faults] == [
        "line 2: CDS code '1' is not in the directory",
        "line 3: id 19647330000001 looks like a CDS code, which names a school",
        "line 5: CDS code 19647330000002 has the id a already",
    ]


def test_a_file_of_ids_that_comes_later_moves_schools_and_says_what_is_left():
    first = take(LINCOLN, FAR).proposal.inventory
    moved = take(LINCOLN, FAR, present=first, ids={"19647330000001": "8001"})

    assert held(moved) == {"lincoln-high-los-angeles": [], "far-elementary-los-angeles": ["4"], "8001": ["1"]}
    assert moved.notes == ["campus lincoln-high-los-angeles: its schools move to 8001; it stays, without a school"]


def test_two_sites_of_one_name_in_one_town_get_different_ids_always_the_same_way():
    twin = school(9, "Far Elementary", "1 Other Street", Longitude="-118.3")

    assert held(take(FAR, twin)) == held(take(twin, FAR)) == {
        "far-elementary-los-angeles": ["4"], "far-elementary-los-angeles-2": ["9"],
    }  # fmt: skip


def test_a_simulated_campus_is_never_given_a_real_school():
    own = b"id,name,simulated\nfar-elementary-los-angeles,Model,yes\n"
    present = campuses("c.csv", own, EMPTY, DAY, lambda _: None).inventory

    assert "far-elementary-los-angeles-2" in held(take(FAR, present=present))
    with pytest.raises(Refused, match="campus far-elementary-los-angeles is simulated"):
        take(FAR, present=present, ids={"19647330000004": "far-elementary-los-angeles"})


@pytest.fixture
def collector(tmp_path):
    return command_line(tmp_path)


def test_the_whole_district_is_imported_once_and_the_second_time_changes_nothing(collector):
    dry = collector("import", "campuses", lausd())
    first = json.loads(collector("import", "campuses", lausd(), "--apply", "--json").stdout)
    second = json.loads(collector("import", "campuses", lausd(), "--apply", "--json").stdout)

    assert dry.stdout.splitlines()[:2] == [
        "1,363 schools listed, 1,021 active schools; left out: "
        "13 adult, preschool or occupational, 224 independent charter, 342 not active",
        "784 district-run TK-12 schools at 747 addresses",
    ]
    assert "this was a dry run" in dry.stdout
    assert (first["counts"], first["campuses"], first["applied"]) == ({"added": 747}, 747, True)
    assert len(first["proposed"]) == 11
    assert (second["counts"], second["applied"]) == ({}, False)
    answer = json.loads(collector("commitment", "--json").stdout)
    assert len(answer["campuses"]) == 747


def test_an_import_that_nobody_looks_at_stops_above_its_share(collector, tmp_path):
    rows = [school(n, f"School {n}", f"{n} Main Street", Latitude=f"34.{n:02}") for n in range(10, 30)]
    more = [*rows, *(school(n, f"School {n}", f"{n} Main Street", Latitude=f"34.{n:02}") for n in (30, 31))]
    workbook(tmp_path / "first.xlsx", *rows)
    (tmp_path / "more.txt").write_bytes(text(*more, layout=2025))

    alone = collector("import", "campuses", "first.xlsx", "--unattended")
    collector("import", "campuses", "first.xlsx", "--apply")
    stopped = collector("import", "campuses", "more.txt", "--unattended", "--at-most", "0.05")
    allowed = collector("import", "campuses", "more.txt", "--unattended", "--at-most", "0.10")
    rooms = collector("import", "rooms", "more.txt", "--unattended")

    assert (alone.returncode, "20 of 0 campuses would change" in alone.stderr) == (1, True)
    assert stopped.returncode == 1
    assert "2 of 20 campuses would change, more than the share 0.05: nothing was imported" in stopped.stderr
    assert (allowed.returncode, "kept as snapshot" in allowed.stdout) == (0, True)
    assert rooms.returncode == 2


def test_a_bad_directory_is_refused_whole_and_the_difference_is_shown_before_anything_is_kept(collector, tmp_path):
    (tmp_path / "bad.txt").write_bytes(text(LINCOLN, {**OAK, "CDSCode": LINCOLN["CDSCode"]}))

    done = collector("import", "campuses", "bad.txt", "--apply")

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "wifi-collector: bad.txt: line 3: CDS code 19647330000001 stands on line 2 already; "
        "leave one of the two lines out\nbad.txt: 1 fault, nothing was imported\n"
    )
    assert collector("import", "campuses", "bad.txt", "--grades", "13").returncode == 2
    assert collector("import", "campuses", "bad.txt", "--join-within", "0").returncode == 2
