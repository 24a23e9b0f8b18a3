"""Incidents as documents: for people who work on them with names and notes, for everybody else without.

What people write about a fault is free text and may name somebody; the open interface shows that a step was taken and
when, never by whom or with which words. The command line on the collector's own machine shows all of it.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any

from msgspec import structs

from collector.holding import DEFAULT_TIMEZONE, Held, held_at
from collector.incidents.book import FOR_EVER, JUDGE
from collector.incidents.figures import figures
from collector.inventory import Campus
from collector.judgement.day_record import day_bounds
from collector.store import Store, incidents, room_reports
from collector.store.incidents import Kept, Step


def listed(
    store: Store,
    period: tuple[datetime.date | None, datetime.date | None],
    campus: str | None = None,
    *,
    now: float,
    only_open: bool = False,
    names: bool = False,
    held: Held | None = None,
) -> list[dict[str, Any]]:
    """Those that touch the days of ``period``, both included (None: no bound), newest first. ``held``: what holds, of
    who asks often and keeps it."""
    with store.read() as connection:
        held = held or held_at(connection, now)
        begin, end = _bounds(held, period)
        found = incidents.of_period(connection, begin, end, campus, only_open=only_open)
        steps = incidents.steps(connection, [one.id for one in found])
    known = held.inventory.campuses if held else {}
    return [_document(one, steps.get(one.id, []), known, names=names) for one in found]


def one_of(
    store: Store, number: int, *, now: float, names: bool = False, held: Held | None = None
) -> dict[str, Any] | None:
    """One incident, with how often a room of it was reported; None where there is none of that number."""
    with store.read() as connection:
        one = incidents.find(connection, number)
        if one is None:
            return None
        held = held or held_at(connection, now)
        steps = incidents.steps(connection, [number]).get(number, [])
        reports = room_reports.every(connection, incident=number)
    document = _document(one, steps, held.inventory.campuses if held else {}, names=names)
    document["room_reports"] = len(reports)
    if names:
        document["reports"] = [structs.asdict(report) for report in reports]
    return document


def figures_of(
    store: Store,
    period: tuple[datetime.date | None, datetime.date | None],
    *,
    now: float,
    held: Held | None = None,
) -> dict[str, Any]:
    """Of the incidents that began in the period, so that none is in two periods."""
    with store.read() as connection:
        held = held or held_at(connection, now)
        begin, end = _bounds(held, period)
        found = [one for one in incidents.of_period(connection, begin, end) if begin <= one.fault.from_at < end]
        steps = incidents.steps(connection, [one.id for one in found])
    return figures(found, steps, held.inventory.campuses if held else {})


def _document(one: Kept, steps: list[Step], campuses: Mapping[str, Campus], *, names: bool) -> dict[str, Any]:
    fault = one.fault
    return {
        "id": one.id,
        "state": one.state,
        "scope": fault.scope,
        "from_at": fault.from_at,
        "to_at": fault.to_at,
        "opened_at": one.opened_at,
        "cause": fault.cause,
        "cause_evidence": fault.cause_evidence,
        "lost_seconds": sum(part.lost_seconds for part in fault.parts),
        "resolution": one.resolution,
        "resolution_reason": one.resolution_reason if names else "",
        "campuses": [structs.asdict(part) | _facts(campuses.get(part.campus)) for part in fault.parts],
        "steps": [_step(step, names=names) for step in steps],
    }


def _step(step: Step, *, names: bool) -> dict[str, Any]:
    said: dict[str, Any] = {"step": step.step, "at": step.at}
    if names or step.by == JUDGE:
        said |= {"by": step.by, "note": step.note}
    return said


def _facts(campus: Campus | None) -> dict[str, Any]:
    """What the inventory says now; a campus may have left it."""
    if campus is None:
        return {"name": "", "region": "", "simulated": False}
    return {"name": campus.name, "region": campus.region, "simulated": campus.simulated}


def _bounds(held: Held | None, period: tuple[datetime.date | None, datetime.date | None]) -> tuple[int, int]:
    zone = held.timezone if held else DEFAULT_TIMEZONE
    since, until = period
    begin = day_bounds(since, zone)[0] if since else 0
    return begin, day_bounds(until, zone)[1] if until else FOR_EVER
