"""What was lost, until the collector has been told: one row for each run of reports given up for one reason.

A tombstone leaves in the next sealed report and is forgotten only when that report is acknowledged; if the report is
itself given up, the tombstone is told again. So loss is never silent.
"""

from __future__ import annotations

import sqlite3

from agent import wire

_TOLD_AT_ONCE = 100
_INSERT = """INSERT INTO loss (kind, count, first_seq, last_seq, stream, reason, from_at, to_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)"""
_UNTOLD = """SELECT id, kind, count, first_seq, last_seq, stream, reason, from_at, to_at FROM loss
WHERE told_seq IS NULL ORDER BY id LIMIT ?"""


class Tombstones:
    """Works within the transactions of the spool that owns it."""

    def add(self, db: sqlite3.Connection, loss: wire.Loss) -> None:
        """Keeps one loss, joined to an untold one that it continues."""
        joined = db.execute(
            "UPDATE loss SET count = count + ?, last_seq = ?, from_at = coalesce(min(from_at, ?), from_at, ?),"
            " to_at = coalesce(max(to_at, ?), to_at, ?)"
            " WHERE told_seq IS NULL AND kind = ? AND stream = ? AND reason = ? AND last_seq + 1 = ?",
            (
                loss.count,
                loss.last_seq,
                loss.from_at,
                loss.from_at,
                loss.to_at,
                loss.to_at,
                loss.kind,
                loss.stream,
                loss.reason,
                loss.first_seq,
            ),
        )
        if joined.rowcount == 0:
            db.execute(
                _INSERT,
                (
                    loss.kind,
                    loss.count,
                    loss.first_seq,
                    loss.last_seq,
                    loss.stream,
                    loss.reason,
                    loss.from_at,
                    loss.to_at,
                ),
            )

    def untold(self, db: sqlite3.Connection) -> list[tuple[int, wire.Loss]]:
        """What the next report must carry, with row numbers for :meth:`told_by`."""
        rows = db.execute(_UNTOLD, (_TOLD_AT_ONCE,))
        return [(row[0], wire.Loss(*row[1:])) for row in rows]

    def told_by(self, db: sqlite3.Connection, numbers: list[int], stream: str, seq: int) -> None:
        """These left in that report."""
        db.executemany(
            "UPDATE loss SET told_stream = ?, told_seq = ? WHERE id = ?", [(stream, seq, number) for number in numbers]
        )

    def untell(self, db: sqlite3.Connection, stream: str, seq: int) -> None:
        """That report was given up itself: what it carried must be told again."""
        db.execute(
            "UPDATE loss SET told_stream = NULL, told_seq = NULL WHERE told_stream = ? AND told_seq = ?", (stream, seq)
        )

    def settled(self, db: sqlite3.Connection, stream: str, seq: int) -> None:
        """The collector has that report, so it knows."""
        db.execute("DELETE FROM loss WHERE told_stream = ? AND told_seq = ?", (stream, seq))

    def settled_through(self, db: sqlite3.Connection, stream: str, seq: int) -> None:
        """The collector has that stream up to ``seq``."""
        db.execute("DELETE FROM loss WHERE told_stream = ? AND told_seq <= ?", (stream, seq))
