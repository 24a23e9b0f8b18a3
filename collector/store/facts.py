"""What a verification is given, read from the store: nothing here judges, and nothing is written."""

from __future__ import annotations

import datetime
import itertools
from collections.abc import Iterable, Iterator

from sqlalchemy import Connection, select

from collector.facts import Campus, Snapshot, Stream
from collector.judging import Beside, beside
from collector.store import agents, day_sums, evidence, judging, ledger, marks, schema
from collector.store.evidence import Kept
from collector.store.ledger import LedgerRow, Written

_DAY_SECONDS = 86400
_ANCHORS = b'"anchors":[{'


class StoreFacts:
    """One state of the store, for a period of local days. ``campus``: only this one, else every one with a ledger.
    Without ``since`` everything that was ever kept is looked at."""

    def __init__(
        self, connection: Connection, since: datetime.date | None, until: datetime.date | None, campus: str | None
    ) -> None:
        self._connection = connection
        self._only = campus
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
        return itertools.chain(ledger.written(self._connection), ledger.without_link(self._connection))

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
            heard={pair: at for pair, at in known.heard.items() if at < self._end},
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
        )

    def reports(self, campus: str, since: float, until: float) -> list[Kept]:
        rows = {row.id: row for row in evidence.of_campus(self._connection, campus, since, until)}
        rows |= {row.id: row for row in evidence.of_agents(self._connection, self._agents(campus), since, until)}
        return sorted(rows.values(), key=lambda row: (row.start_at, row.id))

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
            numbers = _ranges(self._connection.scalars(seqs))
            losses = [(first, last) for first, last in self._connection.execute(gone)]
            found.append(Stream(agent, stream, through, numbers, losses))
        return found

    def _witnesses(self, campus: str, known: Beside) -> list[Kept]:
        """Reports on which the period's judgement rests, wherever they were made: they may lie long before it."""
        rows: dict[int, Kept] = {}
        instants = {(agent, at) for pairs in (known.answered, known.heard) for (agent, _), at in pairs.items()}
        for agent, at in sorted(instants):
            found = evidence.of_agents(self._connection, [agent], at - 1.0, at + 1.0)
            rows |= {row.id: row for row in found}
        anchors = schema.anchor
        query = select(anchors.c.agent, anchors.c.boot_id).where(anchors.c.agent.in_(self._agents(campus)))
        for agent, boot_id in self._connection.execute(query).all():
            for row in evidence.of_boot(self._connection, agent, boot_id):
                if row.holds(_ANCHORS):
                    rows[row.id] = row
        return [row for _, row in sorted(rows.items())]


def _ranges(numbers: Iterable[int]) -> list[tuple[int, int]]:
    """Rising numbers as [first, last] of neighbours."""
    found: list[tuple[int, int]] = []
    for one in numbers:
        if found and found[-1][1] == one - 1:
            found[-1] = (found[-1][0], one)
        else:
            found.append((one, one))
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
