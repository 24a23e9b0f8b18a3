"""What a reader of "my room is bad" can do over HTTP without an account, what nobody can, what an operator sees."""

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from collector.board import acts
from collector.board.readers import PUBLIC, Readers
from collector.incidents import room_reports
from tests.collector.board.board_server import Board, serving
from tests.collector.board.sample_district import NOW

CAMPUS = "campus-0004"
FORM = f"/campus/{CAMPUS}/report"
ROOM = f"{CAMPUS}/Main/101"
OPERATOR = {"X-Test": "ana"}
READERS = Readers(
    lambda request, action: PUBLIC.may(request, action) or bool(request.headers.get("x-test")),
    lambda request: request.headers.get("x-test", ""),
)


@pytest.fixture
def board(tmp_path: Path) -> Iterator[Board]:
    with serving(tmp_path, campuses=6, simulated=1, days=3, readers=READERS) as made:
        yield made


def token(board: Board, path: str = FORM, **headers: str) -> str:
    return re.findall(r'name="token" value="([^"]+)"', board.http.get(path, headers=headers).text)[0]


def sent(board: Board, path: str = FORM, headers: dict[str, str] | None = None, **fields: str) -> httpx.Response:
    filled = {"room": ROOM, "date": "2026-11-18", "time": "10:30", "text": "videos stop", "leave_empty": ""}
    return board.http.post(path, data=filled | {"token": token(board)} | fields, headers=headers or {})


def kept(board: Board) -> list[dict[str, object]]:
    found = room_reports.listed(board.services.store, now=board.services.clock(), campus=CAMPUS)
    return [one for one in found if one["by"] == "board"]


def test_a_report_gets_a_number_and_a_page_with_what_was_measured_nearest_to_that_time(board: Board) -> None:
    answer = sent(board)
    assert answer.status_code == 303
    page = board.http.get(answer.headers["location"])

    number = kept(board)[0]["id"]
    assert answer.headers["location"] == f"/room-reports/{number}?new=1"
    assert f"Your report has the number {number}" in page.text
    assert re.search(r"Class time from Nov 18, 2026, 8:00\sAM to 11:05\sAM, by a device in this room", page.text)
    assert "The room is to be measured by Nov 25, 2026" in page.text


def test_a_room_that_was_never_measured_is_said_to_be_so(board: Board) -> None:
    page = board.http.get(sent(board, room=f"{CAMPUS}/Main/104").headers["location"]).text

    assert "never measured" in page
    assert "your report has it measured" in page


def test_nobody_reads_the_words_before_an_operator_has(board: Board) -> None:
    place = sent(board, text="the words of somebody").headers["location"].partition("?")[0]
    pages = (place, f"/campus/{CAMPUS}/room/Main/101", f"/campus/{CAMPUS}")
    assert "the words of somebody" not in "".join(board.http.get(path).text for path in pages)
    assert board.http.get("/room-reports").status_code == 403
    assert "the words of somebody" in board.http.get("/room-reports", headers=OPERATOR).text

    own = token(board, place, **OPERATOR)
    assert board.http.post(place, data={"token": own, "as": "shown"}).status_code == 403
    assert board.http.post(place, data={"token": own, "as": "shown"}, headers=OPERATOR).status_code == 303
    assert "the words of somebody" in board.http.get(place).text
    assert board.http.post(place, data={"token": own, "as": "erased"}, headers=OPERATOR).status_code == 303
    assert "the words of somebody" not in board.http.get("/room-reports", headers=OPERATOR).text


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"room": "campus-0004/Main/999"}, "Choose a room of the list"),
        ({"text": "   "}, "Say in a few words"),
        ({"text": "x" * 1001}, "Say in a few words"),
        ({"date": "2026-11-19"}, "Give a day of the last 30"),
        ({"date": "2026-10-01"}, "Give a day of the last 30"),
        ({"date": "yesterday"}, "Give a day of the last 30"),
    ],
)
def test_a_form_with_a_mistake_comes_back_as_it_was_filled_in(board: Board, wrong: dict[str, str], said: str) -> None:
    answer = sent(board, **({"text": "<b>kept</b>"} | wrong))

    assert answer.status_code == 422
    assert said in answer.text
    if "text" not in wrong:
        assert "&lt;b&gt;kept&lt;/b&gt;</textarea>" in answer.text
    assert kept(board) == []


@pytest.mark.parametrize(
    ("change", "headers", "status"),
    [
        ({"token": ""}, {}, 403),
        ({"token": f"{int(NOW)}." + "0" * 64}, {}, 403),
        ({}, {"Sec-Fetch-Site": "cross-site"}, 403),
        ({}, {"Sec-Fetch-Site": "same-site"}, 403),
        ({}, {"Origin": "https://elsewhere.example"}, 403),
        ({}, {"Origin": "null"}, 403),
        ({"leave_empty": "a program's"}, {}, 400),
        ({"text": "x" * 20_000}, {}, 413),
    ],
)
def test_what_another_site_or_a_program_sends_is_refused(
    board: Board, change: dict[str, str], headers: dict[str, str], status: int
) -> None:
    assert sent(board, headers=headers, **change).status_code == status
    assert kept(board) == []


def test_a_token_is_good_for_one_form_and_one_account(board: Board) -> None:
    others = token(board, "/campus/campus-0000/report")
    operators = token(board, FORM, **OPERATOR)

    assert sent(board, token=others).status_code == 403
    assert sent(board, token=operators).status_code == 403
    assert sent(board, token=operators, headers=OPERATOR).status_code == 303


def test_what_is_no_form_is_refused(board: Board) -> None:
    assert board.http.post(FORM, json={"room": ROOM}).status_code == 415
    assert board.http.post(FORM, content=b"\xff\xfe", headers={"Content-Type": "application/x-www-form-urlencoded"})\
        .status_code == 400  # fmt: skip


def test_one_sender_cannot_flood_and_a_room_takes_so_many_a_day(board: Board) -> None:
    answers = [sent(board, room=f"{CAMPUS}/Main/10{n % 5}") for n in range(int(acts.REPORT_BURST) + 1)]

    assert [one.status_code for one in answers] == [303] * int(acts.REPORT_BURST) + [429]
    assert int(answers[-1].headers["retry-after"]) > 0
    assert "nothing that you wrote is lost" in answers[-1].text
    assert "videos stop</textarea>" in answers[-1].text


def test_no_name_and_no_address_of_the_reader_is_kept(board: Board) -> None:
    sent(board, headers={"User-Agent": "Somebodys-Phone/1"})
    board.services.store.close()
    whole = b"".join(path.read_bytes() for path in Path(board.services.config.data_dir).glob("collector.db*"))

    assert b"videos stop" in whole
    assert b"Somebodys-Phone" not in whole
    assert b"127.0.0.1" not in whole


def test_the_sheet_shows_a_code_for_this_campus_and_its_address_in_letters(board: Board) -> None:
    page = board.http.get(f"/campus/{CAMPUS}/qr").text
    other = board.http.get("/campus/campus-0000/qr").text

    assert f"{board.services.config.url}/campus/{CAMPUS}/report" in page
    code = re.findall(r'<svg[^>]*class="qr".*?</svg>', page, re.S)
    assert len(code) == 1
    assert code != re.findall(r'<svg[^>]*class="qr".*?</svg>', other, re.S)
    assert " style=" not in page
