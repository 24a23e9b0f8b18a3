"""The doctor: which probes a device can run, and what stands between it and its collector."""

from __future__ import annotations

import datetime
import os
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from agent.config import Config
from agent.doctor import collector, device, ntp
from agent.doctor.check import Check
from agent.doctor.radio import Details, examine, found
from tests.agent.doubles import CollectorDouble
from tests.agent.test_measure import agent
from tests.agent.test_tls import DAY, Served, certificate

NOW = datetime.datetime.now(datetime.UTC)


def by_name(checks: list[Check]) -> dict[str, Check]:
    return {check.name: check for check in checks}


# --- radios ----------------------------------------------------------------------------------------------------


def kernel_files(folder: Path, **radios: list[str]) -> Path:
    """A /sys of a device with these radios and their interfaces."""
    for phy, interfaces in radios.items():
        (folder / "class/ieee80211" / phy).mkdir(parents=True)
        for name in interfaces:
            (folder / "class/net" / name).mkdir(parents=True)
            (folder / "class/net" / name / "phy80211").symlink_to(folder / "class/ieee80211" / phy)
    return folder


def test_radios_are_found_with_their_interfaces_and_what_nl80211_says_of_them(tmp_path: Path) -> None:
    sys = kernel_files(tmp_path, phy0=["wlan0", "mon0"], phy1=[])

    radios = found(lambda phy: Details(("2.4", "5"), phy == "phy0"), sys)

    assert [(radio.phy, radio.interfaces) for radio in radios] == [("phy0", ("mon0", "wlan0")), ("phy1", ())]
    checks = by_name(examine(radios, tmp_path / "none"))
    assert checks["radio phy0"][1:3] == ("ok", "mon0, wlan0: 2.4, 5 GHz, monitor mode")
    assert checks["radio phy1"].mend == "iw phy phy1 interface add wlan9 type managed"


def test_a_radio_without_monitor_mode_says_so(tmp_path: Path) -> None:
    radios = found(lambda _: Details(("5",), monitor=False), kernel_files(tmp_path, phy0=["wlan0"]))

    assert by_name(examine(radios, tmp_path / "none"))["radio phy0"].found == (
        "wlan0: 5 GHz, no monitor mode: scans only"
    )


def stopped(checks: list[Check]) -> set[str]:
    return {probe for check in checks if check.state != "ok" for probe in check.stops}


def test_without_a_radio_nothing_of_the_air_is_measured_and_one_alone_cannot_join(tmp_path: Path) -> None:
    none, one = examine([], tmp_path / "none"), found(sys=kernel_files(tmp_path, phy0=["wlan0"]))

    assert stopped(none) == {"airspace", "link", "join"}
    assert stopped(examine(one, tmp_path / "none")) == {"join"}


def test_a_radio_in_the_namespace_of_the_join_probe_counts_as_the_second(tmp_path: Path) -> None:
    one = found(sys=kernel_files(tmp_path, phy0=["wlan0"]))
    apart = tmp_path / "campus-wifi-join"
    apart.touch()

    assert stopped(examine(one, apart)) == set()
    assert stopped(examine([], apart)) == {"airspace", "link"}


# --- the device ------------------------------------------------------------------------------------------------


def test_capabilities_are_read_from_the_kernels_mask(tmp_path: Path) -> None:
    status = tmp_path / "status"
    status.write_text("Name:\tx\nCapPrm:\t000001ffffffffff\nCapEff:\t0000000000002000\n")

    assert device.capable("CAP_NET_RAW", status)
    assert not device.capable("CAP_NET_ADMIN", status)


def test_a_disk_too_small_for_the_spool_is_said_with_the_line_that_fits(tmp_path: Path) -> None:
    free = os.statvfs(tmp_path).f_bavail * os.statvfs(tmp_path).f_frsize
    checks = by_name(device.examine(Config(data_dir=tmp_path / "not" / "made", spool_quota_bytes=free * 2)))

    assert checks["spool"].state == "warning"
    assert "set spool_quota_bytes = " in checks["spool"].mend
    assert by_name(device.examine(Config(data_dir=tmp_path, spool_quota_bytes=1 << 20)))["spool"].state == "ok"


def test_a_wrong_configuration_or_address_is_wrong_use(tmp_path: Path) -> None:
    wrong = tmp_path / "agent.toml"
    wrong.write_text("rolle = 1\n")

    assert agent("--config", str(wrong), "doctor").returncode == 2
    told = agent("doctor", "--collector", "example.org")
    assert (told.returncode, told.stderr) == (
        2, "wifi-agent: 'example.org' is no collector's address; write https://HOST:PORT\n"
    )  # fmt: skip


# --- the way to the collector ----------------------------------------------------------------------------------


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Served]]:
    made: list[Served] = []

    def start(**dates: datetime.datetime) -> Served:
        made.append(Served(tmp_path / "server", **{"begin": NOW - DAY, "end": NOW + 90 * DAY, **dates}))
        return made[-1]

    yield start
    for one in made:
        one.double.close()


def look(served: Served, ca: Path | None, **environment: str) -> collector.Way:
    return collector.examine(collector.asked(f"https://127.0.0.1:{served.double.port}", ca), environment)


def test_the_collector_of_the_pinned_authority_is_reached_and_trusted(serve: Callable[..., Served]) -> None:
    served = serve()

    way = look(served, served.ca)

    assert way.able
    checks = by_name(way.checks)
    assert checks["TLS"].state == "ok"
    assert checks["TLS"].found.startswith("collector, issued by collector, until ")
    assert f"outbound TCP port {served.double.port} to 127.0.0.1, nothing inbound" in way.request
    assert served.double.requests == []


def test_a_certificate_of_another_authority_is_named_as_a_filter_that_opens_tls(
    tmp_path: Path, serve: Callable[..., Served]
) -> None:
    served = serve()
    (tmp_path / "pinned").mkdir()
    certificate(tmp_path / "pinned", NOW - DAY, NOW + DAY)

    way = look(served, tmp_path / "pinned" / "cert.pem")

    assert not way.able
    assert "Something between opens TLS" in by_name(way.checks)["TLS"].found
    assert "no TLS inspection and no captive portal or proxy in between for 127.0.0.1" in way.request


def test_without_a_pin_a_certificate_the_system_does_not_know_is_not_trusted(serve: Callable[..., Served]) -> None:
    way = look(serve(), None)

    assert not way.able
    assert "enroll with a join string that carries the pin" in by_name(way.checks)["TLS"].mend


def test_a_certificate_that_ends_soon_is_a_warning_and_no_more(serve: Callable[..., Served]) -> None:
    served = serve(end=NOW + 5 * DAY)

    way = look(served, served.ca)

    assert way.able
    assert by_name(way.checks)["TLS"].state == "warning"


def test_a_proxy_in_the_environment_is_named_without_its_password(serve: Callable[..., Served]) -> None:
    way = look(serve(), None, https_proxy="http://user:secret@proxy.example.org:3128")

    said = by_name(way.checks)["proxy"].found
    assert "https_proxy names proxy.example.org" in said
    assert "secret" not in said


def test_a_port_where_nobody_listens_is_said_and_the_doctor_ends_with_1() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

    told = agent("doctor", "--collector", f"http://127.0.0.1:{port}")

    assert told.returncode == 1
    assert f"port {port}: Connection refused" in told.stdout
    assert f"ss -ltn sport = :{port}" in told.stdout


def test_an_enrolled_device_need_not_be_told_its_collector(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    double = CollectorDouble()
    try:
        monkeypatch.setenv("CAMPUS_WIFI_AGENT_DATA_DIR", str(tmp_path))
        assert agent("doctor", "--collector").returncode == 2
        monkeypatch.setenv("CAMPUS_WIFI_AGENT_JOIN", double.join())
        assert agent("enroll", "--no-wait").returncode == 0
        assert agent("doctor", "--collector", "--json").returncode == 0
    finally:
        double.close()


# --- time servers ----------------------------------------------------------------------------------------------


class TimeServer:
    """Answers as ``answer`` makes it from the question."""

    def __init__(self, answer: Callable[[bytes], list[bytes]]) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self._answer = answer
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        try:
            question, peer = self.socket.recvfrom(512)
            for answer in self._answer(question):
                self.socket.sendto(answer, peer)
        except OSError:  # closed: the test is over
            return


def reply(question: bytes, ahead: float = 0.0, stratum: int = 2, origin: bytes | None = None) -> bytes:
    at = time.time() + ahead + 2_208_988_800
    stamp = struct.pack("!II", int(at) & 0xFFFFFFFF, int(at % 1 * 2**32))
    return bytes([0x24, stratum]) + bytes(10) + b"RATE" + bytes(8) + (origin or question[40:48]) + stamp + stamp


def test_a_time_server_tells_how_far_this_clock_is_off_and_a_forged_answer_before_it_is_not_believed() -> None:
    server = TimeServer(lambda asked: [reply(asked, 9999.0, origin=b"guessed!"), reply(asked, 42.0)])

    told = ntp.ask("127.0.0.1", 5, server.port)

    assert told.offset_seconds == pytest.approx(42.0, abs=0.5)
    assert told.stratum == 2
    server.socket.close()


def test_a_silent_time_server_is_given_up_at_the_deadline() -> None:
    server = TimeServer(lambda _: [])
    began = time.monotonic()

    with pytest.raises(TimeoutError):
        ntp.ask("127.0.0.1", 0.3, server.port)

    assert 0.25 < time.monotonic() - began < 2
    server.socket.close()


def test_a_time_server_that_has_no_time_is_no_answer() -> None:
    server = TimeServer(lambda asked: [reply(asked, stratum=0)])

    with pytest.raises(OSError, match=r"it has no time itself \(RATE\)"):
        ntp.ask("127.0.0.1", 5, server.port)
    server.socket.close()


def test_the_configured_time_servers_are_read_from_each_daemons_file(tmp_path: Path) -> None:
    for name, text in {
        "etc/systemd/timesyncd.conf": "[Time]\n#NTP=no\nNTP=ntp1.example.org ntp2.example.org\n",
        "etc/chrony/chrony.conf": "# pool no\npool ntp.example.org iburst\nserver 192.0.2.3 prefer\n",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)

    assert ntp.servers(tmp_path) == ["ntp1.example.org", "ntp2.example.org", "ntp.example.org", "192.0.2.3"]
