"""Ten thousand made-up clients on the air: who they are, what they send, and a count of those that a radio heard.

    python -m tests.lab.crowd send INTERFACE SEED BSSID CHANNEL   (in the guest; both until they are ended, INTERFACE
    python -m tests.lab.crowd hear INTERFACE SEED                  in monitor mode)

``send`` writes how many rounds it has done, ``hear`` how many different clients it has heard.

The same seed gives the same clients, so that whoever searches for their traces need not be told them.
"""

import random
import socket
import struct
import sys
import time
from collections.abc import Iterator
from typing import NamedTuple

CLIENTS = 10_000
# The first of them are hotspots too: a name and an address that a beacon carries, as an access point's does.
HOTSPOTS = 40
_ETH_P_ALL = 3
_RADIOTAP = struct.pack("<BBHI", 0, 0, 8, 0)
_EVERYBODY = b"\xff" * 6
_RATES = bytes([1, 8, 0x8C, 0x12, 0x98, 0x24, 0xB0, 0x48, 0x60, 0x6C])
_NAMES = ("Mariposa Quill", "Oskar Fernandez", "Thuy-Linh Abara", "Jadwiga Okonkwo", "Svetlana Yazzie", "Tavita Ruiz")
# The medium is one processor: it must also carry everybody else.
_BURST, _PAUSE_SECONDS = 40, 0.02


class Client(NamedTuple):
    mac: bytes
    ssid: str
    word: str
    hostname: str


def clients(seed: int) -> list[Client]:
    chance = random.Random(seed)
    found = []
    for _ in range(CLIENTS):
        mac = bytes([chance.randrange(4, 256) & 0xFE, *chance.randbytes(5)])
        name, mark = chance.choice(_NAMES), chance.randbytes(4).hex()
        first, last = name.split()
        found.append(Client(mac, f"{name} {mark}", f"diary-of-{last}-{mark}", f"{first}s-laptop-{mark}"))
    return found


def frames(one: Client, bssid: bytes) -> list[bytes]:
    """What a client says: whom it looks for, that it wants to join, and an unencrypted DHCP request with its name."""
    own = _element(0, one.ssid.encode())
    probe = _header(0x40, 0, _EVERYBODY, one.mac, _EVERYBODY) + own + _RATES
    associate = _header(0x00, 0, bssid, one.mac, bssid) + struct.pack("<HH", 0x0401, 5) + own + _RATES
    data = _header(0x08, 0x01, bssid, one.mac, _EVERYBODY) + b"\xaa\xaa\x03\0\0\0\x08\0" + _datagram(one)
    return [probe, associate, data]


def beacon(one: Client, channel: int) -> bytes:
    """A client that is a hotspot."""
    fixed = struct.pack("<QHH", 1, 100, 0x0401)
    return (
        _header(0x80, 0, _EVERYBODY, one.mac, one.mac)
        + fixed
        + _element(0, one.ssid.encode())
        + _RATES
        + _element(3, bytes([channel]))
    )


def _header(kind: int, flags: int, to: bytes, by: bytes, third: bytes) -> bytes:
    return bytes([kind, flags, 0, 0]) + to + by + third + b"\0\0"


def _element(number: int, body: bytes) -> bytes:
    return bytes([number, len(body)]) + body


def _datagram(one: Client) -> bytes:
    """DHCPREQUEST (RFC 2131) with the host's name and, as its user class, a word of somebody's."""
    options = b"\x63\x82\x53\x63" + bytes([53, 1, 3]) + _element(12, one.hostname.encode())
    options += _element(77, one.word.encode()) + b"\xff"
    message = struct.pack(">BBBBIHH16x", 1, 1, 6, 0, 7, 0, 0) + one.mac.ljust(16, b"\0") + bytes(192) + options
    udp = struct.pack(">HHHH", 68, 67, 8 + len(message), 0) + message
    return struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 1, 0, 64, 17, 0, bytes(4), b"\xff" * 4) + udp


def send(interface: str, seed: int, bssid: bytes, channel: int) -> Iterator[int]:
    """Sends what everybody says, over and over; the number of each round that is done."""
    everybody = clients(seed)
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, _ETH_P_ALL) as sock:
        sock.bind((interface, _ETH_P_ALL))
        done = 0
        while True:
            for start in range(0, CLIENTS, _BURST):
                for one in everybody[start : start + _BURST]:
                    for frame in frames(one, bssid):
                        sock.send(_RADIOTAP + frame)
                # Hotspots are heard as often as any access point's beacon is.
                for one in everybody[: HOTSPOTS if start % (10 * _BURST) == 0 else 0]:
                    sock.send(_RADIOTAP + beacon(one, channel))
                time.sleep(_PAUSE_SECONDS)
            done += 1
            yield done


def hear(interface: str, seed: int) -> Iterator[int]:
    """How many different clients the radio of this interface has heard until now, whenever that has grown."""
    wanted = {one.mac for one in clients(seed)}
    heard: set[bytes] = set()
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ETH_P_ALL)) as sock:
        sock.bind((interface, _ETH_P_ALL))
        while True:
            packet = sock.recv(4096)
            start = int.from_bytes(packet[2:4], "little")
            by = packet[start + 10 : start + 16]
            if by in wanted and by not in heard:
                heard.add(by)
                yield len(heard)


if __name__ == "__main__":
    _, what, on, seed_text, *rest = sys.argv
    seed_given = int(seed_text)
    for count in send(on, seed_given, bytes.fromhex(rest[0]), int(rest[1])) if what == "send" else hear(on, seed_given):
        print(count, flush=True)
