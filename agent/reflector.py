"""The far end of throughput tests on a campus: the collector's service in small, so that a test stays on the site.

``GET /v1/throughput/down?bytes=N`` sends, ``POST /v1/throughput/up`` takes; both only with a lease that the collector
signed, within its time and its bytes in each direction. Nothing that was received is kept.
"""

from __future__ import annotations

import contextlib
import json
import logging
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from agent import wire
from agent.lease import PROOF_HEADER, NotAdmitted, admit

log = logging.getLogger(__name__)

_CHUNK = 256 << 10
_ZEROS = memoryview(bytes(_CHUNK))
_CONNECTIONS = 64
_REMEMBERED = 1000
_SILENT_SECONDS = 10.0
_AHEAD_BYTES = 64 << 10
_DRAINED_BYTES = 4 << 20


class Reflector(ThreadingHTTPServer):
    """``now`` gives Unix seconds, None while nobody vouches for this device's clock. ``max_bits_per_second``: of all
    tests together, 0 for no bound."""

    daemon_threads = True
    allow_reuse_address = True
    # Handshakes beside a test measure its latency: they must find room.
    request_queue_size = 512

    def __init__(
        self,
        place: tuple[str, int],
        collector_key: bytes,
        now: Callable[[], float | None],
        max_bits_per_second: float = 0.0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.address_family = socket.AF_INET6 if ":" in place[0] else socket.AF_INET
        self._key, self._now, self._tls = collector_key, now, tls
        self._room = threading.BoundedSemaphore(_CONNECTIONS)
        self._lock = threading.Lock()
        self._used: dict[tuple[str, str], int] = {}
        self._seconds_a_byte = 8 / max_bits_per_second if max_bits_per_second > 0 else 0.0
        self._free_at = 0.0
        # Under a bound the streams take turns every 10 ms, rather than one of them waiting for seconds.
        self.chunk = min(max(int(max_bits_per_second / 800), 4096), _CHUNK) if max_bits_per_second > 0 else _CHUNK
        super().__init__(place, _Handler)

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    def admit(self, proof: str) -> wire.Lease:
        """Raises NotAdmitted."""
        now = self._now()
        if now is None:
            raise NotAdmitted(503, "this device does not know the time yet")
        return admit(self._key, proof, now)

    def is_over(self, lease: wire.Lease) -> bool:
        now = self._now()
        return now is None or now >= lease.expires_at

    def take(self, lease: wire.Lease, way: str, wanted: int) -> int:
        """How many of ``wanted`` bytes the lease still allows; they count as used, whichever stream asks."""
        with self._lock:
            used = self._used.pop((lease.lease, way), 0)
            allowed = max(min(wanted, lease.max_bytes - used), 0)
            self._used[lease.lease, way] = used + allowed
            if len(self._used) > _REMEMBERED:
                self._used.pop(next(iter(self._used)))
        return allowed

    def pace(self, size: int) -> None:
        """Waits until the bound on the rate has room for what was moved."""
        if self._seconds_a_byte:
            now = time.monotonic()
            with self._lock:
                self._free_at = max(self._free_at, now) + size * self._seconds_a_byte
                ahead = self._free_at - now
            time.sleep(ahead)

    def server_bind(self) -> None:
        if self._seconds_a_byte:
            # What the kernel takes ahead of the bound is acknowledged, and would be measured as moved.
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _AHEAD_BYTES)
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _AHEAD_BYTES)
        super().server_bind()

    # --- connections -------------------------------------------------------------------------------------------

    def get_request(self) -> tuple[socket.socket, Any]:
        accepted, peer = super().get_request()
        if self._tls is not None:
            # The handshake waits for the handler's thread: a slow client must not keep others from being accepted.
            return self._tls.wrap_socket(accepted, server_side=True, do_handshake_on_connect=False), peer
        return accepted, peer

    def process_request(self, request: Any, client_address: Any) -> None:
        if self._room.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._room.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        # Handshakes that measure end in a reset, and a client may go away in mid-test: no fault of ours.
        log.debug("a connection ended early", exc_info=True)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = _SILENT_SECONDS
    server: Reflector

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        if url.path == "/healthz":
            self._answer(200, {"status": "ok"})
        elif url.path == "/v1/throughput/down" and (lease := self._lease()) is not None:
            asked = parse_qs(url.query).get("bytes", [""])[0]
            self._down(lease, int(asked) if asked.isdigit() and len(asked) < 16 else lease.max_bytes)
        elif url.path != "/v1/throughput/down":
            self._refuse(404, "no such path")

    def do_POST(self) -> None:
        if urlsplit(self.path).path != "/v1/throughput/up":
            self._refuse(404, "no such path")
        elif (lease := self._lease()) is not None:
            self._up(lease)

    def _lease(self) -> wire.Lease | None:
        try:
            return self.server.admit(self.headers.get(PROOF_HEADER, ""))
        except NotAdmitted as fault:
            self._refuse(fault.status, fault.reason)
            return None

    def _down(self, lease: wire.Lease, wanted: int) -> None:
        left = self.server.take(lease, "down", wanted)
        if left == 0:
            self._refuse(403, "lease has no bytes left")
            return
        self.send_response(200)
        self.send_header("Content-Type", "application/octet-stream")
        self.send_header("Content-Length", str(left))
        self.end_headers()
        while left > 0:
            if self.server.is_over(lease):
                self.close_connection = True
                return
            part = _ZEROS[: min(left, self.server.chunk)]
            self.connection.sendall(part)
            self.server.pace(len(part))
            left -= len(part)

    def _up(self, lease: wire.Lease) -> None:
        taken = 0
        for size in self._body():
            if self.server.take(lease, "up", size) < size:
                self._refuse(413, "lease has no bytes left")
                return
            taken += size
            self.server.pace(size)
            if self.server.is_over(lease):
                self._refuse(403, "lease is over")
                return
        self._answer(200, {"bytes": taken})

    def _body(self) -> Iterator[int]:
        """The sizes of what arrives, chunked or of a length told before; the bytes themselves are dropped."""
        into = memoryview(bytearray(self.server.chunk))
        chunked = self.headers.get("Transfer-Encoding", "").lower() == "chunked"
        told = "" if chunked else self.headers.get("Content-Length", "")
        left = self._chunk() if chunked else int(told) if told.isdigit() and len(told) < 16 else 0
        while left > 0:
            while left > 0:
                size = self.rfile.readinto(into[: min(left, len(into))])
                if not size:
                    raise ConnectionResetError("the body ended early")
                left -= size
                yield size
            if chunked:
                self.rfile.readline(2)
                left = self._chunk()
        if chunked:
            self.rfile.readline(2)

    def _chunk(self) -> int:
        line = self.rfile.readline(32).strip()
        try:
            return max(int(line, 16), 0)
        except ValueError:
            raise ConnectionResetError("a body that is not chunked as it says") from None

    def _refuse(self, status: int, reason: str) -> None:
        """Says no, and lets the client finish its sentence: a reset would take the answer away from it."""
        self.close_connection = True
        self._answer(status, {"error": reason})
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_WR)
            self.connection.settimeout(1.0)
            left = _DRAINED_BYTES
            while left > 0 and (part := self.connection.recv(64 << 10)):
                left -= len(part)

    def _answer(self, status: int, content: dict[str, Any]) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def version_string(self) -> str:
        return "campus-wifi-reflector"

    def log_message(self, *_: object) -> None:
        """Nobody's address is written down."""
