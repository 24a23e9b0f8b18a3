"""The ledger recomputed from its evidence: facts go in, every place where the two part comes out.

First the chain of digests, whole; then the snapshots; then for each campus its reports with their signatures, and each
day of the period judged again and compared slot by slot. The same for a running collector's store and for a bundle on a
laptop: what is believed is what agents signed; what the collector says beside it must follow from that.

Four things are the collector's own word, and a bundle shows them for people to look at: where agents stood and when
(placements), its own gaps, approved exclusions, and who was registered with which key. Reports that it withholds move
verdicts only towards unknown. A cause that is seen only from above the campus (a shared uplink, a monitor that suspects
itself) rests on other campuses; it is checked against the cause that this campus's evidence shows alone.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from agent import wire
from collector.holding import Held
from collector.inventory import Inventory
from collector.judgement.day_record import day_bounds
from collector.policies.policy import Policy
from collector.school_time.hours import Hours
from collector.store.evidence import Kept
from collector.store.ledger import LedgerRow
from collector.verification import expired, judged_again
from collector.verification.chain import Chain
from collector.verification.facts import Campus, Counts, Difference, Expired, Source
from collector.verification.reports import Reports

_READ: dict[str, Callable[[bytes], Any]] = {
    "policy": Policy.from_bytes,
    "inventory": Inventory.from_bytes,
    "hours": Hours.from_bytes,
}


def _no_news(_done: int, _all: int) -> None:
    return None


class Verification:
    """``counts`` is whole once :meth:`differences` has come to its end."""

    def __init__(self, source: Source, progress: Callable[[int, int], None] = _no_news) -> None:
        self.counts = Counts()
        self._source = source
        self._progress = progress
        self._bodies: dict[tuple[str, str], bytes] = {}
        self._values: dict[tuple[str, str], Any] = {}

    def differences(self) -> Iterator[Difference]:
        """In the order of chain, snapshots, campuses, days and slots, and then what is added up of them: the first one
        is the one to look at."""
        chain = Chain(*self._source.before())
        yield from chain.broken(self._source.written())
        self.counts.revisions, self.counts.chain = chain.count, chain.last
        yield from self._snapshots()
        keys = self._source.keys()
        work = {name: self._source.days(name) for name in self._source.campuses()}
        total, done = sum(len(days) for days in work.values()), 0
        self._progress(done, total)
        for name, days in work.items():
            yield from self._source.damaged(name)
            campus = self._source.campus(name)
            reports = Reports(campus, keys)
            yield from reports.witnesses()
            for day in days:
                yield from self._day(campus, day, reports)
                done += 1
                self._progress(done, total)
            yield from reports.together()
            self.counts.reports += reports.count
            self.counts.gaps += reports.gaps()
        for name, day_name in self._source.summed_otherwise():
            yield Difference(f"sums of {name} {day_name}", "they are not what the ledger's row says", name, day_name)

    def _snapshots(self) -> Iterator[Difference]:
        for one in self._source.snapshots():
            self.counts.snapshots += 1
            if wire.digest(one.body) != one.hash:
                yield Difference(
                    f"{one.kind} snapshot {one.hash}", "it is not what its name says", ledger=one.hash,
                    evidence=wire.digest(one.body),
                )  # fmt: skip
            else:
                self._bodies[one.kind, one.hash] = one.body

    def _day(self, campus: Campus, day: datetime.date, reports: Reports) -> Iterator[Difference]:
        row = self._source.newest(campus.campus, day)
        found = self._known(campus.campus)
        if found is None:
            if row is not None:
                yield Difference(_name(row), "no inventory knows the campus", row.campus, row.day)
            return
        timezone, seconds = found
        begin, end = day_bounds(day, timezone)
        rows = self._source.reports(campus.campus, begin - begin % seconds, end + seconds)
        faults = [fault for one in rows if (fault := reports.look(one)) is not None]
        yield from faults
        if faults:
            return  # what cannot be believed cannot be judged
        gone = [one for one in self._source.expired(campus.campus, begin, end) if one.campus == campus.campus]
        if any(one.start_at < end and one.end_at > begin for one in gone):
            yield from self._expired(campus, day, row, rows, gone, seconds)
            return
        self.counts.days += row is not None
        held = None if row is None else self._held(row)
        if row is None:
            own = [one for one in rows if one.start_at is not None and begin <= one.start_at < end]
            yield from judged_again.unwritten(campus, day, own, seconds)
        elif held is None:
            yield Difference(_name(row), "a snapshot that it names is not kept", row.campus, row.day)
        else:
            yield from judged_again.again(row, held, campus, rows, self.counts)

    def _expired(
        self, campus: Campus, day: datetime.date, row: LedgerRow | None, rows: list[Kept], gone: list[Expired],
        seconds: int,
    ) -> Iterator[Difference]:  # fmt: skip
        """A day of which evidence has aged out: what is left of it must still be what the ledger rests on."""
        yield from expired.too_early(gone)
        self.counts.kept_days = max([self.counts.kept_days, *(one.kept_days for one in gone)])
        if row is None:
            yield from judged_again.unwritten(campus, day, [*rows, *gone], seconds)
        else:
            self.counts.expired_days += 1
            yield from expired.by_digests(row, campus, rows, gone)

    def _known(self, campus: str) -> tuple[str, int] | None:
        """The campus's time zone and the slots' length, as they were kept last."""
        seconds = [self._value(kind, name).slot_seconds for kind, name in self._bodies if kind == "policy"]
        inventories = [self._value(kind, name) for kind, name in self._bodies if kind == "inventory"]
        zones = [one.campuses[campus].timezone for one in inventories if campus in one.campuses]
        return (zones[-1], seconds[-1]) if zones and seconds else None

    def _held(self, row: LedgerRow) -> Held | None:
        hashes = {"policy": row.policy, "inventory": row.inventory, "hours": row.hours}
        try:
            values = {kind: self._value(kind, name) for kind, name in hashes.items()}
        except (KeyError, msgspec.MsgspecError, ValueError):
            return None
        return Held(values["policy"], values["inventory"], values["hours"], hashes)

    def _value(self, kind: str, name: str) -> Any:
        key = (kind, name)
        if key not in self._values:
            self._values[key] = _READ[kind](self._bodies[key])
        return self._values[key]


def _name(row: LedgerRow) -> str:
    return f"ledger row {row.campus} {row.day} revision {row.revision}"
