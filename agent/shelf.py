"""The spool's tables: every statement on the database of sealed reports, each meant to run inside a transaction that
the spool owns."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Container, Iterator, Mapping
from contextlib import contextmanager
from typing import NamedTuple

import msgspec
import zstandard

from agent import salvage, wire
from agent.tombstones import Tombstones

PAGE = 4096
PRIORITIES = (0, 1, 2)

Key = tuple[str, int]


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


Make = Callable[[Numbered], Draft]


class Shelf:
    """One open database. Whatever it raises is sqlite3.Error: the disk's fault."""

    def __init__(self, opened: salvage.Opened, quota_pages: int) -> None:
        self.db = opened.db
        self.lost = sum(loss.count for loss in opened.losses)
        self.tombs = Tombstones()
        self.set_quota(quota_pages)
        with self.writing():
            row = self.db.execute("SELECT stream FROM stream WHERE own = 1").fetchone()
            self.stream: str = row[0] if row is not None else secrets.token_hex(16)
            if row is None:
                self.db.execute("INSERT INTO stream (stream, own) VALUES (?, 1)", (self.stream,))
            for loss in opened.losses:
                # Nothing could be read: the loss is told under the new stream, with no numbers.
                named = loss if loss.stream else msgspec.structs.replace(loss, stream=self.stream)
                self.tombs.add(self.db, named)

    def set_quota(self, pages: int) -> None:
        """SQLite itself refuses to grow beyond it."""
        self.quota_pages = pages
        self.db.execute(f"PRAGMA max_page_count = {int(pages)}")

    @contextmanager
    def writing(self) -> Iterator[None]:
        """One transaction, on the disk when this ends; all of it or nothing."""
        self.db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self.db.execute("COMMIT")
        except BaseException:
            if self.db.in_transaction:
                self.db.execute("ROLLBACK")
            raise

    # --- writing ---------------------------------------------------------------------------------------------------

    def seal(self, make: Make, memory_losses: list[wire.Loss]) -> Held:
        """Numbers, makes and stores the next report of this stream."""
        (last,) = self.db.execute("SELECT last_seq FROM stream WHERE stream = ?", (self.stream,)).fetchone()
        for loss in memory_losses:
            self.tombs.add(self.db, loss)
        told = self.tombs.untold(self.db)
        numbered = Numbered(self.stream, last + 1, [loss for _, loss in told])
        draft = make(numbered)
        held = Held(self.stream, numbered.seq, draft.signature, draft.report)
        # Marked as told first: what making room loses now must not join a tombstone that this report already carries.
        self.tombs.told_by(self.db, [number for number, _ in told], held.stream, held.seq)
        self.insert(held, draft)
        return held

    def insert(self, held: Held, draft: Draft) -> None:
        """Stores one report, making room for it first."""
        body = zstandard.ZstdCompressor(3).compress(held.report)
        self.make_room(len(body) // PAGE + 4)
        self.db.execute(
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
                salvage.row_digest(held.stream, held.seq, held.signature, held.report),
                held.signature,
                body,
            ),
        )
        self.db.execute(
            "INSERT INTO stream (stream, last_seq) VALUES (?, ?)"
            " ON CONFLICT (stream) DO UPDATE SET last_seq = max(last_seq, excluded.last_seq)",
            (held.stream, held.seq),
        )

    def settle(self, acked: Mapping[Key, float], through: Mapping[str, int], now: float) -> None:
        """Writes down what the collector acknowledged. Where ``through`` went back, an older collector was restored:
        what it may lack is pending again."""
        for stream, seq in through.items():
            row = self.db.execute("SELECT through FROM stream WHERE stream = ?", (stream,)).fetchone()
            if row is None or row[0] == seq:
                continue
            if seq < row[0]:
                self.db.execute("UPDATE report SET acknowledged_at = NULL WHERE stream = ? AND seq > ?", (stream, seq))
            self.db.execute("UPDATE stream SET through = ? WHERE stream = ?", (seq, stream))
            self.db.execute(
                "UPDATE report SET acknowledged_at = ?"
                " WHERE stream = ? AND seq <= ? AND acknowledged_at IS NULL AND rejected IS NULL",
                (now, stream, seq),
            )
            self.tombs.settled_through(self.db, stream, seq)
        for (stream, seq), at in acked.items():
            self.db.execute("UPDATE report SET acknowledged_at = ? WHERE stream = ? AND seq = ?", (at, stream, seq))
            self.tombs.settled(self.db, stream, seq)

    def prune(self, before: float) -> None:
        """Lets go what was acknowledged before that instant."""
        self.db.execute("DELETE FROM report WHERE acknowledged_at < ?", (before,))

    def make_room(self, pages: int) -> None:
        """Drops what matters least until ``pages`` fit: acknowledged, then set aside, then the oldest of the lowest
        priority, each of these last with a tombstone."""
        while self.quota_pages - self.used_pages() < pages:
            row = self.db.execute(
                "SELECT id FROM report WHERE acknowledged_at NOTNULL ORDER BY id LIMIT 1"
            ).fetchone() or (self.db.execute("SELECT id FROM report WHERE rejected NOTNULL LIMIT 1").fetchone())
            if row is not None:
                self.db.execute("DELETE FROM report WHERE id = ?", row)
                continue
            row = self.db.execute(
                "SELECT id, stream, seq, start_at, end_at FROM pending ORDER BY priority, id LIMIT 1"
            ).fetchone()
            if row is None:
                return
            number, stream, seq, start_at, end_at = row
            self.db.execute("DELETE FROM report WHERE id = ?", (number,))
            self._mourn(stream, seq, "spool full", start_at, end_at)

    def set_aside(self, stream: str, seq: int, reason: str) -> None:
        """Keeps one report for a person to look at, and out of the way."""
        row = self.db.execute(
            "UPDATE report SET rejected = ? WHERE stream = ? AND seq = ? AND acknowledged_at IS NULL"
            " AND rejected IS NULL RETURNING start_at, end_at",
            (reason, stream, seq),
        ).fetchone()
        if row is not None:
            self._mourn(stream, seq, reason[:200], *row)

    def _mourn(self, stream: str, seq: int, reason: str, start_at: float | None, end_at: float | None) -> None:
        self.tombs.untell(self.db, stream, seq)
        self.tombs.add(self.db, wire.Loss("report", 1, seq, seq, stream, reason, start_at, end_at))
        self.lost += 1

    # --- reading ---------------------------------------------------------------------------------------------------

    def take(self, count: int, gone: Container[Key], over: int, *, newest: bool) -> list[Held]:
        """Up to ``count`` pending reports not in ``gone`` (of which ``over`` may lie in the way). A report whose
        bytes are no longer those that were stored is set aside, never delivered."""
        wanted = []
        for number, stream, seq in self._newest() if newest else self._oldest(count + over):
            if (stream, seq) not in gone:
                wanted.append(number)
            if len(wanted) == count:
                break
        found: list[Held] = []
        for number in wanted:
            stream, seq, signature, digest, body = self.db.execute(
                "SELECT stream, seq, signature, digest, body FROM report WHERE id = ?", (number,)
            ).fetchone()
            report = salvage.unpack(stream, seq, signature, body, digest)
            if report is None:
                with self.writing():
                    self.set_aside(stream, seq, "damaged in the spool")
                continue
            found.append(Held(stream, seq, signature, report))
        return found

    def _newest(self) -> Iterator[tuple[int, str, int]]:
        yield from self.db.execute("SELECT id, stream, seq FROM pending ORDER BY id DESC")

    def _oldest(self, limit: int) -> list[tuple[int, str, int]]:
        rows: list[tuple[int, str, int]] = []
        # One walk along the index for each priority: without it the 48 hours of acknowledged rows are walked each time.
        for priority in PRIORITIES:
            rows += self.db.execute(
                "SELECT id, stream, seq FROM pending WHERE priority = ? ORDER BY id LIMIT ?", (priority, limit)
            )
        return sorted(rows)

    def anchoring(self, boot_id: str) -> tuple[bool, bool]:
        """Whether reports of this boot wait to be placed, and whether one here already carries the anchor."""
        waits, anchors = self.db.execute(
            "SELECT sum(start_at IS NULL), sum(anchors) FROM report WHERE boot_id = ?", (boot_id,)
        ).fetchone()
        return bool(waits), bool(anchors)

    def through(self) -> dict[str, int]:
        return dict(self.db.execute("SELECT stream, through FROM stream WHERE through > 0").fetchall())

    def counts(self, gone: Container[Key]) -> tuple[int, int, int]:
        """Reports pending, acknowledged and set aside, where ``gone`` are acknowledged though not yet written so."""
        rows, rejected, acknowledged = self.db.execute(
            "SELECT count(*), count(rejected), count(*) FILTER (WHERE acknowledged_at NOTNULL AND rejected IS NULL)"
            " FROM report"
        ).fetchone()
        unwritten = sum((s, n) in gone for s, n in self.db.execute("SELECT stream, seq FROM pending"))
        return rows - rejected - acknowledged - unwritten, acknowledged + unwritten, rejected

    def all_pending(self) -> bool:
        """Whether nothing is left that could be dropped without loss."""
        row = self.db.execute("SELECT 1 FROM report WHERE acknowledged_at NOTNULL OR rejected NOTNULL LIMIT 1")
        return row.fetchone() is None

    def pages(self) -> int:
        (pages,) = self.db.execute("PRAGMA page_count").fetchone()
        return int(pages)

    def used_pages(self) -> int:
        (free,) = self.db.execute("PRAGMA freelist_count").fetchone()
        return self.pages() - int(free)
