"""Keeps the incidents in step with the ledger: after each judging pass those of the judged campuses are found again
from the newest slots, and what is kept is opened, moved, closed or disproved accordingly. Nothing is ever deleted.

Only as many days are read as can matter: from the last slots in a row before the judged ones that end every incident,
to the first such slots after them.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping

from msgspec import Struct
from sqlalchemy import Connection

from collector.incidents import words
from collector.incidents.finding import Incident, Slot, is_bad, of_campus, of_uplink, quiet_after, slots
from collector.inventory import Campus, Inventory
from collector.judgement.day_record import local_day
from collector.judgement.judging import Outcome
from collector.store import incidents as kept
from collector.store import ledger
from collector.store.incidents import DETECTED, DISPROVED, NOTE, VERIFIED, Kept, Step

JUDGE = "judge"
FOR_EVER = 1 << 40
_DAYS_AROUND = (0, 7, 60, None)
"""How far is looked for the end of every incident: mostly it is found on the same day."""


class Touched(Struct):
    """What a pass judged of one campus: from the first to the last slot, both included."""

    first: int
    last: int
    matters: bool


class _Window(Struct, frozen=True):
    """``judged``: the slots in it; before and after them no incident lasts and no row has begun."""

    begin: int
    end: int
    judged: list[Slot]


def follow(
    connection: Connection,
    outcomes: Iterable[Outcome],
    changed: set[str],
    through: Mapping[str, int],
    inventory: Inventory,
    now: float,
) -> None:
    """``changed``: campuses of which an already judged slot got another verdict; ``through``: the last slot of each
    campus that was judged before this pass."""
    lasting = kept.lasting_campuses(connection)
    uplinks: dict[str, tuple[int, int]] = {}
    for name, one in _touched(outcomes, through).items():
        campus = inventory.campuses.get(name)
        if campus is None or not (one.matters or name in lasting or name in changed):
            continue
        window = _window(connection, campus, one.first, one.last)
        _settle(connection, f"campus {name}", window.begin, window.end, of_campus(name, window.judged), now)
        if campus.uplink:
            extent = _shared_extent(connection, campus, window)
            if extent is not None:
                known = uplinks.get(campus.uplink, extent)
                uplinks[campus.uplink] = min(known[0], extent[0]), max(known[1], extent[1])
    for uplink, (begin, end) in sorted(uplinks.items()):
        _settle_uplink(connection, uplink, begin, end, inventory, now)


def _touched(outcomes: Iterable[Outcome], through: Mapping[str, int]) -> dict[str, Touched]:
    """A slot that comes last of all and is not bad can only end an incident that lasts, so that a start need not read
    the year of a campus of which nobody knows anything."""
    found: dict[str, Touched] = {}
    for outcome in outcomes:
        name = outcome.work.campus.id
        first, last = min(outcome.verdicts), max(outcome.verdicts)
        newest = name in through and first >= through[name]
        bad = any(is_bad(one.verdict, one.cause) for one in outcome.verdicts.values())
        one = found.setdefault(name, Touched(first, last, False))
        one.first, one.last = min(one.first, first), max(one.last, last)
        one.matters = one.matters or bad or not newest
    return found


def _window(connection: Connection, campus: Campus, first: int, last: int) -> _Window:
    """What can matter to incidents that touch slots ``first`` to ``last``."""
    newest = ledger.last_day(connection, campus.id) or ""
    for days in _DAYS_AROUND:
        since = _day(first, campus, -days) if days is not None else ""
        until = _day(last, campus, days) if days is not None and last < FOR_EVER else newest
        rows = ledger.newest_of_period(connection, since, until, campus.id)
        judged = list(slots(row.record for row in rows))
        before = [at for at in quiet_after(judged) if at <= first]
        after = quiet_after(one for one in judged if one.begin > last)
        if days is None or (before and (after or until >= newest)):
            break
    begin = before[-1] if before else 0
    end = after[0] if after else FOR_EVER
    return _Window(begin, end, [one for one in judged if begin <= one.begin < end])


def _day(slot: int, campus: Campus, days: int) -> str:
    return (local_day(slot, campus.timezone) + datetime.timedelta(days=days)).isoformat()


def _shared_extent(connection: Connection, campus: Campus, window: _Window) -> tuple[int, int] | None:
    """From when to when the uplink's incidents must be looked at, if they must."""
    parts = of_campus(campus.id, window.judged, shared=True)
    standing = [one.fault for one in kept.of_scope(connection, f"uplink {campus.uplink}", window.begin, window.end)]
    return _extent([*parts, *standing])


def _extent(faults: list[Incident]) -> tuple[int, int] | None:
    if not faults:
        return None
    ends = [FOR_EVER if one.to_at is None else one.to_at for one in faults]
    return min(one.from_at for one in faults), max(ends)


def _settle_uplink(connection: Connection, uplink: str, begin: int, end: int, inventory: Inventory, now: float) -> None:
    """All campuses behind the uplink, over a time that grows until nothing of them reaches out of it."""
    campuses = [one for one in inventory.campuses.values() if one.uplink == uplink]
    while True:
        parts = [
            part
            for one in campuses
            for part in of_campus(one.id, _window(connection, one, begin, end).judged, shared=True)
            if part.overlaps(begin, end)
        ]
        standing = [one.fault for one in kept.of_scope(connection, f"uplink {uplink}", begin, end)]
        wider = _extent([*parts, *standing]) or (begin, end)
        wider = min(begin, wider[0]), max(end, wider[1])
        if wider == (begin, end):
            break
        begin, end = wider
    _settle(connection, f"uplink {uplink}", begin, end, of_uplink(uplink, parts), now)


def _settle(connection: Connection, scope: str, begin: int, end: int, found: list[Incident], now: float) -> None:
    """Makes what is kept of [begin, end) say what was found."""
    standing = kept.of_scope(connection, scope, begin, end)
    taken = _matched(standing, found)
    for number, fault in enumerate(found):
        one = taken.get(number)
        if one is None:
            made = kept.add(connection, fault, now)
            kept.write_step(connection, Step(made, DETECTED, now, JUDGE, fault.cause))
            _say_over(connection, made, None, fault.to_at, now)
        else:
            _move(connection, one, fault, now)
    matched = {one.id for one in taken.values()}
    for one in standing:
        if one.id not in matched and one.stands:
            same = [taken[n].id for n, fault in enumerate(found) if n in taken and _shared_seconds(one.fault, fault)]
            reason = words.SAME.say(incident=same[0]) if same else words.DISPROVED.say()
            if one.resolution:
                before = one.resolution_reason
                reason = words.AFTER_CLOSING.say(disproved=reason, resolution=one.resolution, reason=before)
            kept.resolve(connection, one.id, DISPROVED, reason)
            kept.write_step(connection, Step(one.id, NOTE, now, JUDGE, reason))


def _matched(standing: list[Kept], found: list[Incident]) -> dict[int, Kept]:
    """Which kept incident each found one is: the one it shares most time with, those that stand before disproved
    ones."""
    pairs = [
        (not one.stands, -seconds, one.id, number, one)
        for one in standing
        for number, fault in enumerate(found)
        if (seconds := _shared_seconds(one.fault, fault)) > 0
    ]
    taken: dict[int, Kept] = {}
    used: set[int] = set()
    for _, _, name, number, one in sorted(pairs, key=lambda pair: pair[:4]):
        if number not in taken and name not in used:
            taken[number] = one
            used.add(name)
    return taken


def _shared_seconds(one: Incident, other: Incident) -> int:
    ends = [FOR_EVER if fault.to_at is None else fault.to_at for fault in (one, other)]
    return min(ends) - max(one.from_at, other.from_at)


def _move(connection: Connection, one: Kept, fault: Incident, now: float) -> None:
    if one.fault != fault:
        kept.change(connection, one.id, fault)
        _say_over(connection, one.id, one.fault.to_at, fault.to_at, now)
    if not one.stands:
        kept.resolve(connection, one.id, "", "")
        kept.write_step(connection, Step(one.id, NOTE, now, JUDGE, words.SHOWN_AGAIN.say()))


def _say_over(connection: Connection, one: int, before: int | None, after: int | None, now: float) -> None:
    if before is None and after is not None:
        kept.write_step(connection, Step(one, VERIFIED, now, JUDGE, words.MET_AGAIN.say()))
    elif before is not None and after is None:
        kept.write_step(connection, Step(one, NOTE, now, JUDGE, words.NOT_OVER.say()))
