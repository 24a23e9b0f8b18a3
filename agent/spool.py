"""The agent's durable queue: a sealed report goes in once, and stays until the collector's signed word lets it go.

SQLite, one connection (immune to the WAL-reset bug of SQLite before 3.51.3), WAL with full sync, a quota in pages.
Numbering and storing are one transaction. Acknowledgements wait in memory and ride in the next report's transaction:
losing them in a crash costs a duplicate, which the collector recognises, and saves half the writes to the card.
Acknowledged reports are kept 48 hours, so that a collector restored from a backup can ask again. Where the disk
refuses, reports are held in memory under a stream of their own and written down when it accepts again.
"""

from __future__ import annotations

import hashlib
import secrets
import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import msgspec
import zstandard

from agent import salvage, wire
from agent.clock import Clock
from agent.tombstones import Tombstones

QUOTA_BYTES = 512 << 20
KEEP_SECONDS = 48 * 3600.0
MEMORY_REPORTS = 64
_PAGE = 4096
_ACKS_IN_MEMORY = 500
PRIORITIES = (0, 1, 2)


class Numbered(NamedTuple):
    """What the spool gives a report being sealed: its number, and the tombstones it must carry."""

    stream: str
    seq: int
    losses: list[wire.Loss]


class Draft(NamedTuple):
    """A sealed report. ``start_at`` None: made with the clock unknown, placed by an anchor for ``boot_id``.
    ``priority``: 2 measured in class, 1 measured outside class, 0 says only that the agent lives."""

    report: bytes
    signature: str
    boot_id: str
    start_at: float | None
    end_at: float | None
    anchors: bool
    priority: int


class Held(NamedTuple):
    """A report in the spool."""

    stream: str
    seq: int
    signature: str
    report: bytes


class Counts(NamedTuple):
    """What the spool holds. ``lost`` counts reports given up since this process began."""

    pending: int
    acknowledged: int
    rejected: int
    memory: int
    lost: int
    bytes: int
    quota_bytes: int


Make = Callable[[Numbered], Draft]
Key = tuple[str, int]


class Spool:
    """Thread-safe; each method is one short critical section. One process, one Spool a file."""

    def __init__(
        self,
        path: Path,
        clock: Clock,
        *,
        quota_bytes: int = QUOTA_BYTES,
        keep_seconds: float = KEEP_SECONDS,
    ) -> None:
        self.path = path
        self.fault = ""
        self._clock = clock
        self._quota_pages = max(quota_bytes // _PAGE, 32)
        self._keep_seconds = keep_seconds
        self._lock = threading.RLock()
        self._acked: dict[Key, float] = {}
        self._through: dict[str, int] = {}
        self._lost = 0
        self._memory: deque[tuple[Held, Draft]] = deque()
        self._memory_stream = secrets.token_hex(16)
        self._memory_seq = 0
        self._memory_losses: list[wire.Loss] = []
        self._db: sqlite3.Connection | None = None
        self._closed = False
        self._stream = self._memory_stream
        self._open()

    @property
    def stream(self) -> str:
        """The stream new reports are numbered in."""
        return self._stream

    def seal(self, make: Make) -> Held:
        """Numbers, makes and stores one report. Never raises for the disk's sake: what the disk refuses is held in
        memory. What ``make`` raises is passed on, and no number is used."""
        with self._lock:
            if self._db is None:
                self._open()
            if self._db is not None:
                try:
                    return self._seal_on_disk(self._db, make)
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
            self._acked.update((key, now) for key in keys)
            self._through.update(through)
            kept = [(held, draft) for held, draft in self._memory if not self._is_acked(held)]
            self._memory = deque(kept)
            if len(self._acked) >= _ACKS_IN_MEMORY:
                self.flush()

    def reject(self, stream: str, seq: int, reason: str) -> None:
        """Sets one report aside: kept for a person to look at, never sent again, its loss told in the next report."""
        with self._lock:
            for pair in [p for p in self._memory if (p[0].stream, p[0].seq) == (stream, seq)]:
                self._memory.remove(pair)
                self._memory_losses.append(_loss("report", pair[0], reason, pair[1].start_at, pair[1].end_at))
            if self._db is None:
                return
            try:
                with self._writing(self._db) as db:
                    self._set_aside(db, stream, seq, reason)
            except sqlite3.Error as fault:
                self._give_up_disk(fault)

    def wants_anchor(self, boot_id: str) -> bool:
        """Whether reports of this boot wait to be placed and no kept report carries the anchor yet."""
        with self._lock:
            drafts = [draft for _, draft in self._memory if draft.boot_id == boot_id]
            waits = any(draft.start_at is None for draft in drafts)
            if any(draft.anchors for draft in drafts):
                return False
            if self._db is None:
                return waits
            row = self._db.execute(
                "SELECT sum(start_at IS NULL), sum(anchors) FROM report WHERE boot_id = ?", (boot_id,)
            ).fetchone()
            return (waits or bool(row[0])) and not row[1]

    def counts(self) -> Counts:
        """What is held now."""
        with self._lock:
            pending = acknowledged = rejected = used = 0
            if self._db is not None:
                try:
                    rows, rejected, acknowledged = self._db.execute(
                        "SELECT count(*), count(rejected), count(acknowledged_at) FROM report"
                    ).fetchone()
                    in_memory = sum(1 for _ in self._acked_on_disk(self._db))
                    acknowledged += in_memory
                    pending = rows - rejected - acknowledged
                    used = self._used_pages(self._db) * _PAGE
                except sqlite3.Error as fault:
                    self._give_up_disk(fault)
            memory = len(self._memory)
            return Counts(pending + memory, acknowledged, rejected, memory, self._lost, used, self._quota_pages * _PAGE)

    @property
    def pressed(self) -> bool:
        """More than nine tenths full of reports not yet acknowledged: time to stop keeping what matters least."""
        with self._lock:
            if self._db is None:
                return True
            try:
                return self._used_pages(self._db) > self._quota_pages * 0.9 and self._oldest_acked(self._db) is None
            except sqlite3.Error:
                return True

    def flush(self) -> None:
        """Writes down acknowledgements, and reports held in memory if the disk takes them again."""
        with self._lock:
            if self._db is None:
                self._open()
            if self._db is None:
                return
            try:
                with self._writing(self._db, settle=True):
                    pass
            except sqlite3.Error as fault:
                self._give_up_disk(fault)

    def close(self) -> None:
        """Flushes and lets the file go."""
        with self._lock:
            if self._closed:
                return
            self.flush()
            self._closed = True
            if self._db is not None:
                self._db.close()
                self._db = None

    # --- opening -----------------------------------------------------------------------------------------------

    def _open(self) -> None:
        if self._closed:
            raise ValueError(f"{self.path}: the spool is closed")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            rescued = salvage.open_or_salvage(self.path)
            db = rescued.db
            db.execute(f"PRAGMA max_page_count = {self._quota_pages}")
            self._db = db
            self._tombs = Tombstones()
            stream = db.execute("SELECT stream FROM stream WHERE own = 1").fetchone()
            with self._writing(db):
                if stream is None:
                    stream = (secrets.token_hex(16),)
                    db.execute("INSERT INTO stream (stream, own) VALUES (?, 1)", stream)
                for loss in rescued.losses:
                    self._tombs.add(db, loss if loss.stream else msgspec.structs.replace(loss, stream=stream[0]))
                self._lost += sum(loss.count for loss in rescued.losses)
            self._stream = stream[0]
            self._through.update(db.execute("SELECT stream, through FROM stream WHERE through > 0").fetchall())
            self.fault = ""
        except (sqlite3.Error, OSError) as fault:
            self._give_up_disk(fault)

    def _give_up_disk(self, fault: Exception) -> None:
        self.fault = f"{self.path}: {fault}; reports are held in memory until the disk takes them"
        if self._db is not None:
            # A connection whose write failed is closed, so that the next attempt begins from what is on the disk.
            db, self._db = self._db, None
            try:
                db.close()
            except sqlite3.Error:
                self.fault += " (and closing failed)"

    # --- sealing -----------------------------------------------------------------------------------------------

    def _seal_on_disk(self, db: sqlite3.Connection, make: Make) -> Held:
        try:
            return self._seal_once(db, make)
        except sqlite3.OperationalError as fault:
            if fault.sqlite_errorcode != sqlite3.SQLITE_FULL or self._used_pages(db) < self._quota_pages - 64:
                raise
            # The quota in pages was met in the middle: make generous room and try once more.
            with self._writing(db):
                self._make_room(db, 64)
            return self._seal_once(db, make)

    def _seal_once(self, db: sqlite3.Connection, make: Make) -> Held:
        with self._writing(db, settle=True):
            (last,) = db.execute("SELECT last_seq FROM stream WHERE stream = ?", (self._stream,)).fetchone()
            told = self._tombs.untold(db)
            numbered = Numbered(self._stream, last + 1, [loss for _, loss in told] + self._memory_losses)
            draft = make(numbered)
            held = Held(self._stream, numbered.seq, draft.signature, draft.report)
            self._insert(db, held, draft)
            self._tombs.told_by(db, [number for number, _ in told], held.stream, held.seq)
        self._memory_losses.clear()
        return held

    def _seal_in_memory(self, make: Make) -> Held:
        numbered = Numbered(self._memory_stream, self._memory_seq + 1, list(self._memory_losses))
        draft = make(numbered)
        self._memory_seq += 1
        self._memory_losses.clear()
        held = Held(self._memory_stream, self._memory_seq, draft.signature, draft.report)
        self._memory.append((held, draft))
        if len(self._memory) > MEMORY_REPORTS:
            gone, old = self._memory.popleft()
            self._lost += 1
            self._memory_losses.append(_loss("report", gone, "disk refused", old.start_at, old.end_at))
            # The tombstones the lost report carried are told again.
            self._memory_losses.extend(wire.decode_report(gone.report)[0].losses)
        return held

    @contextmanager
    def _writing(self, db: sqlite3.Connection, *, settle: bool = False) -> Iterator[sqlite3.Connection]:
        """One transaction; what waited in memory counts as written only after its commit."""
        db.execute("BEGIN IMMEDIATE")
        try:
            if settle:
                self._settle(db)
            yield db
            db.execute("COMMIT")
        except BaseException:
            if db.in_transaction:
                db.execute("ROLLBACK")
            raise
        if settle:
            self._acked.clear()
            self._memory.clear()

    def _insert(self, db: sqlite3.Connection, held: Held, draft: Draft) -> None:
        body = zstandard.ZstdCompressor(3).compress(held.report)
        self._make_room(db, len(body) // _PAGE + 4)
        db.execute(
            "INSERT INTO report (stream, seq, boot_id, start_at, end_at, anchors, priority, digest, signature, body)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                held.stream,
                held.seq,
                draft.boot_id,
                draft.start_at,
                draft.end_at,
                draft.anchors,
                draft.priority,
                hashlib.sha256(held.report).digest(),
                held.signature,
                body,
            ),
        )
        db.execute(
            "INSERT INTO stream (stream, last_seq) VALUES (?, ?)"
            " ON CONFLICT (stream) DO UPDATE SET last_seq = max(last_seq, excluded.last_seq)",
            (held.stream, held.seq),
        )

    def _settle(self, db: sqlite3.Connection) -> None:
        """What rides in every transaction: acknowledgements, pruning, and reports that waited in memory."""
        now = self._clock.now()
        for stream, through in self._through.items():
            row = db.execute("SELECT through FROM stream WHERE stream = ?", (stream,)).fetchone()
            if row is None or row[0] == through:
                continue
            if through < row[0]:
                db.execute("UPDATE report SET acknowledged_at = NULL WHERE stream = ? AND seq > ?", (stream, through))
            db.execute("UPDATE stream SET through = ? WHERE stream = ?", (through, stream))
            db.execute(
                "UPDATE report SET acknowledged_at = ? WHERE stream = ? AND seq <= ? AND acknowledged_at IS NULL",
                (now, stream, through),
            )
            self._tombs.settled_through(db, stream, through)
        for (stream, seq), at in self._acked.items():
            db.execute("UPDATE report SET acknowledged_at = ? WHERE stream = ? AND seq = ?", (at, stream, seq))
            self._tombs.settled(db, stream, seq)
        if self._clock.reading().state != "unknown":
            db.execute("DELETE FROM report WHERE acknowledged_at < ?", (now - self._keep_seconds,))
        for held, draft in self._memory:
            self._insert(db, held, draft)
        if self._memory:
            # A seq that was given up in memory must not be numbered again.
            self._memory_stream, self._memory_seq = secrets.token_hex(16), 0

    def _make_room(self, db: sqlite3.Connection, pages: int) -> None:
        """Drops what matters least until ``pages`` fit: acknowledged, then set aside, then the oldest of the lowest
        priority, each of these last with a tombstone."""
        while self._quota_pages - self._used_pages(db) < pages:
            row = (
                self._oldest_acked(db) or db.execute("SELECT id FROM report WHERE rejected NOTNULL LIMIT 1").fetchone()
            )
            if row is not None:
                db.execute("DELETE FROM report WHERE id = ?", row)
                continue
            row = db.execute(
                "SELECT id, stream, seq, start_at, end_at FROM pending ORDER BY priority, id LIMIT 1"
            ).fetchone()
            if row is None:
                return
            number, stream, seq, start_at, end_at = row
            db.execute("DELETE FROM report WHERE id = ?", (number,))
            self._tombs.untell(db, stream, seq)
            self._tombs.add(db, wire.Loss("report", 1, seq, seq, stream, "spool full", start_at, end_at))
            self._lost += 1

    # --- reading -----------------------------------------------------------------------------------------------

    def _take(self, count: int, skip: frozenset[Key], *, newest: bool) -> list[Held]:
        with self._lock:
            waiting = [held for held, _ in self._memory if (held.stream, held.seq) not in skip]
            if newest:
                waiting.reverse()
            if (newest and len(waiting) >= count) or self._db is None:
                return waiting[:count]
            try:
                stored = self._read(self._db, count, skip, newest)
            except sqlite3.Error as fault:
                self._give_up_disk(fault)
                stored = []
            return (waiting + stored if newest else stored + waiting)[:count]

    def _read(self, db: sqlite3.Connection, count: int, skip: frozenset[Key], newest: bool) -> list[Held]:
        found: list[Held] = []
        numbers = (
            self._newest_numbers(db) if newest else self._oldest_numbers(db, count + len(skip | self._acked.keys()))
        )
        wanted = []
        for number, stream, seq in numbers:
            if (stream, seq) not in skip and not self._is_acked_key(stream, seq):
                wanted.append(number)
            if len(wanted) == count:
                break
        for number in wanted:
            stream, seq, signature, digest, body = db.execute(
                "SELECT stream, seq, signature, digest, body FROM report WHERE id = ?", (number,)
            ).fetchone()
            report = salvage.unpack(body, digest)
            if report is None:
                with self._writing(db):
                    self._set_aside(db, stream, seq, "damaged in the spool")
                continue
            found.append(Held(stream, seq, signature, report))
        return found

    def _newest_numbers(self, db: sqlite3.Connection) -> Iterator[tuple[int, str, int]]:
        yield from db.execute("SELECT id, stream, seq FROM pending ORDER BY id DESC")

    def _oldest_numbers(self, db: sqlite3.Connection, limit: int) -> list[tuple[int, str, int]]:
        rows: list[tuple[int, str, int]] = []
        for priority in PRIORITIES:
            rows += db.execute(
                "SELECT id, stream, seq FROM pending WHERE priority = ? ORDER BY id LIMIT ?",
                (priority, limit),
            )
        return sorted(rows)

    def _set_aside(self, db: sqlite3.Connection, stream: str, seq: int, reason: str) -> None:
        row = db.execute(
            "UPDATE report SET rejected = ? WHERE stream = ? AND seq = ? AND acknowledged_at IS NULL"
            " AND rejected IS NULL RETURNING start_at, end_at",
            (reason, stream, seq),
        ).fetchone()
        if row is not None:
            self._tombs.untell(db, stream, seq)
            self._tombs.add(db, wire.Loss("report", 1, seq, seq, stream, reason[:200], *row))
            self._lost += 1

    def _is_acked(self, held: Held) -> bool:
        return self._is_acked_key(held.stream, held.seq)

    def _is_acked_key(self, stream: str, seq: int) -> bool:
        return (stream, seq) in self._acked or seq <= self._through.get(stream, 0)

    def _acked_on_disk(self, db: sqlite3.Connection) -> Iterator[int]:
        for number, stream, seq in db.execute("SELECT id, stream, seq FROM pending"):
            if self._is_acked_key(stream, seq):
                yield number

    def _oldest_acked(self, db: sqlite3.Connection) -> tuple[int] | None:
        row: tuple[int] | None = db.execute(
            "SELECT id FROM report WHERE acknowledged_at NOTNULL ORDER BY id LIMIT 1"
        ).fetchone()
        return row

    def _used_pages(self, db: sqlite3.Connection) -> int:
        (pages,) = db.execute("PRAGMA page_count").fetchone()
        (free,) = db.execute("PRAGMA freelist_count").fetchone()
        return int(pages) - int(free)


def _loss(kind: str, held: Held, reason: str, from_at: float | None, to_at: float | None) -> wire.Loss:
    return wire.Loss(kind, 1, held.seq, held.seq, held.stream, reason[:200], from_at, to_at)
