"""What a verification is given, read from the store: nothing here judges, and nothing is written."""

from __future__ import annotations

import datetime
import itertools
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from sqlalchemy import ColumnElement, Connection, or_, select

from collector.compaction import hour as hours
from collector.compaction.opened import BlockError
from collector.judgement.judging import Beside, beside
from collector.store import agents, day_sums, evidence, holds, joined, judging, ledger, marks, schema
from collector.store.evidence import Kept
from collector.store.ledger import LedgerRow, Written
from collector.verification.facts import Campus, Difference, Expired, Snapshot, Stream

_DAY_SECONDS = 86400
_BEFORE_ALL = -(1 << 62)
"""Rows that somebody has given a number below one are in no chain, and are looked at."""
_STRETCH_SECONDS = 900.0


class StoreFacts:
    """One state of the store, for a period of local days. ``campus``: only this one, else every one with a ledger.
    Without ``since`` everything that was ever kept is looked at."""

    def __init__(
        self, connection: Connection, since: datetime.date | None, until: datetime.date | None, campus: str | None
    ) -> None:
        self._connection = connection
        self._only = campus
        self._whole = since is None and until is None
        self.since = since or _date(ledger.first_day(connection)) or datetime.date(2020, 1, 1)
        self.until = until or _last_day(connection) or self.since
        self._standings = judging.standings(connection)
        # A local day lies within a day of the same date in Greenwich, and a report may lap over its end.
        begin = datetime.datetime.combine(self.since, datetime.time(), datetime.UTC).timestamp()
        end = datetime.datetime.combine(self.until, datetime.time(), datetime.UTC).timestamp()
        self._begin, self._end = begin - _DAY_SECONDS, end + 2 * _DAY_SECONDS

    def before(self) -> tuple[int, str]:
        return 0, ""

    def written(self) -> Iterator[Written]:
        return itertools.chain(ledger.written(self._connection, _BEFORE_ALL), ledger.without_link(self._connection))

    def summed_otherwise(self) -> list[tuple[str, str]]:
        return day_sums.rebuild(self._connection, write=False).differing

    def snapshots(self) -> Iterator[Snapshot]:
        table = schema.snapshot
        query = select(table.c.kind, table.c.hash, table.c.body).order_by(table.c.id)
        for kind, hash_, body in self._connection.execute(query):
            yield Snapshot(kind, hash_, bytes(body))

    def keys(self) -> dict[str, bytes]:
        return {one.id: bytes(one.public_key) for one in agents.every(self._connection)}

    def campuses(self) -> list[str]:
        table = schema.ledger
        names = list(self._connection.scalars(select(table.c.campus).distinct().order_by(table.c.campus)))
        return [name for name in names if self._only in (None, name)]

    def days(self, campus: str) -> list[datetime.date]:
        first = _date(ledger.first_day(self._connection, campus))
        if first is None:
            return []
        begin = max(self.since, first)
        return [begin + datetime.timedelta(days=n) for n in range((self.until - begin).days + 1)]

    def newest(self, campus: str, day: datetime.date) -> LedgerRow | None:
        return ledger.newest(self._connection, campus, day.isoformat())

    def campus(self, name: str) -> Campus:
        extent = ledger.extent(self._connection, name)
        known = beside(self._connection, name, self._begin, self._end, self._standings.get(name, []))
        known = Beside(
            standings=known.standings,
            answered={pair: at for pair, at in known.answered.items() if at < self._end},
            heard={pair: cut for pair, one in known.heard.items() if (cut := one.before(self._end)) is not None},
            gaps=known.gaps,
            exclusions=known.exclusions,
            edge_failed=known.edge_failed,
        )
        return Campus(
            campus=name,
            begins=judging.record_begins(self._connection, name) or 0.0,
            last=extent[1] if extent else 0,
            pending=frozenset(marks.of_campus(self._connection, name)),
            beside=known,
            streams=self._streams(name),
            witnesses=self._witnesses(name, known),
            expired=joined.expired_spans(self._connection, self._agents(name)),
        )

    def reports(self, campus: str, since: float, until: float) -> list[Kept]:
        return evidence.of_campus_or_agents(self._connection, campus, self._agents(campus), since, until)

    def expired(self, campus: str, since: float, until: float) -> list[Expired]:
        held = holds.every(self._connection, campus)
        found = []
        for hour in joined.expired(self._connection, self._chosen(campus), since, until):
            at, days = hour.expired_at or 0.0, hour.kept_days or 0
            kept_back = any(one.holds(hour.first_at or 0.0, hour.last_at or 0.0, at) for one in held)
            for one in joined.index(hour):
                if one.start_at is not None and one.end_at is not None and one.start_at < until and one.end_at >= since:
                    name = (one.agent, one.stream, one.seq, one.digest, one.campus)
                    found.append(Expired(*name, one.start_at, one.end_at, at, days, kept_back))
        return found

    def damaged(self, campus: str) -> Iterator[Difference]:
        """Joined hours whose bytes are not those that were sealed: of the period, or of all time where all is asked."""
        chosen = self._chosen(campus)
        if self._whole:
            every = joined.all_of(self._connection, chosen)
        else:
            every = itertools.chain(
                joined.between(self._connection, chosen, self._begin, self._end),
                joined.expired(self._connection, chosen, self._begin, self._end),
            )
        for hour in every:
            try:
                hours.index(hour)
            except BlockError as fault:
                subject = f"{hour.name} ({hour.reports} reports)"
                what = "these are not the bytes that were sealed" if not hour.is_whole() else str(fault)
                yield Difference(subject, what, campus)

    def _chosen(self, campus: str) -> Callable[[Any], ColumnElement[bool]]:
        agents = self._agents(campus)
        return lambda table: or_(table.c.campus == campus, table.c.agent.in_(agents))

    def _agents(self, campus: str) -> list[str]:
        return sorted({one.agent for one in self._standings.get(campus, [])})

    def _streams(self, campus: str) -> list[Stream]:
        table, lost, kept = schema.stream, schema.loss, schema.evidence
        wanted = self._agents(campus)
        found = []
        query = select(table.c.agent, table.c.stream, table.c.through).where(table.c.agent.in_(wanted))
        for agent, stream, through in self._connection.execute(query.order_by(table.c.agent, table.c.stream)).all():
            gone = select(lost.c.first_seq, lost.c.last_seq).where(lost.c.agent == agent, lost.c.stream == stream)
            seqs = select(kept.c.seq).where(kept.c.agent == agent, kept.c.stream == stream).order_by(kept.c.seq)
            landed = ((one, one) for one in self._connection.scalars(seqs))
            numbers = _ranges(sorted([*landed, *joined.numbers(self._connection, agent, stream)]))
            losses = [(first, last) for first, last in self._connection.execute(gone)]
            found.append(Stream(agent, stream, through, numbers, losses))
        return found

    def _witnesses(self, campus: str, known: Beside) -> list[Kept]:
        """Reports on which the period's judgement rests, wherever they were made: they may lie long before it."""
        rows: dict[int, Kept] = {}
        instants: dict[str, set[float]] = {}
        for (agent, _), at in known.answered.items():
            instants.setdefault(agent, set()).add(at)
        for (agent, _), one in known.heard.items():
            instants.setdefault(agent, set()).update(one.at)
        for agent, wanted in sorted(instants.items()):
            # Most first answers lie in the same few minutes: each stretch of them is read once.
            for stretch in _stretches(sorted(wanted)):
                for row in evidence.of_agents(self._connection, [agent], stretch[0] - 1.0, stretch[-1] + 1.0):
                    begin, end = (row.start_at or 0.0) - 1.0, (row.end_at or 0.0) + 1.0
                    if any(begin < at <= end for at in stretch):
                        rows[row.id] = row
        anchors = schema.anchor
        query = select(anchors.c.agent, anchors.c.boot_id).where(anchors.c.agent.in_(self._agents(campus)))
        for agent, boot_id in self._connection.execute(query).all():
            rows |= {row.id: row for row in evidence.anchoring(self._connection, agent, boot_id)}
        return [row for _, row in sorted(rows.items())]


def _stretches(instants: list[float]) -> Iterator[list[float]]:
    stretch: list[float] = []
    for at in instants:
        if stretch and at - stretch[-1] > _STRETCH_SECONDS:
            yield stretch
            stretch = []
        stretch.append(at)
    if stretch:
        yield stretch


def _ranges(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Rising [first, last] of which neighbours become one."""
    found: list[tuple[int, int]] = []
    for first, last in spans:
        if found and first <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(last, found[-1][1]))
        else:
            found.append((first, last))
    return found


def _last_day(connection: Connection) -> datetime.date | None:
    table = schema.ledger
    return _date(connection.scalar(select(table.c.day).order_by(table.c.day.desc()).limit(1)))


def _date(text: str | None) -> datetime.date | None:
    """None too where somebody has written something else there: the chain's check names that row."""
    try:
        return None if text is None else datetime.date.fromisoformat(text)
    except ValueError:
        return None
