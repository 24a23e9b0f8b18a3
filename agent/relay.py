"""Prober and shipper as two processes: measurements go one way over a Unix socket, the plan comes back.

The prober holds the sockets and no key; it keeps what the shipper has not yet taken, and every frame is answered, so
that neither side's restart loses or doubles a measurement.
"""

from __future__ import annotations

import contextlib
import logging
import secrets
import socket
import socketserver
import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path

import msgspec

from agent import wire
from agent.clock import Clock
from agent.plan import InForce
from agent.recorder import Recorder

log = logging.getLogger(__name__)

MAX_FRAME = 8 << 20
HELD_FRAMES = 2000
_POLL_SECONDS = 2.0


class Frame(msgspec.Struct):
    """One measurement, or with neither ``kind`` nor ``fault`` only the question for the plan."""

    session: str
    number: int
    plan: str | None
    kind: str = ""
    table: msgspec.Raw = msgspec.Raw(b"\xc0")
    fault: wire.NotRun | None = None


class Reply(msgspec.Struct):
    """``plan`` only where it differs from the one the frame names."""

    number: int
    document: bytes | None = None
    digest: str | None = None
    collector: str = ""


class SocketRecorder:
    """The prober's recorder, and where it learns the plan. ``on_plan`` is called after each new one."""

    def __init__(self, path: Path, clock: Clock, on_plan: Callable[[], None]) -> None:
        self.in_force: InForce | None = None
        self.collector = ""
        self._path = path
        self._clock = clock
        self._on_plan = on_plan
        self._session = secrets.token_hex(8)
        self._number = 0
        self._held: deque[Frame] = deque()
        self._dropped = 0
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._live, name="relay", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self, seconds: float = 5.0) -> None:
        """Hands over what is held, if the shipper takes it within ``seconds``."""
        self._stop.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(seconds)

    def record(self, kind: str, table: wire.Table) -> None:
        self._hold(kind=kind, table=msgspec.Raw(msgspec.msgpack.encode(table)))

    def not_run(self, fault: wire.NotRun) -> None:
        self._hold(fault=fault)

    @property
    def held(self) -> int:
        return len(self._held)

    def _hold(self, kind: str = "", table: msgspec.Raw | None = None, fault: wire.NotRun | None = None) -> None:
        with self._lock:
            self._number += 1
            frame = Frame(self._session, self._number, None, kind, table or msgspec.Raw(b"\xc0"), fault)
            self._held.append(frame)
            if len(self._held) > HELD_FRAMES:
                self._held.popleft()
                self._dropped += 1
        self._wake.set()

    def _live(self) -> None:
        while True:
            try:
                with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
                    connection.settimeout(10)
                    connection.connect(str(self._path))
                    self._talk(connection)
                    return
            except (OSError, msgspec.MsgspecError) as fault:
                log.info("shipper not there (%s); %d measurements held", fault, len(self._held))
            if self._stop.wait(1.0):
                return

    def _talk(self, connection: socket.socket) -> None:
        while True:
            with self._lock:
                frame = self._held[0] if self._held else Frame(self._session, 0, None)
                dropped = self._dropped
            frame.plan = self.in_force.digest if self.in_force is not None else None
            _send(connection, msgspec.msgpack.encode(frame))
            reply = msgspec.msgpack.decode(_receive(connection), type=Reply)
            with self._lock:
                if frame.number and self._held and self._held[0].number == frame.number:
                    self._held.popleft()
                if dropped:
                    self._dropped -= dropped
            if dropped:
                reason = f"{dropped} measurements dropped while the shipper was away"
                self.not_run(wire.NotRun(self._clock.boottime(), "relay", reason, "start the shipper"))
            if reply.document is not None:
                self.in_force = InForce(wire.decode(reply.document, wire.Plan), reply.digest or "")
                self.collector = reply.collector
                self._on_plan()
            if not self._held:
                if self._stop.is_set():
                    return
                self._wake.wait(_POLL_SECONDS)
                self._wake.clear()


class RecorderServer:
    """The shipper's end: hands each measurement to ``recorder`` once, and the plan of ``plan()`` back."""

    def __init__(self, path: Path, recorder: Recorder, plan: Callable[[], InForce | None], collector: str = "") -> None:
        self._path = path
        self._recorder = recorder
        self._plan = plan
        self._collector = collector
        self._seen: dict[str, int] = {}
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        owner = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                with contextlib.suppress(OSError, msgspec.MsgspecError, EOFError, wire.WireError):
                    while True:
                        _send(self.request, owner.answer(_receive(self.request)))

        class Server(socketserver.ThreadingUnixStreamServer):
            daemon_threads = True

        self._server = Server(str(path), Handler)
        # The prober runs as another user of the same group.
        path.chmod(0o660)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.2,), name="relay", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._path.unlink(missing_ok=True)

    def answer(self, data: bytes) -> bytes:
        """One frame in, its reply out."""
        frame = msgspec.msgpack.decode(data, type=Frame)
        if frame.number > self._seen.get(frame.session, 0):
            self._seen[frame.session] = frame.number
            self._take(frame)
        in_force = self._plan()
        if in_force is None or in_force.digest == frame.plan:
            return msgspec.msgpack.encode(Reply(frame.number))
        return msgspec.msgpack.encode(Reply(frame.number, wire.encode(in_force.plan), in_force.digest, self._collector))

    def _take(self, frame: Frame) -> None:
        if frame.fault is not None:
            self._recorder.not_run(frame.fault)
        elif frame.kind in wire.KINDS:
            try:
                table = msgspec.msgpack.decode(frame.table, type=wire.KINDS[frame.kind])
            except (msgspec.MsgspecError, ValueError) as fault:
                # Taken as answered: a frame that cannot be read now will not be readable the next time either.
                log.error("a %s table of the wrong shape from the prober: %s", frame.kind, fault)
            else:
                self._recorder.record(frame.kind, table)


def _send(connection: socket.socket, data: bytes) -> None:
    connection.sendall(len(data).to_bytes(4, "big") + data)


def _receive(connection: socket.socket) -> bytes:
    size = int.from_bytes(_exactly(connection, 4), "big")
    if size > MAX_FRAME:
        raise OSError(f"a frame of {size} bytes")
    return _exactly(connection, size)


def _exactly(connection: socket.socket, size: int) -> bytes:
    data = bytearray()
    while len(data) < size:
        part = connection.recv(min(size - len(data), 1 << 16))
        if not part:
            raise OSError("the other side closed")
        data += part
    return bytes(data)


wire.learn(Frame, Reply)
