"""Sign-in in a real browser: the strict policy holds on every page, none has a fault of access, the way in works."""

from collections.abc import Iterator

import pytest

pytest.importorskip("playwright")

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from collector.board import ROUTES
from tests.collector.access.access_rig import PASSWORD, People, serving

pytestmark = pytest.mark.chromium
PATHS = {
    "{number:int}": "1", "{campus}": "lincoln", "{campus:path}": "lincoln", "{room:path}": "main/101",
}  # fmt: skip
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Iterator[People]:
    with serving(tmp_path_factory.mktemp("browser"), board_public=False) as made:
        made.account("ana", "admin")
        yield made


def opened(browser: Browser, width: int = 1280, scheme: str = "light") -> Page:
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme="dark" if scheme == "dark" else "light"
    )
    page = context.new_page()
    page.set_default_timeout(60_000)
    return page


def signed_in(browser: Browser, people: People, lang: str, **look: object) -> Page:
    page = opened(browser, **look)  # type: ignore[arg-type]
    page.goto(f"{people.url}/account?lang={lang}")
    page.fill("#name", "ana")
    page.fill("#password", PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/account?lang=*")
    return page


def pages() -> list[str]:
    paths = [one.path for one in ROUTES if one.method == "GET"]
    for name, value in PATHS.items():
        paths = [path.replace(name, value) for path in paths]
    return [*paths, "/account", "/audit", "/sign-in", "/docs"]


@pytest.mark.parametrize(("code", "width", "scheme"), [("en", 1280, "light"), ("es", 390, "dark")])
def test_no_page_breaks_its_policy_or_has_a_fault_of_access_for_somebody_who_signed_in(
    people: People, browser: Browser, code: str, width: int, scheme: str
) -> None:
    page = signed_in(browser, people, code, width=width, scheme=scheme)
    said: list[str] = []
    page.on("console", lambda message: said.append(f"{page.url} {message.text}"))
    faults = {}
    for path in pages():
        page.goto(f"{people.url}{path}?lang={code}")
        if path == "/docs":
            continue
        found = Axe().run(page, options={"runOnly": {"type": "tag", "values": RULES}}).response
        faults[path] = [(one["id"], one["nodes"][0]["html"][:160]) for one in found["violations"]]

    assert {path: found for path, found in faults.items() if found} == {}
    assert [one for one in said if "404" not in one] == []


def test_somebody_signs_in_by_keyboard_sees_who_they_are_and_signs_out(people: People, browser: Browser) -> None:
    page = opened(browser)
    page.goto(f"{people.url}/audit")
    assert page.inner_text("h1") == "Sign in"
    page.focus("#name")
    page.keyboard.type("ana")
    page.keyboard.press("Tab")
    page.keyboard.type("not the password")
    page.keyboard.press("Enter")
    page.wait_for_selector("[role=alert]")
    assert "The name or the password is not right" in page.inner_text("[role=alert]")

    page.fill("#name", "ana")
    page.fill("#password", PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/audit")
    assert "signed in" in page.inner_text("table")
    assert page.context.cookies()[0]["httpOnly"]
    assert page.evaluate("document.cookie") == ""

    page.click("text=Sign out")
    page.wait_for_url("**/sign-in")
    page.goto(f"{people.url}/audit")
    assert page.inner_text("h1") == "Sign in"
