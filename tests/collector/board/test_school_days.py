"""What the board says of school days, rooms and radios: squares, the coverage line, and which half fell short."""

import datetime
import html
import re
from collections.abc import Iterator

import msgspec
import pytest

from collector.board.school_days import NOTHING_ASKED, school_days
from collector.judgement.day_record import Criterion, DayVerdict, blank
from tests.collector.board.board_server import Board, serving
from tests.collector.board.sample_district import TODAY, ZONE

SHORT, MEETS, REFUSED = "campus-0000", "campus-0004", "campus-0005"


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Board]:
    with serving(tmp_path_factory.mktemp("board"), days=30) as made:
        yield made


def words(page: str) -> str:
    """A page as it is read: without markup."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split())


def squares(page: str) -> list[tuple[str, str]]:
    """Each square's state and words."""
    listed = page.split('<ol class="squares">')[1].split("</ol>", maxsplit=1)[0]
    found = re.findall(r'<li class="(\w+)">(.*?)</li>', listed, re.DOTALL)
    return [(state, words(inside)) for state, inside in found]


def test_each_school_day_has_a_square_with_its_state_in_words_and_its_tries(board: Board) -> None:
    shown = squares(board.http.get(f"/campus/{SHORT}").text)
    counted = {state: sum(one == state for one, _ in shown) for state, _ in shown}

    assert len(shown) == 30
    assert counted["no_class"] == 8
    assert all(state.replace("_", " ").replace("not judged", "not judged yet") in text for state, text in shown)
    assert all("joined 60 of 60 tries" in text for state, text in shown if state == "met")
    short = [text for state, text in shown if state == "short"]
    assert short
    assert all("joined 41 of 60 tries password or certificate refused" in text for text in short)


def test_the_squares_are_the_days_that_the_answer_counts(board: Board) -> None:
    period = f"from={TODAY - datetime.timedelta(days=29)}&to={TODAY}"
    for campus in (SHORT, MEETS, REFUSED, "campus-0002", "campus-0003"):
        (answer,) = board.http.get(f"/v1/commitment?campus={campus}&{period}").json()["campuses"]
        shown = [state for state, _ in squares(board.http.get(f"/campus/{campus}").text)]
        counted = {state: shown.count(state) for state in ("met", "short", "unknown")}

        assert counted == {state: answer["days"][state] for state in counted}


def test_the_district_page_and_the_campus_page_say_which_half_fell_short(board: Board) -> None:
    district = board.http.get("/").text
    of = {campus: words(district.split(f"/campus/{campus}")[1].split("</tr>")[0]) for campus in (SHORT, MEETS, REFUSED)}

    assert "falls short: class time + school days" in of[SHORT]
    assert "falls short: school days" in of[REFUSED]
    assert "falls short" not in of[MEETS]
    page = words(board.http.get(f"/campus/{REFUSED}").text)
    assert "falls short: school days In the last 30 days this campus fell short. The Wi-Fi was good for 100 %" in page


def test_coverage_says_how_many_rooms_are_measured_and_names_those_short_and_never_measured(board: Board) -> None:
    page = words(board.http.get(f"/campus/{SHORT}").text)

    assert "short 4 of 5 rooms measured, 2 covered" in page
    assert "Short Main 103 Measured, and too near to the threshold to tell Main 102" in page
    assert "Never measured by a radio Main 104" in page


def test_a_radio_that_fell_silent_is_marked_and_explained(board: Board) -> None:
    page = words(board.http.get(f"/campus/{MEETS}").text)

    assert "Radio silent: ap-04." in page
    assert "Pupils near it find no signal" in page
    assert "answers, but its radio is silent" in page


def test_a_day_that_the_ledger_lost_is_unknown_only_where_something_was_asked_of_it() -> None:
    days = [TODAY - datetime.timedelta(days=back) for back in range(4)]
    said = DayVerdict("short", (Criterion("join.time", "short", 0, 2, 0, 2),), {"join ok": 9, "join deferred": 3})
    kept = msgspec.structs.replace(blank("c", days[1], ZONE, 300), day_verdict=said)
    shown = school_days(
        days[3],
        days[0],
        {kept.day: kept},
        teaches=lambda day: True,
        asked=lambda day: day == days[2],
        titles={"join.time": "Time to join"},
    )

    assert [one.state for one in shown] == ["", "short", "unknown", NOTHING_ASKED]
    # What was skipped on purpose is no try.
    assert (shown[1].joined, shown[1].tries, shown[1].fell) == (9, 9, ("Time to join",))
