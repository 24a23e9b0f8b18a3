"""Joins finished hours: what landed goes in by campus, agent and hour, joined hours come out in small transactions.

Encoding runs in the caller's thread on a reader's state of the store; the writer only exchanges rows for an hour that
was read back and compared already, and only if they are still what was read. A kill at any instant leaves each report
in one of the two places.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from typing import NamedTuple

import structlog
from msgspec import Struct
from sqlalchemy import Connection

from collector.compaction import hour as hours
from collector.compaction.hour import Entry, Hour
from collector.compaction.opened import BlockError
from collector.store import Store, finished, joined
from collector.store.finished import Group, Limits

log = structlog.get_logger()
_TOGETHER = 8
"""Hours exchanged in one transaction: a few milliseconds of the writer."""


class Mark(NamedTuple):
    """From where on a pass goes on: campuses before ``campus`` are done, and of it the hours before ``since``."""

    campus: str = ""
    since: float = 0.0


class Done(Struct):
    """``bytes_landed`` and ``bytes_joined``: documents packed one by one, and what took their place. ``left``: reports
    that would not come back as they are, and stay as they landed. ``goes_on``: None at the end."""

    hours: int = 0
    reports: int = 0
    bytes_joined: int = 0
    left: int = 0
    goes_on: Mark | None = None


class Compactor:
    """``settle_seconds``: how long after its begin an hour is finished, so that most late evidence is in.
    ``forwards``: whether remote write reads the evidence too."""

    def __init__(self, store: Store, clock: Callable[[], float], settle_seconds: float, *, forwards: bool) -> None:
        self._store = store
        self._clock = clock
        self._settle_seconds = settle_seconds
        self._forwards = forwards

    def waiting(self) -> int:
        """Reports that are ready to be joined."""
        with self._store.read() as connection:
            return finished.waiting(connection, self._limits(connection))

    def run(self, mark: Mark = Mark(), until: Callable[[], bool] = lambda: False, rest: float = 0.0) -> Done:  # noqa: B008
        """One pass from ``mark`` on. ``until`` is asked after each transaction whether to stop; ``rest``: seconds of
        rest for each second of work, so that the machine stays with those who measure."""
        done = Done()
        with self._store.read() as connection:
            limits = self._limits(connection)
            names = [name for name in finished.campuses(connection) if name >= mark.campus]
        for name in names:
            since: float | None = mark.since if name == mark.campus else 0.0
            while since is not None:
                with self._store.read() as connection:
                    found, since = finished.groups(connection, name, since, limits)
                for at in range(0, len(found), _TOGETHER):
                    begun = time.monotonic()
                    self._join(found[at : at + _TOGETHER], limits, done)
                    following = found[at + _TOGETHER].hour if at + _TOGETHER < len(found) else since
                    if until():
                        done.goes_on = _next(names, name, following)
                        return done
                    time.sleep(rest * (time.monotonic() - begun))
        return done

    def _limits(self, connection: Connection) -> Limits:
        return finished.limits(connection, self._clock() - self._settle_seconds, forwards=self._forwards)

    def _join(self, groups: list[Group], limits: Limits, done: Done) -> None:
        made: list[tuple[Hour, list[Entry], list[Hour]]] = []
        for group in groups:
            with self._store.read() as connection:
                landed = finished.rows(connection, group, limits)
                before = finished.already(connection, group)
            joined_ = self._made(landed, before, done)
            if joined_ is not None:
                made.append(joined_)
        if not made:
            return

        def write(connection: Connection) -> list[bool]:
            return [joined.put(connection, *one) for one in made]

        for (hour, landed, _), put in zip(made, self._store.write(write).result(), strict=True):
            if put:
                done.hours += 1
                done.reports += len(landed)
                done.bytes_joined += sum(map(len, (hour.index, hour.digests, hour.signatures or b"", hour.body or b"")))

    def _made(self, landed: list[Entry], before: list[Hour], done: Done) -> tuple[Hour, list[Entry], list[Hour]] | None:
        """The joined hour, the rows and the hours that it takes the place of."""
        good = [one for one in landed if hashlib.sha256(one.document).hexdigest() == one.digest]
        done.left += len(landed) - len(good)
        try:
            entries = [one for hour in before for one in hours.rows(hour)] + good
            made = hours.join(sorted(entries, key=lambda one: (one.start_at or 0.0, one.id))) if good else None
        except BlockError as fault:
            log.error("an hour was not joined; its reports stay as they landed", fault=str(fault))
            done.left += len(good)
            return None
        return None if made is None else (made, good, before)


def _next(names: list[str], name: str, since: float | None) -> Mark | None:
    if since is not None:
        return Mark(name, since)
    following = names[names.index(name) + 1 :]
    return Mark(following[0]) if following else None
