"""Tells systemd that the agent works. Alive means working: the watchdog is fed by measurements recorded and reports
sealed while every loop turns, never by a timer."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from collections.abc import Callable, Mapping


def notify(text: str, environment: Mapping[str, str] | None = None) -> bool:
    """One sd_notify datagram; False where nobody asked for it."""
    address = (os.environ if environment is None else environment).get("NOTIFY_SOCKET", "")
    if not address:
        return False
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out, contextlib.suppress(OSError):
        out.sendto(text.encode(), "\0" + address[1:] if address.startswith("@") else address)
        return True
    return False


class Watchdog:
    """``progress(name)`` is called by each part as it works; the watchdog is fed when every part named in ``parts``
    has done so since it was last fed."""

    def __init__(self, parts: tuple[str, ...], say: Callable[[str], object] = notify) -> None:
        self._parts = frozenset(parts)
        self._done: set[str] = set()
        self._say = say
        self._lock = threading.Lock()
        self.fed = 0

    def progress(self, part: str) -> None:
        with self._lock:
            self._done.add(part)
            if not self._parts <= self._done:
                return
            self._done.clear()
            self.fed += 1
        self._say("WATCHDOG=1")


class Pulse:
    """Feeds the watchdog of a process whose work is due only now and then: once a turn, for as long as none of it is
    overdue. ``monotonic`` gives seconds."""

    def __init__(self, feed: Callable[[], None], monotonic: Callable[[], float]) -> None:
        self._feed = feed
        self._monotonic = monotonic
        self._worked_at = monotonic()

    def worked(self) -> None:
        self._worked_at = self._monotonic()

    def turn(self, within_seconds: float | None) -> None:
        """``within_seconds``: how long ago the last work may be; None where nothing is asked for."""
        if within_seconds is None:
            self.worked()
        elif self._monotonic() - self._worked_at > within_seconds:
            return
        self._feed()
