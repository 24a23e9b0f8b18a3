"""Where a device is plugged in, as one fingerprint of its gateway and segment that tells nobody what they are."""

import os
import shutil
import socket
import time
from pathlib import Path

import pytest

from agent import surroundings, uplink, wire
from agent.probes import host
from agent.probes.base import Deadline
from tests.segment import Segment, run

root = pytest.mark.skipif(os.geteuid() != 0 or shutil.which("ip") is None, reason="needs root and iproute2")
HEAD = "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n"
DEFAULT = "eth0\t00000000\t0101010A\t0003\t0\t0\t100\t00000000\t0\t0\t0\n"
WIRELESS = "wlan0\t00000000\t0102020A\t0003\t0\t0\t600\t00000000\t0\t0\t0\n"
LINK = "eth0\t0001010A\t00000000\t0001\t0\t0\t100\t00FFFFFF\t0\t0\t0\n"
ARP = "IP address       HW type     Flags       HW address            Mask     Device\n"
GATEWAY = "10.1.1.1         0x1         0x2         02:00:00:00:00:01     *        eth0\n"
CLIENT = "10.1.1.7         0x1         0x2         02:00:00:00:00:99     *        eth0\n"
UNANSWERED = "10.1.1.1         0x1         0x0         00:00:00:00:00:00     *        eth0\n"


@pytest.fixture
def found(tmp_path):
    """The fingerprint that these tables give on a device with this machine id."""

    def look(routes: str, neighbours: str, machine: str = "1" * 32, interface: str | None = None) -> str | None:
        (tmp_path / "route").write_text(HEAD + routes)
        (tmp_path / "arp").write_text(ARP + neighbours)
        (tmp_path / "machine-id").write_text(machine + "\n")
        return surroundings.fingerprint(interface, tmp_path / "machine-id", tmp_path)

    return look


def test_the_same_gateway_and_segment_give_the_same_fingerprint_whoever_else_is_there(found):
    alone = found(DEFAULT + LINK, GATEWAY)

    assert alone is not None and len(alone) == 32
    assert found(LINK + WIRELESS + DEFAULT, CLIENT + GATEWAY) == alone


def test_another_gateway_or_another_segment_gives_another(found):
    here = found(DEFAULT + LINK, GATEWAY)
    other_gateway = found(DEFAULT + LINK, GATEWAY.replace("00:01", "00:02"))
    wider_segment = found(DEFAULT + LINK.replace("0001010A", "0000010A").replace("00FFFFFF", "0000FFFF"), GATEWAY)

    assert len({here, other_gateway, wider_segment, None}) == 4


def test_two_devices_on_one_segment_say_different_things_so_that_nobody_can_search_for_a_gateway(found):
    assert found(DEFAULT + LINK, GATEWAY, "1" * 32) != found(DEFAULT + LINK, GATEWAY, "2" * 32)


def test_without_a_known_gateway_or_a_machine_id_there_is_none(found):
    assert found(LINK, GATEWAY) is None
    assert found(DEFAULT + LINK, CLIENT) is None
    assert found(DEFAULT + LINK, UNANSWERED) is None
    assert found(DEFAULT + LINK, GATEWAY, machine="") is None
    assert found(DEFAULT + LINK, GATEWAY, interface="wlan0") is None
    assert surroundings.fingerprint(tables=Path("/nowhere")) is None


@root
def test_a_real_gateway_is_told_once_the_kernel_knows_its_address():
    segment = Segment(1, prefix=94)
    try:
        gateway, interface = segment.addresses[0], segment.interface
        run("ip", "route", "add", "default", "via", gateway, "dev", interface, "metric", "9999")
        before = uplink.gateway(interface)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.sendto(b"", (gateway, 9))
        until = time.monotonic() + 5
        while uplink.gateway(interface) is None and time.monotonic() < until:
            time.sleep(0.02)
        after = uplink.gateway(interface)
        table = host.probe(host.Settings(interface), Deadline(5))
        expected = surroundings.fingerprint(interface)
    finally:
        segment.close()

    assert before is None
    assert after is not None and after.segment == "10.94.0.0/20"
    assert table.surroundings == [expected]
    wire.decode(wire.encode(table), wire.Host)
