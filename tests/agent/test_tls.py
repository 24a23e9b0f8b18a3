"""Trust: the pinned certificate and no other, dates that bind only where the clock may be believed."""

from __future__ import annotations

import datetime
import hashlib
import ipaddress
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from agent import enroll
from agent.identity import Identity
from agent.push import Unreachable
from agent.transport import Transport, client
from tests.agent.doubles import CollectorDouble, FakeClock

TODAY = datetime.datetime.fromtimestamp(FakeClock().at, datetime.UTC)


def certificate(folder: Path, begin: datetime.datetime, end: datetime.datetime, host: str = "127.0.0.1") -> str:
    """Makes a self-signed certificate; returns its pin."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "collector")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(end)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(host))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return hashlib.sha256(made.public_bytes(serialization.Encoding.DER)).hexdigest()


class Served:
    def __init__(self, folder: Path, begin: datetime.datetime, end: datetime.datetime, host: str = "127.0.0.1") -> None:
        folder.mkdir(exist_ok=True)
        self.pin = certificate(folder, begin, end, host)
        self.double = CollectorDouble()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
        self.double.server.socket = context.wrap_socket(self.double.server.socket, server_side=True)
        self.ca = folder / "cert.pem"

    def join(self, pin: str) -> enroll.Join:
        return enroll.parse(f"campuswifi://token@127.0.0.1:{self.double.port}?ca={pin}&tls=1")


DAY = datetime.timedelta(days=1)


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    made = Served(tmp_path / "server", TODAY - DAY, TODAY + DAY)
    yield made
    made.double.close()


def test_a_device_enrolls_by_the_pin_alone_and_keeps_that_certificate(tmp_path: Path, served: Served) -> None:
    clock = FakeClock(state="unknown")
    kept = enroll.enroll(served.join(served.pin), tmp_path / "agent", clock, version="0")
    assert kept.own_authority
    assert (tmp_path / "agent" / "collector-ca.pem").read_text() == served.ca.read_text()
    assert clock.state == "estimated"


def test_another_server_than_the_pinned_one_gets_neither_token_nor_answer(tmp_path: Path, served: Served) -> None:
    with pytest.raises(enroll.EnrollError, match="shows no certificate with the pin"):
        enroll.enroll(served.join("0" * 64), tmp_path / "agent", FakeClock(), version="0")
    assert served.double.requests == []


def ask(served: Served, ca: Path, clock: FakeClock) -> None:
    with client(ca, clock) as http:
        identity = Identity.generate()
        served.double.agents[identity.id] = identity.public_key
        url = f"https://127.0.0.1:{served.double.port}"
        Transport(url, identity=identity, clock=clock, http=http, collector_key=b"k" * 32).plan(None)


@pytest.mark.parametrize("now", [0.0, 2_240_000_000.0])
def test_a_device_whose_clock_is_wrong_connects_to_its_own_collector(served: Served, now: float) -> None:
    ask(served, served.ca, FakeClock(now, "unknown"))


def test_a_wrong_clock_opens_no_way_to_a_wrong_server(tmp_path: Path, served: Served) -> None:
    other = tmp_path / "other"
    other.mkdir()
    certificate(other, TODAY - DAY, TODAY + DAY)
    with pytest.raises(Unreachable, match="certificate"):
        ask(served, other / "cert.pem", FakeClock(0.0, "unknown"))
    assert served.double.requests == []


def test_once_the_clock_is_known_an_expired_certificate_is_refused(tmp_path: Path) -> None:
    old = Served(tmp_path / "old", TODAY - 30 * DAY, TODAY - 20 * DAY)
    try:
        with pytest.raises(Unreachable, match="not valid today"):
            ask(old, old.ca, FakeClock(state="estimated"))
    finally:
        old.double.close()


def test_a_certificate_for_another_host_is_refused(tmp_path: Path) -> None:
    other = Served(tmp_path / "host", TODAY - DAY, TODAY + DAY, host="192.0.2.1")
    try:
        with pytest.raises(Unreachable):
            ask(other, other.ca, FakeClock(state="unknown"))
        assert other.double.requests == []
    finally:
        other.double.close()
