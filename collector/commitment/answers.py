"""The answer, from the ledger's rows: which campuses meet the commitment, as bounds, with the counts behind them.

A campus's record begins with its first agent; class time of the period since then that has no row in the ledger counts
as unknown, so a lost row cannot make an answer better. Real and simulated campuses never share a total. Numerators and
denominators are added up, never averages.

The headline (``verdict``, its bounds, every count) holds all class time, approved planned work too: it never drops time
quietly. ``without_exclusions`` stands beside it and answers the same of the time that planned work left, and
``exclusions`` lists what that leaves out. Both stand in the answers of groups and in the totals too.
``withdrawn_exclusions`` lists planned work that was approved and taken back: it is left out no more.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from sqlalchemy import Connection

from collector.commitment import lists, planned_work, trend
from collector.commitment.basis import Basis
from collector.commitment.counts import Counts, count, left_out
from collector.commitment.groups import WORST_FIRST, budgets, groups, ratios, said, summed
from collector.commitment.period import TERM, Dates, Known, Period, UnknownPeriod, before, parse
from collector.commitment.roll_up import roll_up, total
from collector.commitment.why import grounds, local
from collector.holding import Held, Holding, NothingHolds
from collector.inventory import Campus
from collector.judgement import coverage
from collector.judgement.day_record import RoomAir, day_bounds, local_day
from collector.policies.policy import baseline
from collector.store import coverage as rooms_measured
from collector.store import ledger

if TYPE_CHECKING:
    from collector.store import Store


class UnknownCampus(LookupError):
    """A campus that is in no inventory."""


class Asked(Struct, frozen=True):
    """What is asked beside the days. ``period``: its text, instead of days (see collector/commitment/period.py);
    ``by``: what campuses are grouped by; ``rooms_over`` and ``evidence_floor``: shares of class time for the lists;
    ``term``: the agreement's."""

    period: str = ""
    campus: str | None = None
    by: str = "campus"
    why: bool = False
    rooms_over: float = lists.ROOMS_OVER
    evidence_floor: float = lists.EVIDENCE_FLOOR
    term: Dates = TERM


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
    return answer(store, Asked(campus=campus, why=why), now=now, since=since, until=until)


def answer(
    store: Store, asked: Asked, *, now: float, since: datetime.date | None = None, until: datetime.date | None = None
) -> dict[str, Any]:
    """The answer of a period or of days, with its groups, its trend and its lists. Raises UnknownCampus, and
    UnknownPeriod where the calendar does not say the period."""
    holding = Holding()
    with store.read() as connection:
        holding.refresh(connection)
        try:
            held = holding.at(connection, now)
        except NothingHolds:
            return _nothing(asked, since, until, now)
        known = Known(held.today(now), holding.calendars(connection), asked.term)
        if asked.period:
            period = parse(asked.period, known)
        else:
            first = since or _first_day(connection, asked.campus) or known.today
            period = Period("days", "", first, until or max(known.today, first))
        earlier, why_not = _earlier(period, known, since)
        if asked.campus is not None and asked.campus not in held.inventory.campuses:
            raise UnknownCampus(f"campus {asked.campus!r} is in no inventory")
        if period.last < known.today:
            held = holding.on(connection, period.last)
        begins = period.first if earlier is None else earlier.first
        basis = Basis(connection, holding, held, _chosen(held, asked.campus), (begins, period.last), now)
        return _Answering(basis, asked, period, earlier, why_not).whole()


def of_periods(
    store: Store, periods: Mapping[str, Period], *, now: float, holding: Holding | None = None
) -> dict[str, dict[str, dict[str, Any]]]:
    """Each campus's answer in each of several periods, by the period's label and the campus: the ledger is read once.
    Without trend, lists and grounds. Raises NothingHolds."""
    holding = holding or Holding()
    found: dict[str, dict[str, dict[str, Any]]] = {}
    if not periods:
        return found
    with store.read() as connection:
        holding.refresh(connection)
        held = holding.at(connection, now)
        days = min(one.first for one in periods.values()), max(one.last for one in periods.values())
        basis = Basis(connection, holding, held, _chosen(held, None), days, now)
        for label, period in periods.items():
            found[label] = {one["campus"]: one for one in _Answering(basis, Asked(), period, None, "").campuses()}
    return found


def _chosen(held: Held, campus: str | None) -> list[Campus]:
    return [one for name, one in sorted(held.inventory.campuses.items()) if campus in (None, name)]


def _earlier(period: Period, known: Known, since: datetime.date | None) -> tuple[Period | None, str]:
    """What to compare with, or why there is nothing. A period that is not over is compared with as many days of the one
    before it."""
    if period.kind == "days" and since is None:
        return None, "the whole record has nothing before it"
    if period.first > known.today:
        return None, "the period has not begun"
    try:
        found = before(period, known)
    except UnknownPeriod as fault:
        return None, fault.reason
    if known.today >= period.last:
        return found, ""
    so_far = found.first + (known.today - period.first)
    return Period(found.kind, found.name, found.first, min(found.last, so_far)), ""


class _Answering:
    """One period of a basis answered."""

    def __init__(self, basis: Basis, asked: Asked, period: Period, earlier: Period | None, why_not: str) -> None:
        self._basis = basis
        self._held = basis.held
        self._asked = asked
        self._period = period
        self._earlier = earlier
        self._why_not = why_not
        if earlier is not None and self._policies(earlier) != self._policies(period):
            self._why_not = "another policy judged the period before"

    def _policies(self, period: Period) -> set[str]:
        return self._basis.policies(period.first, period.last)

    def campuses(self) -> list[dict[str, Any]]:
        policy = self._held.policy
        last = self._period.last.isoformat()
        only = self._asked.campus
        rooms = rooms_measured.latest(self._basis.connection, last, only) if coverage.criteria(policy) else {}
        return [self._campus(one, rooms.get(one.id, {})) for one in self._basis.campuses]

    def whole(self) -> dict[str, Any]:
        held, period, asked, policy = self._held, self._period, self._asked, self._held.policy
        answers = self.campuses()
        answers.sort(
            key=lambda one: (one["simulated"], WORST_FIRST[one["verdict"]], one["met_ratio_lower"], one["campus"])
        )
        return {
            "from": period.first.isoformat(),
            "to": period.last.isoformat(),
            "period": {"kind": period.kind, "name": period.name},
            "before": None
            if self._earlier is None
            else {"name": self._earlier.name, "from": str(self._earlier.first), "to": str(self._earlier.last)},
            "objective": policy.slot_objective,
            "day_objective": policy.day_objective,
            "policy": policy.name,
            "policy_hash": held.hashes["policy"],
            "proposed": policy.proposed,
            "back_dated": held.back_dated,
            "policy_kept_at": held.policy_kept_at,
            "demonstration_hours": held.hours.always,
            "campuses": answers,
            "by": asked.by,
            "groups": groups(answers, asked.by, policy) if asked.by != "campus" else [],
            "totals": {
                "real": summed([one for one in answers if not one["simulated"]], policy),
                "simulated": summed([one for one in answers if one["simulated"]], policy),
            },
            "lists": lists.of_answers(
                [(one, self._basis.sums(one["campus"], period.first, period.last)) for one in answers],
                asked.rooms_over,
                asked.evidence_floor,
            ),
        }

    def _campus(self, campus: Campus, surveyed: dict[str, RoomAir]) -> dict[str, Any]:
        basis, policy = self._basis, self._held.policy
        first, last = self._period.first, self._period.last
        counts = count(basis, campus, first, last)
        seconds, slots, days = counts.seconds, counts.slots, counts.day_tally
        verdict, by_slots, by_days = roll_up(policy, seconds, days)
        planned = basis.exclusions(campus, first, last)
        exclusions = [one for one in planned if one.counts]
        out = left_out(basis, campus, counts, exclusions)
        days_left = [tally for day, tally in counts.days.items() if day not in out.days]
        listed = {room.id for room in self._held.inventory.places.get(campus.id, ())}
        measured = ({place for one in counts.sums for place in one.places} | surveyed.keys()) & listed
        until = datetime.datetime.fromtimestamp(min(basis.now, day_bounds(last, campus.timezone)[1]), datetime.UTC)
        begins = basis.begins.get(campus.id)
        found: dict[str, Any] = {
            "campus": campus.id,
            "name": campus.name,
            "region": campus.region,
            "board_district": campus.board_district,
            "grade_span": campus.grade_span,
            "simulated": campus.simulated,
            "verdict": verdict,
            **ratios(by_slots),
            "slots": said(slots) | {"all": slots.all},
            "seconds": said(seconds),
            "instructional_seconds": seconds.all,
            "day_verdict": by_days.verdict if by_days.evidence_ratio is not None else None,
            "days": said(days) | {"all": days.all},
            **budgets(policy, seconds, days),
            "day_outcomes": _added(one.outcomes for one in counts.sums),
            "rooms": {"measured": len(measured), "listed": len(listed)},
            "coverage": coverage.line(policy, listed, surveyed, until),
            "record_from": local(begins, campus) if begins is not None else None,
            "causes": dict(sorted(_added(one.causes for one in counts.sums).items(), key=lambda item: -item[1])),
            "without_exclusions": planned_work.answered(
                policy, planned_work.less(seconds, out.seconds), total(days_left)
            ),
            "exclusions": planned_work.listed(exclusions, out),
            "withdrawn_exclusions": planned_work.withdrawn(planned),
            "trend": self._trend(campus, counts),
        }
        if self._asked.why:
            records = basis.records(campus, [(first, last)])
            found["why"] = grounds(records, campus) | {
                "rooms_never_measured": sorted(listed - measured),
                "days_without_record_seconds": counts.lost_seconds,
            }
        return found

    def _trend(self, campus: Campus, counts: Counts) -> dict[str, Any]:
        if self._earlier is None or self._why_not:
            return trend.not_comparable(self._why_not)
        begins = self._basis.begins.get(campus.id)
        old = count(self._basis, campus, self._earlier.first, self._earlier.last)
        return trend.of_campus(
            counts.seconds,
            old.seconds,
            self._held.policy.slot_objective,
            None if begins is None else local_day(begins, campus.timezone),
            self._earlier.first,
        )


def _added(of_days: Iterable[dict[str, int]]) -> dict[str, int]:
    found: dict[str, int] = {}
    for one in of_days:
        for key, number in one.items():
            found[key] = found.get(key, 0) + number
    return dict(sorted(found.items()))


def _first_day(connection: Connection, campus: str | None) -> datetime.date | None:
    day = ledger.first_day(connection, campus)
    return None if day is None else datetime.date.fromisoformat(day)


def _nothing(asked: Asked, since: datetime.date | None, until: datetime.date | None, now: float) -> dict[str, Any]:
    """Before the first import there is no campus and so no local day."""
    today = datetime.datetime.fromtimestamp(now, datetime.UTC).date()
    nobody = summed([], baseline())
    return {
        "from": (since or until or today).isoformat(),
        "to": (until or max(today, since or today)).isoformat(),
        "period": {"kind": "days", "name": ""},
        "before": None,
        "objective": 0.0,
        "policy": "",
        "campuses": [],
        "by": asked.by,
        "groups": [],
        "totals": {"real": nobody, "simulated": nobody},
        "lists": lists.of_answers([], asked.rooms_over, asked.evidence_floor),
    }
