"""What a verification is given, wherever it comes from: a store, or a bundle on somebody's laptop."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator
from typing import Protocol

from msgspec import Struct

from collector.judgement.judging import Beside
from collector.store.evidence import Kept
from collector.store.ledger import LedgerRow, Written


class Stream(Struct, frozen=True):
    """What the collector says of an agent's stream. All up to ``through`` was acknowledged; ``kept``: the numbers that
    are kept, of any time, ``lost``: those that the agent gave up, both as [first, last]."""

    agent: str
    stream: str
    through: int
    kept: list[tuple[int, int]] = []
    lost: list[tuple[int, int]] = []


class Campus(Struct, frozen=True):
    """What the collector says of a campus. ``begins``: the first full slot of its record; ``pending``: slots that it is
    still to judge (again); ``last``: the last one that was judged; ``witnesses``: reports of other days that hold a
    first answer, a first beacon or the anchor of a clock; ``expired``: agent, begin and end of evidence of any time of
    which only digests are left."""

    campus: str
    begins: float
    last: int
    pending: frozenset[int]
    beside: Beside
    streams: list[Stream]
    witnesses: list[Kept]
    expired: list[tuple[str, float, float]] = []


class Expired(Struct, frozen=True):
    """A report whose document was let go when it was ``kept_days`` old. ``held``: although somebody held it."""

    agent: str
    stream: str
    seq: int
    digest: str
    campus: str | None
    start_at: float
    end_at: float
    expired_at: float
    kept_days: int
    held: bool = False


class Snapshot(Struct, frozen=True):
    kind: str
    hash: str
    body: bytes


class Source(Protocol):
    """``before``: the number and digest of the chain's link before the first of ``written``."""

    def before(self) -> tuple[int, str]: ...

    def written(self) -> Iterator[Written]: ...

    def snapshots(self) -> Iterable[Snapshot]: ...

    def summed_otherwise(self) -> list[tuple[str, str]]:
        """Campus and day of the sums beside the ledger that are not what its newest revisions say."""
        ...

    def keys(self) -> dict[str, bytes]: ...

    def campuses(self) -> list[str]: ...

    def campus(self, name: str) -> Campus: ...

    def days(self, campus: str) -> list[datetime.date]:
        """Every day of the period from the campus's first row on."""
        ...

    def newest(self, campus: str, day: datetime.date) -> LedgerRow | None: ...

    def reports(self, campus: str, since: float, until: float) -> list[Kept]:
        """Reports that overlap [since, until), oldest first, of the campus or of an agent that ever stood there."""
        ...

    def expired(self, campus: str, since: float, until: float) -> list[Expired]:
        """The same of those that have expired."""
        ...

    def damaged(self, campus: str) -> Iterable[Difference]:
        """What is kept of the campus's reports in a form that can be seen to be damaged before it is read."""
        ...


class Difference(Struct, frozen=True):
    """Where the ledger and the evidence part: ``subject`` names the row, report or document."""

    subject: str
    what: str
    campus: str = ""
    day: str = ""
    slot: int | None = None
    ledger: str = ""
    evidence: str = ""


class Gap(Struct, frozen=True):
    """Numbers of a stream that have not come: sent late, or never. No difference by itself."""

    agent: str
    stream: str
    first: int
    last: int


class Counts(Struct):
    """What was looked at."""

    revisions: int = 0
    snapshots: int = 0
    reports: int = 0
    days: int = 0
    slots: int = 0
    not_judged_yet: int = 0
    seen_from_above: int = 0
    expired_days: int = 0
    kept_days: int = 0
    chain: str = ""
    gaps: list[Gap] = []
