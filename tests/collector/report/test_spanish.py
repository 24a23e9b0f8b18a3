"""The report in Spanish: nothing is left in English but the titles of the policy's sources."""

import time
from pathlib import Path

from collector.board.language import Language
from collector.commitment.answers import Asked
from collector.policies.policy import shipped
from collector.report import reading
from collector.report.document import document
from collector.report.html import html
from tests.collector.board.page_texts import ENGLISH_TEXT, texts
from tests.collector.report.september import district


def test_no_text_of_a_spanish_report_is_english_but_the_titles_of_documents(tmp_path: Path) -> None:
    made = district(tmp_path)
    asked = Asked(period="month:2026-09", by="region")
    read = reading.read(made.store, asked, None, None, now=time.time(), shown=lambda done, total: None)
    made.store.close()
    found = texts(html(document(read, Language("es"))).decode())
    titles = tuple(one.source.title for one in shipped("baseline").criteria)

    assert {text for text, lang in found if lang == "es" and ENGLISH_TEXT.fullmatch(text)} == set()
    assert [text for text, lang in found if lang == "en" and not text.startswith(titles)] == []
