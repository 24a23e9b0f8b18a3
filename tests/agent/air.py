"""Bytes of the air for tests: elements built by hand, frames with a radiotap header, and the shared captures."""

import os
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

# Captures and scans made by others stay out of the repository; elsewhere than beside it they are named by variable.
SHARED = Path(os.environ.get("CAMPUS_WIFI_SHARED", Path(__file__).resolve().parents[3] / "shared"))
CAPTURES = SHARED / "data" / "pcap"
BEACON, PROBE_RESPONSE, PROBE_REQUEST, DATA = 0x80, 0x50, 0x40, 0x08


def element(number: int, body: bytes) -> bytes:
    """Numbers from 256 are of the extension space."""
    if number >= 256:
        return bytes([255, len(body) + 1, number - 256]) + body
    return bytes([number, len(body)]) + body


def ssid(name: bytes) -> bytes:
    return element(0, name)


RATES_B = element(1, bytes([0x82, 0x84, 0x8B, 0x96]))
RATES_G = element(1, bytes([0x82, 0x84, 0x8B, 0x96, 0x0C, 0x12, 0x18, 0x24]))
RATES_A = element(1, bytes([0x8C, 0x12, 0x98, 0x24, 0xB0, 0x48, 0x60, 0x6C]))


def ht_operation(channel: int, second: int = 0, wide: bool = False) -> bytes:
    return element(61, bytes([channel, second | (4 if wide else 0)]) + bytes(20))


def vht_operation(width: int, centre: int = 0, second: int = 0) -> bytes:
    return element(192, bytes([width, centre, second, 0, 0]))


def he_operation_6ghz(channel: int, width: int) -> bytes:
    return element(256 + 36, bytes([0, 0, 2]) + bytes(3) + bytes([channel, width, 7, 0, 6]))


def eht_operation(width: int) -> bytes:
    return element(256 + 106, bytes([1]) + bytes(4) + bytes([width, 7, 0]))


def rsn(*suites: int, capabilities: int = 0) -> bytes:
    body = b"\x01\x00" + b"\x00\x0f\xac\x04" + b"\x01\x00" + b"\x00\x0f\xac\x04" + struct.pack("<H", len(suites))
    return element(48, body + b"".join(b"\x00\x0f\xac" + bytes([s]) for s in suites) + struct.pack("<H", capabilities))


def wpa(*suites: int) -> bytes:
    body = b"\x00\x50\xf2\x01\x01\x00" + b"\x00\x50\xf2\x02" + b"\x01\x00" + b"\x00\x50\xf2\x02"
    return element(221, body + struct.pack("<H", len(suites)) + b"".join(b"\x00\x50\xf2" + bytes([s]) for s in suites))


def bss_load(stations: int, utilization: int) -> bytes:
    return element(11, struct.pack("<HBH", stations, utilization, 0))


def mac(text: str) -> bytes:
    return bytes.fromhex(text.replace(":", ""))


def radiotap(signal_dbm: int | None, mhz: int, flags: int | None = None) -> bytes:
    """A header with flags, channel and signal, each padded as the format asks."""
    present, body = 0, b""
    if flags is not None:
        present, body = present | 1 << 1, body + bytes([flags]) + b"\0"
    present, body = present | 1 << 3, body + struct.pack("<HH", mhz, 0x0480)
    if signal_dbm is not None:
        present, body = present | 1 << 5, body + struct.pack("b", signal_dbm)
    return struct.pack("<BBHI", 0, 0, 8 + len(body), present) + body


def frame(kind: int, source: str, elements: bytes, privacy: bool = False, target: str = "ff:ff:ff:ff:ff:ff") -> bytes:
    """A management frame; a beacon and a probe response have twelve fixed bytes before their elements."""
    header = bytes([kind, 0, 0, 0]) + mac(target) + mac(source) + mac(source) + b"\x10\x00"
    fixed = struct.pack("<QHH", 1, 100, 0x0411 if privacy else 0x0401) if kind in (BEACON, PROBE_RESPONSE) else b""
    return header + fixed + elements


def captured() -> Iterator[bytes]:
    """Each frame of the shared captures, with a radiotap header (one is made where the capture has none)."""
    if not CAPTURES.is_dir():
        pytest.skip("the shared captures are not here")
    for path in sorted(CAPTURES.iterdir()):
        data = path.read_bytes()
        network, at = struct.unpack_from("<I", data, 20)[0], 24
        while at < len(data):
            size = struct.unpack_from("<I", data, at + 8)[0]
            packet = data[at + 16 : at + 16 + size]
            yield packet if network == 127 else radiotap(-50, 2437) + packet
            at += 16 + size


def captured_elements() -> list[tuple[bytes, bool]]:
    """(elements, privacy) of the beacons and probe responses captured, checksums cut off."""
    found = []
    for packet in captured():
        start = struct.unpack_from("<H", packet, 2)[0]
        if packet[start] in (BEACON, PROBE_RESPONSE):
            found.append((packet[start + 36 :], bool(packet[start + 34] & 0x10)))
    return found
