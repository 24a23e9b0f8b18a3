"""Every page in a real browser: axe-core, the strict policy, a phone's width, the keyboard alone, and print."""

import re
from collections.abc import Iterator

import pytest

pytest.importorskip("playwright")

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from collector.board import ROUTES
from collector.incidents import room_reports
from tests.collector.board.board_server import CAMPUS, OTHERS, PAGES, Board, serving
from tests.collector.board.test_room_reports import READERS

pytestmark = pytest.mark.chromium
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Board]:
    with serving(tmp_path_factory.mktemp("board"), days=9, readers=READERS) as made:
        yield made


def opened(browser: Browser, *, width: int = 1280, scheme: str = "light", operator: bool = False) -> Page:
    context = browser.new_context(
        viewport={"width": width, "height": 900},
        color_scheme="dark" if scheme == "dark" else "light",
        extra_http_headers={"X-Test": "ana"} if operator else {},
    )
    page = context.new_page()
    page.set_default_timeout(60_000)
    return page


def test_every_page_of_the_board_is_looked_at() -> None:
    assert set(PAGES) == {one.path for one in ROUTES}


@pytest.mark.parametrize("code", ["en", "es"])
@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_no_page_has_a_fault_of_access_or_of_its_policy_and_none_reaches_over_a_phone(
    board: Board, browser: Browser, width: int, scheme: str, code: str
) -> None:
    page = opened(browser, width=width, scheme=scheme, operator=True)
    said: list[str] = []
    page.on("console", lambda message: said.append(f"{page.url} {message.text}"))
    page.on("pageerror", lambda fault: said.append(f"{page.url} {fault}"))
    faults = {}
    # axe is a script, which the policy rightly refuses: it looks through a door that only the browser's owner has.
    for path in (*PAGES.values(), *OTHERS):
        page.goto(f"{board.url}{path}{'&' if '?' in path else '?'}lang={code}")
        assert page.get_attribute("html", "lang") == code
        page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
        found = Axe().run(page, options={"runOnly": {"type": "tag", "values": RULES["runOnly"]}}).response
        faults[path] = [(one["id"], one["nodes"][0]["html"][:160]) for one in found["violations"]]
        wide = page.evaluate(
            "[...document.querySelectorAll('main *')].filter(one => one.getBoundingClientRect().right > "
            "document.documentElement.clientWidth + 1 && !one.closest('.defs, thead, svg')).map(one => one.outerHTML)"
        )
        faults[path] += [("reaches over the edge", one[:160]) for one in wide]

    assert {path: found for path, found in faults.items() if found} == {}
    assert [one for one in said if "404" not in one] == []


def tabbed_to(page: Page, wanted: str) -> None:
    """Goes on with the Tab key until the element in focus has the wanted text, label or name."""
    seen = []
    for _ in range(250):
        page.keyboard.press("Tab")
        focused = page.evaluate(
            "(() => { const one = document.activeElement; return [one.innerText, one.name, one.labels?.[0]?.innerText]"
            ".filter(Boolean).join('|') })()"
        )
        if re.search(wanted, focused):
            return
        seen.append(focused)
    raise AssertionError(f"no way to {wanted!r} by keyboard: {seen[:40]}")


def test_the_keyboard_alone_leads_from_the_district_to_an_incident_and_to_a_room_report(
    board: Board, browser: Browser
) -> None:
    page = opened(browser)
    page.goto(board.url)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.innerText") == "Skip to the content"
    page.keyboard.press("Enter")
    tabbed_to(page, "^Lincoln Elementary 0$")
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.keyboard.press("Enter")
    page.wait_for_url("**/campus/campus-0000")
    tabbed_to(page, "^Incident 1$")
    page.keyboard.press("Enter")
    page.wait_for_url("**/incidents/1")
    assert page.inner_text("h1") == "Incident 1: Lincoln Elementary 0"

    tabbed_to(page, "^Lincoln Elementary 0$")
    page.keyboard.press("Enter")
    page.wait_for_url("**/campus/campus-0000")
    tabbed_to(page, "^My room is bad$")
    page.keyboard.press("Enter")
    page.wait_for_url("**/report")
    tabbed_to(page, "room")
    page.keyboard.type("Main 101")
    tabbed_to(page, "text")
    page.keyboard.type("nothing loads, said with keys alone")
    tabbed_to(page, "^Send the report$")
    page.keyboard.press("Enter")
    page.wait_for_url("**/room-reports/*")

    assert "Your report has the number" in page.inner_text("main")
    kept = room_reports.listed(board.services.store, now=board.services.clock(), campus=CAMPUS)
    assert [(one["place"], one["text"]) for one in kept if "keys alone" in one["text"]] == [
        (f"{CAMPUS}/Main/101", "nothing loads, said with keys alone")
    ]


def test_a_browser_sends_an_operators_form(board: Board, browser: Browser) -> None:
    page = opened(browser, operator=True)
    page.goto(f"{board.url}/incidents/2")
    page.fill("#note", "looked at again")
    page.click("text=Add this note")
    page.wait_for_url("**/incidents/2")

    assert "looked at again" in page.inner_text(".steps")


def test_the_sheet_prints_on_one_page_without_menus(board: Board, browser: Browser) -> None:
    page = opened(browser)
    page.goto(f"{board.url}/campus/{CAMPUS}/qr")
    page.emulate_media(media="print")

    assert not page.is_visible(".top")
    assert not page.is_visible("footer")
    assert page.is_visible(".qr")
    assert page.pdf(format="Letter").count(b"/Type /Page\n") == 1
