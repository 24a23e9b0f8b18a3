"""The room page and the method page, and the period that a reader chooses."""

import html
import re
from collections.abc import Iterator

import pytest

from collector.board import month, room
from collector.board.kept import Kept
from collector.judgement.day_record import Criterion, Grounds, Judged, RoomAir, blank, with_judged
from collector.policies.policy import shipped
from tests.collector.board.board_server import Board, serving
from tests.collector.board.sample_district import NOW, SLOT, TODAY, ZONE

POLICY = shipped("baseline-2")
ROOM = "lincoln/main/101"


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Board]:
    with serving(tmp_path_factory.mktemp("board"), days=8) as made:
        yield made


def words(page: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split())


def test_a_room_says_when_and_how_it_was_last_measured_and_what_happens_next(board: Board) -> None:
    page = words(board.http.get("/campus/campus-0000/room/Main/100").text)

    assert "met Last measured: Nov 18, 2026, 11:05 AM by a device that stands in the room" in page
    assert "Round-trip time from the room < 100 ms ✓ met 11:05 AM" in page
    assert "A technician is to measure this room by Nov 23, 2026, because it was reported" in page


def test_the_label_of_a_series_leads_to_its_rooms_page(board: Board) -> None:
    there = board.http.get("/room/campus-0000%2FMain%2F100?lang=es", follow_redirects=False)

    assert (there.status_code, there.headers["location"]) == (307, "/campus/campus-0000/room/Main/100?lang=es")
    assert board.http.get("/room/campus-0000%2FMain%2F100", follow_redirects=True).status_code == 200
    assert board.http.get("/room/Main").status_code == 404


def test_a_room_without_any_measurement_is_never_measured_and_not_good(board: Board) -> None:
    page = board.http.get("/campus/campus-0000/room/Main/104").text

    assert "never measured" in page
    assert 'class="chip met"' not in page


def test_the_method_page_has_every_criterion_with_its_source_in_both_languages(board: Board) -> None:
    english, spanish = (words(board.http.get(f"/method?lang={code}").text) for code in ("en", "es"))

    for one in POLICY.criteria:
        assert one.title in english
        assert one.title not in spanish
        assert one.source.title in english
        assert one.source.title in spanish
    assert "wifi-collector verify" in english


@pytest.mark.parametrize(
    ("period", "shown"),
    [
        ("today", "today"), ("7d", "7 days"), ("30d", "30 days"), ("month", "this month"),
        ("term", "term of the agreement"), ("semester", "30 days"), ("century", "30 days"),
    ],
)  # fmt: skip
def test_the_district_page_answers_over_the_chosen_period_or_the_usual_one(
    board: Board, period: str, shown: str
) -> None:
    page = board.http.get(f"/?period={period}").text

    assert re.findall(r'aria-current="true">([^<]+)</a>', page) == [shown]
    counted = sum(int(n) for n in re.findall(r'<li class="\w+"><b>(\d+)</b>', page.split('class="simulated"')[0]))
    assert counted == 12


def test_the_district_page_offers_only_periods_that_the_calendar_knows_and_says_their_days(board: Board) -> None:
    page = words(board.http.get("/?period=month").text)

    assert "The answer over: today 7 days 30 days this month term of the agreement" in page
    assert "Nov 1, 2026 to Nov 18, 2026" in page


@pytest.mark.parametrize("packing", ["zstd", "gzip"])
def test_a_page_travels_small_where_the_reader_takes_it(board: Board, packing: str) -> None:
    answer = board.http.get("/method", headers={"Accept-Encoding": packing})

    assert answer.headers["content-encoding"] == packing
    assert "</html>" in answer.text
    plain = board.http.get("/method", headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert plain.text == answer.text


def record(letters: str, measured: bool = True, named: bool = True):
    """A day from 8 o'clock on: m met, s short, u unknown for the room's round trip."""
    made = blank("lincoln", TODAY, ZONE, SLOT)
    eight = next(slot for slot, _ in made.slots() if slot >= made.first_slot + 8 * 3600)
    judged = []
    for number, letter in enumerate(letters):
        names = (ROOM,) if named else ()
        said = {
            "m": Criterion("place.rtt", "met", 1, 0, 0, 1),
            "s": Criterion("place.rtt", "short", 0, 1, 0, 1, names),
            "u": Criterion("place.rtt", "unknown", 0, 0, 1, 1, (), names),
        }[letter]
        judged.append(Judged(eight + number * SLOT, SLOT, Grounds(said.verdict, "", "", (said,))))
    made, _ = with_judged(made, judged)
    made.places_measured = [ROOM] if measured else []
    return made, eight


def test_a_room_that_a_verdict_names_nowhere_is_unknown_where_it_does_not_name_all() -> None:
    states = [one.state for one in room.spans_of(POLICY, ROOM, record("ms", named=False)[0])]

    assert states == ["met", "unknown"]


def test_the_nearest_evidence_is_that_of_the_time_and_unknown_time_is_none() -> None:
    made, eight = record("mmsu")
    at_the_end = room.nearest(POLICY, ROOM, [made], None, eight + 3.5 * SLOT)
    before = room.nearest(POLICY, ROOM, [made], RoomAir(NOW, {"coverage.primary": "short"}), eight - 9)

    assert (at_the_end.state, at_the_end.apart(eight + 3.5 * SLOT)) == ("short", SLOT / 2)
    assert (before.kind, before.state, before.apart(eight - 9)) == ("slot", "met", 9)
    assert room.nearest(POLICY, ROOM, [record("mm", measured=False)[0]], None, eight).kind == "never"


def test_the_days_of_a_room_add_up_its_class_time() -> None:
    days = room.days_of(POLICY, ROOM, [record("mmmsu")[0]])

    assert [(one.seconds.met, one.seconds.short, one.seconds.unknown) for one in days] == [(900, 300, 300)]


def test_a_month_has_a_column_a_day_with_all_class_time_in_it() -> None:
    made, _ = record("m" * 12 + "s" * 6 + "u" * 6)
    shown = month.month([TODAY.replace(day=17), TODAY], {made.day: made}, {made.day: 2}, ZONE)

    assert shown is not None
    assert [len(one.blocks) for one in shown.columns] == [0, 3]
    assert [(one.state, one.y, one.height) for one in shown.columns[1].blocks] == [
        ("met", 0.0, 50.0), ("short", 50.0, 25.0), ("unknown", 75.0, 25.0),
    ]  # fmt: skip
    assert (shown.seconds.met, shown.seconds.short, shown.seconds.unknown) == (3600, 1800, 1800)
    assert month.month([TODAY], {}, {}, ZONE) is None


def test_what_is_kept_is_made_once_for_all_who_ask_at_once_and_a_fault_keeps_the_old_one() -> None:
    made = []
    kept: Kept[int] = Kept()

    assert [kept.get(("a",), lambda: made.append(1) or len(made), 60.0) for _ in range(5)] == [1] * 5
    assert kept.get(("b",), lambda: made.append(1) or len(made), 60.0) == 2
    with pytest.raises(ZeroDivisionError):
        kept.get(("c",), lambda: 1 // 0, 60.0)
    assert kept.get(("c",), lambda: 7, 60.0) == 7
