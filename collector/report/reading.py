"""What a report says, read once: the answers of the period with what stands beside them in the annex.

Every figure is the answers' own (collector/commitment/answers.py), the incidents' (collector/incidents/figures.py) or
counted by the board's picture of a month; nothing is added up here.
"""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from collector.board.method import MethodPage, method_view
from collector.board.month import Month, month
from collector.board.views import periods_of
from collector.commitment.answers import Asked, answer
from collector.holding import Held, Holding
from collector.incidents.figures import figures, seconds_to
from collector.inventory import Campus
from collector.judgement.day_record import day_bounds
from collector.store import Store, incidents, ledger
from collector.store.incidents import Kept, Step

PICTURE_DAYS = 31
_KINDS = ("policy", "inventory", "hours")
_ONE_DAY = datetime.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Fault:
    """An incident with the seconds from its begin to each step that was taken."""

    kept: Kept
    seconds_to: dict[str, float]


@dataclass(frozen=True, slots=True)
class CampusRead:
    """``answer``: the campus's part of the answer."""

    campus: Campus
    answer: dict[str, Any]
    month: Month | None
    faults: tuple[Fault, ...]
    evidence: str


@dataclass(frozen=True, slots=True)
class Digests:
    """``named``: by kind, each digest that the period's days name with its first and last day. ``evidence``: SHA-256
    over the lines "campus day revision evidence" of these days; ``chain``: the number and digest of the ledger's last
    link."""

    named: dict[str, list[tuple[str, str, str]]]
    evidence: str
    chain: tuple[int, str]


@dataclass(frozen=True, slots=True)
class Reading:
    """``campuses``: those that get a page. ``only``: the campus that was asked for alone. ``because``: by campus, which
    of class time and school days makes its answer no better, where both are judged."""

    answer: dict[str, Any]
    only: str
    method: MethodPage | None
    campuses: tuple[CampusRead, ...]
    because: dict[str, tuple[str, ...]]
    effort: dict[str, Any]
    digests: Digests
    made_at: float


def read(
    store: Store, asked: Asked, since: Any, until: Any, *, now: float, shown: Callable[[int, int], None]
) -> Reading:
    """``shown`` is told how many of the campuses with a page are read. Raises what the answer raises."""
    while True:
        before = _chain(store)
        found = answer(store, asked, now=now, since=since, until=until)
        made = _read(store, asked, found, now, shown)
        if made.digests.chain == before:  # else days were sealed meanwhile: the digests would be of another ledger
            return made


def _read(store: Store, asked: Asked, found: dict[str, Any], now: float, shown: Callable[[int, int], None]) -> Reading:
    first, last = (datetime.date.fromisoformat(found[key]) for key in ("from", "to"))
    with store.read() as connection:
        named = ledger.named_of_period(connection, found["from"], found["to"], asked.campus)
        digests = Digests(
            {kind: _spans(named, kind) for kind in _KINDS}, _evidence(named), ledger.last_link(connection)
        )
        if not found["campuses"]:
            return Reading(found, asked.campus or "", None, (), {}, figures((), {}, {}), digests, now)
        held = _held(connection, last, now)
        begin, end = day_bounds(first, held.timezone)[0], day_bounds(last, held.timezone)[1]
        kept = incidents.of_period(connection, begin, end, asked.campus)
        steps = incidents.steps(connection, [one.id for one in kept])
        begun = [one for one in kept if begin <= one.fault.from_at < end]
        chosen = [one for one in found["campuses"] if asked.campus or one["verdict"] == "falls_short"]
        by_campus: dict[str, list[ledger.Named]] = {}
        for row in named:
            by_campus.setdefault(row.campus, []).append(row)
        pages = []
        for number, one in enumerate(chosen):
            shown(number, len(chosen))
            campus = held.inventory.campuses[one["campus"]]
            pages.append(
                CampusRead(
                    campus, one, _month(connection, campus, first, last), _faults(kept, steps, campus.id),
                    _evidence(by_campus.get(campus.id, ())),
                )
            )  # fmt: skip
        shown(len(chosen), len(chosen))
        because = {
            one["campus"]: periods_of(one["campus"], {"": {one["campus"]: one}}, held.policy)[0].because
            for one in found["campuses"]
        }
        effort = figures(begun, steps, held.inventory.campuses)
    return Reading(found, asked.campus or "", method_view(held), tuple(pages), because, effort, digests, now)


def _held(connection: Connection, last: datetime.date, now: float) -> Held:
    """What held on the last day, as the answer has it."""
    holding = Holding()
    holding.refresh(connection)
    held = holding.at(connection, now)
    return holding.on(connection, last) if last < held.today(now) else held


def _month(connection: Connection, campus: Campus, first: datetime.date, last: datetime.date) -> Month | None:
    """The last days of the period, as many as a picture can show."""
    first = max(first, last - (PICTURE_DAYS - 1) * _ONE_DAY)
    rows = ledger.newest_of_period(connection, first.isoformat(), last.isoformat(), campus.id)
    days = [first + n * _ONE_DAY for n in range((last - first).days + 1)]
    records = {row.day: row.record for row in rows}
    return month(days, records, {row.day: row.revision for row in rows}, campus.timezone)


def _faults(kept: Iterable[Kept], steps: dict[int, list[Step]], campus: str) -> tuple[Fault, ...]:
    mine = (one for one in kept if one.stands and any(part.campus == campus for part in one.fault.parts))
    return tuple(Fault(one, seconds_to(one, steps.get(one.id, ()))) for one in mine)


def _spans(named: Iterable[ledger.Named], kind: str) -> list[tuple[str, str, str]]:
    found: dict[str, tuple[str, str]] = {}
    for row in named:
        digest = getattr(row, kind)
        first, last = found.get(digest, (row.day, row.day))
        found[digest] = min(first, row.day), max(last, row.day)
    return sorted(((digest, *days) for digest, days in found.items()), key=lambda one: (one[1], one[0]))


def _evidence(named: Iterable[ledger.Named]) -> str:
    lines = "".join(f"{one.campus} {one.day} {one.revision} {one.evidence}\n" for one in named)
    return hashlib.sha256(lines.encode()).hexdigest()


def _chain(store: Store) -> tuple[int, str]:
    with store.read() as connection:
        return ledger.last_link(connection)
