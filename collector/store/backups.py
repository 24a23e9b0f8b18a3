"""A copy of the whole database by SQLite's own backup, opened and checked before it is called good, and its return."""

from __future__ import annotations

import fcntl
import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from collector.store.database import Store

_COUNTED = ("evidence", "evidence_hour", "ledger", "slot_change", "agent", "placement", "snapshot")


class BadBackup(Exception):
    def __init__(self, reason: str, hint: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.hint = hint


def backup(store: Store, target: Path) -> dict[str, Any]:
    """Copies while others read and write. The copy appears under its name only when it has been checked."""
    if store.path is None:
        raise BadBackup(f"{store.place} is not SQLite", "back it up with pg_dump")
    partial = target.with_name(target.name + ".partial")
    try:
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.close(descriptor)
        source = sqlite3.connect(f"file:{store.path}?mode=ro", uri=True)
        with closing(source), closing(sqlite3.connect(partial)) as copy:
            source.backup(copy, pages=4096)
            # A copy is one file: it must not need the -wal of the database that it came from.
            copy.execute("PRAGMA journal_mode=DELETE")
        rows = checked(partial)
        _sync(partial)
        partial.replace(target)
        _sync(target.parent)
    except (OSError, sqlite3.Error) as fault:
        partial.unlink(missing_ok=True)
        raise BadBackup(f"{target} was not written: {fault}", "check the folder, its space and permissions") from None
    except BadBackup:
        partial.unlink(missing_ok=True)
        raise
    return {"file": str(target), "bytes": target.stat().st_size, "rows": rows}


def checked(path: Path) -> dict[str, int]:
    """The number of rows of each table that counts. Raises BadBackup where the file is damaged or not ours."""
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
            said = connection.execute("PRAGMA integrity_check").fetchone()[0]
            if said != "ok":
                raise BadBackup(f"{path} is damaged: {said}", "take an older backup")
            query = "SELECT count(*) FROM "
            return {name: connection.execute(query + name).fetchone()[0] for name in _COUNTED}
    except sqlite3.Error as fault:
        raise BadBackup(f"{path} is not a backup of this program: {fault}", "name the file `backup` wrote") from None


def restore(database: Path, source: Path) -> dict[str, Any]:
    """Puts a checked copy where no database is. Raises BadBackup."""
    rows = checked(source)
    if database.exists():
        raise BadBackup(f"{database} is there already", "move it away first: a restore never overwrites")
    database.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    lock = os.open(database.with_name(database.name + ".lock"), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        raise BadBackup(f"{database} is being written", "stop the server first") from None
    try:
        partial = database.with_name(database.name + ".partial")
        shutil.copyfile(source, partial)
        partial.chmod(0o600)
        _sync(partial)
        partial.replace(database)
        _sync(database.parent)
    except OSError as fault:
        raise BadBackup(f"{database} was not written: {fault}", "check the folder and its space") from None
    finally:
        os.close(lock)
    return {"file": str(database), "rows": rows}


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
