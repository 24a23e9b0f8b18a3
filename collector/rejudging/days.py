"""Which campus-days a period holds, and one of them judged by whichever process takes it."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Sequence

from msgspec import Struct, structs

from collector.holding import Held
from collector.inventory import Campus
from collector.judgement.day_record import RoomAir, day_bounds
from collector.judgement.evaluate import SlotVerdict
from collector.judgement.judging import CampusDay, Outcome, judge_campus_day
from collector.rejudging.workers import Reader, Work, Workers
from collector.store.judging import Standing


class Found(Struct):
    """An Outcome without what the asker has already."""

    verdicts: dict[int, SlotVerdict]
    evidence: dict[int, str]
    places_measured: set[str]
    newly_heard: dict[tuple[str, str], float]
    rooms: dict[str, RoomAir]
    agents: tuple[tuple[str, str | None, float, float | None], ...]


def of_period(
    since: datetime.date, until: datetime.date, campuses: Sequence[Campus], begins: dict[str, int], finished: int,
    seconds: int, reason: str,
) -> Iterator[list[CampusDay]]:  # fmt: skip
    """Each day's campuses, the newest day first. ``begins``: each campus's first slot of its record, which a campus
    without one does not have; ``finished``: the last slot that is over."""
    day = until
    while day >= since:
        of_day = []
        for campus in campuses:
            if campus.id not in begins:
                continue
            begin, end = day_bounds(day, campus.timezone)
            first = begin - begin % seconds
            slots = range(first, min(end, finished + seconds), seconds)
            wanted = {slot: reason for slot in slots if slot >= begins[campus.id]}
            if wanted:
                of_day.append(CampusDay(campus, day, wanted))
        if of_day:
            yield of_day
        day -= datetime.timedelta(days=1)


def judged(
    workers: Workers, works: Sequence[tuple[CampusDay, Held]], standings: dict[str, list[Standing]], whole_from: float
) -> Iterator[Outcome]:
    """The campus-days judged, in their order."""
    asked = (
        Work(one.campus.id, one.day, one.slots, held.hashes, standings.get(one.campus.id, []), whole_from=whole_from)
        for one, held in works
    )
    for (one, held), found in zip(works, workers.map(judge, asked), strict=True):
        yield Outcome(
            work=one,
            held=held,
            verdicts=found.verdicts,
            evidence=found.evidence,
            places_measured=found.places_measured,
            newly_heard=found.newly_heard,
            rooms=found.rooms,
            agents=found.agents,
        )


def judge(reader: Reader, work: Work) -> Found:
    """What a process does with a campus-day."""
    with reader.store.read() as connection:
        held = reader.held(connection, work)
        asked = CampusDay(held.inventory.campuses[work.campus], work.day, work.slots)
        outcome = judge_campus_day(connection, asked, held, work.standings)
    verdicts = {
        slot: one if slot >= work.whole_from else structs.replace(one, access_points={}, places={})
        for slot, one in outcome.verdicts.items()
    }
    return Found(
        verdicts,
        outcome.evidence,
        outcome.places_measured,
        outcome.newly_heard,
        outcome.rooms,
        outcome.agents,
    )
