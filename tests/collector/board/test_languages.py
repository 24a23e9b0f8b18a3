"""The pages in Spanish: what the judge wrote is told in Spanish too, and nothing else is left in English."""

import html
import re
import string
from collections.abc import Iterator

import pytest

from collector.board.language import Language
from collector.board.told import sentences
from collector.judgement.sentence import Sentence
from tests.collector.board.board_server import OTHERS, PAGES, Board, serving
from tests.collector.board.page_texts import ENGLISH_TEXT, texts
from tests.collector.board.test_room_reports import OPERATOR, READERS, token

SPANISH, ENGLISH = Language("es"), Language("en")
INCIDENTS = ("/incidents/2", "/incidents/3", "/incidents/4", "/incidents?period=all")


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Board]:
    with serving(tmp_path_factory.mktemp("board"), days=9, readers=READERS) as made:
        yield made


def words(page: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split())


@pytest.mark.parametrize("path", [*PAGES.values(), *OTHERS, *INCIDENTS, "/campus/campus-0002", "/campus/campus-0005"])
def test_no_text_of_a_spanish_page_is_english_but_the_titles_of_documents(board: Board, path: str) -> None:
    asked = f"{path}{'&' if '?' in path else '?'}lang=es"
    page = board.http.get(asked, headers=OPERATOR, follow_redirects=True).text
    found = texts(page)
    assert '<html lang="es"' in page
    sources = set(re.findall(r'<span class="source" lang="en">([^<]*)</span>', page))

    assert {text for text, lang in found if lang == "es" and ENGLISH_TEXT.fullmatch(text)} == set()
    assert {text for text, lang in found if lang == "en"} - {html.unescape(one) for one in sources} <= {"English"}


def test_the_evidence_of_a_cause_is_told_in_spanish_on_every_page_that_tells_it(board: Board) -> None:
    def read(path: str) -> str:
        return words(board.http.get(path, params={"lang": "es"}).text)

    assert "caídos (2): 02:00:00:00:00:00, 02:00:00:00:00:01" in read("/campus/campus-0000")
    assert "agentes que no enviaron nada (1 de 2): 000000000000" in read("/campus/campus-0003")
    assert "caídos (2): 02:00:00:00:00:00, 02:00:00:00:00:01" in read("/incidents/2")
    assert "detectado 15 nov 2026" in read("/incidents/2")
    assert "todos los campus de la línea north-1 (2)" in read("/incidents/3")


def test_the_english_page_shows_what_the_ledger_holds(board: Board) -> None:
    page = board.http.get("/campus/campus-0003", params={"lang": "en"}).text

    assert "1 of 2 agents sent nothing: 000000000000" in words(page)
    assert {lang for _, lang in texts(page)} == {"en", "es"}  # the way to the Spanish page


def test_what_could_not_be_done_about_an_incident_is_said_in_spanish(board: Board) -> None:
    data = {"token": token(board, "/incidents/1", **OPERATOR), "act": "close", "as": "confirmed", "reason": "early"}
    page = words(board.http.post("/incidents/1", params={"lang": "es"}, data=data, headers=OPERATOR).text)

    assert "el incidente 1 aún continúa ; termina después de varios intervalos cumplidos seguidos" in page


def fields(template: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(template) if name}


@pytest.mark.parametrize("sentence", sentences(), ids=lambda one: one.template)
def test_each_sentence_of_the_judge_is_said_in_spanish_with_all_its_fields(sentence: Sentence) -> None:
    spanish = SPANISH.catalogue.gettext(sentence.template)

    assert fields(spanish) == set(sentence.fields)
    assert spanish != sentence.template or not re.search(r"[a-z]{3}", re.sub(r"{\w+}", "", sentence.template))


@pytest.mark.parametrize(
    ("cause", "text", "told"),
    [
        (
            "monitor_suspect",
            "7 of 20 campuses turned short in this slot: look at the monitor first; taken alone: dns",
            "7 de 20 campus pasaron a ser insuficientes en este intervalo: revise primero este sistema; considerado "
            "por separado: falla la resolución de nombres (DNS)",
        ),
        (
            "authentication",
            "19 of 60 tries to join failed at: eap 4, handshake 15",
            "de 60 intentos de conexión fallaron 19, en: cuenta o certificado (EAP) 4, intercambio de claves 15",
        ),
        (
            "agent_silent",
            "agent aaaa: its own link is down; agent bbbb: its reach probe could not run",
            "agente aaaa: su propio enlace está caído; agente bbbb: su prueba de alcance no pudo ejecutarse",
        ),
        ("planned_work", "an approved exclusion covers this slot", "una exclusión aprobada abarca este intervalo"),
        ("planned_work", "rooms: 101 and 102", "rooms: 101 and 102"),
        ("internet", "", ""),
    ],
)
def test_compound_texts_are_told_whole(cause: str, text: str, told: str) -> None:
    assert SPANISH.evidence(cause, text) == (told, "")
    assert ENGLISH.evidence(cause, text) == (text, "")


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        ("exclusion 3 withdrawn", "exclusión 3, retirada"),
        ("exclusion 3, late evidence", "exclusión 3, las pruebas llegaron tarde"),
        ("new access-points", "se importó de nuevo: lista de puntos de acceso"),
        ("seen with the district", "se examinó junto con los demás campus"),
        ("a switch was hung elsewhere", "a switch was hung elsewhere"),
    ],
)
def test_why_a_slot_was_judged_again_is_told_and_a_persons_own_reason_stays(reason: str, told: str) -> None:
    assert SPANISH.reason(reason) == told


def test_a_text_of_an_older_ledger_stays_as_it_was_written_and_is_marked() -> None:
    assert SPANISH.evidence("dns", "names were not found") == ("names were not found", "en")


def test_what_the_judge_noted_is_told_too() -> None:
    closed = "disproved by late evidence: the same as incident 7 (was false: a test of ours)"

    assert SPANISH.judges_note("access_point_down").text == "puntos de acceso caídos"
    assert SPANISH.judges_note(closed).text == (
        "desmentido por pruebas que llegaron tarde: es el mismo que el incidente 7 "
        "(antes: falsa alarma: a test of ours)"
    )
