"""One campus-day judged: what is kept is read through a connection, verdicts come out."""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Callable, Iterable, Iterator

import structlog
from msgspec import Struct
from sqlalchemy import Connection

from collector.compaction.opened import BlockError
from collector.holding import Held
from collector.inventory import WALKING, Campus
from collector.judgement import coverage
from collector.judgement.beacons import MOST, Heard
from collector.judgement.day_record import Grounds, Judged, RoomAir, kept
from collector.judgement.evaluate import Context, SlotVerdict, evaluate_slots, radio_of
from collector.judgement.statistic import Placed
from collector.school_time.hours import instructional
from collector.store import evidence
from collector.store import judging as sql

_log = structlog.get_logger()
_Answers = dict[tuple[str, str], float]
FIRST = "first judged"


class CampusDay(Struct, frozen=True):
    """What to judge: slots of one campus's local day, each with the reason."""

    campus: Campus
    day: datetime.date
    slots: dict[int, str]


class Outcome(Struct):
    """``newly_heard``: access points whose first answer ever, and BSSIDs of which a beacon that counts towards missing
    them, lies in these slots, and when. ``verdicts`` may still get another cause from a look at the whole district.
    ``rooms``: each one's last radio measurement; ``agents``: the placements, by which the day is judged once it is
    over."""

    work: CampusDay
    held: Held
    verdicts: dict[int, SlotVerdict]
    evidence: dict[int, str]
    places_measured: set[str]
    newly_heard: _Answers
    rooms: dict[str, RoomAir]
    agents: tuple[tuple[str, str | None, float, float | None], ...]


class Beside(Struct, frozen=True):
    """What is known of a campus beside its evidence. ``answered`` and ``heard``: when each of its agents first got an
    echo of each access point, and heard each listed BSSID in its first stretches; ``gaps``: the collector's own,
    ``exclusions``: planned work; ``edge_failed``: slots in which the campus's edge did not answer the collector."""

    standings: list[sql.Standing] = []
    answered: _Answers = {}
    heard: dict[tuple[str, str], Heard] = {}
    gaps: tuple[tuple[float, float], ...] = ()
    exclusions: tuple[tuple[float, float, str], ...] = ()
    edge_failed: tuple[int, ...] = ()


def beside(connection: Connection, campus: str, since: float, until: float, standings: list[sql.Standing]) -> Beside:
    known = {standing.agent for standing in standings}
    return Beside(
        standings=standings,
        answered=sql.answered(connection, known),
        heard=sql.heard(connection, known),
        gaps=tuple(sql.collector_gaps(connection, since, until)),
        exclusions=tuple(sql.exclusions(connection, campus, since, until)),
        edge_failed=tuple(sql.edge_failed(connection, campus, since, until)),
    )


def judge_campus_day(connection: Connection, work: CampusDay, held: Held, standings: list[sql.Standing]) -> Outcome:
    since, until = min(work.slots), max(work.slots) + held.policy.slot_seconds
    rows = evidence.of_campus(connection, work.campus.id, since, until)
    return judge_from(work, held, rows, beside(connection, work.campus.id, since, until, standings))


def judge_from(work: CampusDay, held: Held, rows: Iterable[evidence.Kept], known: Beside) -> Outcome:
    """The same for the same evidence, today and in ten years: ``verify`` judges with it again. ``rows``: the campus's
    evidence that overlaps the slots, oldest first."""
    seconds = held.policy.slot_seconds
    slots = sorted(work.slots)
    since, until = slots[0], slots[-1] + seconds
    placed = placed_of(rows, known.standings, _asked(work, held))
    ever = _confirmed(known.answered, known.standings)
    stretches = held.policy.beacon_stretches
    counted = _counted(known.heard, known.standings, stretches)
    beacons = {pair: instants[0] for pair, instants in counted.items()}
    often = {pair: instants[-1] for pair, instants in counted.items() if len(instants) == stretches}
    fixed = [s for s in known.standings if s.place != WALKING]
    agents = tuple((s.agent, s.place, s.from_at, s.to_at) for s in fixed)
    doubts = tuple((s.agent, s.unconfirmed_from, s.to_at) for s in fixed if s.unconfirmed_from is not None)
    verdicts: dict[int, SlotVerdict] = {}
    for group in _same_answers(slots, seconds, [*ever.values(), *beacons.values(), *often.values()]):
        begin, end = group[0], group[-1] + seconds
        context = Context(
            ever_answered=frozenset(key for key, at in ever.items() if at < begin),
            ever_heard=frozenset(key for key, at in beacons.items() if at < begin),
            often_heard=frozenset(key for key, at in often.items() if at < begin),
            agents=agents,
            unconfirmed=doubts,
            collector_gaps=known.gaps,
            exclusions=known.exclusions,
            edge_failed=frozenset(known.edge_failed),
        )
        near = [one for one in placed if one.start_at < end and _end(one) > begin]
        verdicts |= evaluate_slots(
            held.policy, held.inventory, held.hours, work.campus.id, work.day, group, near, context
        )
    # For a room's measurement a report belongs to the slot in which it starts, which is judged with all of them.
    started = [one for one in placed if one.start_at >= since]
    return Outcome(
        work=work,
        held=held,
        verdicts=verdicts,
        evidence=_evidence_digests(slots, seconds, placed),
        places_measured={one.place for one in placed if one.place and one.confirmed},
        newly_heard=_newly_heard(ever, counted, since, until),
        rooms=coverage.measured(held.policy, radio_of(held.inventory, work.campus.id, work.day), started),
        agents=agents,
    )


def as_judged(outcome: Outcome) -> list[Judged]:
    """The outcome's slots as a day's record takes them."""
    return [
        Judged(slot, verdict.weight_seconds, _grounds(verdict), outcome.evidence.get(slot, ""), verdict.samples)
        for slot, verdict in sorted(outcome.verdicts.items())
    ]


def _counted(
    heard: dict[tuple[str, str], Heard], standings: list[sql.Standing], stretches: int
) -> dict[tuple[str, str], list[float]]:
    """The times at which each beacon was heard that count towards missing it: as many as are asked for, or fewer. One
    whose first is in doubt counts for nothing."""
    found: dict[tuple[str, str], list[float]] = {}
    for n in range(MOST if stretches > 1 else 1):
        instants = {pair: one.at[n] for pair, one in heard.items() if n < len(one.at)}
        for pair, at in _confirmed(instants, standings).items():
            if n == 0 or (pair in found and len(found[pair]) < stretches):
                found.setdefault(pair, []).append(at)
    return found


def _newly_heard(ever: _Answers, counted: dict[tuple[str, str], list[float]], since: float, until: float) -> _Answers:
    """Of a beacon each time that counts: a late one may bring forward the last of them."""
    found = {pair: at for pair, at in ever.items() if since <= at < until}
    for pair, instants in counted.items():
        if within := [at for at in instants if since <= at < until]:
            found[pair] = within[0]
    return found


def _confirmed(firsts: _Answers, standings: list[sql.Standing]) -> _Answers:
    """Without those that somebody may have heard elsewhere: there another device can answer to the same address."""
    doubts: dict[str, list[sql.Standing]] = {}
    for one in standings:
        if one.unconfirmed_from is not None:
            doubts.setdefault(one.agent, []).append(one)
    if not doubts:
        return firsts
    return {
        (agent, thing): at
        for (agent, thing), at in firsts.items()
        if all(one.is_confirmed(at) or not at < (one.to_at or float("inf")) for one in doubts.get(agent, ()))
    }


Asked = Callable[[float, float], bool]


def _asked(work: CampusDay, held: Held) -> Asked:
    """Whether anybody asks for what was measured in [from, to): outside class no slot does, and then only coverage
    would."""
    if coverage.criteria(held.policy):
        return lambda _begin, _end: True
    seconds = held.policy.slot_seconds
    teaching = frozenset(instructional(held.hours, work.campus, work.day, seconds))

    def in_class(begin: float, end: float) -> bool:
        first = int(begin // seconds) * seconds
        return any(slot in teaching for slot in range(first, int(end // seconds) * seconds + 1, seconds))

    return in_class


def placed_of(
    rows: Iterable[evidence.Kept], standings: list[sql.Standing], asked: Asked = lambda _begin, _end: True
) -> list[Placed]:
    """Evidence of a campus with the room in which each report was made. What was measured is read where it is asked.
    A report of a joined hour that was made wrong is none: the log says so, and ``verify`` names it."""
    placed: list[Placed] = []
    faults: set[str] = set()
    for row in rows:
        try:
            placed.append(_placed(row, standings, asked))
        except BlockError as fault:
            faults.add(f"{fault}, of agent {row.agent}")
    for told in sorted(faults):
        _log.error("joined evidence cannot be read; wifi-collector verify names it", fault=told)
    return placed


def _placed(row: evidence.Kept, standings: list[sql.Standing], asked: Asked) -> Placed:
    assert row.start_at is not None  # evidence of a campus has its time
    standing = next(
        (
            one
            for one in standings
            if one.agent == row.agent and one.from_at <= row.start_at < (one.to_at or float("inf"))
        ),
        None,
    )
    place = None if standing is None else standing.place
    end_at = row.start_at if row.end_at is None else row.end_at
    report = row.testimony() if asked(row.start_at, end_at) else row.whereabouts()
    survey = report.place is not None or place == WALKING
    # Who carries it about says the room with each report.
    confirmed = survey or standing is None or standing.is_confirmed(row.start_at)
    if report.place is None:
        place = None if survey else place
    else:
        # A walking technician says the room; of another campus than the device's own it says nothing of a room.
        place = report.place if report.place.startswith(f"{row.campus}/") else None
    return Placed(
        agent=row.agent,
        place=place,
        start_at=row.start_at,
        report=report,
        digest=row.digest,
        received_at=row.received_at,
        confirmed=row.flag == "" and confirmed,
        survey=survey,
    )


def _end(placed: Placed) -> float:
    return placed.start_at + placed.report.duration_seconds


def _same_answers(slots: list[int], seconds: int, ever: list[float]) -> Iterator[list[int]]:
    """The slots in runs within which no access point answers, or is heard, for the first time: what "ever answered"
    and "ever heard" mean is the same for all slots of a run."""
    if not slots:
        return
    firsts = sorted(at for at in ever if slots[0] <= at < slots[-1] + seconds)
    run: list[int] = []
    for slot in slots:
        if run and firsts and firsts[0] < slot:
            yield run
            run = []
            while firsts and firsts[0] < slot:
                firsts.pop(0)
        run.append(slot)
    yield run


def _evidence_digests(slots: list[int], seconds: int, placed: list[Placed]) -> dict[int, str]:
    found: dict[int, list[str]] = {}
    wanted = set(slots)
    for one in placed:
        first = int(one.start_at // seconds) * seconds
        for slot in range(first, int(_end(one) - 1e-6) + 1, seconds):
            if slot in wanted:
                found.setdefault(slot, []).append(one.digest)
    return {
        slot: hashlib.sha256("\n".join(sorted(digests)).encode()).hexdigest()[:32] for slot, digests in found.items()
    }


def _grounds(verdict: SlotVerdict) -> Grounds:
    return Grounds(
        verdict=verdict.verdict,
        cause=verdict.cause,
        cause_evidence=verdict.cause_evidence,
        criteria=tuple(kept(one) for one in verdict.criteria),
    )
