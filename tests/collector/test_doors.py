"""Who may ask what: each signed route against each kind of asker; and the store's own schema and settings."""

import base64
import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from http_message_signatures import HTTPMessageSigner, algorithms

from agent.transport import _Message, _OwnKey
from collector import openapi
from collector.config import ConfigError, load
from collector.store import Busy, Store, agents
from collector.store.schema import metadata
from tests.collector.rig import Device, Rig, running

SIGNED = [(path, method) for path, method, who, *_ in openapi.ROUTES if who == "agent" and path != "/v1/reports"]


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with running(tmp_path_factory.mktemp("collector")) as made:
        yield made


def signed(
    rig: Rig, device: Device, path: str, method: str, *, created: float | None = None, nonce: str = ""
) -> tuple[int, str]:
    """Status and error of a request that ``device`` signed."""
    body = b'{"request_id":"r","max_bytes":1000,"max_seconds":1.0}' if method == "post" else b""
    headers = {"Campus-Wifi-Agent": device.id}
    covered = ["@method", "@authority", "@path"]
    if body:
        headers["Content-Digest"] = f"sha-256=:{base64.b64encode(hashlib.sha256(body).digest()).decode()}:"
        covered.append("content-digest")
    message = _Message(method.upper(), rig.url + path, headers)
    signer = HTTPMessageSigner(
        signature_algorithm=algorithms.ED25519, key_resolver=_OwnKey(device.identity.private_key)
    )
    at = datetime.fromtimestamp(rig.clock() if created is None else created, UTC)
    nonce = nonce or base64.b64encode(device.seq.to_bytes(8, "big")).decode()
    signer.sign(message, key_id=device.id, created=at, nonce=nonce,
                label="sig1", covered_component_ids=covered, use_existing_digest=bool(body))  # fmt: skip
    device.seq += 1
    answer = rig.http.request(method, path, content=body, headers=message.headers)
    return answer.status_code, answer.json().get("error", "")


@pytest.mark.parametrize(("path", "method"), SIGNED)
def test_only_an_approved_agent_with_its_own_fresh_signature_is_let_in(rig: Rig, path: str, method: str) -> None:
    device, revoked = rig.enroll(Device()), rig.enroll(Device())
    rig.store.write(lambda c: agents.revoke(c, revoked.id, "test", rig.clock(), 300)).result()
    impostor = Device()
    impostor.identity.id = device.id

    assert rig.http.request(method, path).status_code == 401
    assert signed(rig, Device(), path, method) == (401, "unknown agent")
    assert signed(rig, revoked, path, method) == (403, "revoked agent")
    assert signed(rig, impostor, path, method) == (401, "wrong signature")
    assert signed(rig, device, path, method, created=rig.clock() - 400)[0] == 401
    assert signed(rig, device, path, method, nonce="the-same-nonce") == (200, "")
    assert signed(rig, device, path, method, nonce="the-same-nonce") == (401, "repeated request")


def test_the_migrations_build_exactly_the_schema(rig: Rig) -> None:
    with rig.store.read() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_a_second_writer_is_kept_out_and_readers_cannot_write(rig: Rig) -> None:
    with pytest.raises(Busy):
        Store(str(rig.store.url))
    with rig.store.read() as connection, pytest.raises(Exception, match=r"readonly|query_only"):
        connection.exec_driver_sql("DELETE FROM agent")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('lisen = "127.0.0.1:1"', "did you mean `listen`?"),
        ('listen = "nowhere"', '"HOST:PORT"'),
        ('listen = "0.0.0.0:8080"', "without TLS"),
        ("grace_seconds = -1", "whole number"),
        ("demonstration = 1", "true or false"),
        ('tls_key = "k.pem"', "`tls_certificate` is missing"),
        ("=", "not TOML"),
    ],
)
def test_a_wrong_key_is_refused_with_file_key_and_mend(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "collector.toml"
    file.write_text(text)

    with pytest.raises(ConfigError) as refused:
        load(file, {})
    assert said in str(refused.value)
    assert str(file) in str(refused.value)
