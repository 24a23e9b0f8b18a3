"""wpa_supplicant's control socket: commands go in, answers and stamped events come out; every wait has an end.

The agent starts a wpa_supplicant of its own on the test radio and ends it by its process; where one already serves
that radio (its socket answers), that one is used and left as it was found. No secret is ever in an argument or a file.
"""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import socket
import struct
import subprocess
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from agent.probes.figures import boottime

SYSTEM_SOCKETS = Path("/run/wpa_supplicant")
_ANSWER_SECONDS = 2.0
_START_SECONDS = 5.0
_PING_SECONDS = 1.0
# SO_TIMESTAMPNS: the kernel notes when an event was sent, however late this process gets to read it.
_STAMP = 35
_STAMP_SECONDS = 5.0


class SupplicantError(Exception):
    """wpa_supplicant cannot do what was asked of it: the device's trouble, never the Wi-Fi's."""

    def __init__(self, reason: str, hint: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.hint = hint


class NotStarted(SupplicantError):
    """No wpa_supplicant could be started on this interface."""


class Gone(SupplicantError):
    """wpa_supplicant ended while it was used."""


class Silent(SupplicantError):
    """wpa_supplicant lives and does not answer."""


class Refused(SupplicantError):
    """wpa_supplicant said FAIL to a command."""


class Event(NamedTuple):
    """``at``: CLOCK_BOOTTIME when it was sent; ``text`` without its level."""

    at: float
    text: str


class Control:
    """One connection to a control socket. ``pidfd`` (-1: unknown) tells at once that the process has ended."""

    def __init__(self, path: Path, own: Path, pidfd: int = -1) -> None:
        self._pidfd = pidfd
        self._age = 0.0
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, _STAMP, 1)
            self._socket.bind(str(own))
            self._socket.connect(str(path))
        except OSError as fault:
            self._socket.close()
            raise NotStarted(f"wpa_supplicant's socket: {fault.strerror}", "run as root, or see its group") from None

    def ask(self, command: str, seconds: float = _ANSWER_SECONDS) -> str:
        """The answer to one command. Raises Gone, Silent, and Refused (which names the command, never its value)."""
        try:
            self._socket.send(command.encode())
        except OSError:
            raise _gone() from None
        answer = self._receive(seconds)
        if answer is None:
            raise Silent("wpa_supplicant does not answer", "restart it, or see its log")
        text = answer.decode("utf-8", "replace")
        if text.startswith("FAIL"):
            raise Refused(
                f"wpa_supplicant refused {' '.join(command.split()[:3:2])[:60]}", "see its version and driver"
            )
        return text.rstrip("\n")

    def event(self, seconds: float) -> Event | None:
        """The next event within ``seconds``, or None. Only after ``ATTACH``."""
        data = self._receive(seconds)
        at = boottime() - self._age
        if data is None:
            return None
        text = data.decode("utf-8", "replace")
        return Event(at, text.partition(">")[2] if text.startswith("<") else text)

    def close(self) -> None:
        self._socket.close()

    def _receive(self, seconds: float) -> bytes | None:
        watched: list[int | socket.socket] = [self._socket]
        if self._pidfd >= 0:
            watched.append(self._pidfd)
        ready, _, _ = select.select(watched, [], [], max(seconds, 0.0))
        if self._socket in ready:
            try:
                data, extra, _, _ = self._socket.recvmsg(16384, socket.CMSG_SPACE(16))
            except OSError:
                raise _gone() from None
            self._age = _age(extra)
            return data
        if ready:
            raise _gone()
        return None


class Supplicant:
    """A wpa_supplicant on ``interface``: commands by :meth:`ask`, events by :meth:`event`. Close it in any case."""

    def __init__(self, interface: str, sockets: Path = SYSTEM_SOCKETS, program: str = "wpa_supplicant") -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._pidfd = -1
        self._disabled: dict[str, bool] = {}
        self._folder = Path(tempfile.mkdtemp(prefix="wifi-agent-", dir=os.environ.get("RUNTIME_DIRECTORY") or None))
        try:
            path = sockets / interface
            if not self._answers(path):
                path = self._start(interface, program)
            self._commands = Control(path, self._folder / "commands", self._pidfd)
            self._events = Control(path, self._folder / "events", self._pidfd)
            self._events.ask("ATTACH")
            if self._process is None:
                self._disabled = {line.split("\t")[0]: "[DISABLED]" in line for line in self._listed()}
        except BaseException:
            self.close()
            raise

    def ask(self, command: str) -> str:
        return self._commands.ask(command)

    def event(self, seconds: float) -> Event | None:
        """The next event, or None. One that is silent for a second is asked whether it lives."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            found = self._events.event(min(left, _PING_SECONDS))
            if found is not None:
                return found
            if left > _PING_SECONDS:
                self._commands.ask("PING")
        return self._events.event(0.0)

    def add_network(self, values: dict[str, str]) -> str:
        """A new network with these values, as SET_NETWORK wants them. Returns its number."""
        number = self.ask("ADD_NETWORK")
        for key, value in values.items():
            self.ask(f"SET_NETWORK {number} {key} {value}")
        return number

    def forget(self, number: str) -> None:
        """Disconnects and removes a network, as far as wpa_supplicant still can."""
        with contextlib.suppress(SupplicantError):
            self.ask("DISCONNECT")
        with contextlib.suppress(SupplicantError):
            self.ask(f"REMOVE_NETWORK {number}")

    def close(self) -> None:
        """Ends our own process; a foreign one gets its networks back as they stood."""
        for name in ("_commands", "_events"):
            control: Control | None = getattr(self, name, None)
            if control is not None:
                if self._process is None:
                    self._give_back(control, events=name == "_events")
                control.close()
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(3.0)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        if self._pidfd >= 0:
            os.close(self._pidfd)
        shutil.rmtree(self._folder, ignore_errors=True)

    def _answers(self, path: Path) -> bool:
        if not path.exists():
            return False
        with contextlib.suppress(SupplicantError):
            control = Control(path, self._folder / "asking")
            try:
                return control.ask("PING") == "PONG"
            finally:
                control.close()
        return False

    def _start(self, interface: str, program: str) -> Path:
        if not Path("/sys/class/net", interface).exists():
            raise NotStarted(f"no interface {interface[:20]}", "set join_interface to the radio that joins")
        control, config, log = (self._folder / name for name in ("control", "supplicant.conf", "log"))
        settings = f"ctrl_interface={control}\nupdate_config=0\np2p_disabled=1\n"
        for file in (config, log):
            file.touch(mode=0o600)
        config.write_text(settings)
        arguments = [program, "-D", "nl80211", "-i", interface, "-c", str(config)]
        try:
            with log.open("wb") as stream:
                self._process = subprocess.Popen(
                    arguments, stdin=subprocess.DEVNULL, stdout=stream, stderr=subprocess.STDOUT
                )
        except OSError as fault:
            raise NotStarted(f"{program}: {fault.strerror}", "install wpa_supplicant (Debian: wpasupplicant)") from None
        self._pidfd = os.pidfd_open(self._process.pid)
        until = time.monotonic() + _START_SECONDS
        path = control / interface
        while not path.exists():
            ended, _, _ = select.select([self._pidfd], [], [], 0.01)
            if ended or time.monotonic() > until:
                words = log.read_text(errors="replace").strip().splitlines() or ["no word of why"]
                raise NotStarted(f"wpa_supplicant did not start: {words[-1][:120]}", "run as root, on a Wi-Fi radio")
        return path

    def _listed(self) -> list[str]:
        return self._commands.ask("LIST_NETWORKS").splitlines()[1:]

    def _give_back(self, control: Control, *, events: bool) -> None:
        with contextlib.suppress(SupplicantError):
            if events:
                control.ask("DETACH")
                return
            for number, disabled in self._disabled.items():
                control.ask(f"{'DISABLE' if disabled else 'ENABLE'}_NETWORK {number}")
            if not all(self._disabled.values()):
                control.ask("RECONNECT")


def _age(extra: list[tuple[int, int, bytes]]) -> float:
    """Seconds since a datagram was sent, by the kernel's stamp; 0 where there is none or the clock has stepped."""
    for level, kind, value in extra:
        if level == socket.SOL_SOCKET and kind == _STAMP and len(value) == 16:
            seconds, nanoseconds = struct.unpack("@qq", value)
            age = time.time() - seconds - nanoseconds / 1e9
            return age if 0 <= age < _STAMP_SECONDS else 0.0
    return 0.0


def _gone() -> Gone:
    return Gone("wpa_supplicant ended while it was used", "see why: the system's log, or memory")
