"""Processes that judge beside ours: campus-days go in, what each comes to comes out in the same order.

They only read, each with a connection of its own; whoever asked writes, as the one writer that there is. What holds is
named by digest, so that all of them judge by the very snapshots that the asker saw.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import TYPE_CHECKING, TypeVar

from msgspec import Struct
from sqlalchemy import Connection

from collector.holding import Held, Holding
from collector.policies.policy import Policy
from collector.store import Store
from collector.store.judging import Standing

if TYPE_CHECKING:
    import datetime

T = TypeVar("T")
_NICE = 5
"""Agents that push and people who read come before a day that is judged again."""
_IN_FLIGHT = 8
"""Campus-days a process that wait or are done and not taken: enough that none is idle while a day is written."""
_WORKS_A_COLLECTION = 20


class Work(Struct, frozen=True):
    """One campus-day. ``slots``: those to judge, with the reason; ``hashes``: the snapshots that hold; ``policy``: the
    document of another policy to judge by, empty for the one that holds; ``whole_from``: verdicts of slots from then on
    come back with each access point and room, earlier ones without."""

    campus: str
    day: datetime.date
    slots: dict[int, str]
    hashes: dict[str, str]
    standings: list[Standing]
    policy: bytes = b""
    whole_from: float = 0.0


class Reader:
    """What a process has at hand: the store, and the snapshots that it has read."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._holding = Holding()
        self._policies: dict[bytes, Policy] = {}

    def held(self, connection: Connection, work: Work) -> Held:
        held = self._holding.named(connection, work.hashes)
        if not work.policy:
            return held
        if work.policy not in self._policies:
            self._policies[work.policy] = Policy.from_bytes(work.policy)
        return Held(self._policies[work.policy], held.inventory, held.hours, held.hashes)


Task = Callable[[Reader, Work], T]


class WorkerLost(RuntimeError):
    """A process ended before it had judged."""


class Workers:
    """``processes`` 1: everything is done in this one."""

    def __init__(self, store: Store, processes: int | None = None) -> None:
        self._store = store
        self._reader: Reader | None = None
        self._pool: ProcessPoolExecutor | None = None
        self.processes = processes or len(os.sched_getaffinity(0))
        if self.processes > 1:
            url = store.url.render_as_string(hide_password=False)
            # A fork would take over the threads' locks and the open database.
            context = multiprocessing.get_context("spawn")
            self._pool = ProcessPoolExecutor(self.processes, context, initializer=_begin, initargs=(url,))

    def map(self, task: Task[T], works: Iterable[Work]) -> Iterator[T]:
        """Raises WorkerLost."""
        if self._pool is None:
            self._reader = self._reader or Reader(self._store)
            for work in works:
                yield task(self._reader, work)
            return
        waiting: deque[Future[T]] = deque()
        try:
            for work in works:
                waiting.append(self._pool.submit(_do, task, work))
                if len(waiting) >= _IN_FLIGHT * self.processes:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        except BrokenProcessPool:
            raise WorkerLost("a process that judges has ended: it was killed, or memory ran out") from None

    def close(self) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _Process:
    """One of the processes. Its garbage is small and has no cycles worth a search after every few reports."""

    reader: Reader
    done = 0


def _begin(url: str) -> None:
    os.nice(_NICE)
    _Process.reader = Reader(Store(url, write=False))
    gc.collect()
    gc.freeze()
    gc.disable()


def _do(task: Task[T], work: Work) -> T:
    _Process.done += 1
    if _Process.done % _WORKS_A_COLLECTION == 0:
        gc.collect()
    return task(_Process.reader, work)
