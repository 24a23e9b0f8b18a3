"""Every route of the collector against every kind of asker. A route that the matrix does not name fails."""

from collections.abc import Iterator

import httpx
import pytest
from starlette.routing import Route

from collector import openapi
from collector.access import administration, settings
from collector.access.entrance import guarded
from collector.access.roles import NOTIFIER
from collector.access.table import WHO, Unlisted, action_of
from collector.board.readers import PUBLIC
from collector.store import accounts, agents
from collector.throughput import server
from collector.throughput.leases import PURPOSE, Bounds, issue
from tests.collector.access.access_rig import ROLES, People, serving
from tests.collector.alerting.test_way_round import served
from tests.collector.rig import CAMPUS, Device
from tests.collector.test_doors import signed

ANYONE, READER, OPERATOR, ADMIN, ACCOUNT, OWN = "anyone", "reader", "operator", "admin", "account", "own check"
# By method and path, as people would say it: reader is everybody where the board is public, else a viewer.
MATRIX = {
    ("POST", "/v1/enroll"): OWN,
    ("GET", "/v1/plan"): OWN,
    ("POST", "/v1/leases"): OWN,
    ("POST", "/v1/notifications"): OWN,
    ("GET", "/v1/throughput/down"): OWN,
    ("POST", "/v1/throughput/up"): OWN,
    ("GET", "/v1/time"): ANYONE,
    ("GET", "/healthz"): ANYONE,
    ("GET", "/readyz"): ANYONE,
    ("GET", "/openapi.json"): ANYONE,
    ("GET", "/docs"): ANYONE,
    ("GET", "/sign-in"): ANYONE,
    ("POST", "/sign-in"): ANYONE,
    ("GET", "/sign-in/district"): ANYONE,
    ("GET", "/sign-in/back"): ANYONE,
    ("POST", "/sign-out"): ANYONE,
    ("GET", "/board/{file}"): ANYONE,
    ("GET", "/metrics"): READER,
    ("GET", "/v1/campuses"): READER,
    ("GET", "/v1/campuses/{campus}/ledger"): READER,
    ("GET", "/v1/campuses/{campus}/seen"): READER,
    ("GET", "/v1/seen"): READER,
    ("GET", "/v1/commitment"): READER,
    ("GET", "/v1/incidents"): READER,
    ("GET", "/v1/incidents/{number:int}"): READER,
    ("POST", "/v1/incidents/{number:int}"): OPERATOR,
    ("GET", "/"): READER,
    ("GET", "/method"): READER,
    ("GET", "/incidents"): READER,
    ("GET", "/incidents/{number:int}"): READER,
    ("POST", "/incidents/{number:int}"): OPERATOR,
    ("GET", "/room-reports"): OPERATOR,
    ("GET", "/room-reports/{number:int}"): READER,
    ("POST", "/room-reports/{number:int}"): OPERATOR,
    ("GET", "/campus/{campus}/report"): READER,
    ("POST", "/campus/{campus}/report"): READER,
    ("GET", "/campus/{campus}/qr"): READER,
    ("GET", "/campus/{campus}/room/{room:path}"): READER,
    ("GET", "/room/{place:path}"): READER,
    ("GET", "/campus/{campus:path}"): READER,
    ("GET", "/account"): ACCOUNT,
    ("GET", "/audit"): ADMIN,
}
FILLED = {
    "{number:int}": "1", "{campus}": CAMPUS, "{campus:path}": CAMPUS, "{room:path}": "main/101",
    "{place:path}": f"{CAMPUS}/main/101",
}  # fmt: skip
RANK = {"": 0, "viewer": 1, "operator": 2, "admin": 3}
LEAST = {READER: 1, ACCOUNT: 1, OPERATOR: 2, ADMIN: 3}
Asker = tuple[str, dict[str, str], str]
TOKEN = "0123456789abcdef0123456789"


@pytest.fixture(scope="module", params=[False, True], ids=["private", "public"])
def people(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[People]:
    folder = tmp_path_factory.mktemp("matrix")
    (folder / "token").write_text(TOKEN)
    provider = settings.oidc({"issuer": "http://127.0.0.1:9", "client_id": "x", "roles": {"staff": "admin"}})
    with serving(folder, board_public=request.param, notifications_token_file=folder / "token", oidc=provider) as made:
        yield made


def key_of(method: str, path: str) -> tuple[str, str]:
    return (method, "/board/{file}") if method == "GET" and path.startswith("/board/") else (method, path)


def routes(people: People) -> set[tuple[str, str]]:
    found = [route for route in people.app.routes if isinstance(route, Route)]
    assert len(found) == len(people.app.routes)
    return {(method, route.path) for route in found for method in (route.methods or set()) - {"HEAD"}}


@pytest.fixture(scope="module")
def askers(people: People) -> dict[str, Asker]:
    """The role that each is to have, what it sends, and its name."""
    for role in ROLES:
        people.account(f"{role}-1", role)
    people.account("closed", "admin")
    before = people.session("closed")
    people.store.write(lambda c: accounts.disable(c, "closed", "test", people.clock())).result()
    revoked = people.bearer("admin")
    prefix = revoked["Authorization"].removeprefix("Bearer ")[:12]
    administration.revoke_token(people.store, people.clock, {"prefix": prefix}, "test")
    cookie = f"{people.cookie}="
    made = {
        "nobody": ("", {}, ""),
        "malformed cookie": ("", {"Cookie": f"{cookie}%00'; DROP"}, ""),
        "unknown session": ("", {"Cookie": f"{cookie}{'A' * 43}"}, ""),
        "session that is over": ("", people.session("admin-1", lasts=-1.0), ""),
        "session that was ended with its account": ("", before, ""),
        "session of a closed account": ("", people.session("closed"), ""),
        "session of nobody": ("", people.session("never-made"), ""),
        "session with an unknown role": ("", people.session("ana", "oidc", "emperor"), ""),
        "malformed token": ("bad", {"Authorization": "Bearer x"}, ""),
        "other scheme": ("bad", {"Authorization": "Basic YWRtaW46YWRtaW4="}, ""),
        "unknown token": ("bad", {"Authorization": f"Bearer cwa_{'A' * 43}"}, ""),
        "expired token": ("bad", people.bearer("admin", days=1e-9), ""),
        "revoked token": ("bad", revoked, ""),
        "token for notifications": ("bad", people.bearer(NOTIFIER), ""),
        "webhook's token": ("bad", {"Authorization": f"Bearer {TOKEN}"}, ""),
    }
    for role in ROLES:
        made[f"session of a {role}"] = (role, people.session(f"{role}-1"), f"{role}-1")
        made[f"token of a {role}"] = (role, people.bearer(role), f"token a {role}")
        made[f"session of a {role} by the district"] = (role, people.session("kim", "oidc", role), "kim")
    return made


def asked(people: People, method: str, path: str, headers: dict[str, str], who: str) -> httpx.Response:
    for name, value in FILLED.items():
        path = path.replace(name, value)
    if method == "GET":
        return people.http.get(path, headers=headers)
    if path.startswith("/v1/"):
        return people.http.post(path, json={"act": "note", "note": "x"}, headers=headers)
    return people.http.post(path, data={"token": people.form_token(path, who)}, headers=headers)


def is_refused(answer: httpx.Response) -> bool:
    to_sign_in = answer.status_code == 303 and answer.headers["location"].startswith("/sign-in?next=")
    return answer.status_code in (401, 403) or to_sign_in


def test_every_route_is_in_the_matrix_and_in_the_one_table_and_nothing_else_is(people: People) -> None:
    served = {key_of(*one) for one in (*routes(people), *server.ROUTES)}

    assert served == set(MATRIX)
    assert served | {("POST", "/v1/reports")} == set(WHO)


def test_every_route_lets_in_whom_the_matrix_names_and_nobody_else(people: People, askers: dict[str, Asker]) -> None:
    public = people.services.config.is_public
    faults = []
    for name, (role, headers, who) in askers.items():
        for method, path in sorted(routes(people)):
            need = MATRIX[key_of(method, path)]
            if need == ANYONE or ((method, path) == ("POST", "/v1/incidents/{number:int}") and "session" in name):
                continue
            answer = asked(people, method, path, headers, who)
            said = f"{name}: {method} {path}: {answer.status_code}"
            if need == OWN:
                right = not answer.is_success or (path == "/v1/notifications" and name == "webhook's token")
            elif role == "bad":
                right = is_refused(answer)
            else:
                allowed = RANK[role] >= LEAST[need] or (need == READER and public)
                right = is_refused(answer) != allowed and answer.status_code < 500
            if not right:
                faults.append(said)

    assert faults == []


def test_the_process_for_throughput_tests_serves_whoever_shows_a_lease_and_nobody_else(
    people: People, askers: dict[str, Asker]
) -> None:
    secret = people.services.signer.secret(PURPOSE)
    faults = []
    with served(server.Throughput(secret, people.clock)) as url, httpx.Client(base_url=url, trust_env=False) as http:

        def answer(method: str, path: str, headers: dict[str, str]) -> int:
            return http.request(method, path, content=b"x" if method == "POST" else None, headers=headers).status_code

        for method, path in server.ROUTES:
            if MATRIX[method, path] == ANYONE:
                assert answer(method, path, {}) == 200
                continue
            lease = issue(secret, Bounds(people.clock() + 60, 1000))
            assert answer(method, f"{path}?bytes=9", {"Campus-Wifi-Lease": lease}) == 200
            over, strange = issue(secret, Bounds(people.clock() - 1, 1000)), issue(b"another", Bounds(9e9, 1000))
            tried = {name: headers for name, (_, headers, _) in askers.items()}
            tried |= {"lease that is over": {"Campus-Wifi-Lease": over}, "made up": {"Campus-Wifi-Lease": strange}}
            faults += [
                f"{name}: {method} {path}"
                for name, headers in tried.items()
                if answer(method, path, headers) not in (401, 403)
            ]

    assert faults == []


def test_a_cookie_alone_does_nothing_through_the_api(people: People) -> None:
    people.account("cookie-only", "admin")

    answer = people.http.post(
        "/v1/incidents/1", json={"act": "note", "note": "x"}, headers=people.session("cookie-only")
    )

    assert answer.status_code == 401


def test_another_agent_gets_nothing_by_its_own_signature(people: People) -> None:
    stranger, revoked = Device(), people.enroll(Device())
    people.store.write(lambda c: agents.revoke(c, revoked.id, "test", people.clock(), 300)).result()
    for device in (stranger, revoked):
        for path, method in (("/v1/plan", "get"), ("/v1/leases", "post")):
            assert signed(people, device, path, method)[0] in (401, 403)
        assert people.post(device.id, b"{}").status_code in (400, 401, 403)
        headers = {"Campus-Wifi-Agent": device.id, "Signature": "sig1=:AA==:", "Signature-Input": 'sig1=("@method")'}
        assert people.http.get("/audit", headers=headers).status_code == 303
        assert people.http.get("/account", headers=headers).status_code == 303


def test_a_route_that_the_table_does_not_name_is_not_served() -> None:
    async def secret(_: object) -> None: ...

    with pytest.raises(Unlisted, match="GET /v1/secret"):
        guarded([Route("/v1/secret", secret, methods=["GET"])], PUBLIC)


def test_the_contract_says_of_each_route_who_may_ask_as_the_table_does() -> None:
    words = {
        "read": "reader", "report a room": "reader", "read the metrics": "reader", "act on an incident": "operator",
        "review a room report": "operator", "read the audit log": "admin", "see one's own account": "account",
    }  # fmt: skip
    by_path = {}
    for method, path in WHO:
        plain = path.replace("{number:int}", "{id}").replace("{campus:path}", "{id}").replace("{campus}", "{id}")
        plain = plain.replace("{place:path}", "{id}")
        by_path[method.lower(), plain.replace("{room:path}", "{building}/{room}")] = action_of(method, path)
    said = {(method, path): who for path, method, who, *_ in openapi.ROUTES}

    assert {key: words.get(action, action) for key, action in by_path.items() if key[1] != "/board/{file}"} == said
