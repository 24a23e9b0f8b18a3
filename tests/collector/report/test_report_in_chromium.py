"""The HTML report in a real browser: axe-core, a phone's width, and that it loads nothing."""

import time
from pathlib import Path

import pytest

pytest.importorskip("playwright")

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser

from collector.board.language import Language
from collector.commitment.answers import Asked
from collector.report import reading
from collector.report.document import document
from collector.report.html import html
from tests.collector.report.september import district

pytestmark = pytest.mark.chromium
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@pytest.mark.parametrize("code", ["en", "es"])
@pytest.mark.parametrize("width", [1280, 390])
def test_the_html_report_has_no_fault_of_access_loads_nothing_and_fits_a_phone(
    tmp_path: Path, browser: Browser, code: str, width: int
) -> None:
    made = district(tmp_path)
    asked = Asked(period="month:2026-09", by="region")
    read = reading.read(made.store, asked, None, None, now=time.time(), shown=lambda done, total: None)
    made.store.close()
    (tmp_path / "report.html").write_bytes(html(document(read, Language(code))))
    page = browser.new_context(viewport={"width": width, "height": 900}).new_page()
    page.set_default_timeout(60_000)
    asked_for: list[str] = []
    said: list[str] = []
    page.on("request", lambda request: asked_for.append(request.url))
    page.on("console", lambda message: said.append(message.text))
    page.goto(f"file://{tmp_path}/report.html")

    found = Axe().run(page, options={"runOnly": {"type": "tag", "values": RULES}}).response

    assert [(one["id"], one["nodes"][0]["html"][:160]) for one in found["violations"]] == []
    assert page.get_attribute("html", "lang") == code
    assert asked_for == [f"file://{tmp_path}/report.html"]
    assert said == []
    assert page.locator("script").count() == 0
    wide = page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth + 1")
    assert wide, "the page reaches over the right edge"
