"""What many readers share and is costly to make: made once, shown to all, and made again beside them, so that nobody
waits but the first."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, NamedTuple, TypeVar

import structlog

T = TypeVar("T")
Key = tuple[str, ...]
_TOO_OLD = 6
"""After this many times its freshness a thing is not shown any more: its reader waits for a new one."""
_SHARE = 10
"""Making again takes at most one part in this many of the time."""
_log = structlog.get_logger()


class _Made(NamedTuple, Generic[T]):
    value: T
    at: float
    fresh_seconds: float


class Kept(Generic[T]):
    """Safe from any thread. ``most``: how many are kept, those that were made last."""

    def __init__(self, most: int = 64) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._one_at_a_time = threading.Lock()
        self._known: OrderedDict[Key, _Made[T]] = OrderedDict()
        self._making: dict[Key, threading.Lock] = {}

    def get(self, key: Key, make: Callable[[], T], fresh_seconds: float) -> T:
        """``fresh_seconds``: how long it is shown before it is made again; longer where making it takes long."""
        with self._lock:
            known = self._known.get(key)
            making = self._making.setdefault(key, threading.Lock())
        age = time.monotonic() - known.at if known else 0.0
        if known is None or age > _TOO_OLD * known.fresh_seconds:
            with making:
                with self._lock:
                    newer = self._known.get(key)
                return self._made(key, make, fresh_seconds) if newer is None or newer is known else newer.value
        if age > known.fresh_seconds and making.acquire(blocking=False):
            again = (key, make, fresh_seconds, making)
            threading.Thread(target=self._again, args=again, name="board", daemon=True).start()
        return known.value

    def _again(self, key: Key, make: Callable[[], T], fresh_seconds: float, making: threading.Lock) -> None:
        try:
            # Each maker takes as much of the processor as a reader's page: three at once made pages wait for all three.
            with self._one_at_a_time:
                self._made(key, make, fresh_seconds)
        except Exception as fault:  # what was shown before says from when it is
            _log.error("board: cannot be made again, trying later", what=" ".join(key)[:100], fault=repr(fault)[:300])
        finally:
            making.release()

    def _made(self, key: Key, make: Callable[[], T], fresh_seconds: float) -> T:
        began = time.monotonic()
        value = make()
        now = time.monotonic()
        with self._lock:
            self._known[key] = _Made(value, now, max(fresh_seconds, _SHARE * (now - began)))
            self._known.move_to_end(key)
            while len(self._known) > self._most:
                old, _ = self._known.popitem(last=False)
                self._making.pop(old, None)
        return value
