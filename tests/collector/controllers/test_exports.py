"""What Aruba, Cisco, Meraki and UniFi export becomes the district's access points, by header, site and device."""

import base64
import contextlib
import csv
import datetime
import io
from pathlib import Path

import pytest

from collector.administration.operations import perform
from collector.administration.refusals import NotDone
from collector.controllers import access_points, sites
from collector.inventory import Inventory
from collector.lists.district_lists import Places, propose
from collector.lists.importing import campuses
from collector.lists.sheet import Refused
from tests.collector.small_ledger import District

LISTS = Path(__file__).with_name("lists")
DAY, LATER = datetime.date(2026, 9, 1), datetime.date(2026, 10, 1)
DISTRICT = campuses(
    "c.csv", b"id,name\nlincoln-hs,Lincoln High\noak-es,Oak\n", Inventory(), DAY, lambda _: None
).inventory
SITES = b"""site,campus
Lincoln High School,lincoln-hs
Oak St. Elementary,oak-es
Top > East > Lincoln HS,lincoln-hs
Top > West > Oak ES,oak-es
Lincoln High,lincoln-hs
Oak Street ES,oak-es
Global/East/Lincoln High,lincoln-hs
Global/West/Oak ES,oak-es
Lincoln HS - wireless,lincoln-hs
Oak ES - wireless,oak-es
"""


def read_nothing(_lines: int) -> None:
    """No terminal looks on."""


def proposed(data: bytes, present: Inventory = DISTRICT, table: bytes = SITES, day: datetime.date = DAY):
    known = sites.parse("sites.csv", table, present)
    return access_points.propose("aps.csv", data, present, day, read_nothing, known)


def listed(proposal) -> list[tuple[str, str, str, str]]:
    kept = proposal.inventory.access_points
    return [(ap.campus, ap.id, ap.name, ap.address) for campus in sorted(kept) for ap in kept[campus]]


def refused(data: bytes, table: bytes = SITES) -> list[str]:
    with pytest.raises(Refused) as caught:
        proposed(data, table=table)
    return [str(fault) for fault in caught.value.faults]


@pytest.mark.parametrize(
    ("file", "product", "expected", "left_out"),
    [
        (
            "aruba_central.csv",
            "Aruba Central",
            [
                ("lincoln-hs", "20:4c:03:1a:2b:10", "LIN-A-101", "10.20.1.11"),
                ("lincoln-hs", "20:4c:03:1a:2b:20", "LIN-A-102", ""),
                ("oak-es", "20:4c:03:1a:2b:30", "OAK-1", "10.30.1.11"),
            ],
            1,
        ),
        (
            "airwave.csv",
            "Aruba AirWave",
            [
                ("lincoln-hs", "20:4c:03:1a:2b:10", "LIN-A-101", "10.20.1.11"),
                ("lincoln-hs", "20:4c:03:1a:2b:20", "LIN-A-102", "10.20.1.12"),
                ("oak-es", "20:4c:03:1a:2b:30", "OAK-1", "10.30.1.11"),
            ],
            1,
        ),
        (
            "cisco_prime.csv",
            "Cisco wireless controller or Prime Infrastructure",
            [
                ("lincoln-hs", "00:2c:c8:11:22:30", "lin-a-101", "10.20.1.11"),
                ("lincoln-hs", "00:2c:c8:11:22:40", "lin-a-102", "10.20.1.12"),
                ("oak-es", "00:2c:c8:11:22:50", "oak-1", ""),
            ],
            0,
        ),
        (
            "cisco_wlc.csv",
            "Cisco wireless controller or Prime Infrastructure",
            [
                ("lincoln-hs", "00:2c:c8:11:22:30", "lin-a-101", "10.20.1.11"),
                ("oak-es", "00:2c:c8:11:22:50", "oak-1", "10.30.1.11"),
            ],
            0,
        ),
        (
            "catalyst_center.csv",
            "Cisco Catalyst Center",
            [
                ("lincoln-hs", "FGL2201A001", "lin-a-101", "10.20.1.11"),
                ("oak-es", "FGL2201A003", "oak-1", "10.30.1.11"),
            ],
            1,
        ),
        (
            "meraki.csv",
            "Cisco Meraki",
            [
                ("lincoln-hs", "e0:55:3d:10:20:30", "LIN-A-101", "10.20.1.11"),
                ("oak-es", "e0:55:3d:10:20:40", "OAK-1", ""),
            ],
            1,
        ),
    ],
)
def test_each_product_is_told_by_its_header_and_its_other_devices_are_left_out(file, product, expected, left_out):
    proposal = proposed((LISTS / file).read_bytes())

    assert listed(proposal) == expected
    assert proposal.notes[0] == f"read as the list of {product}"
    others = [note for note in proposal.notes if "other devices" in note]
    assert others == ([f"{left_out} rows are other devices than access points, left out"] if left_out else [])


def test_a_list_without_sites_is_of_the_campus_that_the_operator_names():
    data = (LISTS / "unifi.csv").read_bytes()

    found = access_points.propose("u.csv", data, DISTRICT, DAY, read_nothing, sites.Sites(everywhere="lincoln-hs"))

    assert [ap[:2] for ap in listed(found)] == [
        ("lincoln-hs", "74:ac:b9:10:20:30"),
        ("lincoln-hs", "74:ac:b9:10:20:40"),
    ]
    assert "line 2: the list names no site; give --campus ID if all of it is of one campus" in refused(data)


def test_the_sixteen_bssids_of_a_cisco_base_radio_are_known_and_no_others_are_made_up():
    kept = proposed((LISTS / "cisco_prime.csv").read_bytes()).inventory.access_points

    assert kept["lincoln-hs"][0].bssids == tuple(f"00:2c:c8:aa:bb:1{digit:x}" for digit in range(16))
    assert kept["oak-es"][0].bssids == ()  # :33 begins no block of sixteen
    central = proposed((LISTS / "aruba_central.csv").read_bytes()).inventory.access_points
    assert {ap.bssids for aps in central.values() for ap in aps} == {()}


def test_every_site_that_is_no_campuss_is_named_once_with_the_line_that_mends_it():
    found = refused((LISTS / "aruba_central.csv").read_bytes(), table=b"site,campus\nWarehouse,none\n")

    assert found == [
        "line 2: site 'Lincoln High School' (2 access points) is no campus's; "
        "write it into the file of --sites: Lincoln High School,CAMPUS",
        "line 4: site 'Oak St. Elementary' (1 access point) is no campus's; "
        "write it into the file of --sites: Oak St. Elementary,CAMPUS",
    ]


def test_a_group_stands_in_where_the_site_is_not_in_the_table_and_a_site_of_no_campus_is_left_out_and_said():
    table = b"site,campus\nEast-Schools,lincoln-hs\nOak St. Elementary,none\n"

    proposal = proposed((LISTS / "aruba_central.csv").read_bytes(), table=table)

    assert {ap[0] for ap in listed(proposal)} == {"lincoln-hs"}
    assert "site 'Oak St. Elementary': 1 access point left out, of no campus" in proposal.notes


def test_a_bad_table_of_sites_is_refused_by_line():
    with pytest.raises(Refused) as caught:
        sites.parse("s.csv", b"site,campus\nA,elm-es\n,oak-es\nB,oak-es\nb,lincoln-hs\n", DISTRICT)

    assert [str(fault).split(";")[0] for fault in caught.value.faults] == [
        "line 2: campus 'elm-es' is not known",
        "line 3: site is empty",
        "line 5: site 'b' is oak-es already",
    ]


def test_a_new_name_and_address_make_no_new_access_point_and_what_the_list_does_not_say_stays():
    plain = (
        b"campus,id,name,address,building,room,method,port,bssids\n"
        b"lincoln-hs,20:4c:03:1a:2b:10,old-name,10.9.9.9,A,101,tcp,443,20:4c:03:a2:b1:00\n"
        b"lincoln-hs,20:4c:03:1a:2b:20,old-2,10.9.9.8,A,102,,,\n"
    )
    first = access_points.propose("p.csv", plain, DISTRICT, DAY, read_nothing)
    second = proposed((LISTS / "aruba_central.csv").read_bytes(), first.inventory, day=LATER)

    one, two = second.inventory.access_points["lincoln-hs"]
    assert (one.name, one.address, one.place, one.method, one.port, one.bssids, one.valid_from) == (
        "LIN-A-101", "10.20.1.11", "lincoln-hs/A/101", "tcp", 443, ("20:4c:03:a2:b1:00",), None,
    )  # fmt: skip
    assert (two.name, two.address) == ("LIN-A-102", "10.9.9.8")  # off now: it keeps its address
    assert [change.change for change in second.changes] == ["changed", "changed", "added"]


def test_the_columns_may_stand_in_any_order_between_others_with_semicolons_and_a_byte_order_mark():
    rows = list(csv.reader(io.StringIO((LISTS / "meraki.csv").read_text())))
    text = io.StringIO()
    csv.writer(text, delimiter=";").writerows([*reversed(row)] for row in rows)
    data = b"\xef\xbb\xbf" + text.getvalue().encode()

    assert listed(proposed(data)) == listed(proposed((LISTS / "meraki.csv").read_bytes()))


def test_an_access_point_with_only_a_radios_address_is_refused_by_line():
    found = refused(b"AP Name,Base Radio MAC,IP Address,Location\nlin,00:2c:c8:aa:bb:10,10.0.0.1,Lincoln High\n")

    assert found == [
        "line 2: it has no Ethernet MAC and no serial number; "
        "export the list with the Ethernet MAC or the serial number"
    ]


def test_the_campus_of_a_whole_list_must_be_known():
    with pytest.raises(Refused, match="campus 'elm' of --campus is not known; import it first"):
        propose("access-points", "u.csv", b"", DISTRICT, DAY, read_nothing, Places(campus="elm"))


def weekly(district: District, rows: list[str], **more):
    """A weekly import that nobody looks at."""
    text = "\n".join(["campus,id,name,address", *rows, ""]).encode()
    body = {"kind": "access-points", "name": "aps.csv", "data": base64.b64encode(text).decode(), "apply": True}
    return perform(district.store, None, district.clock, "import", body | more)


def test_an_unattended_list_takes_new_names_and_stops_where_access_points_vanish(tmp_path):
    district = District(tmp_path)
    with contextlib.closing(district.store):
        rows = [f"lincoln,02000000{n:04x},ap-{n},10.0.1.{n}" for n in range(1, 41)]
        weekly(district, rows)

        renamed = weekly(district, [row.replace("ap-", "renamed-") for row in rows], at_most=0.05)
        with pytest.raises(NotDone) as stopped:
            weekly(district, rows[:30], at_most=0.05)
        fewer = weekly(district, rows[:39], at_most=0.05)

    assert (renamed["applied"], renamed["counts"]) == (True, {"changed": 40})
    assert "10 of 40 access points would change, more than the share 0.05" in stopped.value.reason
    assert (fewer["applied"], fewer["counts"]["removed"]) == (True, 1)
