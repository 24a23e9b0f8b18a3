"""One question to a time server (SNTP, RFC 4330), and which servers this device is configured with."""

from __future__ import annotations

import re
import socket
import struct
import time
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

# Seconds from 1900, where NTP begins to count, to 1970.
_EPOCH = 2_208_988_800
_CLIENT_VERSION_4 = 0x23
_SERVER = 4
_FILES = (
    "/etc/systemd/timesyncd.conf", "/etc/systemd/timesyncd.conf.d/*.conf", "/etc/chrony/chrony.conf",
    "/etc/chrony/sources.d/*.sources", "/etc/chrony.conf", "/etc/ntpsec/ntp.conf", "/etc/ntp.conf",
)  # fmt: skip


class Told(NamedTuple):
    """``offset_seconds``: how far this device's clock is behind the server's."""

    offset_seconds: float
    round_trip_seconds: float
    stratum: int


def servers(root: Path = Path("/")) -> list[str]:
    """The servers in the files of timesyncd, chrony and ntpd, in that order."""
    texts = [path.read_text(errors="replace") for name in _FILES for path in sorted(root.glob(name.lstrip("/")))]
    return list(dict.fromkeys(_named(texts)))


def _named(texts: Iterable[str]) -> Iterable[str]:
    for text in texts:
        for line in text.splitlines():
            if found := re.match(r"\s*NTP=(.*)", line):
                yield from found[1].split()
            elif found := re.match(r"\s*(?:server|pool|peer)\s+(\S+)", line):
                yield found[1]


def ask(host: str, seconds: float = 3.0, port: int = 123) -> Told:
    """Asks once. Raises OSError (TimeoutError too) where no usable answer comes within ``seconds``."""
    # Whatever number is sent comes back in the answer's originate field: nobody else can have known it.
    token = struct.pack("!Q", time.time_ns())
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0]
    with socket.socket(family, kind, protocol) as sock:
        sock.connect(address)
        sent_at, began = time.time(), time.monotonic()
        sock.send(bytes([_CLIENT_VERSION_4]) + bytes(39) + token)
        while (left := began + seconds - time.monotonic()) > 0:
            sock.settimeout(left)
            data = sock.recv(512)
            round_trip = time.monotonic() - began
            if len(data) >= 48 and data[0] & 7 == _SERVER and data[24:32] == token:
                return _told(data, sent_at, round_trip)
    raise TimeoutError(f"no answer within {seconds:g} s")


def _told(data: bytes, sent_at: float, round_trip: float) -> Told:
    stratum = data[1]
    if stratum == 0 or data[0] >> 6 == 3:
        raise OSError(f"it answers that it has no time itself ({data[12:16].decode('ascii', 'replace')})")
    received, transmitted = (_unix(data[at : at + 8]) for at in (32, 40))
    middle = sent_at + round_trip / 2
    return Told((received + transmitted) / 2 - middle, round_trip, stratum)


def _unix(stamp: bytes) -> float:
    whole, fraction = struct.unpack("!II", stamp)
    # The counter's 32 bits end in February 2036: small numbers are of the next era.
    return float(whole + (1 << 32 if whole < 1 << 31 else 0) - _EPOCH + fraction / 2**32)
