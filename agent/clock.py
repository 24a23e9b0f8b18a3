"""Time as this device may honestly claim it: wall clock, boot clock, monotonic clock, and how far to trust the first.

Order of trust: the kernel says NTP holds the clock (``synced``); else the collector told us the time over a signed
answer during this boot (``estimated``); else ``unknown``, and reports are sealed relative to boot.
"""

from __future__ import annotations

import contextlib
import ctypes
import threading
import time
from pathlib import Path
from typing import NamedTuple, Protocol

import msgspec

from agent import wire

_STA_UNSYNC = 0x40
_STA_NANO = 0x2000
_TIME_ERROR = 5
# systemd's ProtectClock= forbids even reading adjtimex; this file is how timesyncd says the same.
_TIMESYNCD_MARK = Path("/run/systemd/timesync/synchronized")


class Clock(Protocol):
    """Everything that reads time takes one of these, so that tests and the simulator can pass their own."""

    def now(self) -> float:
        """Unix seconds, the best estimate. Meaningless while ``reading().state`` is ``unknown``."""

    def boottime(self) -> float:
        """Seconds since boot, counting suspend: the instants in a probe's table."""

    def monotonic(self) -> float:
        """Seconds for waiting and for deadlines; never steps."""

    def boot_id(self) -> str:
        """32 hexadecimal characters naming this boot."""

    def reading(self) -> wire.Clock:
        """The clock's state at this moment."""

    def learn(self, server_at: float, round_trip_seconds: float) -> None:
        """Takes the collector's time from an answer whose signature was verified (or from enrollment)."""


class Offset(msgspec.Struct):
    """Unix time = boot time + ``seconds``, within ``error_seconds``; good for one boot only."""

    boot_id: str
    seconds: float
    error_seconds: float


class Kernel(NamedTuple):
    """What adjtimex says. ``offset_seconds`` and ``error_seconds`` are None where it may not be asked."""

    synced: bool
    offset_seconds: float | None
    error_seconds: float | None


class _Timex(ctypes.Structure):
    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_long * 32),
    )


_libc = ctypes.CDLL(None, use_errno=True)


def ask_kernel() -> Kernel:
    """Reads the kernel's NTP state without changing it."""
    timex = _Timex()
    state = _libc.adjtimex(ctypes.byref(timex))
    if state < 0:
        return Kernel(_TIMESYNCD_MARK.exists(), None, None)
    unit = 1e-9 if timex.status & _STA_NANO else 1e-6
    synced = state != _TIME_ERROR and not timex.status & _STA_UNSYNC
    return Kernel(synced, timex.offset * unit, timex.maxerror * 1e-6)


class RealClock:
    """The device's clocks. ``memory`` keeps what was learnt of the time over a restart within one boot."""

    def __init__(self, memory: Path | None = None) -> None:
        self._memory = memory
        self._boot_id = Path("/proc/sys/kernel/random/boot_id").read_text().strip().replace("-", "")
        self._lock = threading.Lock()
        self._learnt = self._recall()

    def now(self) -> float:
        learnt = self._learnt
        if learnt is not None and not ask_kernel().synced:
            return self.boottime() + learnt.seconds
        return time.time()

    def boottime(self) -> float:
        return time.clock_gettime(time.CLOCK_BOOTTIME)

    def monotonic(self) -> float:
        return time.monotonic()

    def boot_id(self) -> str:
        return self._boot_id

    def reading(self) -> wire.Clock:
        kernel = ask_kernel()
        boottime = self.boottime()
        if kernel.synced:
            return wire.Clock("synced", boottime, kernel.offset_seconds, kernel.error_seconds)
        if self._learnt is not None:
            off = time.time() - (boottime + self._learnt.seconds)
            return wire.Clock("estimated", boottime, round(off, 3), round(self._learnt.error_seconds, 3))
        return wire.Clock("unknown", boottime)

    def learn(self, server_at: float, round_trip_seconds: float) -> None:
        # The smallest round trip bounds the error best. Crystals drift: an old sample is not kept for ever.
        error = round_trip_seconds / 2
        offset = Offset(self._boot_id, server_at + error - self.boottime(), error)
        with self._lock:
            known = self._learnt
            disagrees = known is not None and abs(offset.seconds - known.seconds) > known.error_seconds + error + 0.5
            if known is None or error <= known.error_seconds or disagrees:
                self._learnt = offset
                # One small write when the claim changes, not one each minute: cards wear.
                if known is None or disagrees:
                    self._remember(offset)

    def _recall(self) -> Offset | None:
        if self._memory is None:
            return None
        with contextlib.suppress(OSError, msgspec.MsgspecError):
            offset = msgspec.json.decode(self._memory.read_bytes(), type=Offset)
            if offset.boot_id == self._boot_id:
                return offset
        return None

    def _remember(self, offset: Offset) -> None:
        if self._memory is None:
            return
        # Losing this file costs only a wait for the next answer, so a full disk is no reason to stop.
        with contextlib.suppress(OSError):
            fresh = self._memory.with_name(self._memory.name + ".new")
            fresh.write_bytes(msgspec.json.encode(offset))
            fresh.replace(self._memory)
