"""Kernel timestamps: asking a socket for them, and reading them from control messages.

The kernel stamps a packet when the driver takes it and when it comes in, so the figures do not depend on when Python
gets to run. Both stamps are CLOCK_REALTIME nanoseconds. A transmit stamp comes back over the socket's error queue with
a number (OPT_ID) that counts the socket's sends, and without the packet (OPT_TSONLY).
"""

from __future__ import annotations

import socket
import struct
import time
from typing import NamedTuple

SO_TIMESTAMPING = 37
_TX_SOFTWARE, _RX_SOFTWARE, _SOFTWARE, _OPT_ID, _OPT_TSONLY = 1 << 1, 1 << 3, 1 << 4, 1 << 7, 1 << 11
_BOTH = _TX_SOFTWARE | _RX_SOFTWARE | _SOFTWARE | _OPT_TSONLY

IP_RECVERR = 11
ORIGIN_ICMP = 2
ORIGIN_TIMESTAMPING = 4

# Native sizes, so that the layout is right on 32-bit boards too: cmsghdr, then three timespecs (the first is software).
_HEADER = struct.Struct("@Lii")
RECEIVED = struct.Struct("@Lii6l")
# ... followed by a cmsghdr with sock_extended_err (errno, origin, type, code, pad, info, data) and an address.
TRANSMITTED = struct.Struct("@Lii6lLiiI4BII16x")
_ERROR = struct.Struct("@I4BII")
_STAMP_SIZE = struct.calcsize("@ll")


class Control(NamedTuple):
    """What one message's control data says. ``ns`` 0: no stamp. ``origin`` 0: not from the error queue."""

    ns: int
    origin: int = 0
    errno: int = 0
    icmp_type: int = 0
    icmp_code: int = 0
    key: int = 0


def stamp_at_stride(stride: int) -> struct.Struct:
    """Reads (seconds, nanoseconds) of the receive stamp alone, for control data of ``stride`` bytes each."""
    return struct.Struct(f"@{_HEADER.size}xll{stride - _HEADER.size - _STAMP_SIZE}x")


def stamp_origin_key_at_stride(stride: int) -> struct.Struct:
    """Reads (seconds, nanoseconds, origin, key) of a transmit stamp alone."""
    before = RECEIVED.size - _HEADER.size - _STAMP_SIZE + _HEADER.size + struct.calcsize("@I")
    used = RECEIVED.size + _HEADER.size + _ERROR.size
    return struct.Struct(f"@{_HEADER.size}xll{before}xB7xI{stride - used}x")


def enable(sock: socket.socket) -> bool:
    """Asks for transmit and receive stamps and starts the send numbers at 0; False where the kernel cannot."""
    try:
        sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPING, _BOTH)
        sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPING, _BOTH | _OPT_ID)
    except OSError:
        return False
    return True


def settle(seconds: float = 0.02) -> bool:
    """Waits until receive stamps are really on. The kernel switches them on for the whole machine a moment after the
    first socket asks, so a sweep that began at once would get its first answers without; a datagram to ourselves
    shows when it is done. False where it does not come to that in time."""
    until = time.monotonic() + seconds
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        try:
            sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPING, _RX_SOFTWARE | _SOFTWARE)
            sock.bind(("127.0.0.1", 0))
            sock.settimeout(0.005)
            while time.monotonic() < until:
                sock.sendto(b"stamped?", sock.getsockname())
                if sock.recvmsg(16, 128)[1]:
                    return True
                time.sleep(0.0005)
        except OSError:
            return False
    return False


def parse(control: bytes) -> Control:
    """Any control data, message by message: the slow and general way."""
    ns, origin, fault, kind, code, key = 0, 0, 0, 0, 0, 0
    at = 0
    while at + _HEADER.size <= len(control):
        length, level, name = _HEADER.unpack_from(control, at)
        if length < _HEADER.size:
            break
        body = at + _HEADER.size
        if (level, name) == (socket.SOL_SOCKET, SO_TIMESTAMPING) and length >= RECEIVED.size:
            _, _, _, seconds, nanoseconds, *_ = RECEIVED.unpack_from(control, at)
            ns = seconds * 1_000_000_000 + nanoseconds
        elif (level, name) == (socket.SOL_IP, IP_RECVERR) and length >= _HEADER.size + _ERROR.size:
            fault, origin, kind, code, _, _, key = _ERROR.unpack_from(control, body)
        word = struct.calcsize("@L")
        at += (length + word - 1) // word * word
    return Control(ns, origin, fault, kind, code, key)
