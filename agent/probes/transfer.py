"""One direction of a throughput test: several streams started together and counted in one interval after a warm-up.

The interval begins after the first 20 % of the bytes or 0.5 s, whichever comes first (slow start and TLS are not the
campus's rate), and ends when the first stream has had its share or the time is over, so that all streams run
throughout. Counted is what TCP says arrived or was acknowledged (TCP_INFO), not what a socket's buffer took.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any, Literal, NamedTuple

WARM_UP_SHARE = 0.2
WARM_UP_SECONDS = 0.5
# A shorter interval is the scheduler's noise as much as the path: then the whole transfer counts, and says so.
SHORTEST_SECONDS = 0.1

_FIRST_CHUNK = 16 << 10
_CHUNK = 256 << 10
_PARTS = 16
_UNSENT_BYTES = 128 << 10
_GATHERED_BYTES = 256 << 10
_FILL = bytes(range(256)) * (_CHUNK // 256)
_TOLD_EVERY_SECONDS = 0.1
# Offsets in the kernel's struct tcp_info, since Linux 4.1.
_TCP_INFO_BYTES = 136
_TOTAL_RETRANS = 100
_BYTES_ACKED = 120
_BYTES_RECEIVED = 128

Way = Literal["download", "upload"]


class Transfer(NamedTuple):
    """``began`` and ``ended``: monotonic bounds of the interval that was counted. ``short``: it is the whole transfer.
    ``fault``: the outcome and the reason where it failed."""

    moved: int
    bits_per_second: float | None
    began: float
    ended: float
    short: bool
    retransmitted: int | None
    fault: tuple[str, str] | None


class _Mark(NamedTuple):
    at: float
    delivered: int


class Direction:
    """One direction's budget, shared by its streams. ``base`` is the service's address."""

    def __init__(self, client: Any, base: str, headers: dict[str, str], way: Way, budget: int, seconds: float) -> None:
        self._client, self._base, self._way = client, base, way
        # Connections of its own: the kernel's counts then begin at 0, and the streams of one interval are alike.
        self._headers = headers | {"Connection": "close"}
        self._budget, self._seconds = budget, seconds
        self._lock = threading.Lock()
        self._streams: list[_Stream] = []
        self._moved = 0
        self._began = self._until = self._first = self._last = 0.0
        self._warm: _Mark | None = None
        self._end: _Mark | None = None

    def run(self, streams: int, progress: Callable[[str, float], None] | None = None) -> Transfer:
        """Moves the budget. ``progress`` hears the direction and its share done, about ten times a second."""
        share = max(self._budget // streams, 1)
        self._streams = [_Stream(self._way) for _ in range(streams)]
        self._began = time.monotonic()
        self._until = self._began + self._seconds
        move = self._down if self._way == "download" else self._up
        with ThreadPoolExecutor(streams, thread_name_prefix=self._way) as pool:
            running = [pool.submit(move, stream, share) for stream in self._streams]
            while progress is not None and wait(running, _TOLD_EVERY_SECONDS).not_done:
                passed = (time.monotonic() - self._began) / self._seconds
                progress(self._way, min(max(passed, self._moved / self._budget), 1.0))
        return self._summed([one.exception() for one in running])

    def _down(self, stream: _Stream, share: int) -> None:
        url = f"{self._base}/v1/throughput/down?bytes={share}"
        with self._client.stream("GET", url, **self._options(stream)) as response:
            _check(response)
            left = share
            for size in stream.body(response):
                left -= size
                if not self._count(size):
                    return
                if left <= 0:
                    # Now: after its last byte the connection is closed, and its count is gone.
                    self._finished()
                    return
                stream.gather(share - left, left)
            raise _BrokenOff(f"the connection was closed {left} bytes before its end")

    def _up(self, stream: _Stream, share: int) -> None:
        def body() -> Iterator[bytes]:
            left, size = share, _FIRST_CHUNK
            while left > 0:
                size = min(left, size)
                yield _FILL[:size]
                left -= size
                if not self._count(size):
                    stream.look()
                    stream.let_go()
                    raise _TimeIsOver
                # Small where it is slow, so that the end of the time is noticed; large where calls are the cost.
                size = min(max((share - left) // _PARTS, _FIRST_CHUNK), _CHUNK)
            self._finished()

        try:
            options = self._options(stream)
            # With a length the body travels as it is; in chunks each one would be framed and copied.
            options["headers"] = self._headers | {"Content-Length": str(share)}
            with self._client.stream("POST", f"{self._base}/v1/throughput/up", content=body(), **options) as response:
                _check(response)
                stream.look()
        except _TimeIsOver:
            return
        with self._lock:
            # The server has it all only now.
            self._last = time.monotonic()

    def _options(self, stream: _Stream) -> dict[str, Any]:
        return {"headers": self._headers, "timeout": self._seconds, "extensions": {"trace": stream.trace}}

    def _count(self, size: int) -> bool:
        """Whether there is time for more."""
        now = time.monotonic()
        with self._lock:
            self._first = self._first or now
            self._last = now
            self._moved += size
            if self._warm is None and (
                self._moved >= WARM_UP_SHARE * self._budget or now - self._first >= WARM_UP_SECONDS
            ):
                self._warm = self._mark(now)
            if now >= self._until and self._end is None:
                self._end = self._mark(now)
            return now < self._until

    def _finished(self) -> None:
        with self._lock:
            if self._end is None:
                self._end = self._mark(time.monotonic())

    def _mark(self, now: float) -> _Mark:
        return _Mark(now, sum(stream.look() for stream in self._streams))

    def _summed(self, errors: list[BaseException | None]) -> Transfer:
        fault: tuple[str, str] | None = None
        for error in errors:
            if isinstance(error, _Refused):
                fault = ("refused", str(error))
            elif error is not None:
                # Any of the HTTP library's errors: it is imported in one place, and that is not here.
                fault = fault or ("transfer", f"{type(error).__name__}: {error}"[:200])
        warm, end = self._warm, self._end
        if fault is not None and fault[0] == "transfer" and not all(errors):
            fault = None  # one stream of several broke off: what the others moved was moved
        resent = [stream.resent for stream in self._streams]
        retransmitted = sum(filter(None, resent)) if any(one is not None for one in resent) else None
        if warm is not None and end is not None and end.at - warm.at >= SHORTEST_SECONDS and end.delivered:
            rate = (end.delivered - warm.delivered) * 8 / (end.at - warm.at)
            return Transfer(self._moved, rate or None, warm.at, end.at, False, retransmitted, fault)
        began = self._first if self._last - self._first > 0.001 else self._began
        took = self._last - began
        whole = self._moved * 8 / took if self._moved and took > 0 else None
        return Transfer(self._moved, whole, began, self._last, True, retransmitted, fault)


class _Stream:
    """One connection and what the kernel counts of it. ``resent``: segments sent again, None where not known."""

    def __init__(self, way: Way) -> None:
        self._offset = _BYTES_RECEIVED if way == "download" else _BYTES_ACKED
        self._socket: socket.socket | None = None
        self._delivered = 0
        self._gathered = 1
        self.resent: int | None = None

    def trace(self, event: str, told: dict[str, Any]) -> None:
        """The HTTP library's trace: the one way to the socket before there is a response."""
        if event in {"connection.connect_tcp.complete", "connection.start_tls.complete"}:
            self._socket = told["return_value"].get_extra_info("socket")
            # A buffer that took the whole budget at once would leave no time to be measured.
            self._set(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, _UNSENT_BYTES)

    def look(self) -> int:
        """Bytes delivered by now; of a connection that is gone, when it was last asked."""
        try:
            info = (
                self._socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO_BYTES) if self._socket else b""
            )
        except OSError:
            info = b""
        if len(info) == _TCP_INFO_BYTES:
            self._delivered = struct.unpack_from("@Q", info, self._offset)[0]
            self.resent = struct.unpack_from("@I", info, _TOTAL_RETRANS)[0]
        return self._delivered

    def body(self, response: Any) -> Iterator[int]:
        """How many bytes each read of the answer's body brought. The first read is the HTTP library's, which has read
        on beyond the headers; the rest comes from its socket into one buffer that is never looked at: an object for
        each 64 KiB and a parser's look at it cost three times the CPU."""
        # Held, since a reader of the body that is let go closes the connection.
        parsed = response.iter_raw()
        yield len(next(parsed, b""))
        if self._socket is None:
            yield from map(len, parsed)
            return
        room = bytearray(_CHUNK)
        while size := self._socket.recv_into(room):
            yield size

    def gather(self, moved: int, left: int) -> None:
        """Wakes this stream's reader not for each packet but for about a sixteenth of what it has had: a packet a read
        costs ten times the CPU. Near the end every byte counts again."""
        wanted = min(moved // _PARTS, _GATHERED_BYTES)
        if left < 4 * _GATHERED_BYTES:
            wanted = 1
        if wanted >= 2 * self._gathered or wanted == 1 < self._gathered:
            self._gathered = wanted
            self._set(socket.SOL_SOCKET, socket.SO_RCVLOWAT, wanted)

    def let_go(self) -> None:
        """Closing shall drop what the buffer holds: sent on, it would load the campus after the test."""
        self._set(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def _set(self, level: int, option: int, value: int | bytes) -> None:
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.setsockopt(level, option, value)


class _Refused(Exception):
    """The server said no."""


class _BrokenOff(Exception):
    """The far end promised more."""


class _TimeIsOver(Exception):
    """Breaks an upload off."""


def _check(response: Any) -> None:
    if response.status_code != 200:
        response.read()
        raise _Refused(f"HTTP {response.status_code}: {response.text[:120]}".strip())
