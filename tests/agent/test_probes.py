"""TCP, ARP, DNS, the ladder, transfers and the host, against real sockets."""

import contextlib
import os
import shutil
import socket
import struct
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest

from agent import dns, tcp, uplink, wire
from agent.clock import ask_kernel
from agent.probes import host, path, reach, throughput
from agent.probes.base import CouldNotRun, Deadline
from tests.segment import Segment

root = pytest.mark.skipif(os.geteuid() != 0 or shutil.which("ip") is None, reason="needs root and iproute2")


@contextlib.contextmanager
def listening():
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@contextlib.contextmanager
def name_server(answer):
    """A DNS server double: ``answer(query)`` gives the datagrams to send back."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    query, peer = sock.recvfrom(512)
                    if query == b"stop":
                        return
                    for data in answer(query):
                        sock.sendto(data, peer)

        thread = threading.Thread(target=serve)
        thread.start()
        port = sock.getsockname()[1]
        try:
            yield port
        finally:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
                other.sendto(b"stop", ("127.0.0.1", port))
            thread.join()


def reply(query: bytes, code: int = 0) -> bytes:
    return query[:2] + struct.pack(">H", 0x8180 | code) + query[4:]


def test_an_open_port_answers_with_the_kernels_own_time() -> None:
    with listening() as port:
        [found] = tcp.handshakes([("127.0.0.1", port)], 1.0)

    assert found.outcome == "ok"
    assert found.kernel
    assert 0 < found.seconds < 0.1


def test_a_closed_port_is_refused_and_a_thousand_tries_stay_in_order() -> None:
    with listening() as port:
        closed = socket.create_server(("127.0.0.1", 0))
        other = closed.getsockname()[1]
        closed.close()
        found = tcp.handshakes([("127.0.0.1", port if n % 2 else other) for n in range(200)], 2.0)

    assert [one.outcome for one in found] == ["refused", "ok"] * 100


@root
def test_a_filtered_port_times_out_where_arp_still_sees_the_access_point() -> None:
    segment = Segment(2, prefix=90)
    try:
        if shutil.which("nft") is None:
            pytest.skip("needs nft")
        segment.filter("tcp dport 443 drop")
        address = segment.addresses[0]
        targets = [
            wire.PlanTarget("web", address, "tcp", 443),
            wire.PlanTarget("arp", address, "arp"),
            wire.PlanTarget("gone", segment.silent, "arp"),
            wire.PlanTarget("far", "203.0.113.77", "arp"),
            wire.PlanTarget("wrong", "10.0.0.999"),
        ]
        table = reach.probe(reach.Settings(targets, 2, 0.05, 0.3), Deadline(10))
    finally:
        segment.close()

    assert table.target == ["web", "arp", "gone", "far", "wrong"]
    assert table.outcome == ["timeout", "ok", "timeout", "segment", "address"]
    assert table.loss_ratio == [1.0, 0.0, 1.0, None, None]
    assert table.received[1] == 2
    wire.decode(wire.encode(table), wire.Reach)


def test_a_name_server_that_answers_is_timed() -> None:
    with name_server(lambda query: [reply(query)]) as port:
        found = dns.ask("127.0.0.1", "example.com", 1.0, port)

    assert found.outcome == "ok"
    assert 0 < found.seconds < 0.5


def test_a_name_servers_refusal_is_named() -> None:
    with name_server(lambda query: [reply(query, 2)]) as port:
        assert dns.ask("127.0.0.1", "example.com", 1.0, port).outcome == "servfail"


def test_an_answer_to_another_question_is_no_answer() -> None:
    forged = [
        lambda q: bytes([q[0] ^ 1]) + reply(q)[1:],
        lambda q: reply(dns.question("another.com", int.from_bytes(q[:2], "big"))),
    ]
    for forge in forged:
        with name_server(lambda query, forge=forge: [forge(query), b"", b"\x00" * 5]) as port:
            assert dns.ask("127.0.0.1", "example.com", 0.2, port).outcome == "timeout"
        with name_server(lambda query, forge=forge: [forge(query), reply(query)]) as port:
            assert dns.ask("127.0.0.1", "example.com", 1.0, port).outcome == "ok"


def test_a_port_without_a_name_server_is_refused() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]

    assert dns.ask("127.0.0.1", "example.com", 0.5, port).outcome == "refused"


def test_each_rung_is_asked_in_its_own_way_and_the_break_is_found() -> None:
    with listening() as port, name_server(lambda query: [reply(query, 2)]) as names:
        targets = [
            wire.PathTarget("dns", "dns", "127.0.0.1", "dns", names, "example.com"),
            wire.PathTarget("collector", "collector", "127.0.0.1", "tcp", port),
            wire.PathTarget("target", "nowhere", "no-such-name.invalid", "tcp", 443),
            wire.PathTarget("target", "odd", "127.0.0.1", "http"),
        ]
        table = path.probe(path.Settings(targets, count=2, interval_seconds=0.01), Deadline(5))

    assert table.outcome == ["servfail", "ok", "resolve", "method"]
    assert table.sent == [2, 2, 0, 0]
    assert table.rung == ["dns", "collector", "target", "target"]
    assert path.broken_rung(table) == "dns"
    wire.decode(wire.encode(table), wire.Path)


@pytest.mark.parametrize(
    ("good", "bad", "broken"),
    [
        (["link", "gateway", "dns", "internet"], [], None),
        ([], ["link", "gateway", "dns"], "link"),
        (["link"], ["gateway", "dns", "internet", "internet"], "gateway"),
        # A gateway that ignores pings is no break while something beyond it answers.
        (["link", "dns", "internet"], ["gateway"], None),
        # One silent name of the internet proves nothing; two do.
        (["link", "gateway", "dns"], ["internet"], None),
        (["link", "gateway", "dns"], ["internet", "internet"], "internet"),
        (["link", "gateway", "dns", "internet"], ["internet", "collector"], "collector"),
    ],
)
def test_the_ladder_breaks_at_its_lowest_failing_rung(good, bad, broken) -> None:
    rungs = [*good, *bad]
    outcomes = ["ok"] * len(good) + ["timeout"] * len(bad)
    rows = [
        reach.refusal(f"{rung} {place}", "icmp", outcome, "")
        for place, (rung, outcome) in enumerate(zip(rungs, outcomes, strict=True))
    ]
    table = wire.Path(**path.figures.columns(rows), rung=rungs)

    assert path.broken_rung(table) == broken


class _Service(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    leases: list
    received: list

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        self.leases.append(self.headers["Campus-Wifi-Lease"])
        wanted = int(self.path.rpartition("=")[2])
        if self.headers["Campus-Wifi-Lease"] != "granted":
            self._answer(403, b"no lease")
            return
        self.send_response(200)
        self.send_header("Content-Length", str(wanted))
        self.end_headers()
        with contextlib.suppress(OSError):
            self.wfile.write(bytes(wanted))

    def do_POST(self) -> None:
        self.received.append(len(self.rfile.read(int(self.headers["Content-Length"]))))
        self._answer(200, b"{}")

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def service():
    handler = type("Service", (_Service,), {"leases": [], "received": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}", handler
    server.shutdown()
    thread.join()
    server.server_close()


def lease(*, granted: bool = True, name: str = "granted") -> wire.Lease:
    return wire.Lease(name, "a" * 32, granted, 0.0, 1.0, 8_000_000, 2.0, "" if granted else "another agent tests")


def transfer(url: str, given: wire.Lease) -> wire.Throughput:
    with httpx.Client(trust_env=False) as client:
        return throughput.probe(throughput.Settings(url, lambda: client, given, 8_000_000, 4.0, 4), Deadline(10))


def test_a_transfer_stays_in_its_bounds_and_stores_both_latencies(service) -> None:
    url, handler = service

    table = transfer(url, lease())

    assert table.outcome == ["ok"]
    assert 0 < table.download_bytes[0] <= 4_000_000 + 4 * 65536
    assert sum(handler.received) == table.upload_bytes[0] <= 4_000_000 + 4 * 65536
    assert table.download_bits_per_second[0] > 1e6
    assert table.upload_bits_per_second[0] > 1e6
    assert table.rtt_idle_seconds[0] > 0
    assert set(handler.leases) == {"granted"}
    wire.decode(wire.encode(table), wire.Throughput)


def test_a_lease_that_was_refused_moves_nothing_and_is_a_row(service) -> None:
    url, handler = service

    table = transfer(url, lease(granted=False))

    assert table.outcome == ["deferred"]
    assert table.reason == ["busy: another agent tests"]
    assert handler.leases == []


def test_a_server_that_refuses_is_a_row_with_its_words(service) -> None:
    table = transfer(service[0], lease(name="forged"))

    assert table.outcome == ["refused"]
    assert "403" in table.reason[0]
    assert table.download_bits_per_second == [None]


def test_a_server_that_is_not_there_is_a_row_and_a_wrong_url_is_ours() -> None:
    with listening() as port:
        pass
    assert transfer(f"http://127.0.0.1:{port}", lease()).outcome == ["transfer"]
    with pytest.raises(CouldNotRun):
        transfer("ftp://127.0.0.1", lease())


def test_the_host_tells_its_own_load_and_a_missing_card_is_null(tmp_path) -> None:
    table = host.probe(host.Settings("lo", str(tmp_path / "not yet made")), Deadline(5))
    none = host.probe(host.Settings("no-such-card", str(tmp_path)), Deadline(5))
    ntp = ask_kernel()

    assert table.nic == ["lo"]
    assert table.nic_up == [True]
    assert table.disk_free_bytes[0] > 0
    assert table.agent_resident_bytes[0] > 1_000_000
    assert none.nic_receive_bytes == [None]
    assert (table.clock_offset_seconds[0] is not None) == (ntp.synced and ntp.offset_seconds is not None)
    wire.decode(wire.encode(table), wire.Host)


def test_name_servers_are_read_and_a_missing_file_is_none(tmp_path) -> None:
    file = tmp_path / "resolv.conf"
    file.write_text("# by DHCP\nnameserver 192.0.2.1\noptions ndots:1\nnameserver 192.0.2.2\nnameserver\n")

    assert uplink.name_servers(file) == ["192.0.2.1", "192.0.2.2"]
    assert uplink.name_servers(tmp_path / "none") == []


def test_loading_the_probes_loads_neither_scapy_nor_pyroute2_nor_httpx() -> None:
    program = (
        "import sys\nfrom agent.probes import PROBES, load\n[load(name) for name in PROBES]\n"
        "print([name for name in ('scapy', 'pyroute2', 'httpx', 'rich') if name in sys.modules])"
    )

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"
