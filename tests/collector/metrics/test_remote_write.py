"""Kept evidence arrives in a receiver: a real store, an HTTP server that fails as it is told, and a real Prometheus."""

import http.server
import json
import socket
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cramjam
import pytest
from prometheus_client import CollectorRegistry

from agent import wire
from collector.metrics import remote_write
from collector.store import Batch, Incoming, Store, agents, evidence, outbox
from collector.store.schema import agent as agent_table
from tests import binaries
from tests.bench.remote_write_messages import WriteRequest
from tests.e2e.programs import Programs, until

AGENT = "0123456789abcdef0123456789abcdef"


def make_report(seq: int, start_at: float, rtt: float | None = 0.002) -> wire.Report:
    columns: dict[str, list[Any]] = {name: [None] for name in wire.Reach.__struct_fields__}
    columns |= {
        "at": [1.0], "outcome": ["ok"], "target": ["00:11:22:33:44:55"], "method": ["icmp"], "sent": [3],
        "received": [3], "rtt_mean_seconds": [rtt], "loss_ratio": [0.0],
    }  # fmt: skip
    return wire.Report(
        schema=1, agent=AGENT, agent_version="1", stream="a" * 32, seq=seq, boot_id="b" * 32, start_at=start_at,
        duration_seconds=60.0, clock=wire.Clock("synced", 5.0), plan=None, reach=wire.Reach(**columns),
    )  # fmt: skip


class Kept:
    """A store with one agent, pending until ``approve``."""

    def __init__(self, folder: Path, now: float) -> None:
        self.store = Store(f"sqlite:///{folder / 'collector.db'}")
        self.now = now
        self._seq = 0
        row = {
            "id": AGENT, "public_key": b"k" * 32, "campus": "n1", "state": "pending", "name": "", "simulated": False,
            "version": "1", "token": "", "created_at": now - 100_000,
        }  # fmt: skip
        self.store.write(lambda connection: connection.execute(agent_table.insert().values(row))).result()

    def approve(self) -> None:
        place = "n1/A/101"
        self.store.write(lambda c: agents.approve(c, AGENT, place, "test", self.now, 300)).result()

    def keep(self, start_at: float, rtt: float | None = 0.002) -> None:
        self._seq += 1
        report = make_report(self._seq, start_at, rtt)
        body = wire.encode(report)
        incoming = Incoming(report, wire.digest(body), "s", evidence.pack(body))
        self.store.submit(Batch(AGENT, [incoming], self.now)).result()


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Kept]:
    made = Kept(tmp_path, 1_790_000_000.0)
    yield made
    made.store.close()


class Receiver:
    """A remote-write receiver whose next answers are told; then it takes everything."""

    def __init__(self) -> None:
        self.answers: list[int | tuple[int, str]] = []
        self.refuse: Callable[[Any], bool] = lambda request: False
        self.requests = 0
        self.headers: dict[str, str] = {}
        self.samples: list[tuple[dict[str, str], float, int]] = []
        self.url = ""

    def take(self, headers: Any, body: bytes) -> tuple[int, str]:
        self.requests += 1
        self.headers = {name.lower(): value for name, value in headers.items()}
        if self.answers:
            answer = self.answers.pop(0)
            return answer if isinstance(answer, tuple) else (answer, "")
        request = WriteRequest.FromString(bytes(cramjam.snappy.decompress_raw(body)))
        if self.refuse(request):
            return 400, ""
        for one in request.timeseries:
            labels = {label.name: label.value for label in one.labels}
            self.samples += [(labels, sample.value, sample.timestamp) for sample in one.samples]
        return 204, ""

    def times(self) -> list[int]:
        return [at for labels, _, at in self.samples if labels["__name__"] == "campus_wifi_ap_rtt_seconds"]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            status, retry_after = made.take(self.headers, self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(status)
            if retry_after:
                self.send_header("Retry-After", retry_after)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    made.url = f"http://127.0.0.1:{server.server_address[1]}/api/v1/write"
    yield made
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def forwarder(kept: Kept, url: str, registry: CollectorRegistry | None = None) -> Iterator[remote_write.Forwarder]:
    source = remote_write.StoreOutbox(kept.store)
    made = remote_write.Forwarder(source, url, registry or CollectorRegistry(), now=lambda: kept.now)
    yield made
    made.stop()


def test_placed_evidence_arrives_once_at_its_true_time_with_the_protocols_headers(
    kept: Kept, receiver: Receiver
) -> None:
    kept.approve()
    kept.keep(kept.now - 7200)
    with forwarder(kept, receiver.url) as forward:
        assert forward.step() == 0.0
        assert forward.step() == remote_write.IDLE_SECONDS

    assert receiver.times() == [round((kept.now - 7200 + 1) * 1000)]
    assert receiver.samples[0][0]["place"] == "n1/A/101"
    assert receiver.headers["content-encoding"] == "snappy"
    assert receiver.headers["content-type"] == "application/x-protobuf"
    assert receiver.headers["x-prometheus-remote-write-version"] == "0.1.0"


def test_what_a_pending_agent_measured_leaves_only_after_its_approval(kept: Kept, receiver: Receiver) -> None:
    kept.keep(kept.now - 600)
    with forwarder(kept, receiver.url) as forward:
        assert forward.step() == remote_write.IDLE_SECONDS
        assert receiver.requests == 0
        kept.approve()
        assert forward.step() == 0.0

    assert receiver.times() == [round((kept.now - 599) * 1000)]


def test_the_cursor_outlives_the_process(kept: Kept, receiver: Receiver) -> None:
    kept.approve()
    kept.keep(kept.now - 600)
    with forwarder(kept, receiver.url) as forward:
        forward.step()
    kept.keep(kept.now - 540)
    with forwarder(kept, receiver.url) as forward:
        forward.step()

    assert receiver.times() == [round((kept.now - 599) * 1000), round((kept.now - 539) * 1000)]


@pytest.mark.parametrize("answer", [500, 503, 429, 404, 401])
def test_a_receiver_that_is_not_ready_is_waited_for_and_nothing_is_passed_over(
    answer: int, kept: Kept, receiver: Receiver
) -> None:
    kept.approve()
    kept.keep(kept.now - 600)
    receiver.answers = [answer]
    with forwarder(kept, receiver.url) as forward:
        assert 0 < forward.step() <= remote_write.FIRST_WAIT_SECONDS
        assert forward.step() == 0.0

    assert len(receiver.times()) == 1


def test_waiting_grows_is_bounded_and_obeys_the_receiver(kept: Kept, receiver: Receiver) -> None:
    kept.approve()
    kept.keep(kept.now - 600)
    receiver.answers = [*[503] * 12, (429, "120")]
    with forwarder(kept, receiver.url) as forward:
        waits = [forward.step() for _ in range(12)]
        assert waits[-1] > 10 * waits[0]
        assert max(waits) <= remote_write.LONGEST_WAIT_SECONDS
        assert forward.step() == 120.0


def test_a_report_refused_for_good_is_counted_and_costs_no_other_report_its_place(
    kept: Kept, receiver: Receiver
) -> None:
    kept.approve()
    for seq in range(3):
        kept.keep(kept.now - 600 + 60 * seq, rtt=float(seq))
    receiver.refuse = lambda request: any(sample.value == 1.0 for one in request.timeseries for sample in one.samples)
    registry = CollectorRegistry()
    with forwarder(kept, receiver.url, registry) as forward:
        assert forward.step() == 0.0
        assert forward.step() == remote_write.IDLE_SECONDS

    assert len(receiver.times()) == 2
    assert registry.get_sample_value("campus_wifi_remote_write_refused_reports_total") == 1


def test_a_receiver_that_is_gone_shows_as_lag_and_gets_everything_when_it_is_back(
    kept: Kept, receiver: Receiver
) -> None:
    kept.approve()
    for seq in range(5):
        kept.keep(kept.now - 600 + 60 * seq)
    registry = CollectorRegistry()
    kept.now += 900
    with forwarder(kept, "http://127.0.0.1:9/api/v1/write", registry) as forward:
        assert forward.step() > 0
    assert registry.get_sample_value("campus_wifi_remote_write_pending_reports") == 5
    assert registry.get_sample_value("campus_wifi_remote_write_lag_seconds") == 900
    with forwarder(kept, receiver.url) as forward:
        forward.step()

    assert len(receiver.times()) == 5


def test_evidence_that_a_disk_has_damaged_does_not_stop_what_stands_behind_it(kept: Kept, receiver: Receiver) -> None:
    kept.approve()
    kept.keep(kept.now - 600)
    kept.keep(kept.now - 540)
    table = evidence.evidence
    kept.store.write(
        lambda c: c.execute(table.update().where(table.c.seq == 1).values(body=b"\x28\xb5\x2f\xfdbroken"))
    ).result()
    with forwarder(kept, receiver.url) as forward:
        forward.step()

    assert len(receiver.times()) == 1


def ask(url: str, query: str, at: float) -> list[Any]:
    asked = f"{url}/api/v1/query?{urllib.parse.urlencode({'query': query, 'time': at})}"
    with urllib.request.urlopen(asked, timeout=5) as answer:
        found: list[Any] = json.load(answer)["data"]["result"]
    return found


@pytest.mark.binaries
def test_a_real_prometheus_keeps_back_filled_samples_at_their_times_and_ends_a_silent_series(
    tmp_path: Path, free_port: int
) -> None:
    programs = Programs(tmp_path)
    url = f"http://127.0.0.1:{free_port}"
    root = Path(__file__).resolve().parents[3]
    (tmp_path / "rules.yml").write_text((root / "deploy/prometheus/rules.yml").read_text())
    (tmp_path / "prometheus.yml").write_text((root / "deploy/prometheus/prometheus.yml").read_text())
    kept = Kept(tmp_path, time.time())
    now = kept.now
    kept.approve()
    try:
        programs.start(
            "prometheus", binaries.need("prometheus"), f"--config.file={tmp_path / 'prometheus.yml'}",
            f"--storage.tsdb.path={tmp_path / 'tsdb'}", f"--web.listen-address=127.0.0.1:{free_port}",
            "--web.enable-remote-write-receiver",
        )  # fmt: skip
        until(lambda: urllib.request.urlopen(f"{url}/-/ready", timeout=1).status == 200, 30, "Prometheus is ready")
        kept.keep(now - 120, 0.002)
        kept.keep(now - 60, None)
        kept.keep(now - 86_400, 0.005)  # a day late, after newer samples of the same series
        registry = CollectorRegistry()
        with forwarder(kept, f"{url}/api/v1/write", registry) as forward:
            while forward.step() == 0.0:
                pass
        name = 'campus_wifi_ap_rtt_seconds{campus="n1",place="n1/A/101",ap="00:11:22:33:44:55"}'

        assert registry.get_sample_value("campus_wifi_remote_write_refused_reports_total") == 0
        assert [float(one["value"][1]) for one in ask(url, name, now - 86_398)] == [0.005]
        assert [float(one["value"][1]) for one in ask(url, name, now - 100)] == [0.002]
        assert ask(url, name, now) == []
        assert len(ask(url, "campus_wifi_ap_sent", now)) == 1
    finally:
        kept.store.close()
        programs.close()


def test_positions_follow_placing_so_that_the_backlog_is_one_subtraction(kept: Kept) -> None:
    kept.approve()
    kept.keep(kept.now - 600)
    kept.keep(kept.now - 540)
    with kept.store.read() as connection:
        waiting = outbox.after(connection, 0, 10)
        assert [one.start_at for one in waiting] == [kept.now - 600, kept.now - 540]
        assert outbox.backlog(connection, 0) == (2, kept.now)
        assert outbox.backlog(connection, waiting[-1].position) == (0, None)
