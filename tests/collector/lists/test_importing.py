"""A district's lists become an inventory whole or not at all, and every bad row is named by its line."""

import datetime
import time

import pytest

from collector.controllers.access_points import propose as access_points
from collector.inventory import Inventory
from collector.lists.importing import campuses, rooms
from collector.lists.sheet import Refused

DAY = datetime.date(2026, 9, 1)
LATER = datetime.date(2026, 10, 1)


def ignore(_lines: int) -> None:
    pass


def lines(*rows: str) -> bytes:
    return "\n".join([*rows, ""]).encode()


def district() -> Inventory:
    data = lines("id,name,region,uplink,schools", "lincoln-hs,Lincoln High,East,ring-7,19647331234567", "oak-es,Oak,,,")
    return campuses("campuses.csv", data, Inventory(campuses={}, access_points={}, places={}), DAY, ignore).inventory


def refused(kind, *rows: str, present: Inventory | None = None) -> list[str]:
    with pytest.raises(Refused) as caught:
        kind("list.csv", lines(*rows), present or district(), DAY, ignore)
    return [str(fault) for fault in caught.value.faults]


def test_a_campus_list_in_any_column_order_with_a_byte_order_mark_and_semicolons_is_read():
    data = b"\xef\xbb\xbf" + lines("Name;Campus ID;Phone", '"Lincoln; High";lincoln-hs;555')

    proposal = campuses("c.csv", data, Inventory(campuses={}, access_points={}, places={}), DAY, ignore)

    assert proposal.inventory.campuses["lincoln-hs"].name == "Lincoln; High"
    assert proposal.ignored == ["phone"]


def test_every_bad_access_point_is_named_by_line_with_its_reason_and_mend():
    found = refused(
        access_points,
        "campus,id,name,address,method,port,bssids",
        "lincoln-hs,00:11:22:33:44:55,ap-1,10.0.0.1,,,",
        "lincoln-hs,0011.2233.4455,ap-2,10.0.0.2,,,",
        "lincoln-hs,00:11:22:33:44:66,ap-3,10.0.0.300,,,",
        "lincoln-hs,00:11:22:33:44:77,ap-4,10.0.0.0/24,,,",
        "elm-es,00:11:22:33:44:88,ap-5,10.0.0.5,,,",
        "lincoln-hs,01:11:22:33:44:99,ap-6,10.0.0.6,,,",
        "lincoln-hs,00:11:22:33:44:aa,ap-7,10.0.0.7,tcp,,",
        "lincoln-hs,00:11:22:33:44:bb,ap-8",
        "lincoln-hs,,ap-9,10.0.0.9,,,",
        "lincoln-hs,00:11:22:33:44:cc,,10.0.0.10,,,",
        "lincoln-hs,00:11:22:33:44:dd,ap-11,10.0.0.1,,,",
    )

    assert found == [
        "line 3: access point 00:11:22:33:44:55 stands on line 2 already; leave one of the two lines out",
        "line 4: address '10.0.0.300' is not an IP address; write it like 10.1.2.3 or 2001:db8::1",
        "line 5: address '10.0.0.0/24' is a network; give the address alone, without the slash",
        "line 6: campus 'elm-es' is not known; import it first with `import campuses`, or mend its id",
        "line 7: id '01:11:22:33:44:99' is no device's address; copy the address from the device's label",
        "line 8: port '' is not a port; the method tcp needs a port from 1 to 65535",
        "line 9: 3 cells where the header has 7; quote a cell that holds the delimiter, and give every column a cell",
        "line 10: id is empty; give the access point's Ethernet MAC address or serial number",
        "line 11: name is empty; give every row its name",
        "line 12: address 10.0.0.1 is that of 00:11:22:33:44:55 on line 2 already; "
        "give each access point the address at which it alone answers",
    ]


def test_bad_campuses_are_named_by_line():
    found = refused(
        campuses,
        "id,name,timezone,simulated,schools",
        "19647331234567,Lincoln High,,,",
        "a b,Two words,,,",
        "elm-es,Elm,Pacific/Nowhere,,",
        "fir-es,Fir,,perhaps,",
        "ash-es,Ash,,,123",
        "bad-es,Bad\u202e,,,",
    )

    assert [line.split(";")[0] for line in found] == [
        "line 2: id 19647331234567 looks like a CDS code, which names a school",
        "line 3: id 'a b' is not an id",
        "line 4: timezone 'Pacific/Nowhere' is not known",
        "line 5: simulated 'perhaps' is neither yes nor no",
        "line 6: school '123' is not a CDS code",
        "line 7: name holds an invisible control character",
    ]


def test_text_that_is_not_utf8_is_refused_with_its_line_and_never_guessed():
    data = "id,name\na-es,Ash\npara-ninos,Para Los Niños\n".encode("latin-1")

    with pytest.raises(Refused) as caught:
        campuses("c.csv", data, district(), DAY, ignore)

    assert str(caught.value) == (
        "c.csv: line 3: byte 0xf1 is not UTF-8 (in Latin-1 or Windows-1252 it would be 'ñ'); save the file as CSV UTF-8"
    )
    with pytest.raises(Refused, match="the file is UTF-16"):
        campuses("c.csv", "id,name\n".encode("utf-16"), district(), DAY, ignore)


def test_a_missing_a_double_and_an_absent_header_are_refused():
    assert refused(rooms, "campus,building,number", "a,b,c") == [
        "line 1: no column room (found: campus, building, number); "
        "the columns are campus, building, room and, if wanted, chosen, chosen_by"
    ]
    assert refused(rooms, "campus,building,room,Room", "a,b,c,d") == [
        "line 1: column room stands twice; leave one of them out"
    ]
    assert refused(rooms, "") == ["line 1: the file is empty; its first line names the columns: campus, building, room"]


def test_line_numbers_count_the_lines_inside_quoted_cells():
    found = refused(rooms, "campus,building,room,chosen_by", 'oak-es,main,1,"Ms', 'Bee"', "oak-es,main,1,x")

    assert found[0].startswith("line 2: chosen_by holds an invisible control character")
    assert len(found) == 1 or found[1].startswith("line 4:")


def test_an_access_point_missing_from_a_later_list_ends_on_a_date_and_is_said():
    first = access_points(
        "a.csv",
        lines(
            "campus,id,name,address",
            "lincoln-hs,001122334455,ap-1,10.0.0.1",
            "lincoln-hs,001122334466,ap-2,10.0.0.2",
            "oak-es,001122334477,ap-3,10.0.1.1",
        ),
        district(),
        DAY,
        ignore,
    )
    second = access_points(
        "a.csv",
        lines("campus,id,name,address", "lincoln-hs,001122334455,ap-1,10.0.0.9", "lincoln-hs,SER-1,ap-4,10.0.0.4"),
        first.inventory,
        LATER,
        ignore,
    )

    assert [(change.change, change.subject, change.detail) for change in second.changes] == [
        ("changed", "lincoln-hs 00:11:22:33:44:55", "address: 10.0.0.1 -> 10.0.0.9"),
        ("added", "lincoln-hs SER-1", "ap-4"),
        ("removed", "lincoln-hs 00:11:22:33:44:66", "ap-2, ends 2026-10-01"),
    ]
    ended = {ap.id: (ap.valid_from, ap.valid_to) for ap in second.inventory.access_points["lincoln-hs"]}
    assert ended == {
        "00:11:22:33:44:55": (None, None),
        "00:11:22:33:44:66": (None, LATER),
        "SER-1": (LATER, None),
    }
    assert second.inventory.access_points["oak-es"] == first.inventory.access_points["oak-es"]


def test_the_same_list_twice_changes_nothing():
    data = lines("campus,id,name,address,building,room", "lincoln-hs,001122334455,ap-1,10.0.0.1,main,101")
    first = access_points("a.csv", data, district(), DAY, ignore)
    second = access_points("a.csv", data, first.inventory, LATER, ignore)

    assert second.changes == []
    assert second.inventory == first.inventory


def test_a_simulated_campus_cannot_become_a_real_one():
    sim = campuses("c.csv", lines("id,name,simulated", "sim-1,Sim,yes"), district(), DAY, ignore).inventory

    found = refused(campuses, "id,name,simulated", "sim-1,Sim,no", present=sim)

    assert found == ["line 2: campus sim-1 is simulated and cannot become real; give the real campus an id of its own"]


def test_a_list_of_regions_or_of_shared_uplinks_changes_nothing_else_of_a_campus():
    before = campuses(
        "c.csv", lines("id,name,bells,ssids,uplink", "oak-es,Oak,early,Edu,ring-1"), district(), DAY, ignore
    ).inventory

    after = campuses("r.csv", lines("campus,name,region,uplink", "oak-es,Oak,West,"), before, LATER, ignore)

    assert [(change.subject, change.detail) for change in after.changes] == [
        ("oak-es", "region: - -> West, uplink: ring-1 -> -")
    ]
    assert after.inventory.campuses["oak-es"].bells == "early"
    assert after.inventory.campuses["oak-es"].ssids == ("Edu",)


def test_a_cell_that_begins_like_a_formula_is_refused():
    assert refused(rooms, "campus,building,room", "oak-es,main,=1+1", "oak-es,main,12") == [
        "line 2: room begins with =, as a formula does; write the value, not its formula"
    ]


def test_a_list_longer_than_any_districts_is_refused_before_it_fills_the_memory():
    data = b"campus,building,room\n" + b"oak-es,main,1\n" * 1_000_000
    begin = time.process_time()

    with pytest.raises(Refused) as caught:
        rooms("big.csv", data, district(), DAY, ignore)

    assert str(caught.value) == (
        "big.csv: line 300002: more than 300,000 rows; that is no list of one district: split it by region"
    )
    assert time.process_time() - begin < 20


def test_one_hundred_thousand_rows_are_read_in_seconds_and_the_progress_reaches_the_end():
    rows = [
        f"{'lincoln-hs' if n % 2 else 'oak-es'},02{n:010x},ap-{n},10.{n >> 16}.{n >> 8 & 255}.{n & 255}"
        for n in range(100_000)
    ]
    told: list[int] = []
    begin = time.process_time()

    proposal = access_points("big.csv", lines("campus,id,name,address", *rows), district(), DAY, told.append)

    assert proposal.rows == 100_000
    assert sum(told) == 100_000
    assert time.process_time() - begin < 20
