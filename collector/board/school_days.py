"""The school days of the last month as squares: ledger rows and hours go in, one day's verdict and tries each come out.

Pure. A day that the ledger lost is unknown where the policy of that day asked something of it, as in the answer.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from collector.judgement.samples import Samples

if TYPE_CHECKING:
    from collector.judgement.day_record import DayRecord

NOT_OVER = ""
NOTHING_ASKED = "nothing_asked"


@dataclass(frozen=True, slots=True)
class SchoolDay:
    """``state``: met, short, unknown, no_class; empty while the day lasts, or NOTHING_ASKED of it. ``joined`` of
    ``tries``; ``fell``: the criteria that fell short."""

    day: str
    state: str
    joined: int = 0
    tries: int = 0
    cause: str = ""
    cause_evidence: str = ""
    fell: tuple[str, ...] = ()


def school_days(
    since: datetime.date,
    today: datetime.date,
    records: Mapping[str, DayRecord],
    *,
    teaches: Callable[[datetime.date], bool],
    asked: Callable[[datetime.date], bool],
    titles: Mapping[str, str],
) -> tuple[SchoolDay, ...]:
    """Each day of the record, newest first. ``teaches``: whether a day has class; ``asked``: whether the policy of a
    day asks anything of it."""
    days = (today - datetime.timedelta(days=back) for back in range((today - since).days + 1))
    return tuple(
        _day(day, records.get(day.isoformat()), over=day < today, teaches=teaches, asked=asked, titles=titles)
        for day in days
    )


def _day(
    day: datetime.date,
    record: DayRecord | None,
    *,
    over: bool,
    teaches: Callable[[datetime.date], bool],
    asked: Callable[[datetime.date], bool],
    titles: Mapping[str, str],
) -> SchoolDay:
    said = record.day_verdict if record is not None else None
    if said is not None:
        joined, tries = Samples(outcomes=said.outcomes).joins
        return SchoolDay(
            day.isoformat(),
            said.verdict or NOTHING_ASKED,
            joined,
            tries,
            said.cause,
            said.cause_evidence,
            tuple(titles.get(one.id, one.id) for one in said.criteria if one.verdict == "short"),
        )
    judged = record is not None and any(letter in "msu" for letter in record.strip)
    if not judged and ((record is not None and over) or not teaches(day)):
        return SchoolDay(day.isoformat(), "no_class")
    if not over:
        return SchoolDay(day.isoformat(), NOT_OVER)
    return SchoolDay(day.isoformat(), "unknown" if asked(day) else NOTHING_ASKED)
