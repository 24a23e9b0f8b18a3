"""The pages of people and of what they did, in Spanish."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import collector
from collector.administration.operations import perform
from collector.board.words import ACTS
from collector.commands.import_file import KINDS
from collector.incidents.acts import STEPS
from collector.store.incidents import NOTE
from tests.collector.access.access_rig import People, serving
from tests.collector.board.page_texts import ENGLISH_TEXT, texts
from tests.collector.rig import CAMPUS


@pytest.fixture
def people(tmp_path: Path) -> Iterator[People]:
    with serving(tmp_path, board_public=False) as made:
        yield made


@pytest.mark.parametrize("path", ["/audit", "/account", "/sign-in"])
def test_no_text_of_a_spanish_page_of_people_and_their_acts_is_english(people: People, path: str) -> None:
    people.account("root", "admin")
    row = {"campus": CAMPUS, "from": "2026-10-01T08:00Z", "to": "2026-10-01T09:00Z", "reason": "cables"}
    for verb, by, more in (
        ("add", "ana", {"row": row}), ("approve", "ben", {"ids": [1]}), ("withdraw", "carl", {"ids": [1]}),
    ):  # fmt: skip
        body = {"by": by, "reason": "called off"} | more
        perform(people.store, people.services.config, people.clock, f"exclusions-{verb}", body)
    headers = people.session("root") if path != "/sign-in" else {}
    found = texts(people.http.get(path, params={"lang": "es"}, headers=headers).text)

    assert {text for text, lang in found if lang == "es" and ENGLISH_TEXT.fullmatch(text)} == set()
    assert [text for text, lang in found if lang == "en"] == ["English"]
    if path == "/audit":
        assert {"exclusión retirada", "exclusión aprobada", "cuenta creada", "línea de comandos"} <= {
            text for text, _ in found
        }


def test_every_act_that_the_collector_writes_into_the_audit_log_has_a_word_on_the_page() -> None:
    calls = [
        call
        for path in Path(collector.__file__).parent.rglob("*.py")
        for call in ast.walk(ast.parse(path.read_text()))
        if isinstance(call, ast.Call) and ast.unparse(call.func) == "audit.write"
    ]
    named = {call.args[3].value for call in calls if isinstance(call.args[3], ast.Constant)}
    composed = {f"incident {step}" for step in (*STEPS, NOTE)} | {f"{kind} imported" for kind in KINDS}

    assert len(named) > 20
    assert named | composed <= ACTS.keys()
