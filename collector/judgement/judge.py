"""The judging loop: slots that ended and slots with late evidence go in, revisions of the ledger come out.

A slot is judged once its end is more than the grace ago; evidence that comes later marks it again. Nothing is judged
before a campus's record begins: with the first full slot of its first agent, or of its first evidence where a pending
agent's measurements count from before its approval.
"""

from __future__ import annotations

import datetime
import threading
from collections.abc import Callable
from contextlib import nullcontext
from typing import TYPE_CHECKING

import structlog
from msgspec import Struct, structs

from collector.holding import Held, Holding, NothingHolds
from collector.incidents import book
from collector.judgement.day_record import local_day
from collector.judgement.from_above import FromAbove
from collector.judgement.judging import FIRST, CampusDay, Outcome, judge_campus_day
from collector.judgement.planning import LocalDays, Plan, Planner, begins, with_evidence
from collector.judgement.revisions import write_outcome
from collector.rejudging.days import judged
from collector.rejudging.days import of_period as days_of_period
from collector.rejudging.workers import Workers
from collector.store import judging as sql
from collector.store import ledger, marks

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from collector.inventory import Inventory
    from collector.judgement.evaluate import SlotVerdict
    from collector.store import Store

_log = structlog.get_logger()
MARKS_A_PASS = 20_000
"""Marked slots that one pass takes, whole campus-days of them."""
SLOTS_AT_ONCE = 6_000
"""Judged in this process and written together: some seconds, or a slot of each campus of six districts."""
_WORK = "judge"
_TURN_SECONDS = 1.0


class Live(Struct, frozen=True):
    """A campus's last finished slot."""

    campus: str
    slot: int
    verdict: SlotVerdict
    in_class: bool


class Pass(Struct, frozen=True):
    """What one pass did. ``more``: work is left that this pass did not take."""

    slots: int = 0
    campus_days: int = 0
    changed: int = 0
    more: bool = False

    def and_also(self, other: Pass) -> Pass:
        return Pass(
            self.slots + other.slots, self.campus_days + other.campus_days, self.changed + other.changed, other.more
        )


class Stopped(RuntimeError):
    """The judge was told to stop before it was done."""


class Judge:
    """One at a time: the loop's thread and the ``evaluate`` command share one lock."""

    def __init__(
        self,
        store: Store,
        clock: Callable[[], float],
        grace_seconds: float = 60.0,
        *,
        marks_a_pass: int = MARKS_A_PASS,
        processes: int | None = None,
    ) -> None:
        """``processes`` judge where much is to be judged: by default one a processor."""
        self._store = store
        self._marks_a_pass = marks_a_pass
        self._processes = processes
        self._clock = clock
        self._grace_seconds = grace_seconds
        self._holding = Holding()
        self._lock = threading.Lock()
        self._awake = threading.Event()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._live: dict[str, Live] = {}
        self._planner = Planner()
        self._finished_before = self._looked_at = 0
        self._from_above = FromAbove()
        self._listeners: list[Callable[[], None]] = []

    def latest(self) -> dict[str, Live]:
        """For each campus with a record its last finished slot; never changed, only replaced."""
        return self._live

    def on_judged(self, listener: Callable[[], None]) -> None:
        """``listener`` is called after each pass that judged something."""
        self._listeners.append(listener)

    def start(self) -> None:
        self._thread = threading.Thread(target=self._run, name="judge", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        self._awake.set()

    def stop(self) -> None:
        self._stopping.set()
        self._awake.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while not self._stopping.is_set():
            more = False
            try:
                more = self.step().more
            except NothingHolds:
                more = False  # nothing is imported yet
            except Exception:
                # The evidence is kept and stays marked: the next turn tries again, and the log says why it must.
                _log.exception("a judging pass failed")
            if not more:
                self._awake.wait(_TURN_SECONDS)
                self._awake.clear()

    def step(self) -> Pass:
        """One pass over what ended or was marked. While another collector of the same database judges, this one looks
        on: it writes nothing, and knows what is live."""
        with self._lock, self._store.sole(_WORK) as mine:
            return self._pass() if mine else self._look_on()

    def again(
        self,
        since: datetime.date,
        until: datetime.date,
        campus: str | None,
        reason: str,
        *,
        processes: int | None = None,
        progress: Callable[[int, int], None] = lambda _done, _all: None,
    ) -> Pass:
        """Judges whole days again, up to what has ended, on ``processes`` (by default one a processor). ``progress`` is
        told the campus-days that are done, and all of them. Raises Stopped where the judge is told to stop: the days
        that were told as done are written. Raises WorkerLost likewise."""
        with self._lock, self._store.sole(_WORK, wait=True), Workers(self._store, processes) as workers:
            self._catch_up(workers)
            with self._store.read() as connection:
                self._holding.refresh(connection)
                present = self._holding.at(connection, self._clock())
                seconds = present.policy.slot_seconds
                finished = self._finished(seconds)
                chosen = [one for name, one in sorted(present.inventory.campuses.items()) if campus in (None, name)]
                begun = {one.id: begin for one in chosen if (begin := begins(connection, one.id, seconds)) is not None}
                days = [*days_of_period(since, until, chosen, begun, finished, seconds, reason)]
                days = [[with_evidence(connection, one, seconds) for one in day] for day in days]
                days = [[one for one in day if one.slots] for day in days]
                works = [(one, self._held(connection, one, present)) for day in days for one in day]
                standings = sql.standings(connection)
            found = judged(workers, works, standings, float(finished))
            total = Pass()
            progress(done := 0, len(works))
            for day in days:
                if self._stopping.is_set():
                    raise Stopped(f"{done} of {len(works)} campus-days were judged again, the newest days first")
                outcomes = [next(found) for _ in day]
                total = total.and_also(self._settle(outcomes, Plan([], [], begun), [], self._clock(), present))
                progress(done := done + len(day), len(works))
                # What ends meanwhile is live, and does not wait for a year of days.
                self._pass(live_only=True)
            self._catch_up(workers)
            return total

    def _catch_up(self, workers: Workers) -> None:
        while self._pass(workers).more:
            pass

    def _held(self, connection: Connection, work: CampusDay, present: Held) -> Held:
        """What held on the day. A campus that was imported after it is judged with what is known of it now."""
        held = self._holding.on(connection, work.day)
        return held if work.campus.id in held.inventory.campuses else present

    def _finished(self, seconds: int) -> int:
        """The last slot that ended more than the grace ago."""
        last = int((self._clock() - self._grace_seconds) // seconds) * seconds
        return last - seconds

    def _pass(self, workers: Workers | None = None, *, live_only: bool = False) -> Pass:
        """What ended, and what was marked. Where that is much, what ended last is judged and written first of all, and
        again whenever a slot ends meanwhile. ``live_only``: nothing that was marked."""
        now = self._clock()
        with self._store.read() as connection:
            news = self._holding.refresh(connection)
            held = self._holding.at(connection, now)
            seconds = held.policy.slot_seconds
            finished = self._finished(seconds)
            marked: list[marks.Dirty] = []
            more = False
            if not live_only:
                days = LocalDays(held.inventory)
                marked, more = marks.pending(connection, finished + seconds, self._marks_a_pass, days.around)
            if not (news or marked or finished > self._finished_before):
                return Pass()
            standings = sql.standings(connection)
            plan = self._planner.plan(connection, held.inventory, seconds, finished, marked)
            much = plan.slots > SLOTS_AT_ONCE
            at_once = plan.of(finished) if much else plan
            outcomes = self._judged_here(connection, at_once.now, held, standings)
            rest = plan.without(at_once, marked) if much and not live_only else None
            works = [(one, self._held(connection, one, held)) for one in rest.plan.now] if rest else []
        total = self._settle(outcomes, at_once, marked, now, held)
        self._finished_before = finished
        if rest is not None:
            found = self._worked_off(works, standings, finished, seconds, workers)
            if found is None:
                return Pass(more=True)
            total = total.and_also(self._settle(found, rest.plan, rest.marked, self._clock(), held))
        return structs.replace(total, more=total.more or bool(plan.later) or more)

    def _look_on(self) -> Pass:
        """What ended last, judged for this collector's own eyes."""
        with self._store.read() as connection:
            self._holding.refresh(connection)
            held = self._holding.at(connection, self._clock())
            seconds = held.policy.slot_seconds
            finished = self._finished(seconds)
            if finished == self._looked_at:
                return Pass()
            standings = sql.standings(connection)
            begun = {name: begins(connection, name, seconds) for name in held.inventory.campuses}
            works = [
                CampusDay(one, local_day(finished, one.timezone), {finished: FIRST})
                for name, one in held.inventory.campuses.items()
                if (first := begun[name]) is not None and first <= finished
            ]
            outcomes = self._judged_here(connection, works, held, standings)
        self._looked_at = finished
        self._from_above.look(outcomes, held.inventory, seconds)
        self._remember(outcomes, finished)
        for listener in self._listeners:
            listener()
        return Pass()

    def _judged_here(
        self, connection: Connection, works: list[CampusDay], present: Held, standings: dict[str, list[sql.Standing]]
    ) -> list[Outcome]:
        """Few campus-days judged, in this process."""
        return [
            judge_campus_day(connection, one, self._held(connection, one, present), standings.get(one.campus.id, []))
            for one in works
        ]

    def _worked_off(
        self, works: list[tuple[CampusDay, Held]], standings: dict[str, list[sql.Standing]], finished: int,
        seconds: int, workers: Workers | None,
    ) -> list[Outcome] | None:  # fmt: skip
        """Many campus-days judged, on as many processes as there are processors. None where the judge is to stop."""
        outcomes = []
        with nullcontext(workers) if workers else Workers(self._store, self._processes) as pool:
            for outcome in judged(pool, works, standings, float(finished)):
                outcomes.append(outcome)
                if self._stopping.is_set():
                    return None
                if self._finished(seconds) > self._finished_before:
                    self._pass(live_only=True)
        return outcomes

    def _settle(self, outcomes: list[Outcome], plan: Plan, marked: list[marks.Dirty], now: float, held: Held) -> Pass:
        """Looks at the district as a whole, writes what was judged, and tells who listens."""
        seconds = held.policy.slot_seconds
        elsewhere = self._from_above.look(outcomes, held.inventory, seconds)

        def write(connection: Connection) -> int:
            changed = self._write(connection, plan, outcomes, marked, now, held.inventory)
            for name, slot in elsewhere:
                marks.mark_slots(connection, name, [slot], "seen with the district")
            return changed

        changed = self._store.write(write).result()
        self._planner.remember(plan, outcomes)
        self._remember(outcomes, self._finished(seconds))
        if outcomes:
            for listener in self._listeners:
                listener()
        slots = sum(len(one.verdicts) for one in outcomes)
        return Pass(slots, len(outcomes), changed, bool(elsewhere))

    def _write(
        self,
        connection: Connection,
        plan: Plan,
        outcomes: list[Outcome],
        marked: list[marks.Dirty],
        now: float,
        inventory: Inventory,
    ) -> int:
        changed = 0
        judged = {(one.work.campus.id, slot) for one in outcomes for slot in one.verdicts}
        with_changes = set()
        for outcome in outcomes:
            changes = write_outcome(connection, outcome, now, self._grace_seconds)
            changed += len(changes)
            if changes:
                with_changes.add(outcome.work.campus.id)
        for outcome in outcomes:
            self._mark_what_answers_explain(connection, outcome, judged)
        book.follow(connection, outcomes, with_changes, self._planner.through, inventory, now)
        # What this pass did not take is marked with the same commit: a kill loses no slot.
        left = {(one.campus.id, slot) for one in plan.later for slot in one.slots}
        known = {(one.campus, one.slot) for one in marked}
        for one in plan.later:
            fresh = [slot for slot in one.slots if (one.campus.id, slot) not in known]
            marks.mark_slots(connection, one.campus.id, fresh, FIRST)
        marks.clear(connection, [one for one in marked if (one.campus, one.slot) not in left])
        return changed

    def _mark_what_answers_explain(
        self, connection: Connection, outcome: Outcome, judged: set[tuple[str, int]]
    ) -> None:
        """Evidence in which an access point answers for the first time: its later silence, until now "not reachable
        from here", has become a fact about the access point. What this pass judged knows it already."""
        if outcome.newly_heard:
            name, first = outcome.work.campus.id, min(outcome.newly_heard.values())
            doubted = ledger.doubted_slots(connection, name, outcome.work.day)
            slots = [slot for slot in doubted if slot > first and (name, slot) not in judged]
            marks.mark_slots(connection, name, slots, "late evidence")

    def _remember(self, outcomes: list[Outcome], finished: int) -> None:
        live = dict(self._live)
        for outcome in outcomes:
            name = outcome.work.campus.id
            verdict = outcome.verdicts.get(finished)
            if verdict is not None:
                live[name] = Live(name, finished, verdict, verdict.verdict != "no_class")
        self._live = live
