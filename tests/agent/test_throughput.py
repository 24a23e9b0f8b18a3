"""The leased transfer against real servers on loopback: a reflector that checks leases, and servers that fail."""

from __future__ import annotations

import base64
import contextlib
import datetime
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from agent import cli, tasks, tcp, wire
from agent.air import Air
from agent.clock import RealClock
from agent.identity import Identity
from agent.lease import Leave, proof
from agent.probes import throughput
from agent.probes.base import Deadline
from agent.reflector import Reflector
from agent.transport import client
from tests.agent.doubles import FakeClock
from tests.agent.test_tls import certificate

COLLECTOR = Identity.generate()


def leave(signer: Identity = COLLECTOR, **changes: Any) -> Leave:
    lease = wire.Lease("one", "a" * 32, True, 0.0, time.time() + 60, 100_000_000, 5.0)
    lease = msgspec.structs.replace(lease, **changes)
    document = wire.encode(lease)
    return Leave(lease, proof(wire.Signed("lease", signer.sign("lease", document), msgspec.Raw(document))))


@contextlib.contextmanager
def reflecting(max_bits_per_second: float = 0.0, tls: ssl.SSLContext | None = None) -> Iterator[str]:
    reflector = Reflector(("127.0.0.1", 0), COLLECTOR.public_key, time.time, max_bits_per_second, tls)
    thread = threading.Thread(target=reflector.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"{'https' if tls else 'http'}://127.0.0.1:{reflector.port}"
    finally:
        reflector.shutdown()
        thread.join()
        reflector.server_close()


def measure(url: str, given: Leave, max_bytes: int = 8_000_000, ca: Path | None = None, **more: Any) -> wire.Throughput:
    with client(ca, RealClock()) as http:
        settings = throughput.Settings(
            url, lambda: http, given.lease, max_bytes, proof=given.proof, **({"max_seconds": 4.0} | more)
        )
        table = throughput.probe(settings, Deadline(20))
    return wire.decode(wire.encode(table), wire.Throughput)


def test_a_rate_is_of_the_time_after_the_warm_up_and_latency_is_measured_while_loaded() -> None:
    with reflecting(max_bits_per_second=80e6) as url:
        table = measure(url, leave(), 12_000_000, far_end="reflector")

    assert (table.outcome, table.reason, table.far_end) == (["ok"], [None], ["reflector"])
    assert table.download_bits_per_second[0] == pytest.approx(80e6, rel=0.15)
    assert table.upload_bits_per_second[0] == pytest.approx(80e6, rel=0.15)
    assert (table.download_bytes, table.upload_bytes) == ([6_000_000], [6_000_000])
    assert 0 < table.rtt_idle_seconds[0] < 0.1
    assert 0 < table.rtt_loaded_seconds[0] < 0.5
    assert table.responsiveness_rounds_per_minute[0] > 60 / 0.5
    assert table.retransmitted_segments[0] >= 0


def test_a_transfer_too_short_for_a_warm_up_is_of_the_whole_and_says_so() -> None:
    with reflecting() as url:
        table = measure(url, leave(), 400_000)

    assert table.outcome == ["ok"]
    assert table.reason == ["short: no warm-up cut (download, upload)"]
    assert table.download_bits_per_second[0] > 0
    assert table.upload_bits_per_second[0] > 0


def test_what_time_does_not_allow_is_not_moved_and_no_failure() -> None:
    with reflecting(max_bits_per_second=8e6) as url:
        began = time.monotonic()
        table = measure(url, leave(), 100_000_000, max_seconds=2.0)
        took = time.monotonic() - began

    assert table.outcome == ["ok"]
    assert took < 6
    assert table.download_bits_per_second[0] == pytest.approx(8e6, rel=0.3)
    assert table.upload_bits_per_second[0] == pytest.approx(8e6, rel=0.3)


def test_a_person_hears_how_far_the_test_is() -> None:
    heard: list[tuple[str, float]] = []
    with reflecting(max_bits_per_second=80e6) as url:
        measure(url, leave(), progress=lambda phase, share: heard.append((phase, share)))

    assert list(dict.fromkeys(phase for phase, _ in heard)) == ["idle", "download", "upload"]
    shares = [share for phase, share in heard if phase == "download"]
    assert shares == sorted(shares)
    assert 0 <= shares[0] < shares[-1] <= 1


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (lambda: leave(Identity.generate()), "401: {\"error\": \"a lease that our collector did not sign\"}"),
        (lambda: leave(expires_at=time.time() - 1), "403: {\"error\": \"lease is over\"}"),
        (lambda: Leave(leave().lease, ""), "401: {\"error\": \"no lease\"}"),
        (lambda: Leave(leave().lease, "%%%.x"), "401: {\"error\": \"no lease\"}"),
        (lambda: leave(max_bytes=0), "403: {\"error\": \"lease has no bytes left\"}"),
    ],
    ids=["signed by another", "over", "none", "garbled", "no bytes"],
)  # fmt: skip
def test_a_reflector_refuses_a_lease_that_is_not_good(given: Callable[[], Leave], words: str) -> None:
    with reflecting() as url:
        table = measure(url, given())

    assert table.outcome == ["refused"]
    assert words in table.reason[0]
    assert table.download_bits_per_second == table.upload_bits_per_second == [None]


def test_a_reflector_takes_no_proof_of_what_the_collector_refused() -> None:
    with reflecting() as url:
        answer = httpx.get(f"{url}/v1/throughput/down?bytes=9", headers={"Campus-Wifi-Lease-Proof": _refused().proof})

    assert answer.status_code == 403


def test_a_reflector_gives_and_takes_no_more_than_the_lease_however_it_is_asked() -> None:
    given = leave(max_bytes=1000)
    headers = {"Campus-Wifi-Lease-Proof": given.proof}
    with reflecting() as url, httpx.Client(base_url=url, headers=headers) as http:
        sizes = [len(http.get("/v1/throughput/down?bytes=600").content) for _ in range(2)]
        over = http.get("/v1/throughput/down?bytes=600").status_code
        first = http.post("/v1/throughput/up", content=bytes(600))
        second = http.post("/v1/throughput/up", content=iter([bytes(300), bytes(300)])).status_code

    assert (sizes, over) == ([600, 400], 403)
    assert first.json() == {"bytes": 600}
    assert second == 413


def test_a_transfer_over_tls_trusts_the_districts_authority(tmp_path: Path) -> None:
    day = datetime.timedelta(days=1)
    today = datetime.datetime.now(datetime.UTC)
    certificate(tmp_path, today - day, today + day)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    with reflecting(tls=context) as url:
        trusted = measure(url, leave(), ca=tmp_path / "cert.pem")
        strange = measure(url, leave())

    assert trusted.outcome == ["ok"]
    assert (trusted.download_bytes, trusted.upload_bytes) == ([4_000_000], [4_000_000])
    assert trusted.retransmitted_segments[0] is not None
    assert strange.outcome == ["transfer"]
    assert "certificate" in strange.reason[0].lower()


@contextlib.contextmanager
def dying(after_bytes: int) -> Iterator[str]:
    """A server that promises much and goes away in mid-transfer."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    peer, _ = server.accept()
                    with peer, contextlib.suppress(OSError):
                        peer.settimeout(2.0)
                        if peer.recv(65536):
                            peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n" + bytes(after_bytes))

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.getsockname()[1]}"
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join()


def test_a_server_that_dies_in_mid_transfer_is_a_failed_transfer_with_what_was_moved() -> None:
    with dying(after_bytes=100_000) as url:
        table = measure(url, leave(), streams=3)

    assert table.outcome == ["transfer"]
    assert table.download_bytes == [300_000]
    assert table.download_bits_per_second == [None]
    assert table.upload_bytes == [None]


def _refused(reason: str = "busy: air") -> Leave:
    return leave(granted=False, reason=reason)


@pytest.mark.parametrize(
    ("said", "outcome", "reason"),
    [
        ("blocked: testing", "blocked", "blocked: testing"),
        ("busy: air", "deferred", "busy: air"),
        ("pending: not approved", "deferred", "pending: not approved"),
        ("", "deferred", "busy: no lease now"),
    ],
)
def test_a_test_that_was_not_to_be_is_a_row_that_says_why(said: str, outcome: str, reason: str) -> None:
    table = measure("http://192.0.2.1", _refused(said))

    assert (table.outcome, table.reason) == ([outcome], [reason])
    assert table.download_bytes == [None]


def test_handshakes_go_on_beside_one_another_until_told_to_stop() -> None:
    stop = threading.Event()
    with socket.create_server(("127.0.0.1", 0), backlog=64) as server:
        found = []
        for at, one in tcp.repeated(("127.0.0.1", server.getsockname()[1]), 0.01, stop):
            found.append((at, one))
            if len(found) == 10:
                stop.set()

    assert [one.outcome for _, one in found] == ["ok"] * 10
    begins = [at for at, _ in found]
    assert begins == sorted(begins)
    assert begins[-1] - begins[0] >= 0.089


def test_the_plans_task_and_the_air_go_into_the_lease_that_is_asked_for() -> None:
    asked: list[wire.LeaseRequest] = []

    class Collector:
        def lease(self, request: wire.LeaseRequest) -> Leave:
            asked.append(request)
            return leave(max_bytes=request.max_bytes)

    task = wire.ThroughputTask("http://10.20.0.9:8081", max_bytes=5_000_000, far_end="reflector")
    plan = wire.Plan(1, "a" * 32, "c1", None, 0.0, 300, 60, 3, 1.0, [], [], wire.Cadence(), task)
    settings = tasks.throughput(plan, "https://collector", Collector(), lambda: None, 0.4)  # type: ignore[arg-type]

    assert (asked[0].max_bytes, asked[0].air_utilization_ratio) == (2_500_000, 0.4)
    assert (settings.url, settings.far_end, settings.max_bytes) == ("http://10.20.0.9:8081", "reflector", 5_000_000)
    assert base64.b64decode(settings.proof.partition(".")[0]) == wire.encode(settings.lease)


def test_the_air_is_known_from_the_strongest_listed_access_point_and_forgotten_when_old() -> None:
    kept: list[str] = []

    class Recorder:
        def record(self, kind: str, table: wire.Table) -> None:
            kept.append(kind)

        def not_run(self, fault: wire.NotRun) -> None:
            kept.append(fault.probe)

    clock = FakeClock()
    air = Air(Recorder(), clock)
    columns: dict[str, list[Any]] = {name: [None] * 3 for name in wire.Airspace.__struct_fields__}
    heard = {"at": [clock.boot] * 3, "listed": [True, True, False], "signal_dbm": [-70.0, -50.0, -30.0],
             "utilization_ratio": [0.9, 0.3, 0.8]}  # fmt: skip

    assert air.now() is None
    air.record("airspace", wire.Airspace(**(columns | heard)))
    assert (air.now(), kept) == (0.3, ["airspace"])
    clock.move(3600)
    assert air.now() is None


def test_a_device_that_is_not_enrolled_does_not_reflect(tmp_path: Path, monkeypatch, capsys) -> None:
    monkeypatch.setenv("CAMPUS_WIFI_AGENT_DATA_DIR", str(tmp_path))

    assert cli.main(["reflect", "--listen", "127.0.0.1", "--port", "0"]) == 1
    assert "not enrolled" in capsys.readouterr().err
