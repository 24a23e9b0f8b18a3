"""What our own evidence says of a campus's access points, slot by slot: the judge's word, and its echoes."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Collection, Iterator

from msgspec import structs
from sqlalchemy import Connection

from collector.controllers.compare import Counts, Ours, Part, compare
from collector.controllers.up_down import Log, by_id
from collector.holding import Held, Holding
from collector.inventory import Inventory
from collector.judgement.day_record import day_bounds, local_day
from collector.judgement.judging import CampusDay, beside, judge_from
from collector.school_time.hours import Hours
from collector.store import evidence, judging
from collector.store.judging import Standing

NO_EVIDENCE = Ours("unknown")


def days_of(log: Log, inventory: Inventory) -> dict[str, list[datetime.date]]:
    """The local days of each campus that the log touches."""
    found = {}
    for name in sorted({ap.campus for ap in by_id(inventory, log.entries).values()} & inventory.campuses.keys()):
        zone = inventory.campuses[name].timezone
        first, last = local_day(log.since, zone), local_day(log.until, zone)
        found[name] = [first + datetime.timedelta(days=n) for n in range((last - first).days + 1)]
    return found


def against(
    connection: Connection,
    holding: Holding,
    inventory: Inventory,
    log: Log,
    counts: Counts,
    advance: Callable[[], None],
) -> Iterator[Part]:
    """Where the log and our evidence disagree, campus by campus. ``advance`` is told of each campus-day."""
    holding.refresh(connection)
    standings = judging.standings(connection)
    for name, days in days_of(log, inventory).items():
        ours: dict[str, dict[int, Ours]] = {}
        seconds = 0
        for day in days:
            held = holding.on(connection, day)
            if name in held.inventory.campuses:
                seconds = held.policy.slot_seconds
                for ap, slots in _day(connection, held, name, day, log, standings.get(name, [])).items():
                    ours.setdefault(ap, {}).update(slots)
            advance()
        for ap, slots in sorted(ours.items()):
            yield from compare(ap, log.entries.get(ap, ()), dict(sorted(slots.items())), seconds, log.until, counts)


def _day(
    connection: Connection, held: Held, name: str, day: datetime.date, log: Log, standings: list[Standing]
) -> dict[str, dict[int, Ours]]:
    campus, seconds = held.inventory.campuses[name], held.policy.slot_seconds
    begin, end = day_bounds(day, campus.timezone)
    slots = [
        slot
        for slot in range(begin - begin % seconds, end, seconds)
        if slot >= begin and slot + seconds > log.since and slot < log.until
    ]
    listed = [ap.id for ap in held.inventory.access_points_on(name, day)]
    found: dict[str, dict[int, Ours]] = {ap: dict.fromkeys(slots, NO_EVIDENCE) for ap in listed}
    rows = evidence.of_campus(connection, name, slots[0], slots[-1] + seconds) if slots else []
    if not rows:
        return found
    known = beside(connection, name, slots[0], slots[-1] + seconds, standings)
    # The controller's log knows no bell: every slot is looked at.
    around_the_clock = structs.replace(held, hours=Hours(always=True))
    outcome = judge_from(CampusDay(campus, day, dict.fromkeys(slots, "")), around_the_clock, rows, known)
    echoes = _echoes(rows, set(listed), seconds)
    for slot, verdict in outcome.verdicts.items():
        for ap, state in verdict.access_points.items():
            agents, sent, received = echoes.get((ap, slot), (frozenset(), 0, 0))
            found[ap][slot] = Ours(state, len(agents), sent, received)
    return found


def _echoes(
    rows: Collection[evidence.Kept], wanted: set[str], seconds: int
) -> dict[tuple[str, int], tuple[frozenset[str], int, int]]:
    found: dict[tuple[str, int], tuple[frozenset[str], int, int]] = {}
    for row in rows:
        reach = row.report().reach
        if reach is None or row.start_at is None:
            continue
        for at, target, sent, received in zip(reach.at, reach.target, reach.sent, reach.received, strict=True):
            if target in wanted:
                key = target, int((row.start_at + at) // seconds) * seconds
                agents, before, answered = found.get(key, (frozenset(), 0, 0))
                found[key] = agents | {row.agent}, before + sent, answered + received
    return found
