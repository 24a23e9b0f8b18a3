"""The agent's durable queue: a sealed report goes in once, and stays until the collector's signed word lets it go.

SQLite, one connection (immune to the WAL-reset bug of SQLite before 3.51.3), WAL with full sync, a quota in pages.
Numbering and storing are one transaction. Acknowledgements wait in memory and ride in the next report's transaction:
losing them in a crash costs a duplicate, which the collector recognises, and saves half the writes to the card.
Acknowledged reports are kept 48 hours, so that a collector restored from a backup can ask again. Where the disk
refuses, reports are held in memory under a stream of their own and written down when it accepts again.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import sqlite3
import threading
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from agent import salvage, wire
from agent.clock import Clock
from agent.shelf import PAGE, Draft, Held, Key, Make, Numbered, Shelf

__all__ = ["Counts", "Draft", "Held", "Key", "Make", "Numbered", "Spool"]

QUOTA_BYTES = 512 << 20
KEEP_SECONDS = 48 * 3600.0
MEMORY_REPORTS = 64
# Let go when the disk is full: without room for the journal not even a deletion can be written.
RESERVE_BYTES = 4 << 20
_ACKS_IN_MEMORY = 500


class Counts(NamedTuple):
    """What the spool holds. ``lost`` counts reports given up since this process began."""

    pending: int
    acknowledged: int
    rejected: int
    memory: int
    lost: int
    bytes: int
    quota_bytes: int


class Spool:
    """Thread-safe; each method is one short critical section. One process, one Spool a file. ``fault`` says why the
    disk is not in use, and is empty while it is."""

    def __init__(
        self,
        path: Path,
        clock: Clock,
        *,
        quota_bytes: int = QUOTA_BYTES,
        keep_seconds: float = KEEP_SECONDS,
        reserve_bytes: int = RESERVE_BYTES,
    ) -> None:
        self.path = path
        self.fault = ""
        self._clock = clock
        self._quota_pages = max(quota_bytes // PAGE, 32)
        self._keep_seconds = keep_seconds
        self._reserve = path.with_name(path.name + ".reserve")
        self._reserve_bytes = reserve_bytes
        self._tight = False
        self._tight_pages = 0
        self._lock = threading.RLock()
        self._gone = _Gone()
        self._lost = 0
        self._memory: deque[tuple[Held, Draft]] = deque()
        self._memory_stream = secrets.token_hex(16)
        self._memory_seq = 0
        self._memory_losses: list[wire.Loss] = []
        self._shelf: Shelf | None = None
        self._closed = False
        self._open()

    @property
    def stream(self) -> str:
        """The stream new reports are numbered in."""
        return self._shelf.stream if self._shelf is not None else self._memory_stream

    def seal(self, make: Make) -> Held:
        """Numbers, makes and stores one report. Never raises for the disk's sake: what the disk refuses is held in
        memory. What ``make`` raises is passed on, and no number is used."""
        with self._lock:
            self._open()
            if self._shelf is not None:
                try:
                    return self._seal_on_disk(self._shelf, make)
                except sqlite3.Error as fault:
                    self._give_up_disk(fault)
            return self._seal_in_memory(make)

    def oldest(self, count: int, *, skip: Iterable[Key] = ()) -> list[Held]:
        """The oldest reports that are not acknowledged."""
        return self._take(count, frozenset(skip), newest=False)

    def newest(self, count: int, *, skip: Iterable[Key] = ()) -> list[Held]:
        """The newest reports that are not acknowledged, newest first."""
        return self._take(count, frozenset(skip), newest=True)

    def acknowledge(self, keys: Iterable[Key], through: Mapping[str, int]) -> None:
        """Takes the collector's verified word: ``keys`` are kept there, and so is each stream up to ``through``. A
        ``through`` below what it was means an older collector was restored: what it lacks is pending again."""
        with self._lock:
            now = self._clock.now()
            self._gone.acked.update((key, now) for key in keys)
            self._gone.through.update(through)
            self._memory = deque(pair for pair in self._memory if (pair[0].stream, pair[0].seq) not in self._gone)
            if len(self._gone.acked) >= _ACKS_IN_MEMORY:
                self.flush()

    def reject(self, stream: str, seq: int, reason: str) -> None:
        """Sets one report aside: kept for a person to look at, never sent again, its loss told in the next report."""
        with self._lock:
            for pair in [p for p in self._memory if (p[0].stream, p[0].seq) == (stream, seq)]:
                self._memory.remove(pair)
                self._forget(pair, reason)
            with self._disk() as shelf:
                if shelf is not None:
                    with shelf.writing():
                        shelf.set_aside(stream, seq, reason)

    def wants_anchor(self, boot_id: str) -> bool:
        """Whether reports of this boot wait to be placed and no kept report carries the anchor yet."""
        with self._lock:
            drafts = [draft for _, draft in self._memory if draft.boot_id == boot_id]
            waits = any(draft.start_at is None for draft in drafts)
            carried = any(draft.anchors for draft in drafts)
            if self._shelf is not None:
                more_wait, more_carried = self._shelf.anchoring(boot_id)
                waits, carried = waits or more_wait, carried or more_carried
            return waits and not carried

    def counts(self) -> Counts:
        """What is held now."""
        pending = acknowledged = rejected = used = 0
        with self._lock:
            with self._disk() as shelf:
                if shelf is not None:
                    pending, acknowledged, rejected = shelf.counts(self._gone)
                    used = shelf.used_pages() * PAGE
            memory = len(self._memory)
            lost = self._lost + (self._shelf.lost if self._shelf is not None else 0)
            return Counts(pending + memory, acknowledged, rejected, memory, lost, used, self._quota_pages * PAGE)

    @property
    def pressed(self) -> bool:
        """More than nine tenths full of reports not yet acknowledged: time to stop keeping what matters least."""
        with self._lock:
            shelf = self._shelf
            return shelf is None or (shelf.used_pages() > self._quota_pages * 0.9 and shelf.all_pending())

    def flush(self) -> None:
        """Writes down acknowledgements, and reports held in memory if the disk takes them again."""
        with self._lock:
            self._open()
            with self._disk() as shelf:
                if shelf is not None:
                    with self._settling(shelf):
                        pass

    def close(self) -> None:
        """Flushes and lets the file go."""
        with self._lock:
            if self._closed:
                return
            self.flush()
            self._closed = True
            if self._shelf is not None:
                self._shelf.db.close()
                self._shelf = None

    # --- the disk --------------------------------------------------------------------------------------------------

    def _open(self) -> None:
        if self._closed:
            raise ValueError(f"{self.path}: the spool is closed")
        if self._shelf is not None:
            if self._tight and self._hold_reserve():
                # There is room again: the whole quota counts.
                self._tight, self._tight_pages = False, 0
                self._shelf.set_quota(self._quota_pages)
            return
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._shelf = Shelf(salvage.open_or_salvage(self.path), self._quota_pages)
            for stream, seq in self._shelf.through().items():
                self._gone.through.setdefault(stream, seq)
            if self._tight:
                # The disk is smaller than the quota. Half of the reserve is left to the journal; within the other
                # half nothing is lost yet, and beyond it the oldest makes room for the newest.
                room = self._shelf.pages() + self._reserve_bytes // 2 // PAGE
                self._tight_pages = self._tight_pages or room
                self._shelf.set_quota(max(min(self._quota_pages, self._tight_pages), 32))
            else:
                self._hold_reserve()
            self.fault = ""
        except (sqlite3.Error, OSError) as fault:
            self._give_up_disk(fault)

    def _hold_reserve(self) -> bool:
        """Whether the reserve is on the disk."""
        if not self._reserve_bytes or self._reserve.exists():
            return True
        try:
            with self._reserve.open("wb") as file:
                os.posix_fallocate(file.fileno(), 0, self._reserve_bytes)
        except OSError:
            self._reserve.unlink(missing_ok=True)
            return False
        return True

    @contextmanager
    def _disk(self) -> Iterator[Shelf | None]:
        try:
            yield self._shelf
        except sqlite3.Error as fault:
            self._give_up_disk(fault)

    def _give_up_disk(self, fault: Exception) -> None:
        self.fault = f"{self.path}: {fault}; reports are held in memory until the disk takes them"
        if isinstance(fault, sqlite3.Error) and fault.sqlite_errorcode == sqlite3.SQLITE_FULL:
            self._tight = True
            with contextlib.suppress(OSError):
                self._reserve.unlink(missing_ok=True)
        # A connection whose write failed is closed, so that the next attempt begins from what is on the disk; it also
        # looks for damage then.
        shelf, self._shelf = self._shelf, None
        if shelf is not None:
            self._lost += shelf.lost
            with contextlib.suppress(sqlite3.Error):
                shelf.db.close()

    @contextmanager
    def _settling(self, shelf: Shelf) -> Iterator[None]:
        """A transaction in which all that waited in memory rides; it counts as written only after the commit."""
        with shelf.writing():
            now = self._clock.now()
            shelf.settle(self._gone.acked, self._gone.through, now)
            if self._clock.reading().state != "unknown":
                shelf.prune(now - self._keep_seconds)
            for held, draft in self._memory:
                shelf.insert(held, draft)
            yield
        self._gone.acked.clear()
        if self._memory:
            self._memory.clear()
            # A number given up in memory must not be given out again.
            self._memory_stream, self._memory_seq = secrets.token_hex(16), 0

    def _seal_on_disk(self, shelf: Shelf, make: Make) -> Held:
        try:
            return self._seal_once(shelf, make)
        except sqlite3.OperationalError as fault:
            if fault.sqlite_errorcode != sqlite3.SQLITE_FULL or shelf.used_pages() < self._quota_pages - 64:
                raise
            # The quota in pages was met in the middle: make generous room and try once more.
            with shelf.writing():
                shelf.make_room(64)
            return self._seal_once(shelf, make)

    def _seal_once(self, shelf: Shelf, make: Make) -> Held:
        with self._settling(shelf):
            held = shelf.seal(make, self._memory_losses)
        self._memory_losses.clear()
        return held

    # --- memory ----------------------------------------------------------------------------------------------------

    def _seal_in_memory(self, make: Make) -> Held:
        draft = make(Numbered(self._memory_stream, self._memory_seq + 1, list(self._memory_losses)))
        self._memory_seq += 1
        self._memory_losses.clear()
        held = Held(self._memory_stream, self._memory_seq, draft.signature, draft.report)
        self._memory.append((held, draft))
        if len(self._memory) > MEMORY_REPORTS:
            self._forget(self._memory.popleft(), "disk refused")
        return held

    def _forget(self, pair: tuple[Held, Draft], reason: str) -> None:
        held, draft = pair
        self._lost += 1
        loss = wire.Loss("report", 1, held.seq, held.seq, held.stream, reason[:200], draft.start_at, draft.end_at)
        # The tombstones that the lost report carried are told again.
        self._memory_losses += [*wire.decode_report(held.report)[0].losses, loss]

    def _take(self, count: int, skip: frozenset[Key], *, newest: bool) -> list[Held]:
        with self._lock:
            waiting = [held for held, _ in self._memory if (held.stream, held.seq) not in skip]
            if newest:
                waiting.reverse()
            stored: list[Held] = []
            if not newest or len(waiting) < count:
                with self._disk() as shelf:
                    if shelf is not None:
                        gone = _Gone(self._gone, skip)
                        stored = shelf.take(count, gone, len(skip) + len(self._gone.acked), newest=newest)
            return (waiting + stored if newest else stored + waiting)[:count]


class _Gone:
    """Reports that need no sending: acknowledged in this process (by key, or by stream up to a number), or skipped."""

    def __init__(self, other: _Gone | None = None, skip: frozenset[Key] = frozenset()) -> None:
        self.acked: dict[Key, float] = other.acked if other is not None else {}
        self.through: dict[str, int] = other.through if other is not None else {}
        self._skip = skip

    def __contains__(self, key: object) -> bool:
        if key in self.acked or key in self._skip:
            return True
        assert isinstance(key, tuple)
        stream, seq = key
        return bool(seq <= self.through.get(stream, 0))
