"""One question to many addresses: an echo request each, all of them within a second or two; who answered comes back.

ICMP through a datagram socket where the kernel allows it, through a raw one where this process may, else a TCP
connection, for which a refusal is an answer too. Whoever answers is there: how fast is not asked here.
"""

from __future__ import annotations

import contextlib
import errno
import ipaddress
import secrets
import selectors
import socket
import struct
import time
from collections.abc import Iterator, Sequence
from typing import Literal

Way = Literal["icmp", "icmp raw", "tcp"]
TCP_PORT = 443
_REQUEST = {socket.AF_INET: 8, socket.AF_INET6: 128}
_REPLY = {socket.AF_INET: 0, socket.AF_INET6: 129}
_PROTOCOL = {socket.AF_INET: socket.IPPROTO_ICMP, socket.AF_INET6: socket.IPPROTO_ICMPV6}
_HEADER = struct.Struct("!BBHHH")
_ANSWERED = {0, errno.ECONNREFUSED}
_CONNECTIONS_AT_ONCE = 200


def way(family: socket.AddressFamily) -> Way:
    """How this process can ask addresses of a family."""
    for kind, name in ((socket.SOCK_DGRAM, "icmp"), (socket.SOCK_RAW, "icmp raw")):
        with contextlib.suppress(OSError):
            socket.socket(family, kind, _PROTOCOL[family]).close()
            return name  # type: ignore[return-value]
    return "tcp"


def answered(addresses: Sequence[str], timeout_seconds: float, forced: Way | None = None) -> set[str]:
    """Those of the addresses that answered within the time. An address that this machine has no way to stays silent."""
    found: set[str] = set()
    for family in (socket.AF_INET, socket.AF_INET6):
        mine = [one for one in dict.fromkeys(addresses) if _family(one) == family]
        if not mine:
            continue
        by = forced or way(family)
        if by == "tcp":
            found |= _connected(family, mine, timeout_seconds)
        else:
            found |= _echoed(family, mine, timeout_seconds, raw=by == "icmp raw")
    return found


def _family(address: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ipaddress.ip_address(address).version == 6 else socket.AF_INET


def _echoed(family: socket.AddressFamily, addresses: list[str], timeout_seconds: float, *, raw: bool) -> set[str]:
    token = secrets.token_bytes(16)  # only who saw our request can send it back
    number = secrets.randbelow(0x10000)
    waiting = {(sequence, address) for sequence, address in enumerate(addresses)}
    found: set[str] = set()
    with socket.socket(family, socket.SOCK_RAW if raw else socket.SOCK_DGRAM, _PROTOCOL[family]) as asker:
        asker.setblocking(False)
        with contextlib.suppress(OSError):
            asker.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        ends_at = time.monotonic() + timeout_seconds
        for sequence, address in sorted(waiting):
            # No way there, or a full queue: it does not answer this time.
            with contextlib.suppress(OSError):
                asker.sendto(_request(family, number, sequence & 0xFFFF, token), (address, 0))
            found.update(_replies(asker, family, token, waiting, raw=raw))
        with selectors.DefaultSelector() as selector:
            selector.register(asker, selectors.EVENT_READ)
            while len(found) < len(addresses) and (left := ends_at - time.monotonic()) > 0:
                if selector.select(left):
                    found.update(_replies(asker, family, token, waiting, raw=raw))
    return found


def _replies(
    asker: socket.socket, family: socket.AddressFamily, token: bytes, waiting: set[tuple[int, str]], *, raw: bool
) -> Iterator[str]:
    """What has come in: the address of each answer to our own request."""
    while True:
        try:
            data, sender = asker.recvfrom(2048)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            continue  # an unreachable that came back for one of them
        if raw and family == socket.AF_INET:
            data = data[(data[0] & 15) * 4 :]
        if len(data) < _HEADER.size + len(token):
            continue
        kind, _, _, _, sequence = _HEADER.unpack_from(data)
        address = str(ipaddress.ip_address(sender[0].partition("%")[0]))
        mine = any((at, address) in waiting for at in (sequence, sequence + 0x10000))
        if kind == _REPLY[family] and data[_HEADER.size :] == token and mine:
            yield address


def _request(family: socket.AddressFamily, number: int, sequence: int, token: bytes) -> bytes:
    """The kernel writes the checksum of ICMPv6, and of datagram sockets, itself."""
    blank = _HEADER.pack(_REQUEST[family], 0, 0, number, sequence) + token
    if family == socket.AF_INET6:
        return blank
    total = sum(struct.unpack(f"!{len(blank) // 2}H", blank))
    total = (total & 0xFFFF) + (total >> 16)
    checksum = ~((total & 0xFFFF) + (total >> 16)) & 0xFFFF
    return _HEADER.pack(_REQUEST[family], 0, checksum, number, sequence) + token


def _connected(family: socket.AddressFamily, addresses: list[str], timeout_seconds: float) -> set[str]:
    found: set[str] = set()
    for begin in range(0, len(addresses), _CONNECTIONS_AT_ONCE):
        found |= _connect(family, addresses[begin : begin + _CONNECTIONS_AT_ONCE], timeout_seconds)
    return found


def _connect(family: socket.AddressFamily, addresses: list[str], timeout_seconds: float) -> set[str]:
    found: set[str] = set()
    with contextlib.ExitStack() as ending, selectors.DefaultSelector() as selector:
        for address in addresses:
            made = ending.enter_context(socket.socket(family, socket.SOCK_STREAM))
            made.setblocking(False)
            code = made.connect_ex((address, TCP_PORT))
            if code in _ANSWERED:
                found.add(address)
            elif code == errno.EINPROGRESS:
                selector.register(made, selectors.EVENT_WRITE, address)
        ends_at = time.monotonic() + timeout_seconds
        while selector.get_map() and (left := ends_at - time.monotonic()) > 0:
            for key, _ in selector.select(left):
                selector.unregister(key.fileobj)
                if key.fileobj.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) in _ANSWERED:  # type: ignore[union-attr]
                    found.add(key.data)
    return found
