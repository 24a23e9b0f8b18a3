"""ICMP echo to up to a thousand access points over one socket, timed by the kernel.

Addresses go in, for each of them what came back goes out. Probes leave in bursts to *different* access points, one
wake-up a burst: because the kernel stamps each packet, neither the burst nor a busy interpreter shows in the figures.
A probe whose transmit stamp is missing is timed from before its burst was sent, and marked.
"""

from __future__ import annotations

import errno
import os
import select
import socket
import struct
import time
from collections.abc import Sequence
from typing import NamedTuple

from agent import timestamps
from agent.checksum import checksum
from agent.mmsg import MSG_ERRQUEUE, Inbox, Outbox
from agent.probes.base import CouldNotRun, Deadline
from agent.timestamps import ORIGIN_ICMP, ORIGIN_TIMESTAMPING

MAX_TARGETS = 1000
PAYLOAD = 56  # as ping and fping
_SIZE = 8 + PAYLOAD
_STRIDE, _CONTROL, _BATCH = 128, 128, 64
_ECHO_REPLY, _UNREACHABLE, _ECHO, _TIME_EXCEEDED = 0, 3, 8, 11
# IPv4 header without options, then ICMP: version, source, type, code, id, seq, cookie, number.
_LAYOUT = struct.Struct(">B11x4s4xBB2xHH8sI").format + f"{_STRIDE - 40}x"
_PACKET = struct.Struct(_LAYOUT)
_INNER = struct.Struct(">B11x4x4s8x")
_NUMBER = struct.Struct(">8sII")
_UNREACHABLE_WHY = {
    0: "network unreachable", 1: "host unreachable", 2: "protocol unreachable", 3: "port unreachable",
    9: "network prohibited", 10: "host prohibited", 13: "filtered",
}  # fmt: skip


class Answer(NamedTuple):
    """What asking one address gave. ``failure``: the reason of the last send that failed or of an ICMP error.
    ``kernel``: every time is between two kernel stamps."""

    sent: int
    received: int
    rtts: list[float]
    kernel: bool
    failed_sends: int
    failure: str
    unreachable: bool
    last_at: float


class Sweep:
    """One sweep's socket, packets and results. Use :func:`sweep`."""

    def __init__(self, addresses: Sequence[str], count: int, interface: str) -> None:
        self.n, self.count = len(addresses), count
        self._packed = [socket.inet_aton(address) for address in addresses]
        self._index = {packed: index for index, packed in enumerate(self._packed)}
        total = self.n * count
        self.tx = [0] * total
        self.rx = [0] * total
        self.user = [0] * total
        self.errors: dict[int, int] = {}
        self.icmp_errors: dict[int, tuple[int, int]] = {}
        self.answered = 0
        self._sent: list[int] = []
        self._epoch = 0
        self._cookie = os.urandom(8)
        self._socket, self.raw = _open(interface)
        self._fd = self._socket.fileno()
        self.stamped = timestamps.enable(self._socket)
        if self.stamped:
            timestamps.settle()
        self._prepare()
        self._expected = 20 + _SIZE if self.raw else _SIZE
        skip, name_at = (0, None) if self.raw else (20, 8)
        self._inbox = Inbox(_BATCH, _STRIDE, _CONTROL, skip, name_at)
        self._errbox = Inbox(_BATCH, _STRIDE, _CONTROL, skip, name_at)
        if not self.raw:
            self._inbox.data[0::_STRIDE] = b"\x45" * _BATCH
        self._received = timestamps.stamp_at_stride(_CONTROL)
        self._transmitted = timestamps.stamp_origin_key_at_stride(_CONTROL)

    def close(self) -> None:
        self._socket.close()

    def _prepare(self) -> None:
        """Every packet once. Beside its number stands the complement, so all packets of a round share one checksum,
        and a round is prepared by writing two columns."""
        self._outbox = Outbox(self.n, _SIZE)
        ident = int.from_bytes(os.urandom(2), "big")
        for index, packed in enumerate(self._packed):
            at = index * _SIZE
            struct.pack_into(">BBHHH", self._outbox.packets, at, _ECHO, 0, 0, ident, 0)
            _NUMBER.pack_into(self._outbox.packets, at + 8, self._cookie, index, index ^ 0xFFFFFFFF)
            struct.pack_into("=H2x4s8x", self._outbox.names, index * 16, socket.AF_INET, packed)
        self._ident = ident

    def round(self, number: int) -> None:
        """Makes every packet carry round ``number``."""
        packets = self._outbox.packets
        for column, value in ((6, number >> 8), (7, number & 255), (2, 0), (3, 0)):
            packets[column::_SIZE] = bytes([value]) * self.n
        summed = checksum(bytes(packets[:_SIZE]))
        packets[2::_SIZE] = bytes([summed >> 8]) * self.n
        packets[3::_SIZE] = bytes([summed & 255]) * self.n

    def send(self, number: int, first: int, count: int) -> None:
        """One burst of round ``number``. A send that fails is an outcome of its target alone."""
        base, end, tries = number * self.n, first + count, 0
        while first < end:
            now = time.clock_gettime_ns(time.CLOCK_REALTIME)
            try:
                sent = self._outbox.send(self._fd, first, end - first)
            except OSError as fault:
                # Whether a failed send counted for the kernel's numbers depends on where it failed: start them anew.
                self.drain()
                self._epoch = len(self._sent)
                timestamps.enable(self._socket)
                tries += 1
                if fault.errno in (errno.ENOBUFS, errno.EAGAIN) and tries < 4:
                    time.sleep(0.002 * tries)
                elif self.raw or tries > 1:
                    self.errors[base + first] = fault.errno or 0
                    first, tries = first + 1, 0
                # A datagram socket hands an earlier packet's ICMP error to the next send: the second try is its own.
                continue
            self.user[base + first : base + first + sent] = [now] * sent
            self._sent.extend(range(base + first, base + first + sent))
            first, tries = first + sent, 0

    def drain(self) -> None:
        """Reads all stamps and all answers that have come in."""
        if self.stamped or not self.raw:
            while self._read_errors() == _BATCH:
                pass
        while self._read_answers() == _BATCH:
            pass

    def wait(self, seconds: float) -> None:
        """Sleeps until something comes in."""
        poll = select.poll()
        poll.register(self._fd, select.POLLIN)
        poll.poll(max(seconds, 0.0) * 1000)

    def _read_errors(self) -> int:
        box = self._errbox
        got = box.receive(self._fd, MSG_ERRQUEUE)
        if not got:
            return 0
        sent, epoch, tx, user = self._sent, self._epoch, self.tx, self.user
        lengths, full = box.control_lengths(got), timestamps.TRANSMITTED.size
        size = got * _CONTROL
        asked, place = len(sent), -1
        for seconds, nanoseconds, origin, key in self._transmitted.iter_unpack(memoryview(box.control)[:size]):
            place += 1
            if lengths[place] == full and origin == ORIGIN_TIMESTAMPING:
                at = epoch + key
                if at < asked:
                    ns = seconds * 1_000_000_000 + nanoseconds
                    probe = sent[at]
                    if ns >= user[probe]:
                        tx[probe] = ns
            else:
                control = timestamps.parse(bytes(box.control[place * _CONTROL :][: lengths[place]]))
                if control.origin == ORIGIN_ICMP:
                    _, _, _, _, _, seq, cookie, index = _PACKET.unpack_from(box.data, place * _STRIDE)
                    if cookie == self._cookie and index < self.n and seq < self.count:
                        self.icmp_errors[seq * self.n + index] = (control.icmp_type, control.icmp_code)
        return got

    def _read_answers(self) -> int:
        box = self._inbox
        try:
            got = box.receive(self._fd, 0)
        except OSError:
            # A pending ICMP error of a datagram socket; its particulars are in the error queue.
            return 0
        if not got:
            return 0
        rx, n, mine, packed, total = self.rx, self.n, self._cookie, self._packed, self.n * self.count
        lengths, expected = box.lengths(got), self._expected
        controls, full = box.control_lengths(got), timestamps.RECEIVED.size
        stamps = self._received.iter_unpack(memoryview(box.control)[: got * _CONTROL])
        packets = _PACKET.iter_unpack(memoryview(box.data)[: got * _STRIDE])
        answered, place = 0, -1
        for (version, source, kind, code, _, seq, cookie, index), (seconds, nanoseconds) in zip(
            packets, stamps, strict=True
        ):
            place += 1
            if kind == _ECHO_REPLY and cookie == mine and lengths[place] == expected and version == 0x45:
                probe = seq * n + index
                if index < n and probe < total and packed[index] == source and not rx[probe]:
                    answered += 1
                    if controls[place] == full:
                        rx[probe] = seconds * 1_000_000_000 + nanoseconds
                    else:
                        rx[probe] = -time.clock_gettime_ns(time.CLOCK_REALTIME)
            elif kind in (_UNREACHABLE, _TIME_EXCEEDED) and version == 0x45 and self.raw and lengths[place] >= 56:
                self._icmp_error(kind, code, bytes(box.data[place * _STRIDE + 28 :][:28]))
        self.answered += answered
        return got

    def _icmp_error(self, kind: int, code: int, inner: bytes) -> None:
        """An error about one of our packets: the first 28 bytes of it come back inside."""
        version, target = _INNER.unpack_from(inner)
        echo, _, _, ident, seq = struct.unpack_from(">BBHHH", inner, 20)
        index = self._index.get(target)
        if version == 0x45 and echo == _ECHO and ident == self._ident and index is not None and seq < self.count:
            self.icmp_errors[seq * self.n + index] = (kind, code)

    def answer(self, index: int, timeout_ns: int, boot_offset: float) -> Answer:
        """All figures of one address."""
        sent = received = failed = 0
        rtts: list[float] = []
        kernel, last = True, 0
        errors: tuple[int, int] | None = None
        number = 0
        for probe in range(index, self.n * self.count, self.n):
            began = self.user[probe]
            if probe in self.icmp_errors:
                errors = self.icmp_errors[probe]
            if not began:
                if probe in self.errors:
                    failed, number = failed + 1, self.errors[probe]
                continue
            sent += 1
            arrived, left = self.rx[probe], self.tx[probe]
            last = max(last, began + timeout_ns if not arrived else abs(arrived))
            if not arrived:
                continue
            exact = arrived > 0 and left > 0
            took = abs(arrived) - (left if exact and left < arrived else began)
            if took > timeout_ns:
                continue
            received += 1
            # One reading of 0 us was seen: a pair of stamps that cannot be true is no reading, yet still an answer.
            if took > 0 and not (exact and left >= arrived):
                rtts.append(took / 1e9)
                kernel = kernel and exact
        failure, unreachable = "", False
        if errors is not None:
            unreachable = True
            failure = "hops exceeded" if errors[0] == _TIME_EXCEEDED else _UNREACHABLE_WHY.get(errors[1], "unreachable")
        elif failed:
            failure = os.strerror(number)
        return Answer(sent, received, rtts, kernel, failed, failure, unreachable, last / 1e9 + boot_offset)


def sweep(
    addresses: Sequence[str],
    *,
    count: int = 3,
    interval_seconds: float = 1.0,
    timeout_seconds: float = 1.0,
    interface: str = "",
    deadline: Deadline | None = None,
    burst: int = 0,
    kernel_stamps: bool = True,
) -> list[Answer]:
    """Asks each IPv4 address ``count`` times, ``interval_seconds`` apart. Raises CouldNotRun where it is this device
    that failed: no socket, no route at all, an interface that went down on the way."""
    if not addresses:
        return []
    if len(addresses) > MAX_TARGETS and len(set(addresses)) > MAX_TARGETS:
        raise CouldNotRun(f"{len(addresses)} addresses in one sweep", f"give at most {MAX_TARGETS}")
    burst = burst or (10 if len(addresses) <= 500 else 25)
    gap = min(0.010, interval_seconds / max(1, -(-len(addresses) // burst)))
    run = Sweep(addresses, count, interface)
    if not kernel_stamps:
        run.stamped = False
    try:
        _rounds(run, burst, gap, interval_seconds, timeout_seconds, deadline)
        _blame_ourselves(run)
        boot_offset = time.clock_gettime(time.CLOCK_BOOTTIME) - time.time()
        return [run.answer(index, int(timeout_seconds * 1e9), boot_offset) for index in range(run.n)]
    finally:
        run.close()


def _rounds(run: Sweep, burst: int, gap: float, interval: float, timeout: float, deadline: Deadline | None) -> None:
    start = time.monotonic()
    last_send = start
    for number in range(run.count):
        due = start + number * interval
        run.round(number)
        for first in range(0, run.n, burst):
            if deadline is not None and deadline.remaining() <= min(timeout, 0.1):
                break
            pause = due - time.monotonic()
            if pause > 0:
                run.drain()
                time.sleep(max(due - time.monotonic(), 0))
            run.send(number, first, min(burst, run.n - first))
            run.drain()
            due += gap
        last_send = time.monotonic()
    sent = sum(map(bool, run.user))
    while run.answered < sent:
        left = last_send + timeout - time.monotonic()
        if deadline is not None:
            left = min(left, deadline.remaining())
        if left <= 0:
            break
        run.wait(left)
        # Gather what comes close together: one wake-up for a whole burst of answers.
        time.sleep(0.001 if left > 0.01 else 0)
        run.drain()
    run.drain()


def _blame_ourselves(run: Sweep) -> None:
    """Our own interface or firewall failing says nothing about access points."""
    if not run.errors:
        return
    down = {errno.ENETDOWN, errno.ENODEV, errno.ENXIO}
    numbers = set(run.errors.values())
    lost_route = any(
        fault == errno.ENETUNREACH and any(run.user[probe % run.n :: run.n]) for probe, fault in run.errors.items()
    )
    if numbers & down or lost_route:
        raise CouldNotRun("the network interface went down", "check the cable or the radio link of this device")
    if not any(run.user):
        number = numbers.pop()
        hint = {
            errno.ENETUNREACH: "this device has no route to any of the addresses: check `ip route`",
            errno.EPERM: "this device's own firewall refuses ICMP: check `nft list ruleset`",
        }.get(number, "check this device's network with `wifi-agent doctor`")
        raise CouldNotRun(f"nothing could be sent: {os.strerror(number)}", hint)


def _open(interface: str) -> tuple[socket.socket, bool]:
    """A raw socket that takes echo replies and errors only; without the right to one, a ping socket."""
    raw = True
    try:
        sock = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
    except PermissionError:
        raw = False
        try:
            sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_ICMP)
        except OSError:
            raise CouldNotRun(
                "no permission to send ICMP",
                "give the agent CAP_NET_RAW, or set net.ipv4.ping_group_range to include its group",
            ) from None
    try:
        if raw:
            keep = ~(1 << _ECHO_REPLY | 1 << _UNREACHABLE | 1 << _TIME_EXCEEDED) & 0xFFFFFFFF
            sock.setsockopt(255, 1, struct.pack("@I", keep))  # SOL_RAW, ICMP_FILTER: the kernel drops the rest
        else:
            sock.setsockopt(socket.SOL_IP, timestamps.IP_RECVERR, 1)
        try:
            sock.setsockopt(socket.SOL_SOCKET, 33, 4 << 20)  # SO_RCVBUFFORCE
        except OSError:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        sock.setblocking(False)
        if interface:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, interface.encode())
    except OSError as fault:
        sock.close()
        raise CouldNotRun(f"interface {interface}: {fault.strerror}", "see `ip link` for the names there are") from None
    return sock, raw
