"""The answer, from the ledger's rows: which campuses meet the commitment, as bounds, with the counts behind them.

A campus's record begins with its first agent; class time of the period since then that has no row in the ledger counts
as unknown, so a lost row cannot make an answer better. Real and simulated campuses never share a total. Numerators and
denominators are added up, never averages.

The headline (``verdict``, its bounds, every count) holds all class time, approved planned work too: it never drops time
quietly. ``without_exclusions`` stands beside it and answers the same of the time that planned work left, and
``exclusions`` lists what that leaves out.
"""

from __future__ import annotations

import datetime
import zoneinfo
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection

from collector import coverage, day_verdict, planned_work
from collector.day_record import Criterion, DayRecord, RoomAir, Span, day_bounds, local_day
from collector.holding import Held, Holding, NothingHolds
from collector.hours import instructional
from collector.inventory import Campus
from collector.roll_up import Bounds, Tally, roll_up, total
from collector.store import coverage as rooms_measured
from collector.store import exclusions as kept_exclusions
from collector.store import judging as sql
from collector.store import ledger

if TYPE_CHECKING:
    from collector.store import Store

_WORST_FIRST = {"falls_short": 0, "not_enough_evidence": 1, "meets": 2}


class UnknownCampus(LookupError):
    """A campus that is in no inventory."""


def commitment(
    store: Store,
    since: datetime.date | None,
    until: datetime.date | None,
    campus: str | None = None,
    *,
    now: float,
    why: bool = False,
) -> dict[str, Any]:
    """The answer for the days ``since`` to ``until``, both included; by default from the first day of the ledger to
    today. Those who fall short stand first. Raises UnknownCampus."""
    holding = Holding()
    with store.read() as connection:
        holding.refresh(connection)
        try:
            held = holding.at(connection, now)
            today = held.today(now)
            first = since or _first_day(connection, campus) or today
            last = until or max(today, first)
            if last < today:
                held = holding.on(connection, last)
        except NothingHolds:
            return _nothing(since, until, now)
        if campus is not None and campus not in held.inventory.campuses:
            raise UnknownCampus(f"campus {campus!r} is in no inventory")
        chosen = [one for name, one in sorted(held.inventory.campuses.items()) if campus in (None, name)]
        rows: dict[str, dict[str, ledger.LedgerRow]] = {}
        for row in ledger.newest_of_period(connection, first.isoformat(), last.isoformat(), campus):
            rows.setdefault(row.campus, {})[row.day] = row
        rooms = rooms_measured.latest(connection, last.isoformat(), campus) if coverage.criteria(held.policy) else {}
        answers = [
            _campus_answer(
                connection, holding, held, one, rows.get(one.id, {}), (first, last), now, rooms.get(one.id, {}), why=why
            )
            for one in chosen
        ]
    answers.sort(
        key=lambda one: (one["simulated"], _WORST_FIRST[one["verdict"]], one["met_ratio_lower"], one["campus"])
    )
    return {
        "from": first.isoformat(),
        "to": last.isoformat(),
        "objective": held.policy.slot_objective,
        "day_objective": held.policy.day_objective,
        "policy": held.policy.name,
        "policy_hash": held.hashes["policy"],
        "proposed": held.policy.proposed,
        "back_dated": held.back_dated,
        "policy_kept_at": held.policy_kept_at,
        "demonstration_hours": held.hours.always,
        "campuses": answers,
        "totals": {
            "real": _totals([one for one in answers if not one["simulated"]]),
            "simulated": _totals([one for one in answers if one["simulated"]]),
        },
    }


def _campus_answer(
    connection: Connection,
    holding: Holding,
    held: Held,
    campus: Campus,
    rows: dict[str, ledger.LedgerRow],
    period: tuple[datetime.date, datetime.date],
    now: float,
    surveyed: dict[str, RoomAir],
    *,
    why: bool,
) -> dict[str, Any]:
    records = [row.record for row in rows.values()]
    tallies = []
    slots = Tally()
    causes: dict[str, int] = {}
    for record in records:
        totals = record.totals()
        tallies.append(Tally(*(totals[word][1] for word in ("met", "short", "unknown"))))
        slots += Tally(*(totals[word][0] for word in ("met", "short", "unknown")))
        for cause, seconds in record.causes().items():
            causes[cause] = causes.get(cause, 0) + seconds
    begins = sql.record_begins(connection, campus.id)
    lost = _days_without_row(connection, holding, campus, rows, period, begins, now)
    lost_seconds = sum(part[3] for parts in lost.values() for part in parts)
    seconds_of = total(tallies) + Tally(unknown=lost_seconds)
    slots += Tally(unknown=sum(len(parts) for parts in lost.values()))
    days_of = _days(connection, holding, campus, records, lost, now)
    days = total(days_of.values())
    verdict, by_slots, by_days = roll_up(held.policy, seconds_of, days)
    bounds = day_bounds(period[0], campus.timezone)[0], day_bounds(period[1], campus.timezone)[1]
    exclusions = kept_exclusions.approved(connection, *bounds, campus.id)
    out = planned_work.left_out(records, lost, exclusions)
    days_left = total(tally for day, tally in days_of.items() if day not in out.days)
    listed = {room.id for room in held.inventory.places.get(campus.id, ())}
    measured = ({place for record in records for place in record.places_measured} | surveyed.keys()) & listed
    until = datetime.datetime.fromtimestamp(min(now, day_bounds(period[1], campus.timezone)[1]), datetime.UTC)
    answer: dict[str, Any] = {
        "campus": campus.id,
        "name": campus.name,
        "region": campus.region,
        "simulated": campus.simulated,
        "verdict": verdict,
        **_ratios(by_slots),
        "slots": {"met": slots.met, "short": slots.short, "unknown": slots.unknown, "all": slots.all},
        "seconds": {"met": seconds_of.met, "short": seconds_of.short, "unknown": seconds_of.unknown},
        "instructional_seconds": seconds_of.all,
        "day_verdict": by_days.verdict if by_days.evidence_ratio is not None else None,
        "days": {"met": days.met, "short": days.short, "unknown": days.unknown, "all": days.all},
        "day_outcomes": _outcomes(records),
        "rooms": {"measured": len(measured), "listed": len(listed)},
        "coverage": coverage.line(held.policy, listed, surveyed, until),
        "record_from": _local(begins, campus) if begins is not None else None,
        "causes": dict(sorted(causes.items(), key=lambda item: -item[1])),
        "without_exclusions": planned_work.answered(held.policy, planned_work.less(seconds_of, out.seconds), days_left),
        "exclusions": planned_work.listed(exclusions, out),
    }
    if why:
        answer["why"] = {
            "spans": [_span(record, span, campus) for record in records for span in record.spans if _tells(span)],
            "rooms_never_measured": sorted(listed - measured),
            "days_without_record_seconds": lost_seconds,
            "days": [_day(record) for record in records if _day_tells(record)],
        }
    return answer


def _ratios(bounds: Bounds) -> dict[str, float]:
    """Without any class time nothing is known: everything between nothing and all is possible."""
    return {
        "met_ratio_lower": 0.0 if bounds.lower is None else bounds.lower,
        "met_ratio_upper": 1.0 if bounds.upper is None else bounds.upper,
        "evidence_ratio": bounds.evidence_ratio or 0.0,
    }


def _days_without_row(
    connection: Connection,
    holding: Holding,
    campus: Campus,
    rows: dict[str, ledger.LedgerRow],
    period: tuple[datetime.date, datetime.date],
    begins: float | None,
    now: float,
) -> dict[str, list[planned_work.Part]]:
    """The class time, by day, of the record's finished days that the ledger does not hold."""
    if begins is None:
        return {}
    day = max(period[0], local_day(begins, campus.timezone))
    last = min(period[1], local_day(now, campus.timezone) - datetime.timedelta(days=1))
    lost: dict[str, list[planned_work.Part]] = {}
    while day <= last:
        if day.isoformat() not in rows:
            held = holding.on(connection, day)
            seconds = held.policy.slot_seconds
            weights = instructional(held.hours, campus, day, seconds)
            lost[day.isoformat()] = [
                (slot, slot + seconds, "unknown", weight) for slot, weight in weights.items() if slot >= begins
            ]
        day += datetime.timedelta(days=1)
    return lost


def _days(
    connection: Connection,
    holding: Holding,
    campus: Campus,
    records: list[DayRecord],
    lost: dict[str, list[planned_work.Part]],
    now: float,
) -> dict[str, Tally]:
    """Each school day by its verdict: those that are over, and of which the policy of that day required something. A
    day that was closed before days were judged, or of which no row is left, is unknown where something was required."""
    found = {}
    today = local_day(now, campus.timezone)
    for record in records:
        day = datetime.date.fromisoformat(record.day)
        if record.day_verdict is not None:
            verdict = record.day_verdict.verdict
        elif day < today and any(letter in "msu" for letter in record.strip):
            verdict = "unknown" if day_verdict.required(holding.on(connection, day).policy) else ""
        else:
            continue
        if verdict:
            found[record.day] = Tally(**{verdict: 1})
    for name, parts in lost.items():
        if parts and day_verdict.required(holding.on(connection, datetime.date.fromisoformat(name)).policy):
            found[name] = Tally(unknown=1)
    return found


def _outcomes(records: list[DayRecord]) -> dict[str, int]:
    """Tries to join and throughput tests of the period's finished days by their outcome, the deferred ones too."""
    found: dict[str, int] = {}
    for record in records:
        if record.day_verdict is not None:
            for key, count in record.day_verdict.outcomes.items():
                found[key] = found.get(key, 0) + count
    return dict(sorted(found.items()))


def _day_tells(record: DayRecord) -> bool:
    return record.day_verdict is not None and record.day_verdict.verdict in ("short", "unknown")


def _tells(span: Span) -> bool:
    return span.grounds.verdict in ("short", "unknown")


def _span(record: DayRecord, span: Span, campus: Campus) -> dict[str, Any]:
    grounds = span.grounds
    return {
        "day": record.day,
        "from": _local(span.from_slot, campus)[11:16],
        "to": _local(span.to_slot, campus)[11:16],
        "from_at": span.from_slot,
        "to_at": span.to_slot,
        "verdict": grounds.verdict,
        "cause": grounds.cause,
        "cause_evidence": grounds.cause_evidence,
        "criteria": _not_met(grounds.criteria),
    }


def _day(record: DayRecord) -> dict[str, Any]:
    said = record.day_verdict
    assert said is not None
    return {
        "day": record.day,
        "verdict": said.verdict,
        "cause": said.cause,
        "cause_evidence": said.cause_evidence,
        "outcomes": said.outcomes,
        "criteria": _not_met(said.criteria),
    }


def _not_met(criteria: Iterable[Criterion]) -> list[dict[str, Any]]:
    return [
        {
            "id": one.id,
            "verdict": one.verdict,
            "met": one.met,
            "of": one.n,
            "failing": list(one.failing),
            "missing": list(one.missing),
        }
        for one in criteria
        if one.verdict != "met"
    ]


def _local(at: float, campus: Campus) -> str:
    return datetime.datetime.fromtimestamp(at, zoneinfo.ZoneInfo(campus.timezone)).isoformat(timespec="minutes")


def _first_day(connection: Connection, campus: str | None) -> datetime.date | None:
    day = ledger.first_day(connection, campus)
    return None if day is None else datetime.date.fromisoformat(day)


def _totals(answers: list[dict[str, Any]]) -> dict[str, Any]:
    seconds = total(Tally(**one["seconds"]) for one in answers)
    return {
        "campuses": len(answers),
        **{verdict: sum(one["verdict"] == verdict for one in answers) for verdict in _WORST_FIRST},
        "without_exclusions": {
            verdict: sum(one["without_exclusions"]["verdict"] == verdict for one in answers) for verdict in _WORST_FIRST
        },
        "seconds": {"met": seconds.met, "short": seconds.short, "unknown": seconds.unknown},
    }


def _nothing(since: datetime.date | None, until: datetime.date | None, now: float) -> dict[str, Any]:
    """Before the first import there is no campus and so no local day."""
    today = datetime.datetime.fromtimestamp(now, datetime.UTC).date()
    return {
        "from": (since or until or today).isoformat(),
        "to": (until or max(today, since or today)).isoformat(),
        "objective": 0.0,
        "policy": "",
        "campuses": [],
        "totals": {"real": _totals([]), "simulated": _totals([])},
    }
