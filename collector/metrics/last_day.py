"""Each campus's last school day as its day criteria judged it: the ledger goes in, counts by criterion come out.

A day is judged once it is over, so what stands here is of yesterday at the latest, and after holidays of weeks ago. A
record is read once for each revision: a district has a thousand of them, and they change once a day.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import Connection

from collector.holding import Held
from collector.judgement.day_record import day_bounds
from collector.store import day_sums, ledger

WITHIN_DAYS = 120
"""Longer than any summer holidays; a campus without a school day in so long has no last one."""


@dataclass(frozen=True)
class LastDay:
    """``begins_at``: Unix seconds of its local midnight; ``criteria``: how many of all met each and of how many nobody
    knows, as (met, unknown, all)."""

    begins_at: float
    criteria: Mapping[str, tuple[int, int, int]] = field(default_factory=dict)


class LastDays:
    def __init__(self) -> None:
        self._read: dict[str, tuple[tuple[str, int], str, LastDay]] = {}

    def look(self, connection: Connection, held: Held, now: float) -> dict[str, LastDay]:
        """By campus; those are left out whose last day another policy judged than the one that holds."""
        since = held.today(now) - datetime.timedelta(days=WITHIN_DAYS)
        found = {}
        for campus, which in day_sums.last_judged(connection, since.isoformat()).items():
            if campus not in held.inventory.campuses:
                continue
            kept = self._read.get(campus)
            if kept is None or kept[0] != which:
                kept = self._read[campus] = self._day(connection, held, campus, which)
            if kept[1] == held.hashes["policy"]:
                found[campus] = kept[2]
        return found

    @staticmethod
    def _day(
        connection: Connection, held: Held, campus: str, which: tuple[str, int]
    ) -> tuple[tuple[str, int], str, LastDay]:
        day, _ = which
        row = ledger.newest(connection, campus, day)
        said = None if row is None else row.record.day_verdict
        begin, _ = day_bounds(datetime.date.fromisoformat(day), held.inventory.campuses[campus].timezone)
        counts = {} if said is None else {one.id: (one.met, one.unknown, one.n) for one in said.criteria}
        return which, "" if row is None else row.policy, LastDay(float(begin), counts)
