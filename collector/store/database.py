"""The collector's database: SQLite beside it, or PostgreSQL beyond one machine. The one place that opens it.

SQLite runs in WAL with full sync. SQLite before 3.51.3 may damage a WAL that two connections write or checkpoint at
once, so one connection alone writes and checkpoints, every other is read-only, and a lock file keeps out a second
process that would write.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

import alembic.command
import alembic.config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine, event, func, inspect, make_url, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import QueuePool, StaticPool

from collector.store.ingest import Batch, Outcome
from collector.store.refusal import why
from collector.store.schema import counter
from collector.store.writer import Answer, Deliver, Writer

T = TypeVar("T")
_BUSY_SECONDS = 10.0


class StoreError(Exception):
    """The database cannot be used. Says what, where and what to do."""


class Missing(StoreError):
    """There is no database yet."""


class Busy(StoreError):
    """Another process writes to this database."""


class Outdated(StoreError):
    """The database is of another version than this program; who writes brings it up to date."""


class Store:
    """``write`` False: readers only, beside a server that runs."""

    def __init__(self, url: str, *, slot_seconds: int = 300, write: bool = True) -> None:
        self.url = make_url(url)
        self.sqlite = self.url.get_backend_name() == "sqlite"
        self._lock: int | None = None
        self._writer: Writer | None = None
        self._write_engine: Engine | None = None
        if self.sqlite:
            path = Path(self.url.database or "")
            if not self.url.database or self.url.database == ":memory:":
                raise StoreError(f"{url}: the database must be a file; write sqlite:////FOLDER/collector.db")
            self.path: Path | None = path
        else:
            self.path = None
        try:
            if self.path is not None and not write and not self.path.exists():
                raise Missing(f"{self.path}: no database yet; start `wifi-collector serve` or import first")
            if write:
                self._open_writer(slot_seconds)
            self._read_engine = self._readers()
            if not write:
                self._check_revision()
        except (SQLAlchemyError, sqlite3.Error, OSError) as fault:
            self.close()
            where = self.path or self.place
            raise StoreError(f"{where}: cannot be opened: {why(self.path, fault, write=write)}"[:600]) from None

    @property
    def place(self) -> str:
        """What a person may read: never a password."""
        return self.url.render_as_string(hide_password=True)

    # --- reading -------------------------------------------------------------------------------------------------

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection that cannot write, on one consistent state of the database."""
        with self._read_engine.connect() as connection, connection.begin():
            yield connection

    # --- writing -------------------------------------------------------------------------------------------------

    def write(self, function: Callable[[Connection], T]) -> Future[T]:
        """Runs ``function`` in the writer's thread in a transaction of its own. The future is resolved after the
        commit, with what it returned or raised."""
        return self.writer.write(function)

    @contextmanager
    def sole(self, work: str, *, wait: bool = False) -> Iterator[bool]:
        """Whether no other collector of this database does ``work`` now; with ``wait`` only once none does. Beside
        SQLite there is no other. Not to be entered twice."""
        if self._write_engine is None or self.sqlite:
            yield True
            return
        key = zlib.crc32(work.encode())
        # A lock of the session: it goes with the process, however that ends.
        with self._write_engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            taken = func.pg_advisory_lock(key) if wait else func.pg_try_advisory_lock(key)
            mine = connection.scalar(select(taken)) is not False
            try:
                yield mine
            finally:
                if mine:
                    connection.scalar(select(func.pg_advisory_unlock(key)))

    def submit(self, batch: Batch) -> Future[Outcome]:
        """Evidence, with what else is waiting in one commit. Resolved after the commit."""
        future: Future[Outcome] = Future()

        def answer(outcome: Outcome | None, fault: BaseException | None) -> None:
            if outcome is None:
                future.set_exception(fault or StoreError("not kept"))
            else:
                future.set_result(outcome)

        self.writer.submit(batch, answer, _at_once)
        return future

    def submit_for(self, batch: Batch, answer: Answer, deliver: Deliver) -> None:
        """As :meth:`submit`, for a caller that takes a whole commit's answers with one wake-up."""
        self.writer.submit(batch, answer, deliver)

    @property
    def writer(self) -> Writer:
        if self._writer is None:
            raise StoreError(f"{self.place}: opened for reading only")
        return self._writer

    @property
    def agents_generation(self) -> int:
        """Grows with each change of agents, tokens or placements by this process."""
        return self.writer.agents_generation

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()
        for engine in (getattr(self, "_read_engine", None), self._write_engine):
            if engine is not None:
                engine.dispose()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # --- opening -------------------------------------------------------------------------------------------------

    def _check_revision(self) -> None:
        with self._read_engine.connect() as connection:
            found = MigrationContext.configure(connection).get_current_revision()
        wanted = ScriptDirectory.from_config(_migrations()).get_current_head()
        if found != wanted:
            self.close()
            mend = "start `wifi-collector serve` of this version once: it brings the database up to date"
            raise Outdated(f"{self.place}: the database is of version {found}, this program of {wanted}; {mend}")

    def _open_writer(self, slot_seconds: int) -> None:
        if self.path is not None:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._lock = _lock(self.path)
            engine = create_engine("sqlite://", creator=self._connect_writer, poolclass=StaticPool)
            event.listen(engine, "begin", _begin_immediate)
        else:
            engine = create_engine(self.url, isolation_level="READ COMMITTED", pool_pre_ping=True)
        self._write_engine = engine
        with engine.connect() as connection:
            migrate(connection)
            with connection.begin():
                if connection.scalar(select(counter.c.value).where(counter.c.name == "position")) is None:
                    connection.execute(counter.insert().values(name="position", value=0))
        self._writer = Writer(engine, shared=not self.sqlite, slot_seconds=slot_seconds)

    def _connect_writer(self) -> sqlite3.Connection:
        assert self.path is not None
        # isolation_level None: the driver starts no transaction behind our back.
        made = sqlite3.connect(self.path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False)
        # auto_vacuum counts only before the file is written first.
        for pragma in ("auto_vacuum=INCREMENTAL", "journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON",
                       "journal_size_limit=67108864", "cache_size=-32768", "mmap_size=0"):  # fmt: skip
            made.execute(f"PRAGMA {pragma}")
        os.chmod(self.path, 0o600)  # noqa: PTH101 - the file was made by SQLite just now
        return made

    def _connect_reader(self) -> sqlite3.Connection:
        assert self.path is not None
        name = f"file:{quote(str(self.path))}?mode=ro"
        made = sqlite3.connect(name, uri=True, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False)
        made.execute("PRAGMA query_only=ON")
        made.execute("PRAGMA mmap_size=0")
        return made

    def _readers(self) -> Engine:
        if self.path is None:
            options = {"options": "-c default_transaction_read_only=on"}
            return create_engine(self.url, isolation_level="REPEATABLE READ", connect_args=options, pool_pre_ping=True)
        engine = create_engine("sqlite://", creator=self._connect_reader, poolclass=QueuePool, pool_size=8)
        event.listen(engine, "begin", _begin)
        return engine


def migrate(connection: Connection) -> None:
    """Brings the database to the newest revision; on a new one that makes every table."""
    config = _migrations()
    config.attributes["connection"] = connection
    alembic.command.upgrade(config, "head")
    if connection.in_transaction():
        connection.commit()


def _migrations() -> alembic.config.Config:
    config = alembic.config.Config()
    config.set_main_option("script_location", "collector:migrations")
    return config


def tables(connection: Connection) -> set[str]:
    """The names of the tables that are there."""
    return set(inspect(connection).get_table_names())


def _begin_immediate(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")


def _lock(path: Path) -> int:
    name = path.with_name(path.name + ".lock")
    descriptor = os.open(name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise Busy(f"{path}: another process writes to it; stop it, or let it do the work") from None
    return descriptor


def _at_once(answers: list[tuple[Any, Outcome | None, BaseException | None]]) -> None:
    for answer, outcome, fault in answers:
        answer(outcome, fault)
