"""Opens the spool's file, and where it is damaged saves from it what is whole: a path goes in, a sound database out.

A damaged file is moved aside (one is kept, for a person to look at). Reports whose SHA-256 still matches are carried
over under their own numbers; new reports get a new stream, so that no number can ever be used twice; what could not
be read is told to the collector as lost.
"""

from __future__ import annotations

import hashlib
import sqlite3
from pathlib import Path
from typing import NamedTuple

import zstandard

from agent import wire

_VERSION = 1
_SCHEMA = """
CREATE TABLE stream (stream TEXT PRIMARY KEY, own INTEGER NOT NULL DEFAULT 0, last_seq INTEGER NOT NULL DEFAULT 0,
                     through INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;
CREATE TABLE report (id INTEGER PRIMARY KEY, stream TEXT NOT NULL, seq INTEGER NOT NULL, boot_id TEXT NOT NULL,
                     start_at REAL, end_at REAL, anchors INTEGER NOT NULL, priority INTEGER NOT NULL,
                     acknowledged_at REAL, rejected TEXT, digest BLOB NOT NULL, signature TEXT NOT NULL,
                     body BLOB NOT NULL, UNIQUE (stream, seq));
CREATE INDEX report_pending ON report (priority) WHERE acknowledged_at IS NULL AND rejected IS NULL;
CREATE VIEW pending AS SELECT * FROM report WHERE acknowledged_at IS NULL AND rejected IS NULL;
CREATE INDEX unplaced ON report (boot_id) WHERE start_at IS NULL;
CREATE TABLE loss (id INTEGER PRIMARY KEY, kind TEXT NOT NULL, count INTEGER NOT NULL, first_seq INTEGER NOT NULL,
                   last_seq INTEGER NOT NULL, stream TEXT NOT NULL, reason TEXT NOT NULL, from_at REAL, to_at REAL,
                   told_stream TEXT, told_seq INTEGER);
"""
_READ = """SELECT id, stream, seq, boot_id, start_at, end_at, anchors, priority, acknowledged_at, rejected, digest,
signature, body FROM report WHERE id >= ? ORDER BY id LIMIT 1"""
_CARRY = """INSERT OR IGNORE INTO report (stream, seq, boot_id, start_at, end_at, anchors, priority, acknowledged_at,
rejected, digest, signature, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""
_READ_LOSS = "SELECT kind, count, first_seq, last_seq, stream, reason, from_at, to_at FROM loss"
_CARRY_LOSS = """INSERT INTO loss (kind, count, first_seq, last_seq, stream, reason, from_at, to_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)"""
# A damaged page holds few rows; after this many ids without an answer the rest of the table is taken for unreadable.
_MISSES = 2000


class Opened(NamedTuple):
    """A sound database, and what was lost on the way to it (``stream`` empty: it could not be read)."""

    db: sqlite3.Connection
    losses: list[wire.Loss]


def open_or_salvage(path: Path) -> Opened:
    """The database at ``path``, made if there is none. Raises sqlite3.Error or OSError only where the disk does."""
    fresh = not path.exists()
    try:
        db = _connect(path)
        if fresh:
            return Opened(_prepare(db), [])
        if _is_sound(db):
            return Opened(db, [])
        db.close()
    except sqlite3.DatabaseError as fault:
        if isinstance(fault, sqlite3.OperationalError) and not _means_damage(fault):
            raise
    return _salvage(path)


def row_digest(stream: str, seq: int, signature: str, report: bytes) -> bytes:
    """SHA-256 over all of a row that may ever be sent, so that a flipped bit in any of it is seen."""
    return hashlib.sha256(f"{stream}/{seq}/{signature}\n".encode() + report).digest()


def unpack(stream: str, seq: int, signature: str, body: object, digest: object) -> bytes | None:
    """The report's bytes, or None where the row is not the one that was stored."""
    if not isinstance(body, bytes):
        return None
    try:
        report = zstandard.ZstdDecompressor().decompress(body, max_output_size=wire.MAX_DECODED_BYTES)
    except zstandard.ZstdError:
        return None
    return report if row_digest(stream, seq, signature, report) == digest else None


def _means_damage(fault: sqlite3.OperationalError) -> bool:
    # SQLite reports some damage (a torn schema, a short read) as an operational error rather than as corruption.
    return fault.sqlite_errorcode & 0xFF in {sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB} or (
        fault.sqlite_errorcode == sqlite3.SQLITE_IOERR_SHORT_READ
    )


def _connect(path: Path) -> sqlite3.Connection:
    # check_same_thread off: the spool serialises with its own lock, and it is the one connection.
    db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=5)
    try:
        path.chmod(0o600)
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        db.execute("PRAGMA wal_autocheckpoint = 256")
        db.execute("PRAGMA journal_size_limit = 1048576")
        db.execute("PRAGMA cache_size = -1024")
    except BaseException:
        db.close()
        raise
    return db


def _prepare(db: sqlite3.Connection) -> sqlite3.Connection:
    db.executescript(f"BEGIN IMMEDIATE; {_SCHEMA} PRAGMA user_version = {_VERSION}; COMMIT;")
    return db


def _is_sound(db: sqlite3.Connection) -> bool:
    (version,) = db.execute("PRAGMA user_version").fetchone()
    (tables,) = db.execute("SELECT count(*) FROM sqlite_master WHERE type = 'table'").fetchone()
    if version == 0 and tables == 0:
        # Power went between making the file and its first transaction.
        _prepare(db)
        return True
    if version != _VERSION or tables != 3:
        return False
    return [tuple(row) for row in db.execute("PRAGMA quick_check(1)")] == [("ok",)]


def _salvage(path: Path) -> Opened:
    damaged = path.with_name(path.name + ".damaged")
    for ending in ("", "-wal", "-shm"):
        old, aside = Path(f"{path}{ending}"), Path(f"{damaged}{ending}")
        aside.unlink(missing_ok=True)
        if old.exists():
            old.replace(aside)
    fresh = path.with_name(path.name + ".salvaged")
    for ending in ("", "-wal", "-shm"):
        Path(f"{fresh}{ending}").unlink(missing_ok=True)
    target = _prepare(_connect(fresh))
    losses = _carry_over(damaged, target)
    # Only a whole salvage takes the spool's name; killed before this, the next start finds no file and the damaged
    # one still aside, which is then lost to it: so it is tried again from there.
    target.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    target.close()
    fresh.replace(path)
    for ending in ("-wal", "-shm"):
        Path(f"{fresh}{ending}").unlink(missing_ok=True)
    return Opened(_connect(path), losses)


def _carry_over(damaged: Path, target: sqlite3.Connection) -> list[wire.Loss]:
    last: dict[str, int] = {}
    through: dict[str, int] = {}
    found: dict[str, set[int]] = {}
    try:
        source = sqlite3.connect(damaged, isolation_level=None)
    except sqlite3.Error:
        source = sqlite3.connect(":memory:")
    try:
        for stream, seq, up_to in _rows(source, "SELECT stream, last_seq, through FROM stream"):
            if isinstance(stream, str) and isinstance(seq, int) and isinstance(up_to, int):
                last[stream], through[stream] = seq, up_to
        target.execute("BEGIN IMMEDIATE")
        for row in _reports(source):
            stream, seq = row[0], row[1]
            if isinstance(stream, str) and isinstance(seq, int) and _is_whole(row):
                inserted = target.execute(_CARRY, row)
                if inserted.rowcount:
                    found.setdefault(stream, set()).add(seq)
        for stream, seqs in found.items():
            last.setdefault(stream, max(seqs))
        for stream, seq in last.items():
            target.execute(
                "INSERT INTO stream (stream, last_seq, through) VALUES (?, ?, ?)",
                (stream, seq, min(through.get(stream, 0), seq)),
            )
        for row in _rows(source, _READ_LOSS):
            target.execute(_CARRY_LOSS, row)
        target.execute("COMMIT")
    finally:
        source.close()
    return _losses(last, through, found)


def _losses(last: dict[str, int], through: dict[str, int], found: dict[str, set[int]]) -> list[wire.Loss]:
    """What no salvaged row accounts for. Some of it the collector has: it knows which, we no longer do."""
    if not last:
        return [wire.Loss("report", 0, 0, 0, "", "damaged spool: nothing could be read")]
    losses = []
    for stream, end in last.items():
        kept = found.get(stream, set())
        first = max(through.get(stream, 0), min(kept, default=1) - 1 if stream not in through else 0) + 1
        missing = [seq for seq in range(first, end + 1) if seq not in kept] if end - first < 1_000_000 else []
        if missing:
            losses.append(wire.Loss("report", len(missing), missing[0], missing[-1], stream, "damaged spool"))
    return losses


def _rows(source: sqlite3.Connection, query: str) -> list[tuple[object, ...]]:
    rows: list[tuple[object, ...]] = []
    try:
        for row in source.execute(query):
            rows.append(row)
    except (sqlite3.Error, UnicodeDecodeError):
        return rows
    return rows


def _reports(source: sqlite3.Connection) -> list[tuple[object, ...]]:
    """Every row that can still be read, passing over damaged pages by id."""
    rows: list[tuple[object, ...]] = []
    number, misses = 0, 0
    while misses < _MISSES:
        try:
            row = source.execute(_READ, (number,)).fetchone()
        except (sqlite3.Error, UnicodeDecodeError):
            number, misses = number + 1, misses + 1
            continue
        if row is None:
            break
        # A damaged page may give any id: never step backwards, never leave the plausible range.
        if not number <= row[0] < 2**40:
            number, misses = number + 1, misses + 1
            continue
        number, misses = row[0] + 1, 0
        rows.append(row[1:])
    return rows


def _is_whole(row: tuple[object, ...]) -> bool:
    stream, seq, boot_id, start_at, end_at, anchors, priority, acknowledged_at, rejected, digest, signature, body = row
    typed = (
        isinstance(boot_id, str)
        and isinstance(anchors, int)
        and isinstance(priority, int)
        and all(value is None or isinstance(value, float) for value in (start_at, end_at, acknowledged_at))
        and (rejected is None or isinstance(rejected, str))
    )
    if not typed or not (isinstance(stream, str) and isinstance(seq, int) and isinstance(signature, str)):
        return False
    return unpack(stream, seq, signature, body, digest) is not None
