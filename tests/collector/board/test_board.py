"""What a reader without an account sees, and what a hostile name in the inventory cannot do."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from collector.board import catalogue
from collector.board.language import LANGUAGES
from tests.collector.board.board_server import Board, serving
from tests.collector.board.sample_district import HOSTILE

SHORT, MEETS, CUT = "campus-0000", "campus-0004", "campus-0003"


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Board]:
    with serving(tmp_path_factory.mktemp("board")) as made:
        yield made


def test_campuses_that_fall_short_come_before_all_others(board: Board) -> None:
    page = board.http.get("/").text
    at = [page.index(f"/campus/{campus}") for campus in (SHORT, CUT, MEETS)]

    assert at == sorted(at)


def test_simulated_campuses_stand_apart_and_in_no_total_with_real_ones(board: Board) -> None:
    real, simulated = board.http.get("/").text.split('class="simulated"')

    assert "12 campuses" in real
    assert "4 simulated campuses" in simulated
    assert "campus-0012" not in real
    assert "campus-0012" in simulated


def test_a_campus_is_found_by_any_words_of_its_names_and_what_is_not_found_is_said(board: Board) -> None:
    some = board.http.get("/", params={"find": "  CAMPUS-0004 ", "period": "7d"}).text
    none = board.http.get("/", params={"find": "no campus is called so"}).text
    hostile = board.http.get("/", params={"find": '"><script>x</script>' + "y" * 500}).text

    assert set(re.findall(r'href="/campus/([\w-]+)"', some)) == {MEETS}
    assert "1 of 16 campuses" in some
    assert '<li class="meets">' not in some
    assert 'aria-current="true">7 days' in some
    assert "find=" in some.split("30 days")[0].rsplit("href=", 1)[1]
    assert "No campus has all of these words" in none
    assert "<script" not in hostile
    assert "y" * 101 not in hostile.partition("<main")[2]


def test_the_board_and_the_api_give_the_same_answers(board: Board) -> None:
    counted = {"falls_short": 0, "not_enough_evidence": 0, "meets": 0}
    for one in board.http.get("/v1/commitment").json()["campuses"]:
        if not one["simulated"]:
            counted[one["verdict"]] += 1
    page = board.http.get("/").text.split('class="simulated"')[0]
    shown = {answer: int(number) for answer, number in re.findall(r'<li class="(\w+)"><b>(\d+)</b>', page)}

    assert sum(counted.values()) == 12
    assert shown == counted


@pytest.mark.parametrize("code", LANGUAGES)
@pytest.mark.parametrize("campus", [SHORT, MEETS, CUT])
def test_a_campus_page_shows_its_strip_rooms_access_points_and_agents(board: Board, campus: str, code: str) -> None:
    page = board.http.get(f"/campus/{campus}?lang={code}")

    assert page.status_code == 200
    assert '<svg class="strip"' in page.text
    assert f'<html lang="{code}"' in page.text
    for thing in ("ap-00", "ap-05", "Main 100", "Main 104"):
        assert thing in page.text


def test_a_campus_that_is_not_there_is_a_404_that_names_it_harmlessly(board: Board) -> None:
    page = board.http.get("/campus/%3Cscript%3Enowhere")

    assert page.status_code == 404
    assert "<script" not in page.text


def test_a_hostile_name_stays_text(board: Board) -> None:
    page = board.http.get("/").text + board.http.get("/campus/campus-0001").text

    assert "&lt;script&gt;" in page
    assert "<script" not in page
    assert not [character for character in HOSTILE if ord(character) in (0x1B, 0x202E) and character in page]


def test_no_page_may_load_or_run_anything_from_elsewhere(board: Board) -> None:
    answer = board.http.get(f"/campus/{SHORT}")

    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    assert " style=" not in answer.text
    assert not re.findall(r'(?:src|href)="(?:https?:)?//', answer.text)


def test_a_page_that_did_not_change_is_not_sent_again(board: Board) -> None:
    first = board.http.get("/")
    again = board.http.get("/", headers={"If-None-Match": first.headers["etag"]})

    assert again.status_code == 304
    assert not again.content


def test_a_browser_that_prefers_spanish_gets_spanish(board: Board) -> None:
    page = board.http.get("/", headers={"Accept-Language": "es-MX,es;q=0.9,en;q=0.5"})

    assert '<html lang="es"' in page.text


def test_before_any_list_is_imported_the_page_says_what_to_do(tmp_path: Path) -> None:
    with serving(tmp_path, filled=False) as empty:
        assert "wifi-collector import campuses" in empty.http.get("/").text


@pytest.mark.parametrize("code", LANGUAGES)
def test_every_text_that_is_shown_is_in_the_catalogue_and_no_other(code: str) -> None:
    assert {one.id for one in catalogue.written(code)} == {one.id for one in catalogue.used()}


def test_every_text_is_written_in_spanish() -> None:
    written = [one for one in catalogue.written("es") if one.id]

    assert [one.id for one in written if not (all(one.string) if one.pluralizable else one.string)] == []
