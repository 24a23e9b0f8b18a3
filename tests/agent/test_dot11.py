"""Monitor mode: only beacons and probe responses are read, and of pupils' devices nothing is left anywhere."""

import hashlib
import logging
import random
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent import dot11, wire
from agent.probes.airspace import Settings, tables
from tests.agent import air

AP = "04:00:5e:00:53:10"
SAID = air.ssid(b"District") + air.RATES_G + air.element(3, b"\x06") + air.rsn(2) + air.bss_load(4, 51)


def packet(kind: int = air.BEACON, signal: int | None = -61, mhz: int = 2437, flags: int | None = None) -> bytes:
    return air.radiotap(signal, mhz, flags) + air.frame(kind, AP, SAID, privacy=True)


def test_a_beacon_is_read_with_its_signal_and_as_a_scan_would() -> None:
    heard = dot11.beacon(packet())

    assert heard is not None
    assert (heard.bssid, heard.frequency_hertz, heard.signal_dbm) == (AP, 2437_000_000, -61.0)
    assert heard.said == (b"District", 6, 20_000_000, "g", "wpa2-psk", 4, 0.2)


def test_without_a_signal_in_the_header_there_is_none() -> None:
    heard = dot11.beacon(packet(signal=None))

    assert heard is not None
    assert heard.signal_dbm is None


def test_a_beacon_heard_beside_its_channel_stands_where_it_says() -> None:
    heard = dot11.beacon(packet(mhz=2442))

    assert heard is not None
    assert heard.frequency_hertz == 2437_000_000


def test_a_checksum_at_the_end_is_no_element_and_a_broken_frame_is_none() -> None:
    whole = dot11.beacon(packet(flags=0x10) + b"\xde\xad\xbe\xef")

    assert whole is not None
    assert whole.said == dot11.beacon(packet()).said
    assert dot11.beacon(packet(flags=0x40)) is None


@pytest.mark.parametrize("kind", [kind for kind in range(256) if kind not in (air.BEACON, air.PROBE_RESPONSE)])
def test_every_other_kind_of_frame_is_none(kind: int) -> None:
    assert dot11.beacon(packet(kind)) is None


def test_the_signal_of_a_bss_is_the_median_of_its_frames() -> None:
    gathered = dot11.Gathered()
    for signal in (-60, -61, -90):
        gathered.take(packet(signal=signal))

    assert [one.signal_dbm for one in gathered.beacons()] == [-61.0]


def test_a_flood_of_false_beacons_fills_no_memory() -> None:
    gathered = dot11.Gathered()
    for number in range(3000):
        source = f"06:00:00:00:{number >> 8:02x}:{number & 255:02x}"
        gathered.take(air.radiotap(-60, 2437) + air.frame(air.BEACON, source, SAID))

    assert len(gathered.beacons()) == 2000


@given(st.binary(max_size=200))
def test_no_bytes_crash_the_reading_of_a_frame(data: bytes) -> None:
    dot11.beacon(data)


def test_no_change_to_a_real_frame_crashes_its_reading() -> None:
    chance, real = random.Random(7), [packet(), packet(flags=0x10)]
    for turn in range(6000):
        changed = bytearray(real[turn % 2])
        for _ in range(chance.randint(1, 4)):
            changed[chance.randrange(min(len(changed), 24 if turn % 3 else 400))] = chance.randrange(256)
        dot11.beacon(bytes(changed[: chance.randint(0, len(changed))]))


# --- the privacy of pupils -------------------------------------------------------------------------------------------


def _client(number: int) -> str:
    return f"3c:22:fb:{number >> 16 & 255:02x}:{number >> 8 & 255:02x}:{number & 255:02x}"


def _shapes(mac: str) -> list[str]:
    """How an address could hide: plain, bare, reversed, or hashed."""
    raw = air.mac(mac)
    shapes = [mac, mac.replace(":", "-"), raw.hex(), raw[::-1].hex(), raw[::-1].hex(":")]
    for text in (mac.encode(), mac.upper().encode(), raw.hex().encode(), raw):
        shapes += [hashlib.sha256(text).hexdigest(), hashlib.md5(text).hexdigest()]
    return shapes


def _captured_clients() -> set[str]:
    """Every address in the captures' frames that is not the BSSID of a beacon or probe response."""
    stations, access_points = set(), set()
    for one in air.captured():
        frame = one[int.from_bytes(one[2:4], "little") :]
        places = [frame[start : start + 6] for start in (4, 10, 16) if len(frame) >= start + 6]
        if frame[0] in (air.BEACON, air.PROBE_RESPONSE):
            access_points |= {place.hex(":") for place in places[1:]}
            places = places[:1]
        stations |= {place.hex(":") for place in places if not place[0] & 1}
    return stations - access_points


def test_of_ten_thousand_pupils_devices_and_of_real_ones_nothing_is_left(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    gathered = dot11.Gathered()
    clients = [_client(number) for number in range(10_000)]
    for number, mac in enumerate(clients):
        wanted = air.ssid(f"Phone of {mac}".encode())
        for frame in (
            air.frame(air.PROBE_REQUEST, mac, wanted),
            air.frame(air.DATA, mac, b"payload of " + mac.encode(), target=AP),
            # The access point's answer to that device: kept, without whom it was for.
            air.frame(air.PROBE_RESPONSE, AP, SAID, privacy=True, target=mac),
        )[: 3 if number % 100 == 0 else 2]:
            gathered.take(air.radiotap(-50, 2437) + frame)
    real = _captured_clients() if air.CAPTURES.is_dir() else set()
    for one in air.captured() if real else ():
        gathered.take(one)

    found = tables(Settings("mon0", ["District"], [AP]), gathered.beacons(), {}, "monitor", 5.0, (1.0, 1.0))
    left = "".join(wire.encode(table).decode() for table in found.values()) + caplog.text + repr(gathered.beacons())

    assert AP in left
    assert len(real) > 5 or not air.CAPTURES.is_dir()
    assert [shape for mac in [*clients, *sorted(real)] for shape in _shapes(mac) if shape in left.lower()] == []
    assert "Phone of" not in left
    assert "payload" not in left


def test_the_kernel_drops_all_but_beacons_and_probe_responses_before_this_process_sees_them() -> None:
    """The filter's own bytes on a pair of sockets, with every first byte that a frame can have."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with ours, theirs:
        dot11.attach(ours)
        ours.setblocking(False)
        passed = set()
        for header in (air.radiotap(-50, 2437), air.radiotap(None, 5180, flags=0x10)):
            for kind in range(256):
                theirs.send(header + air.frame(kind, AP, SAID))
                try:
                    passed.add(ours.recv(4096)[len(header)])
                except BlockingIOError:
                    continue

    # The two lowest bits are the version of the protocol, which the reading refuses.
    assert passed == {kind | version for kind in (air.BEACON, air.PROBE_RESPONSE) for version in range(4)}
