"""Sign-in by the district's identity provider, over real sockets: there and back, and what hostile tokens get."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from collector.access import settings
from collector.store import audit
from tests.collector.access.access_rig import People, serving
from tests.collector.access.provider_double import CLIENT, SECRET, ProviderDouble, providing
from tests.collector.rig import Clock

ROLES = {"wifi-staff": "operator", "wifi-admins": "admin", "wifi-readers": "viewer"}


@pytest.fixture(scope="module")
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="module")
def provider(clock: Clock) -> Iterator[ProviderDouble]:
    with providing(clock) as made:
        yield made


@pytest.fixture(scope="module")
def people(provider: ProviderDouble, clock: Clock, tmp_path_factory: pytest.TempPathFactory) -> Iterator[People]:
    folder = tmp_path_factory.mktemp("oidc")
    (folder / "secret").write_text(f"{SECRET}\n")
    table = {
        "issuer": provider.issuer, "client_id": CLIENT, "roles": ROLES, "client_secret_file": str(folder / "secret"),
    }  # fmt: skip
    with serving(folder, clock, board_public=False, oidc=settings.oidc(table), public_url="http://127.0.0.1:1") as made:
        yield made


@pytest.fixture
def browser(people: People, provider: ProviderDouble) -> Iterator[httpx.Client]:
    """A browser of its own, with its cookies; the provider behaves, and many tries lie long ago."""
    provider.spoil, provider.sign, provider.says_issuer = {}, None, ""
    people.clock.offset += 600
    with httpx.Client(base_url=people.url, timeout=20, trust_env=False) as made:
        yield made


def returned(browser: httpx.Client, back: str = "/incidents") -> str:
    """Where the provider sends the browser, as a path of the collector with its query."""
    there = browser.get("/sign-in/district", params={"next": back})
    assert there.status_code == 303
    answer = httpx.get(there.headers["location"], trust_env=False)
    parts = urlsplit(answer.headers["location"])
    assert (parts.netloc, parts.path) == ("127.0.0.1:1", "/sign-in/back")
    return f"{parts.path}?{parts.query}"


def refused(answer: httpx.Response, status: int, said: str) -> bool:
    return answer.status_code == status and said in answer.text and "session=" not in str(answer.headers)


def test_somebody_of_the_district_signs_in_with_the_role_of_the_highest_group(
    people: People, provider: ProviderDouble, browser: httpx.Client
) -> None:
    provider.spoil = {"groups": ["pupils-none", "wifi-readers", "wifi-staff"]}
    answer = browser.get(returned(browser))

    assert (answer.status_code, answer.headers["location"]) == (303, "/incidents")
    page = browser.get("/account").text
    assert "kim@district.example" in page and "operator" in page
    with people.store.read() as connection:
        entry = audit.entries(connection, "signed in")[0]
    assert (entry.actor, entry.way, entry.address) == ("kim@district.example", "oidc", "127.0.0.1")


def test_what_is_sent_to_the_provider_keeps_the_secrets_here(browser: httpx.Client) -> None:
    query = parse_qs(urlsplit(browser.get("/sign-in/district").headers["location"]).query)

    assert query["code_challenge_method"] == ["S256"]
    assert len(query["code_challenge"][0]) == 43 and len(query["state"][0]) == 43 and len(query["nonce"][0]) == 43
    assert query["redirect_uri"] == ["http://127.0.0.1:1/sign-in/back"]
    assert not {"client_secret", "code_verifier"} & set(query)


@pytest.mark.parametrize(
    "spoilt",
    [
        {"iss": "https://evil.example"},
        {"iss": None},
        {"aud": "another-client"},
        {"aud": None},
        {"aud": [CLIENT, "another-client"]},
        {"azp": "another-client"},
        {"nonce": "of another sign-in"},
        {"nonce": None},
        {"exp": 1_000_000_000},
        {"exp": None},
        {"iat": 4_000_000_000},
        {"nbf": 4_000_000_000},
        {"sub": None},
        {"preferred_username": ["a", "list"]},
    ],
    ids=str,
)
def test_a_token_with_a_wrong_claim_lets_nobody_in(
    provider: ProviderDouble, browser: httpx.Client, spoilt: dict[str, Any]
) -> None:
    back = returned(browser)
    provider.spoil = spoilt

    assert refused(browser.get(back), 502, "did not answer as it should")
    assert browser.get("/account").status_code == 303


@pytest.mark.parametrize("forger", ["unsigned", "signed_by_the_public_key", "signed_by_another"])
def test_a_token_that_the_providers_own_key_did_not_sign_lets_nobody_in(
    provider: ProviderDouble, browser: httpx.Client, forger: str
) -> None:
    back = returned(browser)
    provider.sign = getattr(provider, forger)

    assert refused(browser.get(back), 502, "did not answer as it should")


def test_clocks_may_differ_by_a_minute_and_no_more(
    people: People, provider: ProviderDouble, browser: httpx.Client
) -> None:
    now = int(people.clock())
    provider.spoil = {"iat": now + 45, "exp": now + 300}
    assert browser.get(returned(browser)).status_code == 303
    provider.spoil = {"iat": now - 400, "exp": now - 45}
    assert browser.get(returned(browser)).status_code == 303
    provider.spoil = {"iat": now - 400, "exp": now - 75}
    assert browser.get(returned(browser)).status_code == 502


def test_a_code_and_its_state_are_good_once_and_in_one_browser(people: People, browser: httpx.Client) -> None:
    back = returned(browser)
    with httpx.Client(base_url=people.url, trust_env=False, timeout=20) as other:
        assert refused(other.get(back), 403, "not begun in this browser")
    assert refused(browser.get(back), 403, "not begun in this browser")

    good = returned(browser)
    assert browser.get(good).status_code == 303
    assert refused(browser.get(good), 403, "not begun in this browser")
    assert refused(browser.get("/sign-in/back?code=x&state=y"), 403, "not begun in this browser")
    assert refused(browser.get("/sign-in/back"), 403, "not begun in this browser")


def test_a_sign_in_that_takes_too_long_begins_again(people: People, browser: httpx.Client) -> None:
    back = returned(browser)
    people.clock.offset += 601

    assert refused(browser.get(back), 403, "took too long")


def test_somebody_without_a_group_that_has_a_role_is_told_so(provider: ProviderDouble, browser: httpx.Client) -> None:
    provider.spoil = {"groups": ["pupils"]}

    assert refused(browser.get(returned(browser)), 403, "nobody gave you a role here")


def test_the_way_back_leads_to_no_other_site(browser: httpx.Client) -> None:
    for address in ("https://evil.example/", "//evil.example", "/\\evil.example"):
        assert browser.get(returned(browser, address)).headers["location"] == "/"


def test_a_provider_that_changes_its_keys_is_followed(
    people: People, provider: ProviderDouble, browser: httpx.Client
) -> None:
    assert browser.get(returned(browser)).status_code == 303
    provider.new_key()
    people.clock.offset += 31
    assert browser.get(returned(browser)).status_code == 303

    before = provider.keys_asked
    provider.sign = provider.signed_by_another
    for _ in range(5):
        assert browser.get(returned(browser)).status_code == 502
    assert provider.keys_asked - before <= 1


def test_a_provider_that_names_another_issuer_or_is_away_is_not_believed(
    people: People, provider: ProviderDouble, browser: httpx.Client
) -> None:
    provider.says_issuer = "https://evil.example"
    people.clock.offset += 3700
    assert refused(browser.get("/sign-in/district"), 502, "did not answer as it should")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"issuer": "http://id.district.example"}, "no https address"),
        ({"client_id": ""}, "client_id is ''"),
        ({"roles": {"staff": "emperor"}}, "roles maps groups to viewer, operator, admin"),
        ({"isuer": "x"}, "unknown key 'isuer'"),
        ({"scopes": "profile"}, "scopes has no openid"),
    ],
)
def test_a_wrong_table_is_refused_with_its_mend(change: dict[str, Any], said: str) -> None:
    good = {"issuer": "https://id.district.example", "client_id": "x", "roles": {"staff": "viewer"}}

    with pytest.raises(ValueError, match=said.split("'", maxsplit=1)[0]):
        settings.oidc(good | change)
