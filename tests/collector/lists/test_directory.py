"""The school directory as the state publishes it: every layout is read by its header, and nobody's name is kept."""

import gc
import io
import zipfile

import pytest

from collector.lists import directory
from collector.lists.california import land_fault
from collector.lists.cells import BadCell
from collector.lists.sheet import Refused
from collector.lists.wanted import Wanted, choose, grades
from tests.collector.listing import school, text, workbook
from tests.collector.shared import lausd


def read(data: bytes):
    return directory.read("pubschls.txt", io.BytesIO(data), lambda _: None)


def refused(data: bytes) -> list[str]:
    with pytest.raises(Refused) as caught:
        read(data)
    return [str(fault) for fault in caught.value.faults]


def test_the_file_of_2018_has_the_counts_of_the_published_workbook():
    with lausd().open("rb") as file:
        listed = directory.read("lausd.tsv", file, lambda _: None)
    district, everybody = choose(listed, Wanted()), choose(listed, Wanted(charters=True))

    assert (district.counts["active"], district.counts["taken"]) == (1021, 784)
    assert district.counts["independent charter"] == 224
    assert everybody.counts["taken"] == 784 + 224
    assert len({school.town for school in district.schools}) == 57
    assert all(33.708 <= round(school.latitude, 3) <= 34.319 for school in district.schools)


@pytest.mark.parametrize("layout", [2018, 2025])
def test_each_layout_is_read_by_its_header_and_no_data_is_nothing(layout, tmp_path):
    row = school(1, "Para Los Niños", '1 "A" Street, #2', Latitude="", Longitude="", GSserved="", SOC="08")
    from_text = read(text(row, layout=layout))
    with workbook(tmp_path / "pubschls.xlsx", row, layout=layout).open("rb") as file:
        from_workbook = directory.read("pubschls.xlsx", file, lambda _: None)

    assert directory.recognised(text(row, layout=layout)[:4096])
    assert directory.recognised((tmp_path / "pubschls.xlsx").read_bytes()[:4])
    (found,) = from_text
    assert (found.name, found.street, found.postcode) == ("Para Los Niños", '1 "A" Street, #2', "90017")
    assert (found.latitude, found.longitude, found.grades, found.soc) == (None, None, "K-5", "08")
    assert str(found.opened) == "1980-07-01"
    assert [(one.cds_code, one.name, one.opened) for one in from_workbook] == [("19647330000001", *found_as(found))]


def found_as(one):
    return one.name, one.opened


def test_a_list_of_campuses_is_not_taken_for_the_directory():
    assert not directory.recognised(b"id,name,schools\n")
    assert not directory.recognised(b"id,name,cds_code,school\n")


def living(mark: str) -> int:
    """How many texts with this mark any living object refers to."""
    gc.collect()
    held = {id(found) for one in gc.get_objects() for found in gc.get_referents(one)
            if isinstance(found, str) and mark in found}  # fmt: skip
    return len(held)


def test_names_of_administrators_are_gone_with_their_row(tmp_path):
    mark = "-".join(["Zy", "Zyzx"])  # made here, so that no constant of this file holds it
    people = {"AdmFName1": mark, "AdmLName1": mark, "AdmLName2": f"Mrs {mark}", "AdmEmail3": f"{mark}@example.org"}
    path = tmp_path / "pubschls.txt"
    with path.open("wb") as out:
        out.write(text(*(school(n, f"School {n}", f"{n} Main Street", **people) for n in range(1, 3001))))
    book = workbook(tmp_path / "pubschls.xlsx", school(1, "School", "1 Main Street", Email=mark, AdmFName=mark))
    del people
    assert path.read_bytes().count(mark.encode()) == 4 * 3000
    seen = []

    def advance(_: int) -> None:
        if len(seen) < 1:
            seen.append(living(mark))

    with path.open("rb") as file:
        listed = directory.read("pubschls.txt", file, advance)
    with book.open("rb") as file:
        listed += directory.read("pubschls.xlsx", file, lambda _: None)

    assert len(listed) == 3001
    assert living(mark) == 1  # this test's own
    assert seen[0] <= 1 + 4 + 1  # and the four cells of the row, and the reader's buffer
    assert all(mark not in str(one) for one in listed)


def test_every_bad_row_is_named_with_its_mend():
    rows = [
        school(1, "Good", "1 Main Street"),
        school(1, "Twice", "2 Main Street"),
        {**school(2, "Short", "3 Main Street"), "CDSCode": "1964733000002"},
        school(3, "At sea", "4 Main Street", Longitude="-119.9"),
        school(4, "Exchanged", "5 Main Street", Latitude="-118.2667", Longitude="34.05922"),
        school(5, "No minus", "6 Main Street", Longitude="118.2667"),
        school(6, "Zero", "7 Main Street", Latitude="0", Longitude="0"),
        school(7, "Half", "8 Main Street", Longitude=""),
        school(8, "Not a day", "9 Main Street", OpenDate="13/40/2001"),
        school(9, "Hidden\u202ename", "10 Main Street"),
    ]

    assert refused(text(*rows)) == [
        "line 3: CDS code 19647330000001 stands on line 2 already; leave one of the two lines out",
        "line 4: CDSCode '1964733000002' is not 14 digits; "
        "a spreadsheet took its leading zero or wrote it as a power of ten: keep the column as text",
        "line 5: Latitude 34.059220, Longitude -119.9 is at sea; mend them, or leave both empty",
        "line 6: Latitude -118.2667, Longitude 34.05922 has the two numbers exchanged; mend them, or leave both empty",
        "line 7: Latitude 34.059220, Longitude 118.2667 has no minus sign: California is west of Greenwich; "
        "mend them, or leave both empty",
        "line 8: Latitude 0, Longitude 0 is the point zero, zero; mend them, or leave both empty",
        "line 9: Latitude '34.059220', Longitude '' is no place; "
        "write both in degrees, 34.05611 and -118.25698, or neither",
        "line 10: OpenDate '2001-13-40' is not a date; write it like 2026-08-13",
        "line 11: School holds an invisible control character; download the file again or type it anew",
    ]


def test_a_wrong_header_a_wrong_encoding_and_a_torn_file_are_refused():
    good = text(school(1, "Para Los Niños", "1 Main Street"))

    assert refused(good.replace(b"\tStreet\t", b"\tRoad\t"))[0].startswith("line 1: no column Street; take the whole")
    assert refused(good.replace(b"CDSCode", b"Code"))[0].startswith("line 1: no column CDSCode (found: Code, NCESDist")
    assert refused(good.decode().encode("latin-1")) == [
        "line 2: byte 0xf1 is not UTF-8 (in Latin-1 or Windows-1252 it would be 'ñ'); "
        "save the file as UTF-8, or download it again"
    ]
    assert refused(good.decode().encode("utf-16")) == ["the file is UTF-16; save it as tab-separated text in UTF-8"]
    assert refused(good[:-40])[0].startswith("line 2: ")
    assert refused(text()) == ["no school is listed; download the file again"]
    assert refused(b"PK\x03\x04 not a workbook")[0].startswith("not a workbook that can be read")


def test_a_workbook_that_unpacks_to_gigabytes_is_refused_before_it_is_unpacked(tmp_path):
    path = tmp_path / "bomb.xlsx"
    packed = zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED)
    with packed, packed.open("xl/worksheets/sheet1.xml", "w") as part:
        for _ in range(600):
            part.write(bytes(1 << 20))

    assert path.stat().st_size < 1 << 20
    with path.open("rb") as file, pytest.raises(Refused, match="the workbook unpacks to 600 MiB; at most 512 MiB"):
        directory.read("bomb.xlsx", file, lambda _: None)


@pytest.mark.parametrize(
    ("place", "latitude", "longitude"),
    [
        ("Avalon on Catalina", 33.343, -118.328), ("Crescent City", 41.756, -124.202), ("Venice", 33.985, -118.472),
        ("Point Arena", 38.909, -123.693), ("Big Sur", 36.27, -121.81), ("Coronado", 32.686, -117.183),
        ("Needles", 34.848, -114.614), ("Isla Vista", 34.413, -119.861), ("Bolinas", 37.909, -122.686),
        ("Pacifica", 37.61, -122.49), ("Ferndale", 40.576, -124.263),
    ],
)  # fmt: skip
def test_schools_on_the_coast_are_on_land(place, latitude, longitude):
    assert land_fault(latitude, longitude) == "", place


@pytest.mark.parametrize(("latitude", "longitude"), [(33.6, -118.9), (36.0, -122.5), (38.0, -124.0), (34.1, -120.3)])
def test_a_point_in_the_ocean_is_at_sea(latitude, longitude):
    assert land_fault(latitude, longitude) == "is at sea"


def test_the_rules_of_who_counts_are_options():
    listed = read(text(
        school(1, "Kindergarten", "1 Main Street", GSserved="K-1"),
        school(2, "High", "2 Main Street", GSserved="9-12"),
        school(3, "Independent charter", "3 Main Street", Charter="Y", FundingType="Directly funded"),
        school(4, "Affiliated charter", "4 Main Street", Charter="Y", FundingType="Locally funded"),
        school(5, "Funded but no charter", "5 Main Street", FundingType="Directly funded"),
        school(6, "Online", "6 Main Street", Virtual="F"),
        school(7, "Mostly classroom", "7 Main Street", Virtual="C"),
        school(8, "Adults", "8 Main Street", SOC="70", GSserved="", GSoffered="Adult"),
        school(9, "Preschool", "9 Main Street", SOC="8", GSserved="P", GSoffered="P"),
        school(10, "Gone", "10 Main Street", StatusType="Closed"),
        school(11, "Grades unsaid", "11 Main Street", GSserved="", GSoffered=""),
        school(0, "", "333 South Beaudry Avenue"),
    ))  # fmt: skip

    def taken(**wanted):
        return [int(one.cds_code[-3:]) for one in choose(listed, Wanted(**wanted)).schools]

    assert len(listed) == 11  # the district's own row is no school
    assert taken() == [1, 2, 4, 5, 7, 11]
    assert taken(charters=True) == [1, 2, 3, 4, 5, 7, 11]
    assert taken(virtual=True) == [1, 2, 4, 5, 6, 7, 11]
    assert taken(grades=grades("9-12")) == [2, 11]
    assert taken(grades=grades("1")) == [1, 4, 5, 7, 11]
    assert choose(listed, Wanted()).closed == ["19647330000010"]


def test_a_file_with_several_districts_asks_which():
    there = {**school(2, "There", "2 Main Street", District="Glendale Unified"), "CDSCode": "19645680000002"}
    listed = read(text(school(1, "Here", "1 Main Street"), there))

    with pytest.raises(BadCell, match="the file holds 2 districts"):
        choose(listed, Wanted())
    assert [one.name for one in choose(listed, Wanted(district="1964733")).schools] == ["Here"]
    assert [one.name for one in choose(listed, Wanted(district="glendale unified")).schools] == ["There"]
    with pytest.raises(BadCell, match="district '1234567' is not in the file"):
        choose(listed, Wanted(district="1234567"))


@pytest.mark.parametrize("wrong", ["", "12-K", "13", "K-", "A-B"])
def test_a_span_of_grades_that_is_none_is_refused(wrong):
    with pytest.raises(ValueError, match="is not a span of grades"):
        grades(wrong)
