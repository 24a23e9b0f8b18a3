"""What a reader without an account sees, and what a hostile name in the inventory cannot do."""

import html
import re
import shutil
import subprocess
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


@pytest.mark.chromium
@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("path", ["/", f"/campus/{SHORT}"])
def test_chromium_draws_the_page_without_an_error(board: Board, tmp_path: Path, path: str, width: int) -> None:
    if not (chromium := shutil.which("chromium")):
        pytest.skip("no chromium on this machine")
    picture = tmp_path / "page.png"
    ran = subprocess.run(
        [
            chromium, "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr",
            f"--user-data-dir={tmp_path / 'profile'}", f"--window-size={width},1600", f"--screenshot={picture}",
            board.url + path,
        ],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip

    assert picture.stat().st_size > 10_000
    assert [line for line in ran.stderr.splitlines() if "CONSOLE" in line] == []


# What no page may hold itself: a script that says which elements reach over the right edge. It stands in a frame as
# wide as a phone, because no window of Chromium is narrower than 500 pixels.
_MEASURE = """<script>parent.document.title = [...document.querySelectorAll("body *")].filter(
  one => one.getBoundingClientRect().right > document.documentElement.clientWidth + 1 && !one.closest(".defs, thead")
).map(one => one.tagName + "." + one.className).join(" ") || `nothing of ${document.documentElement.clientWidth}`
</script>"""


@pytest.mark.chromium
@pytest.mark.parametrize("code", LANGUAGES)
@pytest.mark.parametrize("path", ["/", f"/campus/{SHORT}", f"/campus/{CUT}"])
def test_nothing_reaches_over_the_edge_of_a_phone(board: Board, tmp_path: Path, path: str, code: str) -> None:
    if not (chromium := shutil.which("chromium")):
        pytest.skip("no chromium on this machine")
    page = board.http.get(f"{path}?lang={code}").text
    style = board.http.get(re.findall(r'rel="stylesheet" href="([^"]+)"', page)[0]).text
    page = page.replace("</head>", f"<style>{style}</style></head>").replace("</body>", f"{_MEASURE}</body>")
    outer = f'<!doctype html><iframe width="360" height="30000" frameborder="0" srcdoc="{html.escape(page)}"></iframe>'
    (tmp_path / "page.html").write_text(outer)
    ran = subprocess.run(
        [
            chromium, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}",
            "--dump-dom", (tmp_path / "page.html").as_uri(),
        ],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip

    assert re.findall(r"<title>([^<]*)", ran.stdout)[:1] == ["nothing of 360"]
