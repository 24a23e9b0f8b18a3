"""Starts the real programs, keeps their output, waits for what they do, and leaves none behind."""

import contextlib
import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, TypeVar

import httpx

Seen = TypeVar("Seen")
_tick = threading.Event()


def until(look: Callable[[], Seen], within_seconds: float, what: str) -> Seen:
    """What ``look`` returns as soon as it is true. Raises, with the last fault, where the deadline passes first."""
    deadline = time.monotonic() + within_seconds
    fault: Exception | None = None
    while time.monotonic() < deadline:
        try:
            if seen := look():
                return seen
            fault = None
        except (OSError, ValueError, LookupError, httpx.TransportError) as late:
            fault = late
        _tick.wait(0.2)
    raise AssertionError(f"not within {within_seconds:.0f} s: {what}" + (f" (last: {fault!r})" if fault else ""))


class Programs:
    """Real processes by name, each with its output in ``folder/NAME.log``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str, *command: str | Path, namespace: str = "", **environment: str) -> None:
        inside = ["ip", "netns", "exec", namespace] if namespace else []
        with (self.folder / f"{name}.log").open("ab") as log:
            self._running[name] = subprocess.Popen(
                [*inside, *map(str, command)],
                stdout=log,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                env=os.environ | environment,
                start_new_session=True,
            )

    def run(self, *command: str | Path, namespace: str = "", stdin: str = "") -> str:
        """One command to its end; its standard output. Raises with both outputs where it fails."""
        inside = ["ip", "netns", "exec", namespace] if namespace else []
        done = subprocess.run(
            [*inside, *map(str, command)], input=stdin, capture_output=True, text=True, timeout=120, check=False
        )
        if done.returncode:
            raise AssertionError(f"{command} ended {done.returncode}:\n{done.stdout}\n{done.stderr}")
        return done.stdout

    def stop(self, name: str, how: int = signal.SIGTERM) -> None:
        process = self._running.pop(name)
        if process.poll() is None:
            os.killpg(process.pid, how)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(10)

    def alive(self, name: str) -> bool:
        return self._running[name].poll() is None

    def wait(self, name: str, seconds: float) -> None:
        """Until it ends by itself, or so long."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._running[name].wait(seconds)

    def status(self, name: str) -> int | None:
        """How it ended; None while it runs."""
        return self._running[name].poll()

    def pid(self, name: str) -> int:
        """``ip netns exec`` becomes what it starts, so this is the program's own."""
        return self._running[name].pid

    def close(self) -> None:
        for name in reversed(list(self._running)):
            self.stop(name)

    def log(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text(errors="replace")


class Webhook:
    """A receiver of Alertmanager's notifications; keeps each one as it came."""

    def __init__(self, address: str) -> None:
        self.notifications: list[dict[str, Any]] = []
        received = self.notifications

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                received.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(200)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer((address, 0), Handler)
        self.url = f"http://{address}:{self._server.server_port}/"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def about(self, alert: str, status: str) -> list[dict[str, Any]]:
        """The notifications that hold an alert of this name in this status."""
        return [
            n
            for n in self.notifications
            if any(a["labels"]["alertname"] == alert and a["status"] == status for a in n["alerts"])
        ]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
