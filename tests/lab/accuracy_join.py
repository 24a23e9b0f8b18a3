"""A try to join, beside wpa_supplicant's own debug log (-ddt) and tcpdump on the same radio.

- A stage is compared with the time between the two lines of the log that begin and end it. The probe never reads that
  log: its times are the kernel's stamps of wpa_supplicant's events.
- The sum of the stages is compared with a wall clock that knows no stage: from the line with which wpa_supplicant takes
  the command that starts the scan, to the packet with the first byte of the second page, which ends the try.
- A lease's seconds are compared with tcpdump's, from the first DISCOVER to the ACK. The stage `dhcp` holds more (until
  the port is open, and to put the address on): it is shown beside the same packets and not judged by them, since the
  sum already is.
"""

import contextlib
import re
import time
from pathlib import Path

from agent import address, dhcp, wire
from agent.association import STAGES
from agent.probes import join
from agent.probes.base import Deadline
from agent.wpa import SYSTEM_SOCKETS
from tests.e2e.programs import Programs, until
from tests.lab.accuracy_capture import Capture, Packet
from tests.lab.accuracy_figure import Figure
from tests.lab.air import IDENTITY, PASSWORD, PSK, AccessPoint, run

RADIOS = 3
RADIO = "wlan0"
TRIES, LEASES = 11, 5
_WITHIN_SECONDS = 0.005
_SELECTED = "CTRL_IFACE: SELECT_NETWORK"
_FOUND, _AUTHENTICATED = f"{RADIO}: SME: Trying to authenticate with", f"{RADIO}: Trying to associate with"
_ASSOCIATED, _JOINED = f"{RADIO}: Associated with", f"{RADIO}: CTRL-EVENT-CONNECTED"
_PROVEN = f"{RADIO}: CTRL-EVENT-EAP-SUCCESS"
_TO_ASSOCIATION = {
    "scan": (_SELECTED, _FOUND), "authenticate": (_FOUND, _AUTHENTICATED), "associate": (_AUTHENTICATED, _ASSOCIATED),
}  # fmt: skip
_WITH_PASSWORD = _TO_ASSOCIATION | {"handshake": (_ASSOCIATED, _JOINED)}
_WITH_IDENTITY = _TO_ASSOCIATION | {"eap": (_ASSOCIATED, _PROVEN), "handshake": (_PROVEN, _JOINED)}
Span = tuple[float, float]


def measure(programs: Programs, folder: Path) -> list[Figure]:
    for radio, ssid, security in ((1, "School", "psk"), (2, "Enterprise", "eap")):
        made = AccessPoint(programs, folder, radio, channel=36, ssid=ssid, security=security)
        made.start()
        made.serve_dhcp()
        made.serve_dns()
        made.serve_page()
    run("ip", "link", "set", RADIO, "up")
    log = _supplicant(programs, folder)
    capture = Capture(programs, "join-packets", RADIO, "port 67 or port 68 or tcp port 80")
    secret = _credentials(folder)
    joined, spans = _tries("School", secret)
    proven, proven_spans = _tries("Enterprise", secret)
    leases, lease_spans = _leases()
    packets = capture.packets()
    lines = _lines(log)
    return [
        *(_stage(stage, "", ends, joined, spans, lines) for stage, ends in _WITH_PASSWORD.items()),
        _whole("", joined, spans, lines, packets),
        *(_stage(stage, ", 802.1X", ends, proven, proven_spans, lines) for stage, ends in _WITH_IDENTITY.items()),
        _whole(", 802.1X", proven, proven_spans, lines, packets),
        Figure(
            "lease: DISCOVER to ACK", "tcpdump", "seconds",
            [(lease.seconds, _exchange(packets, span)) for lease, span in zip(leases, lease_spans, strict=True)],
            _WITHIN_SECONDS,
        ),
        Figure(
            "stage dhcp (port, exchange, address)", "tcpdump, the exchange alone", "seconds",
            [(row.dhcp_seconds[0] or 0.0, _exchange(packets, span)) for row, span in zip(joined, spans, strict=True)],
        ),
    ]  # fmt: skip


def _supplicant(programs: Programs, folder: Path) -> Path:
    """One that serves the radio before the probe comes, so that its log can be had. Returns where it logs."""
    SYSTEM_SOCKETS.mkdir(exist_ok=True)
    config = folder / "supplicant.conf"
    config.write_text(f"ctrl_interface={SYSTEM_SOCKETS}\nupdate_config=0\n")
    programs.start("supplicant", "wpa_supplicant", "-ddt", "-D", "nl80211", "-i", RADIO, "-c", config)
    until((SYSTEM_SOCKETS / RADIO).exists, 20, "wpa_supplicant runs")
    return folder / "supplicant.log"


def _credentials(folder: Path) -> Path:
    secret = folder / "credentials.toml"
    secret.touch(mode=0o600)
    secret.write_text(
        f'[school]\nkind = "psk"\npassword = "{PSK}"\n'
        f'[enterprise]\nkind = "peap"\nidentity = "{IDENTITY}"\npassword = "{PASSWORD}"\n'
        f'ca_cert = "{folder}/ap2-ca.pem"\n'
    )
    return secret


def _tries(ssid: str, secret: Path) -> tuple[list[wire.Join], list[Span]]:
    task = wire.JoinTask(ssid, ssid.lower(), page="http://page.lab/generate_204")
    settings = join.Settings(RADIO, task, credentials=secret, frequencies_hertz=[5_180_000_000])
    rows, spans = [], []
    for _ in range(TRIES):
        began = time.time()
        row = join.probe(settings, Deadline(30.0))
        spans.append((began, time.time()))
        rows.append(row)
        if row.outcome != ["ok"]:
            raise AssertionError(f"join: {row.outcome} {row.reason}")
    return rows, spans


def _leases() -> tuple[list[dhcp.Lease], list[Span]]:
    """Leases alone, over a connection that wpa_supplicant's own tool has made."""
    control = ("wpa_cli", "-p", str(SYSTEM_SOCKETS), "-i", RADIO)
    number = run(*control, "add_network").strip()
    for key, value in (("ssid", '"School"'), ("psk", f'"{PSK}"'), ("scan_freq", "5180")):
        run(*control, "set_network", number, key, value)
    run(*control, "select_network", number)
    until(lambda: "wpa_state=COMPLETED" in run(*control, "status"), 30, "the radio is connected")
    mac = address.mac_of(RADIO)
    leases, spans = [], []
    for _ in range(LEASES):
        with contextlib.closing(dhcp.Client(RADIO, mac)) as client:
            began = time.time()
            lease = client.obtain(20.0)
        with address.applied(RADIO, lease):
            dhcp.release(RADIO, mac, lease)
        spans.append((began, time.time()))
        leases.append(lease)
    return leases, spans


# --- what others saw --------------------------------------------------------------------------------------------


def _lines(log: Path) -> list[Packet]:
    found = []
    for line in log.read_text(errors="replace").splitlines():
        if stamped := re.match(r"(\d+\.\d+): (.*)", line):
            found.append(Packet(float(stamped[1]), stamped[2]))
    return found


def _first(lines: list[Packet], span: Span, begin: str) -> float:
    return next(line.at for line in lines if span[0] <= line.at <= span[1] and line.text.startswith(begin))


def _stage(
    stage: str, where: str, ends: tuple[str, str], joined: list[wire.Join], spans: list[Span], lines: list[Packet]
) -> Figure:
    begin, end = ends
    pairs = [
        (getattr(row, f"{stage}_seconds")[0], _first(lines, span, end) - _first(lines, span, begin))
        for row, span in zip(joined, spans, strict=True)
    ]
    return Figure(f"stage {stage}{where}", "wpa_supplicant -ddt", "seconds", pairs, _WITHIN_SECONDS)


def _whole(
    where: str, joined: list[wire.Join], spans: list[Span], lines: list[Packet], packets: list[Packet]
) -> Figure:
    pairs = []
    for row, span in zip(joined, spans, strict=True):
        known = [getattr(row, f"{stage}_seconds")[0] for stage in STAGES]
        ended = _second_page(packets, span)
        pairs.append((sum(seconds for seconds in known if seconds), ended - _first(lines, span, _SELECTED)))
    reference = "the log's scan command to the page's packet"
    return Figure(f"sum of the stages{where}", reference, "seconds", pairs, _WITHIN_SECONDS)


def _second_page(packets: list[Packet], span: Span) -> float:
    """When the first data of the second connection with the page came."""
    firsts: dict[str, float] = {}
    for packet in packets:
        if span[0] <= packet.at <= span[1] and (
            data := re.search(r"\.80 > \S+\.(\d+): Flags .* length ([1-9]\d*)", packet.text)
        ):
            firsts.setdefault(data[1], packet.at)
    return sorted(firsts.values())[1]


def _exchange(packets: list[Packet], span: Span) -> float:
    """From the first message of the client to the last of the server; a RELEASE is answered by nobody."""
    inside = [packet for packet in packets if span[0] <= packet.at <= span[1]]
    asked = [packet.at for packet in inside if ".68 > 255.255.255.255.67" in packet.text]
    answered = [packet.at for packet in inside if re.search(r"\.67 > \S+\.68: ", packet.text)]
    return answered[-1] - asked[0]
