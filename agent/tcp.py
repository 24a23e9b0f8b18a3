"""TCP handshakes as a way to ask, where ICMP is filtered: the kernel's own figure for the round trip (TCP_INFO)."""

from __future__ import annotations

import errno
import os
import select
import socket
import struct
import threading
import time
from collections.abc import Iterator, Sequence
from typing import NamedTuple

_TCP_INFO_RTT = 68  # tcpi_rtt: after eight bytes of flags, the sixteenth 32-bit field; microseconds
_TOTAL_RETRANS = 100
_AT_ONCE = 50


class Handshake(NamedTuple):
    """One try. ``outcome``: ok, refused, unreachable, timeout or send; ``seconds`` is None unless it is ok."""

    outcome: str
    reason: str
    seconds: float | None
    kernel: bool


def handshakes(targets: Sequence[tuple[str, int]], timeout_seconds: float, interface: str = "") -> list[Handshake]:
    """One handshake with each (address, port), 50 under way at a time."""
    found: list[Handshake] = [Handshake("timeout", "no answer", None, False)] * len(targets)
    waiting = iter(enumerate(targets))
    epoll = select.epoll()
    open_sockets: dict[int, tuple[int, socket.socket, float]] = {}
    try:
        more = True
        while more or open_sockets:
            while more and len(open_sockets) < _AT_ONCE:
                following = next(waiting, None)
                if following is None:
                    more = False
                    break
                index, target = following
                began = time.monotonic()
                started = _start(target, interface)
                if isinstance(started, Handshake):
                    found[index] = started
                    continue
                epoll.register(started, select.EPOLLOUT)
                open_sockets[started.fileno()] = (index, started, began)
            if not open_sockets:
                continue
            oldest = min(began for _, _, began in open_sockets.values())
            for descriptor, _ in epoll.poll(max(oldest + timeout_seconds - time.monotonic(), 0.0)):
                index, sock, began = open_sockets.pop(descriptor)
                found[index] = _finish(sock, time.monotonic() - began)
                sock.close()
            now = time.monotonic()
            for descriptor in [d for d, (_, _, began) in open_sockets.items() if now - began >= timeout_seconds]:
                open_sockets.pop(descriptor)[1].close()
    finally:
        for _, sock, _ in open_sockets.values():
            sock.close()
        epoll.close()
    return found


def repeated(
    target: tuple[str, int], every_seconds: float, stop: threading.Event, timeout_seconds: float = 2.0
) -> Iterator[tuple[float, Handshake]]:
    """A handshake with one server every so often until told to stop, each on its own: (monotonic begin, handshake).
    What is under way when told to stop is let go."""
    epoll = select.epoll()
    open_sockets: dict[int, tuple[socket.socket, float]] = {}
    due = time.monotonic()
    try:
        while not stop.is_set():
            now = time.monotonic()
            if now >= due:
                due = max(due + every_seconds, now)
                started = _start(target, "")
                if isinstance(started, Handshake):
                    yield now, started
                else:
                    epoll.register(started, select.EPOLLOUT)
                    open_sockets[started.fileno()] = (started, now)
            for descriptor, _ in epoll.poll(max(due - time.monotonic(), 0.0)):
                sock, began = open_sockets.pop(descriptor)
                found = _finish(sock, time.monotonic() - began)
                sock.close()
                yield began, found
            now = time.monotonic()
            for descriptor in [d for d, (_, began) in open_sockets.items() if now - began >= timeout_seconds]:
                open_sockets.pop(descriptor)[0].close()
    finally:
        for sock, _ in open_sockets.values():
            sock.close()
        epoll.close()


def _start(target: tuple[str, int], interface: str) -> socket.socket | Handshake:
    family = socket.AF_INET6 if ":" in target[0] else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    try:
        # A reset when done: a thousand handshakes a minute must not leave a thousand sockets in TIME_WAIT.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        if interface:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, interface.encode())
        number = sock.connect_ex(target)
    except OSError as fault:
        number = fault.errno or errno.EIO
    if number in (0, errno.EINPROGRESS):
        return sock
    sock.close()
    return _failed(number, send=True)


def _finish(sock: socket.socket, took: float) -> Handshake:
    number = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    if number:
        return _failed(number)
    info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104)
    rtt: int = struct.unpack_from("@I", info, _TCP_INFO_RTT)[0]
    resent: int = struct.unpack_from("@I", info, _TOTAL_RETRANS)[0] if len(info) >= 104 else 0
    if rtt and not resent:
        return Handshake("ok", "", rtt / 1e6, True)
    # After a repeated SYN the kernel has no sample it may trust; then our own clock says how long it took.
    return Handshake("ok", "", took, False)


def _failed(number: int, *, send: bool = False) -> Handshake:
    reason = os.strerror(number)
    if number == errno.ECONNREFUSED:
        return Handshake("refused", "the port is closed; the address itself answers", None, False)
    if number == errno.ETIMEDOUT:
        return Handshake("timeout", reason, None, False)
    if send:
        return Handshake("send", reason, None, False)
    if number in (errno.EHOSTUNREACH, errno.ENETUNREACH):
        return Handshake("unreachable", reason, None, False)
    return Handshake("connect", reason, None, False)
