"""The one writer: evidence and other writes go in from any thread, and each is answered after its commit.

What waits when a commit ends goes into the next one together (group commit). An evidence batch that cannot be written
fails with all of its group and is sent again by its agents; another write has a transaction of its own.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextvars import copy_context
from typing import Any, TypeVar

import structlog
from sqlalchemy import Connection, Engine

from collector.store import ingest
from collector.store.ingest import Batch, Outcome
from collector.store.known import Known

T = TypeVar("T")
GROUP_BATCHES = 256
GATHER_SECONDS = 0.01
"""A commit costs as much as twenty reports in it: under load the next one begins so long after the last has ended."""
CHANGED_AGENTS = "agents_changed"
Answer = Callable[[Outcome | None, BaseException | None], None]
Deliver = Callable[[list[tuple[Answer, Outcome | None, BaseException | None]]], None]

log = structlog.get_logger()


class Closed(RuntimeError):
    """The store has been closed: nothing more is written."""


class Writer:
    """Owns the connection that writes. ``deliver`` hands a group's answers over at once: one wake-up a commit."""

    def __init__(self, engine: Engine, *, shared: bool, slot_seconds: int) -> None:
        self.slot_seconds = slot_seconds
        self.agents_generation = 0
        self.listeners: list[Callable[[], None]] = []
        self._engine = engine
        self._known = Known(shared=shared)
        self._jobs: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._closed = False
        self._committed_at = 0.0
        self._thread = threading.Thread(target=self._run, name="store-writer", daemon=True)
        self._thread.start()

    def submit(self, batch: Batch, answer: Answer, deliver: Deliver) -> None:
        if self._closed:
            raise Closed("the store is closed")
        self._jobs.put((batch, answer, deliver))

    def write(self, function: Callable[[Connection], T]) -> Future[T]:
        if self._closed:
            raise Closed("the store is closed")
        future: Future[T] = Future()
        # In the caller's context: the audit log asks it who came by which way.
        context = copy_context()
        self._jobs.put((lambda connection: context.run(function, connection), future))
        return future

    def waiting(self) -> int:
        return self._jobs.qsize()

    def close(self) -> None:
        """Writes what was submitted before, then stops."""
        if not self._closed:
            self._closed = True
            self._jobs.put(None)
            self._thread.join()

    def _run(self) -> None:
        with self._engine.connect() as connection:
            while True:
                job = self._jobs.get()
                while job is not None and len(job) == 3:
                    job = self._keep_group(connection, job)
                if job is None:
                    return
                if len(job) == 2:
                    self._call(connection, *job)

    def _keep_group(self, connection: Connection, first: Any) -> Any:
        """Commits ``first`` with what else is waiting, or comes within the gathering time. Returns the job that ended
        the group, or an empty tuple."""
        left = self._committed_at + GATHER_SECONDS - time.monotonic()
        if left > 0 and not self._closed:
            time.sleep(left)
        group = [first]
        following: Any = ()
        while len(group) < GROUP_BATCHES:
            try:
                job = self._jobs.get_nowait()
            except queue.Empty:
                break
            if job is None or len(job) == 2:
                following = job
                break
            group.append(job)
        fault: BaseException | None = None
        outcomes: list[Outcome] | None = None
        try:
            with connection.begin():
                self._known.begin()
                outcomes = ingest.keep(connection, self._known, [job[0] for job in group], self.slot_seconds)
        except Exception as failed:  # the thread must outlive a full disk; the agents keep what was not answered
            self._known.forget()
            fault = failed
            log.error("evidence was not kept", fault=f"{type(failed).__name__}: {failed}"[:300], batches=len(group))
        self._committed_at = time.monotonic()
        answers: dict[Deliver, list[tuple[Answer, Outcome | None, BaseException | None]]] = {}
        for number, (_, answer, deliver) in enumerate(group):
            outcome = outcomes[number] if outcomes is not None and fault is None else None
            answers.setdefault(deliver, []).append((answer, outcome, fault))
        for deliver, some in answers.items():
            _safely(lambda deliver=deliver, some=some: deliver(some))  # type: ignore[misc]
        if fault is None:
            self._tell()
        return following

    def _call(self, connection: Connection, function: Callable[[Connection], Any], future: Future[Any]) -> None:
        try:
            with connection.begin():
                self._known.begin()
                result = function(connection)
        except BaseException as fault:
            self._known.forget()
            connection.info.pop(CHANGED_AGENTS, None)
            future.set_exception(fault)
            return
        if connection.info.pop(CHANGED_AGENTS, False):
            self._known.forget()
            self.agents_generation += 1
        future.set_result(result)
        self._tell()

    def _tell(self) -> None:
        for listener in self.listeners:
            _safely(listener)


def _safely(call: Callable[[], None]) -> None:
    try:
        call()
    except Exception as fault:  # a listener's fault (a loop that has closed) must not stop the writer
        log.error("an answer could not be delivered", fault=f"{type(fault).__name__}: {fault}"[:300])
