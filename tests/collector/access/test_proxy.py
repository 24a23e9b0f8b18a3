"""What a proxy says of people is believed from its own address alone, whatever else a request claims."""

import asyncio
import contextlib
import datetime
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
import uvicorn

from collector.access import settings
from collector.access.proxy import behind, said
from collector.config import Config, ConfigError, load
from collector.store import audit
from tests.collector.access.access_rig import People, serving

ROLES = {"wifi-staff": "operator", "wifi-admins": "admin"}
KIM = {"X-Forwarded-User": "kim", "X-Forwarded-Groups": "pupils, wifi-staff"}
PROXY = "127.0.0.2"


@contextlib.contextmanager
def in_front(people: People, config: Config) -> Iterator[str]:
    """The same application, served as it is behind a proxy."""
    listener = socket.create_server(("127.0.0.1", 0))
    options = uvicorn.Config(
        behind(people.app, config), lifespan="off", log_config=None, access_log=False, proxy_headers=False
    )
    server = uvicorn.Server(options)
    thread = threading.Thread(target=lambda: asyncio.run(server.serve([listener])), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(20)


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Iterator[People]:
    table = settings.proxy({"addresses": [f"{PROXY}/32"], "roles": ROLES})
    folder = tmp_path_factory.mktemp("proxy")
    with serving(folder, board_public=False, behind_proxy=True, proxy=table) as made:
        yield made


@pytest.fixture(scope="module")
def url(people: People) -> Iterator[str]:
    with in_front(people, people.services.config) as made:
        yield made


def asked(url: str, path: str, headers: Any, sender: str = PROXY) -> httpx.Response:
    with httpx.Client(transport=httpx.HTTPTransport(local_address=sender), base_url=url, trust_env=False) as client:
        return client.get(path, headers=headers)


def test_the_proxys_word_gives_name_and_role(url: str) -> None:
    page = asked(url, "/account", KIM)

    assert page.status_code == 200
    assert "kim" in page.text and "operator" in page.text
    assert asked(url, "/room-reports", KIM).status_code == 200
    assert asked(url, "/audit", KIM).status_code == 403
    assert asked(url, "/audit", KIM | {"X-Forwarded-Groups": "wifi-admins"}).status_code == 200


@pytest.mark.parametrize("more", [{}, {"X-Forwarded-For": PROXY}, {"X-Real-Ip": PROXY, "Forwarded": f"for={PROXY}"}])
def test_the_same_headers_from_anywhere_else_say_nothing(url: str, more: dict[str, str]) -> None:
    admin = {"X-Forwarded-User": "kim", "X-Forwarded-Groups": "wifi-admins"}

    assert asked(url, "/account", admin | more, "127.0.0.1").status_code == 303
    assert asked(url, "/v1/campuses", admin | more, "127.0.0.3").status_code == 401


def test_a_header_that_came_twice_is_not_believed(url: str) -> None:
    twice = [*KIM.items(), ("X-Forwarded-User", "admin")]

    assert asked(url, "/account", twice).status_code == 303
    assert asked(url, "/account", [*KIM.items(), ("X-Forwarded-Groups", "wifi-admins")]).status_code == 303


def test_somebody_without_a_role_is_the_public(url: str) -> None:
    assert asked(url, "/account", {"X-Forwarded-User": "kim", "X-Forwarded-Groups": "pupils"}).status_code == 303
    assert asked(url, "/account", {"X-Forwarded-User": "kim"}).status_code == 303
    assert asked(url, "/account", {"X-Forwarded-Groups": "wifi-admins"}).status_code == 303


def test_what_is_done_through_the_proxy_stands_with_the_address_that_the_proxy_tells(people: People, url: str) -> None:
    path = "/campus/lincoln/report"
    yesterday = datetime.datetime.now(ZoneInfo("America/Los_Angeles")).date() - datetime.timedelta(days=1)
    form = {
        "room": "lincoln/main/101", "date": yesterday.isoformat(), "time": "10:00", "text": "nothing loads",
        "token": people.form_token(path, "kim"),
    }  # fmt: skip
    with httpx.Client(transport=httpx.HTTPTransport(local_address=PROXY), base_url=url, trust_env=False) as client:
        sent = client.post(path, data=form, headers=KIM | {"X-Forwarded-For": "192.0.2.7"})

    assert sent.status_code == 303, sent.text
    with people.store.read() as connection:
        entry = audit.entries(connection, "room reported")[0]
        assert audit.is_whole(connection)
    assert (entry.way, entry.address) == ("proxy", "192.0.2.7")


def test_a_proxy_that_signs_nobody_in_tells_only_addresses() -> None:
    alone = settings.proxy({"addresses": [PROXY]})
    scope = {"type": "http", "client": (PROXY, 1), "headers": [(b"x-forwarded-user", b"kim")]}

    assert said(scope, alone) is None
    assert scope["headers"] == []


@pytest.mark.parametrize(
    ("text", "mend"),
    [
        ('[proxy]\naddresses = ["10.0.0.5"]\nroles = { a = "viewer" }', "behind_proxy = true"),
        ('behind_proxy = true\n[proxy]\naddresses = ["0.0.0.0/0"]\nroles = { a = "viewer" }', "every address"),
        ('behind_proxy = true\n[proxy]\naddresses = ["proxy"]\nroles = { a = "viewer" }', "addresses or networks"),
        ('behind_proxy = true\n[proxy]\nroles = { a = "viewer" }', "addresses is missing"),
    ],
)
def test_a_proxy_that_is_not_named_well_is_refused(tmp_path: Path, text: str, mend: str) -> None:
    (tmp_path / "collector.toml").write_text(text)

    with pytest.raises(ConfigError, match=mend):
        load(tmp_path / "collector.toml", {})
