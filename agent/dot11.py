"""Beacons in monitor mode: a monitor interface goes in, the BSSs heard on its channels come out.

What schools must never hold is dropped in the kernel: the filter lets beacons and probe responses pass and nothing
else, and stands before the first frame can. scapy reads the radiotap header (loaded by layer, only here), the elements
are read as those of a scan are, so that both agree. Of an answer to somebody's probe, its addressee is never read.
"""

from __future__ import annotations

import ctypes
import select
import socket
import struct
import time
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from agent import elements, nl80211
from agent.elements import Beacon, band_of, frequency_of
from agent.probes.base import CouldNotRun, Deadline
from agent.radio import Interface

_ETH_P_ALL, _SO_ATTACH_FILTER = 0x0003, 26
_ARPHRD_RADIOTAP = "803"
_BEACON, _PROBE_RESPONSE = 0x80, 0x50
_HEADER, _FIXED = 24, 12  # bytes of a management frame before its body, and of that before the elements
_FCS_AT_END, _FCS_BAD = 0x10, 0x40
# Two beacons at the usual interval of 102.4 ms, and a bit; a channel is left sooner where many must fit.
_DWELL_SECONDS, _SHORTEST_SECONDS = 0.25, 0.11
# A flood of made-up beacons fills no memory.
_MAX_BSS, _MAX_SIGNALS = 2000, 64

# "type mgt subtype beacon or type mgt subtype probe-resp" behind a radiotap header, as (code, true, false, value):
# the header's length to X, then the first byte of the frame without its version.
_FILTER = (
    (0x30, 0, 0, 3), (0x64, 0, 0, 8), (0x07, 0, 0, 0), (0x30, 0, 0, 2), (0x4C, 0, 0, 0), (0x07, 0, 0, 0),
    (0x50, 0, 0, 0), (0x54, 0, 0, 0xFC), (0x15, 1, 0, _BEACON), (0x15, 0, 1, _PROBE_RESPONSE),
    (0x06, 0, 0, 0xFFFF), (0x06, 0, 0, 0),
)  # fmt: skip


class _Header(NamedTuple):
    flags: int
    frequency_hertz: int
    signal_dbm: float | None


class Listened(NamedTuple):
    """What was heard, and on which frequencies it was listened."""

    beacons: list[Beacon]
    frequencies_hertz: list[int]


def listen(radio: Interface, frequencies: Sequence[int], deadline: Deadline) -> Listened:
    """Visits each frequency for a few beacon intervals. A radio that is bound to its channel (a station interface of
    the same radio is associated) listens there. Raises CouldNotRun."""
    gathered = Gathered()
    looked: list[int] = []
    with _socket(radio.name) as sock:
        dwell = min(_DWELL_SECONDS, (deadline.remaining() - 0.5) / max(len(frequencies), 1))
        if dwell < _SHORTEST_SECONDS:
            raise CouldNotRun(
                f"monitor: {len(frequencies)} channels do not fit into the deadline", "name fewer frequencies"
            )
        for hertz in frequencies:
            if nl80211.tune(radio, hertz, deadline):
                looked.append(hertz)
                _hear(sock, radio.name, gathered, dwell)
            elif radio.frequency_hertz not in looked:
                looked += [radio.frequency_hertz] if radio.frequency_hertz else []
                _hear(sock, radio.name, gathered, 2 * dwell)
    return Listened(gathered.beacons(), looked)


class Gathered:
    """The BSSs heard so far; of each the last word, and the signals of its frames."""

    def __init__(self) -> None:
        self._last: dict[tuple[str, int], Beacon] = {}
        self._signals: dict[tuple[str, int], list[float]] = {}

    def take(self, packet: bytes) -> None:
        """One frame with its radiotap header; all but beacons and probe responses leave no trace."""
        heard = beacon(packet)
        if heard is None:
            return
        key = (heard.bssid, heard.frequency_hertz)
        if key not in self._last and len(self._last) >= _MAX_BSS:
            return
        self._last[key] = heard
        signals = self._signals.setdefault(key, [])
        if heard.signal_dbm is not None and len(signals) < _MAX_SIGNALS:
            signals.append(heard.signal_dbm)

    def beacons(self) -> list[Beacon]:
        """Each BSS once, its signal the median over its frames."""
        return [
            last._replace(signal_dbm=float(median(self._signals[key])) if self._signals[key] else None)
            for key, last in self._last.items()
        ]


def beacon(packet: bytes) -> Beacon | None:
    """The BSS of one beacon or probe response behind its radiotap header; None for every other frame."""
    if len(packet) < 8:
        return None
    start = int.from_bytes(packet[2:4], "little")
    frame = packet[start:]
    if start < 8 or len(frame) < _HEADER + _FIXED or frame[0] not in (_BEACON, _PROBE_RESPONSE) or frame[16] & 1:
        return None
    header = _header(packet[:start])
    band = band_of(header.frequency_hertz) if header else None
    if header is None or band is None or header.flags & _FCS_BAD:
        return None
    body = frame[_HEADER + _FIXED : -4 if header.flags & _FCS_AT_END else None]
    said = elements.parse(body, privacy=bool(frame[34] & 0x10), band=band)
    # A neighbouring channel is heard too: where a BSS stands, it says itself.
    hertz = frequency_of(said.channel, band) if said.channel is not None else None
    return Beacon(frame[16:22].hex(":"), hertz or header.frequency_hertz, header.signal_dbm, said)


def _header(data: bytes) -> _Header | None:
    """What the radio says of the frame; None where that cannot be read."""
    layer = _radiotap()
    try:
        told = layer(data)
        flags, mhz, signal = int(told.Flags or 0), told.ChannelFrequency or 0, told.dBm_AntSignal
    except (struct.error, AttributeError, IndexError, KeyError, TypeError, ValueError):
        # A driver's malformed header: scapy reads past its end. The frame is left out.
        return None
    return _Header(flags, mhz * 1_000_000, float(signal) if signal is not None and signal < 0 else None)


@cache
def _radiotap() -> Any:
    try:
        from scapy.layers.dot11 import RadioTap  # noqa: PLC0415 - only a device in monitor mode pays for it
    except ImportError:
        raise CouldNotRun("scapy is not installed", "pip install 'campus-wifi[agent]'") from None
    return RadioTap


def _socket(name: str) -> socket.socket:
    """A socket that has its filter before it is bound, so that no other frame ever reaches this process."""
    _radiotap()
    try:
        kind = Path("/sys/class/net", name, "type").read_text().strip()
        sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    except PermissionError:
        raise CouldNotRun("monitor: no permission to listen", "give the agent CAP_NET_RAW") from None
    except OSError as fault:
        raise CouldNotRun(f"monitor: {name}: {fault.strerror}", "see `iw dev` for the names there are") from None
    try:
        if kind != _ARPHRD_RADIOTAP:
            raise CouldNotRun(f"monitor: {name} gives no radiotap header", f"`iw dev {name} set type monitor`")
        attach(sock)
        sock.bind((name, _ETH_P_ALL))
    except OSError as fault:
        sock.close()
        raise CouldNotRun(f"monitor: {name}: {fault.strerror}", f"`ip link set {name} up`") from None
    except CouldNotRun:
        sock.close()
        raise
    return sock


def attach(sock: socket.socket) -> None:
    """The kernel's filter: beacons and probe responses behind a radiotap header."""
    program = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *step) for step in _FILTER))
    sock.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, struct.pack("@HP", len(_FILTER), ctypes.addressof(program)))


def _hear(sock: socket.socket, name: str, gathered: Gathered, seconds: float) -> None:
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        if not select.select([sock], [], [], left)[0]:
            return
        try:
            gathered.take(sock.recv(4096))
        except OSError as fault:
            raise CouldNotRun(f"monitor: {name}: {fault.strerror}", f"`ip link set {name} up`") from None
