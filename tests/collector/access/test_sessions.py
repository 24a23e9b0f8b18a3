"""Sign-in with a local account: what a right password begins, what ends it, and what hostile senders get."""

import re
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.access import doors, passwords, roles
from collector.config import Config
from collector.incidents.finding import Incident, Part
from collector.store import accounts, audit, incidents
from tests.collector.access.access_rig import PASSWORD, People, serving
from tests.collector.rig import Clock


@pytest.fixture
def people(tmp_path: Path) -> Iterator[People]:
    with serving(tmp_path, board_public=False) as made:
        made.account("ana", "operator")
        yield made


def cookie_of(answer: object) -> str:
    return re.match(r"session=([^;]*)", answer.headers["set-cookie"])[1]  # type: ignore[attr-defined]


def test_a_right_password_begins_a_session_and_leads_back(people: People) -> None:
    first = people.http.get("/incidents?period=7d")
    assert first.headers["location"] == "/sign-in?next=%2Fincidents%3Fperiod%3D7d"

    answer = people.sign_in("ana", next="/incidents?period=7d")
    assert (answer.status_code, answer.headers["location"]) == (303, "/incidents?period=7d")
    assert "HttpOnly; Max-Age=86400; Path=/; SameSite=lax" in answer.headers["set-cookie"]
    page = people.http.get("/account")
    assert "ana" in page.text and "operator" in page.text
    assert page.headers["cache-control"] == "private, no-cache"
    assert "Cookie" in page.headers["vary"]
    with people.store.read() as connection:
        entry = audit.entries(connection)[0]
        kept = connection.exec_driver_sql("SELECT digest FROM session").scalars().all()
    assert (entry.actor, entry.action, entry.way, entry.address) == ("ana", "signed in", "account", "127.0.0.1")
    assert cookie_of(answer) not in kept


def test_a_session_that_somebody_else_chose_is_not_taken_over(people: People) -> None:
    people.account("mallory", "viewer")
    planted = cookie_of(people.sign_in("mallory"))

    theirs = cookie_of(people.sign_in("ana", token=people.form_token("/sign-in", "mallory")))

    assert theirs != planted
    assert people.http.get("/account", headers={"Cookie": f"session={planted}"}).status_code == 303
    chosen = people.http.post(
        "/sign-in",
        data={"name": "ana", "password": PASSWORD, "token": people.form_token("/sign-in")},
        headers={"Cookie": "session=chosen-by-mallory"},
    )
    assert cookie_of(chosen) != "chosen-by-mallory"


def test_sign_out_ends_the_session_for_good(people: People) -> None:
    secret = cookie_of(people.sign_in("ana"))
    mine = {"Cookie": f"session={secret}"}

    assert people.http.post("/sign-out", data={"token": "forged"}, headers=mine).status_code == 403
    assert people.http.get("/account", headers=mine).status_code == 200
    left = people.http.post("/sign-out", data={"token": people.form_token("/sign-out", "ana")}, headers=mine)

    assert left.headers["location"] == "/sign-in"
    assert people.http.get("/account", headers=mine).status_code == 303


def test_a_session_ends_when_nobody_uses_it_and_at_its_last_hour_though_somebody_does(tmp_path: Path) -> None:
    clock = Clock()
    with serving(tmp_path, clock, board_public=False, session_idle_minutes=30, session_hours=2) as people:
        people.account("ana", "viewer")
        used, idle = people.session("ana", lasts=7200), people.session("ana", lasts=7200)
        for _ in range(5):
            clock.offset += 20 * 60
            assert people.http.get("/account", headers=used).status_code == 200
        assert people.http.get("/account", headers=idle).status_code == 303
        clock.offset += 21 * 60
        assert people.http.get("/account", headers=used).status_code == 303


def test_a_role_that_was_changed_and_an_account_that_was_closed_hold_at_once(people: People) -> None:
    mine = people.session("ana")
    assert people.http.get("/room-reports", headers=mine).status_code == 200

    people.store.write(lambda c: accounts.give_role(c, "ana", "viewer", "test", people.clock())).result()
    assert people.http.get("/room-reports", headers=mine).status_code == 403
    people.store.write(lambda c: accounts.disable(c, "ana", "test", people.clock())).result()
    assert people.http.get("/", headers=mine).status_code == 303
    people.store.write(lambda c: accounts.enable(c, "ana", "test", people.clock())).result()
    assert people.http.get("/", headers=mine).status_code == 303
    assert people.sign_in("ana").status_code == 303


def test_a_new_password_signs_out_whoever_knew_the_old_one(people: People) -> None:
    mine = people.session("ana")
    fresh = passwords.digest("another four words here")

    people.store.write(lambda c: accounts.reset(c, "ana", fresh, "test", people.clock())).result()

    assert people.http.get("/", headers=mine).status_code == 303
    assert people.sign_in("ana").status_code == 403
    assert people.sign_in("ana", "another four words here").status_code == 303


@pytest.mark.parametrize(
    "address",
    ["//evil.example", "https://evil.example/", "/\\evil.example", "\\\\evil.example", "/\t/evil.example",
     "javascript:x", "/ok\r\nSet-Cookie: a=b", "", "evil"],
)  # fmt: skip
def test_sign_in_leads_to_no_other_site(address: str) -> None:
    assert doors.local(address) == "/"


def test_sign_in_needs_the_forms_own_token_and_this_sites_page(people: People) -> None:
    form = {"name": "ana", "password": PASSWORD}
    own = form | {"token": people.form_token("/sign-in")}

    assert people.http.post("/sign-in", data=form).status_code == 403
    assert people.http.post("/sign-in", data=form | {"token": people.form_token("/")}).status_code == 403
    other = people.http.post("/sign-in", data=own, headers={"Sec-Fetch-Site": "cross-site"})
    assert other.status_code == 403
    assert people.http.post("/sign-in", data=own, headers={"Origin": "https://evil.example"}).status_code == 403
    assert "set-cookie" not in other.headers


def test_a_wrong_name_and_a_wrong_password_cannot_be_told_apart(people: People) -> None:
    def took(name: str) -> tuple[float, str]:
        began = time.process_time()
        answer = people.sign_in(name, "not the password at all")
        text = re.sub(r'value="[^"]*"', "", answer.text)
        assert answer.status_code == 403
        return time.process_time() - began, text

    known, unknown = [took("ana") for _ in range(4)], [took("nobody") for _ in range(4)]

    assert {text for _, text in known} == {text for _, text in unknown}
    fastest = min(seconds for seconds, _ in known), min(seconds for seconds, _ in unknown)
    assert max(fastest) < 2 * min(fastest), fastest


def test_whoever_tries_many_passwords_has_to_wait_and_a_right_one_does_not_help(people: People) -> None:
    statuses = [people.sign_in("ana", f"wrong {n}").status_code for n in range(10)]
    assert set(statuses) == {403}

    answer = people.sign_in("ana")

    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) >= 1
    people.clock.offset += 120
    assert people.sign_in("ana").status_code == 303


def test_what_an_operator_does_stands_with_the_account_and_where_it_came_from(people: People) -> None:
    mine = people.session("ana")
    path = "/campus/lincoln/report"
    form = {"room": "lincoln/main/101", "text": "nothing loads", "token": people.form_token(path, "ana")}
    today = people.http.get(path, headers=mine).text
    date, hour = re.search(r'name="date"[^>]*max="([^"]+)"', today), "00:00"
    sent = people.http.post(path, data=form | {"date": date[1] if date else "", "time": hour}, headers=mine)
    assert sent.status_code == 303, sent.text

    with people.store.read() as connection:
        entry = audit.entries(connection, "room reported")[0]
        assert audit.is_whole(connection)
    assert (entry.actor, entry.way, entry.address) == ("board", "account", "127.0.0.1")


def test_beyond_loopback_a_cookie_travels_by_https_alone_and_the_board_is_not_public() -> None:
    inside = Config()
    for beyond in (
        Config(behind_proxy=True),
        Config(listen="0.0.0.0:443", tls_certificate=Path("c"), tls_key=Path("k")),
    ):
        assert beyond.https and not beyond.is_public
    assert inside.is_public and not inside.https
    assert not Config(board_public=False).is_public
    assert Config(behind_proxy=True, board_public=True).is_public


def test_behind_tls_the_cookie_is_bound_to_the_host_and_browsers_are_told_to_stay_with_https(tmp_path: Path) -> None:
    with serving(tmp_path, behind_proxy=True) as people:
        people.account("ana", "viewer")
        answer = people.sign_in("ana")

        assert answer.headers["set-cookie"].startswith("__Host-session=")
        assert "; Secure" in answer.headers["set-cookie"]
        assert answer.headers["strict-transport-security"] == "max-age=31536000"


def test_every_answer_carries_the_headers_that_bind_a_page(people: People) -> None:
    for path in ("/sign-in", "/docs", "/healthz", "/v1/campuses", "/metrics", "/nowhere", "/openapi.json"):
        headers = people.http.get(path).headers
        assert "default-src 'none'" in headers["content-security-policy"], path
        assert "frame-ancestors 'none'" in headers["content-security-policy"], path
        assert headers["x-content-type-options"] == "nosniff", path
        assert headers["referrer-policy"] == "same-origin", path
        assert "strict-transport-security" not in headers, path


def test_an_operator_acknowledges_on_the_board_and_a_program_by_its_token_and_their_names_stand_there(
    people: People,
) -> None:
    begin = int(people.clock()) - 3600
    fault = Incident("campus lincoln", begin, None, "dns", "asked", (Part("lincoln", begin, None, 600),))
    number = people.store.write(lambda c: incidents.add(c, fault, begin + 60)).result()
    path, mine = f"/incidents/{number}", people.session("ana")
    assert "Add this step" in people.http.get(path, headers=mine).text

    form = {"act": "step", "step": "acknowledged", "token": people.form_token(path, "ana")}
    assert people.http.post(path, data=form, headers=mine).status_code == 303
    act = {"act": "step", "step": "on_site", "note": "at the closet"}
    done = people.http.post(f"/v1{path}", json=act, headers=people.bearer("operator"))
    assert (done.status_code, done.json()["by"]) == (200, "token a operator")
    wrong = people.http.post(f"/v1{path}", json={"act": "step", "step": "magic"}, headers=people.bearer("operator"))
    assert (wrong.status_code, "no step 'magic'" in wrong.json()["error"]) == (422, True)

    with people.store.read() as connection:
        steps = [(one.step, one.by) for one in incidents.steps(connection, [number])[number]]
        said = [(one.actor, one.action, one.way) for one in audit.entries(connection) if one.action[:8] == "incident"]
    assert steps == [("acknowledged", "ana"), ("on_site", "token a operator")]
    assert said == [
        ("token a operator", "incident on_site", "api"), ("ana", "incident acknowledged", "account")
    ]  # fmt: skip
    assert "ana" not in people.http.get(f"/v1{path}", headers=people.bearer("viewer")).text


@given(st.text(alphabet=st.sampled_from("/\\.:@?#%\t\n\r evilxn2fh-"), max_size=30))
def test_whatever_is_asked_for_sign_in_leads_to_this_site(address: str) -> None:
    led = doors.local(address)

    # Browsers read a backslash as a slash, and leave out tabs and line ends.
    as_browsers = re.sub(r"[\t\r\n]", "", led).replace("\\", "/")
    assert urlsplit(urljoin("https://here.example/sign-in", as_browsers)).netloc == "here.example"


@given(st.sampled_from(sorted(roles.LEAST)), st.sampled_from(roles.Role), st.booleans())
def test_each_role_may_do_what_those_before_it_may(action: str, role: roles.Role, public: bool) -> None:
    if roles.may(role, action, public=public):
        assert all(roles.may(higher, action, public=public) for higher in roles.Role if higher >= role)
        assert roles.may(role, action, public=True)
