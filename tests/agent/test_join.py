"""Joining a network: events, credentials, leases and portals, against a real control socket, dnsmasq and HTTP."""

import contextlib
import os
import select
import shutil
import socket
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from agent import address, dhcp, portal, wire
from agent.association import STAGES, Association, Failed, Stages
from agent.credentials import CredentialError, find
from agent.probes import join
from agent.probes.base import CouldNotRun, Deadline
from agent.wpa import SYSTEM_SOCKETS, Event, Gone, Silent, Supplicant
from tests.segment import Segment, run

BSSID = "02:00:00:00:00:01"
needs_dnsmasq = pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("ip") is None or shutil.which("dnsmasq") is None,
    reason="needs root, iproute2 and dnsmasq",
)
JOINED = (
    "CTRL-EVENT-SCAN-STARTED ", "CTRL-EVENT-SCAN-RESULTS ",
    f"SME: Trying to authenticate with {BSSID} (SSID='Psk' freq=2437 MHz)",
    f"Trying to associate with {BSSID} (SSID='Psk' freq=2437 MHz)", f"Associated with {BSSID}",
    f"WPA: Key negotiation completed with {BSSID} [PTK=CCMP GTK=CCMP]",
    f"CTRL-EVENT-CONNECTED - Connection to {BSSID} completed [id=0 id_str=]",
)  # fmt: skip


class FakeSupplicant:
    """A control socket that speaks wpa_supplicant's protocol; SELECT_NETWORK is answered with ``events``."""

    def __init__(self, folder: Path, name: str, events: tuple[str, ...] = JOINED, silent: bool = False) -> None:
        self.commands: list[str] = []
        self._events, self._silent = events, silent
        self.path = folder / name
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(self.path))
        self._stop, self._stopped = os.pipe()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        listener = ""
        while True:
            ready, _, _ = select.select([self._socket, self._stop], [], [])
            if self._stop in ready:
                return
            data, peer = self._socket.recvfrom(4096)
            command = data.decode()
            self.commands.append(command)
            if self._silent and command != "PING":
                continue
            if command == "ATTACH":
                listener = peer
            answers = {"PING": "PONG\n", "ADD_NETWORK": "0\n", "LIST_NETWORKS": "network id / ssid / bssid / flags\n"}
            answer = "level=-61\n" if command.startswith("BSS ") else answers.get(command, "OK\n")
            self._socket.sendto(answer.encode(), peer)
            if command.startswith("SELECT_NETWORK"):
                for event in self._events:
                    self._socket.sendto(f"<3>{event}".encode(), listener)

    def close(self) -> None:
        if self.path.exists():
            os.write(self._stopped, b"x")
            self._thread.join()
            self._socket.close()
            self.path.unlink()
            os.close(self._stop)
            os.close(self._stopped)


def follow(*texts: str, enterprise: bool = False) -> tuple[Stages, Association]:
    stages = Stages(100.0)
    association = Association(stages, secured=True, enterprise=enterprise, password=not enterprise)
    for number, text in enumerate(texts, 1):
        association.take(Event(100.0 + number / 4, text))
    return stages, association


def test_each_stage_lasts_from_its_event_to_the_next_and_they_sum_to_the_whole() -> None:
    stages, association = follow(*JOINED)

    assert stages.seconds == {"scan": 0.75, "authenticate": 0.25, "associate": 0.25, "handshake": 0.5}
    assert sum(stages.seconds.values()) == stages.ended - stages.began
    assert (association.bssid, association.frequency_megahertz) == (BSSID, 2437)


@pytest.mark.parametrize(
    ("event", "words", "code"),
    [
        (f"CTRL-EVENT-DISCONNECTED bssid={BSSID} reason=15", "wrong password (PSK mismatch suspected)", 15),
        ('CTRL-EVENT-SSID-TEMP-DISABLED id=0 ssid="Psk" auth_failures=1 duration=10 reason=WRONG_KEY', "wrong", None),
        (f"CTRL-EVENT-DISCONNECTED bssid={BSSID} reason=5", "cannot serve more stations (reason 5)", 5),
        (f"Authentication with {BSSID} timed out.", "did not end in time", None),
        ("CTRL-EVENT-SCAN-STARTED ", "did not end in time", None),
    ],
)
def test_a_failed_handshake_says_why(event: str, words: str, code: int | None) -> None:
    with pytest.raises(Failed) as caught:
        follow(*JOINED[:5], event)

    assert words in caught.value.reason
    assert caught.value.code == code


def test_a_refused_association_is_said_in_words_and_a_temporary_refusal_is_waited_out() -> None:
    refused = f"CTRL-EVENT-ASSOC-REJECT bssid={BSSID} status_code="
    stages, _ = follow(*JOINED[:4], refused + "30", *JOINED[3:])
    assert "handshake" in stages.seconds

    with pytest.raises(Failed, match=r"the access point is full \(status 17\)"):
        follow(*JOINED[:4], refused + "17")


def test_a_certificate_that_expired_is_the_reason_of_the_eap_stage() -> None:
    seen: list[Stages] = []
    with pytest.raises(Failed, match="certificate has expired") as caught:
        seen.append(Stages(0.0))
        association = Association(seen[0], secured=True, enterprise=True, password=False)
        for text in (
            *JOINED[:5], "CTRL-EVENT-EAP-STARTED EAP authentication started",
            "CTRL-EVENT-EAP-TLS-CERT-ERROR reason=4 depth=0 subject='/CN=radius.lab' err='certificate has expired'",
            "CTRL-EVENT-EAP-STATUS status='local TLS alert' parameter='certificate expired'",
            "CTRL-EVENT-EAP-FAILURE EAP authentication failed",
        ):  # fmt: skip
            association.take(Event(1.0, text))

    assert seen[0].stage == "eap"
    assert caught.value.code == 4
    assert "radius.lab" not in caught.value.reason


def test_a_network_is_absent_after_two_scans_without_it() -> None:
    scan = ("CTRL-EVENT-SCAN-STARTED ", "CTRL-EVENT-SCAN-RESULTS ", "CTRL-EVENT-NETWORK-NOT-FOUND ")
    follow("CTRL-EVENT-NETWORK-NOT-FOUND ", *scan)

    with pytest.raises(Failed, match="two scans"):
        follow(*scan, *scan)


def test_a_supplicant_that_dies_and_one_that_never_answers_are_two_faults(tmp_path: Path) -> None:
    fake = FakeSupplicant(tmp_path, "wlan9", events=())
    with contextlib.closing(Supplicant("wlan9", tmp_path)) as supplicant:
        fake.close()
        with pytest.raises(Gone):
            supplicant.event(10.0)

    fake = FakeSupplicant(tmp_path, "wlan8", silent=True)
    try:
        with pytest.raises(Silent):
            Supplicant("wlan8", tmp_path)
    finally:
        fake.close()


def secrets_file(tmp_path: Path, text: str, mode: int = 0o600) -> Path:
    file = tmp_path / "secrets.toml"
    file.write_text(text)
    file.chmod(mode)
    return file


def test_a_credential_shows_no_secret(tmp_path: Path) -> None:
    found = find("pupils", secrets_file(tmp_path, '[pupils]\nkind = "psk"\npassword = "hunter2hunter2"\n'))

    assert (found.kind, found.method, found.password) == ("psk", "wpa2-psk", "hunter2hunter2")
    assert "hunter2" not in f"{found} {found!r}"
    assert find("", None).method == "open"


def test_a_credential_comes_from_systemd_too(tmp_path: Path) -> None:
    (tmp_path / "pupils").write_text('kind = "sae"\npassword = "hunter2hunter2"\n')
    (tmp_path / "pupils").chmod(0o400)

    assert find("pupils", None, {"CREDENTIALS_DIRECTORY": str(tmp_path)}).method == "wpa3-sae"


@pytest.mark.parametrize(
    ("text", "mode", "words"),
    [
        ('[pupils]\nkind = "psk"\npassword = "hunter2hunter2"\n', 0o640, "chmod 600"),
        ('[pupils]\nkind = "psk"\npasword = "hunter2hunter2"\n', 0o600, "unknown key `pasword`"),
        ('[pupils]\nkind = "psk"\n', 0o600, "`password` is missing"),
        ('[pupils]\nkind = "wep"\n', 0o600, "`kind` is missing or unknown"),
        ('[others]\nkind = "open"\n', 0o600, "add a table \\[pupils\\]"),
        ("[pupils]\npassword = hunter2\n", 0o600, "not TOML"),
    ],
)
def test_a_wrong_credential_is_refused_with_its_mend_and_without_its_value(
    tmp_path: Path, text: str, mode: int, words: str
) -> None:
    with pytest.raises(CredentialError, match=words) as caught:
        find("pupils", secrets_file(tmp_path, text, mode))

    assert "hunter2" not in str(caught.value)


class _Web(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = b"the true page" if self.path == "/page" else b"please log in"
        self.send_response({"/generate_204": 200, "/moved": 302, "/up": 301}.get(self.path, 200))
        self.send_header("Location", "http://login.example/" if self.path == "/moved" else "https://127.0.0.1/")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.mark.parametrize(
    ("path", "verdict"),
    [
        ("/page", ""), ("/page#true page", ""), ("/page#another", "another body than the page's own"),
        ("/generate_204", "200 where 204 was due"), ("/moved", "redirected to login.example"), ("/up", ""),
    ],
)  # fmt: skip
def test_a_portal_is_told_from_the_page(path: str, verdict: str) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Web) as server:
        threading.Thread(target=server.serve_forever).start()
        try:
            page = portal.page(f"http://127.0.0.1:{server.server_port}{path}")
            answer = portal.get(page, "127.0.0.1", "", 5.0)
        finally:
            server.shutdown()

    assert portal.verdict(page, answer) == verdict
    assert 0 < answer.first_byte_seconds < 5


@pytest.fixture
def school():
    """A segment whose far end serves DHCP and DNS (dnsmasq); this side has no address."""
    segment = Segment(1)
    run("ip", "addr", "flush", "dev", segment.interface)
    segment.inside("addr", "add", "10.94.0.1/24", "dev", "lan")
    server = subprocess.Popen(
        ["ip", "netns", "exec", segment.namespace, "dnsmasq", "--conf-file=/dev/null", "--keep-in-foreground",
         "--interface=lan", "--bind-interfaces", "--no-ping", "--leasefile-ro", "--no-resolv", "--no-hosts",
         "--dhcp-range=10.94.0.50,10.94.0.60,1h", "--address=/page.school/10.94.0.1", "--pid-file",
         "--log-facility=-", "--dhcp-option=114,http://login.school/"],
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert any("DHCP, IP range" in line for line in server.stderr), "dnsmasq serves"
        threading.Thread(target=server.stderr.read, daemon=True).start()
        yield segment
    finally:
        server.kill()
        server.wait()
        segment.close()


@needs_dnsmasq
def test_a_lease_names_who_gave_it_and_is_taken_off_again(school: Segment) -> None:
    mac = address.mac_of(school.interface)
    began = time.monotonic()
    with contextlib.closing(dhcp.Client(school.interface, mac)) as client:
        lease = client.obtain(10.0)
    took = time.monotonic() - began

    assert (lease.server, lease.router, lease.name_servers) == ("10.94.0.1", "10.94.0.1", ("10.94.0.1",))
    assert (lease.prefix_length, lease.lease_seconds, lease.resent) == (24, 3600, 0)
    assert lease.captive_portal == "http://login.school/"
    assert 0 < lease.seconds <= took
    with address.applied(school.interface, lease):
        assert f"{lease.address}/24" in run("ip", "-4", "addr", "show", school.interface)
        assert "default via 10.94.0.1" in run("ip", "route", "show", "dev", school.interface)
    assert run("ip", "-4", "addr", "show", school.interface) == ""
    assert run("ip", "route", "show", "dev", school.interface) == ""


@needs_dnsmasq
@pytest.mark.skipif(shutil.which("nft") is None, reason="needs nftables")
def test_a_discover_that_is_lost_is_sent_again_after_a_second(school: Segment) -> None:
    # A message of ours is 328 bytes long: the first one fits into what is dropped, the second does not.
    school.filter("udp dport 67 quota until 400 bytes drop")
    with contextlib.closing(dhcp.Client(school.interface, address.mac_of(school.interface))) as client:
        lease = client.obtain(10.0)

    assert lease.resent == 1
    assert 0.75 <= lease.seconds < 1.75


@needs_dnsmasq
def test_a_silent_dhcp_server_is_said_in_time() -> None:
    segment = Segment(1)
    try:
        began = time.monotonic()
        with pytest.raises(Failed, match="no DHCP server answered"):
            with contextlib.closing(dhcp.Client(segment.interface, address.mac_of(segment.interface))) as client:
                client.obtain(0.5)
        assert 0.5 <= time.monotonic() - began < 1.0
    finally:
        segment.close()


@needs_dnsmasq
def test_a_whole_try_joins_uses_the_network_and_leaves_it(school: Segment, tmp_path: Path) -> None:
    (tmp_path / "page").write_text("the true page")
    SYSTEM_SOCKETS.mkdir(exist_ok=True)
    web = subprocess.Popen(
        ["ip", "netns", "exec", school.namespace, sys.executable, "-u", "-m", "http.server", "80", "-d", str(tmp_path)],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    fake = FakeSupplicant(SYSTEM_SOCKETS, school.interface)
    try:
        assert "Serving" in web.stdout.readline()
        secret = secrets_file(tmp_path, '[pupils]\nkind = "psk"\npassword = "hunter2hunter2"\n')
        task = wire.JoinTask("Psk", "pupils", page="http://page.school/page#true page")
        table = join.probe(join.Settings(school.interface, task, credentials=secret), Deadline(20.0))
    finally:
        fake.close()
        web.kill()
        web.wait()

    assert (table.outcome, table.reason) == (["ok"], [None])
    assert (table.bssid, table.band, table.signal_dbm) == ([BSSID], ["2.4"], [-61.0])
    assert (table.method, table.dhcp_server) == (["wpa2-psk"], ["10.94.0.1"])
    assert (table.dns_asked, table.dns_answered) == ([1], [1])
    seconds = [getattr(table, f"{stage}_seconds")[0] for stage in STAGES]
    assert sum(second for second in seconds if second is not None) == pytest.approx(table.total_seconds[0], abs=1e-5)
    assert table.first_byte_seconds[0] > 0
    assert run("ip", "-4", "addr", "show", school.interface) == ""
    assert fake.commands[-1] == "DETACH"
    assert "REMOVE_NETWORK 0" in fake.commands


def test_without_the_radio_or_the_secret_it_could_not_run(tmp_path: Path) -> None:
    with pytest.raises(CouldNotRun, match="no interface"):
        join.probe(join.Settings("nosuch0", wire.JoinTask("Psk")), Deadline(5.0))
    with pytest.raises(CouldNotRun, match="no credential"):
        join.probe(join.Settings("lo", wire.JoinTask("Psk", "pupils")), Deadline(5.0))
