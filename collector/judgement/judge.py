"""The judging loop: slots that ended and slots with late evidence go in, revisions of the ledger come out.

A slot is judged once its end is more than the grace ago; evidence that comes later marks it again. Nothing is judged
before a campus's record begins: with the first full slot of its first agent, or of its first evidence where a pending
agent's measurements count from before its approval.
"""

from __future__ import annotations

import datetime
import threading
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import structlog
from msgspec import Struct, structs

from collector.holding import Held, Holding, NothingHolds
from collector.incidents import book
from collector.judgement import causes
from collector.judgement.day_record import local_day
from collector.judgement.judging import FIRST, CampusDay, Outcome, judge_campus_day, write_outcome
from collector.rejudging.days import judged
from collector.rejudging.days import of_period as days_of_period
from collector.rejudging.workers import Workers
from collector.store import joined, ledger, marks
from collector.store import judging as sql

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from collector.inventory import Inventory
    from collector.judgement.evaluate import SlotVerdict
    from collector.store import Store

_log = structlog.get_logger()
_SLOTS_A_PASS = 60_000
"""All of them are in memory until they are written: 200 whole campus-days."""
_MARKS_A_PASS = 20_000
_TURN_SECONDS = 1.0
_SLOTS_REMEMBERED = 600
_REASONS = {"evidence": "late evidence", "anchor": "clock learnt"}


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


class _Plan(Struct, frozen=True):
    now: list[CampusDay]
    later: list[CampusDay]
    begins: dict[str, int]


class Judge:
    """One at a time: the loop's thread and the ``evaluate`` command share one lock."""

    def __init__(self, store: Store, clock: Callable[[], float], grace_seconds: float = 60.0) -> None:
        self._store = store
        self._clock = clock
        self._grace_seconds = grace_seconds
        self._holding = Holding()
        self._lock = threading.Lock()
        self._awake = threading.Event()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._live: dict[str, Live] = {}
        self._begins: dict[str, int] = {}
        self._through: dict[str, int] = {}
        self._judged_before: dict[str, int] = {}
        self._finished_before = 0
        self._seen: dict[int, dict[str, SlotVerdict]] = {}
        self._from_above: dict[int, dict[str, tuple[str, str]]] = {}
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
        """One pass over what ended or was marked."""
        with self._lock:
            return self._pass()

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
        with self._lock, Workers(self._store, processes) as workers:
            self._catch_up(workers)
            with self._store.read() as connection:
                self._holding.refresh(connection)
                present = self._holding.at(connection, self._clock())
                seconds = present.policy.slot_seconds
                finished = self._finished(seconds)
                chosen = [one for name, one in sorted(present.inventory.campuses.items()) if campus in (None, name)]
                begins = {
                    one.id: begin for one in chosen if (begin := _begins(connection, one.id, seconds)) is not None
                }
                days = [*days_of_period(since, until, chosen, begins, finished, seconds, reason)]
                days = [[_with_evidence(connection, one, seconds) for one in day] for day in days]
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
                total = total.and_also(self._settle(outcomes, _Plan([], [], begins), [], self._clock(), present))
                progress(done := done + len(day), len(works))
                # What ends meanwhile is live, and does not wait for a year of days.
                self._pass()
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

    def _pass(self, workers: Workers | None = None) -> Pass:
        now = self._clock()
        with self._store.read() as connection:
            news = self._holding.refresh(connection)
            held = self._holding.at(connection, now)
            seconds = held.policy.slot_seconds
            finished = self._finished(seconds)
            marked = marks.pending(connection, finished + seconds, _MARKS_A_PASS)
            if not (news or marked or finished > self._finished_before):
                return Pass()
            standings = sql.standings(connection)
            plan = self._plan(connection, held.inventory, seconds, finished, marked)
            works = [(one, self._held(connection, one, held)) for one in plan.now]
            if workers is not None and len(works) > 1:
                outcomes = [*judged(workers, works, standings, float(finished))]
            else:
                outcomes = [
                    judge_campus_day(connection, one, own, standings.get(one.campus.id, [])) for one, own in works
                ]
        settled = self._settle(outcomes, plan, marked, now, held)
        self._finished_before = finished
        return structs.replace(settled, more=settled.more or bool(plan.later) or len(marked) == _MARKS_A_PASS)

    def _settle(self, outcomes: list[Outcome], plan: _Plan, marked: list[marks.Dirty], now: float, held: Held) -> Pass:
        """Looks at the district as a whole, writes what was judged, and tells who listens."""
        seconds = held.policy.slot_seconds
        elsewhere = self._look_at_district(outcomes, held.inventory, seconds)

        def write(connection: Connection) -> int:
            changed = self._write(connection, plan, outcomes, marked, now, held.inventory)
            for name, slot in elsewhere:
                marks.mark_slots(connection, name, [slot], "seen with the district")
            return changed

        changed = self._store.write(write).result()
        self._begins |= plan.begins
        self._remember(outcomes, self._finished(seconds))
        if outcomes:
            for listener in self._listeners:
                listener()
        slots = sum(len(one.verdicts) for one in outcomes)
        return Pass(slots, len(outcomes), changed, bool(elsewhere))

    def _plan(
        self, connection: Connection, inventory: Inventory, seconds: int, finished: int, marked: list[marks.Dirty]
    ) -> _Plan:
        """What is to be judged, newest day first: live state before back-fill. A mark of a campus that is in no
        inventory, or of a slot before the record begins, has nothing to say and goes away."""
        wanted: dict[str, dict[int, str]] = {}
        for one in marked:
            wanted.setdefault(one.campus, {})[one.slot] = _REASONS.get(one.reason, one.reason)
        begins_of: dict[str, int] = {}
        days: dict[tuple[str, datetime.date], dict[int, str]] = {}
        for name, campus in inventory.campuses.items():
            if self._through.get(name, -1) >= finished and name not in wanted:
                continue
            begins = _begins(connection, name, seconds)
            if begins is None:
                continue
            begins_of[name] = begins
            slots = dict.fromkeys(self._not_judged(connection, name, begins, seconds, finished), FIRST)
            slots |= {slot: why for slot, why in wanted.get(name, {}).items() if slot >= begins and slot not in slots}
            # What is judged from less than it once rested on would be a new verdict, and a wrong one.
            gone = joined.expired_within(connection, name, min(slots), max(slots) + seconds) if slots else []
            for slot, why in slots.items():
                if any(begin < slot + seconds and slot < end for begin, end in gone):
                    continue
                days.setdefault((name, local_day(slot, campus.timezone)), {})[slot] = why
        ordered = sorted(days, key=lambda key: (key[1], key[0]), reverse=True)
        work = [CampusDay(inventory.campuses[name], day, days[name, day]) for name, day in ordered]
        taken = slots_taken = 0
        while taken < len(work) and slots_taken < _SLOTS_A_PASS:
            slots_taken += len(work[taken].slots)
            taken += 1
        return _Plan(work[:taken], work[taken:], begins_of)

    def _not_judged(
        self, connection: Connection, campus: str, begins: int, seconds: int, finished: int
    ) -> Iterable[int]:
        """Finished slots of the record that were never judged: usually the one that has just ended; all of an outage
        of ours; and the time before the first row, where older evidence has moved the record's begin."""
        through = self._through.get(campus)
        if through is not None and begins >= self._begins.get(campus, begins):
            return range(max(through + seconds, begins), finished + seconds, seconds)
        extent = ledger.extent(connection, campus)
        if extent is None:
            return range(begins, finished + seconds, seconds)
        first, last = extent
        self._judged_before[campus] = last
        # The last finished slot is judged again after a start, so that what is live is known again.
        return [*range(begins, first, seconds), *range(min(last + seconds, finished), finished + seconds, seconds)]

    def _look_at_district(self, outcomes: list[Outcome], inventory: Inventory, seconds: int) -> list[tuple[str, int]]:
        """Gives each verdict of this pass the cause that is seen only from above. Returns the campus slots outside this
        pass whose cause that changes too: they are to be judged again."""
        mine = {(one.work.campus.id, slot): one for one in outcomes for slot in one.verdicts}
        for (name, slot), outcome in mine.items():
            verdict = outcome.verdicts[slot]
            self._seen.setdefault(slot, {})[name] = structs.replace(verdict, criteria=(), access_points={}, places={})
        elsewhere: list[tuple[str, int]] = []
        for slot in sorted({slot for _, slot in mine}):
            before = {name: verdict.verdict for name, verdict in self._seen.get(slot - seconds, {}).items()}
            found = causes.district(self._seen[slot], inventory, before)
            for name in found.keys() | self._from_above.get(slot, {}).keys():
                judged = mine.get((name, slot))
                if judged is None:
                    if found.get(name) != self._from_above.get(slot, {}).get(name):
                        elsewhere.append((name, slot))
                elif name in found:
                    cause, grounds = found[name]
                    verdict = judged.verdicts[slot]
                    judged.verdicts[slot] = structs.replace(verdict, cause=cause, cause_evidence=grounds)
            self._from_above[slot] = found
        for kept in (self._seen, self._from_above):
            for slot in sorted(kept)[:-_SLOTS_REMEMBERED]:
                del kept[slot]
        return elsewhere

    def _write(
        self,
        connection: Connection,
        plan: _Plan,
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
        through = self._judged_before | self._through
        book.follow(connection, outcomes, with_changes, through, inventory, now)
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
            self._through[name] = max(self._through.get(name, 0), *outcome.verdicts)
            verdict = outcome.verdicts.get(finished)
            if verdict is not None:
                live[name] = Live(name, finished, verdict, verdict.verdict != "no_class")
        self._live = live


def _begins(connection: Connection, campus: str, seconds: int) -> int | None:
    """The first full slot of a campus's record."""
    at = sql.record_begins(connection, campus)
    return None if at is None else -int(-at // seconds) * seconds


def _with_evidence(connection: Connection, work: CampusDay, seconds: int) -> CampusDay:
    """Without the slots of which evidence has expired: judged from less than they rested on they would be wrong."""
    gone = joined.expired_within(connection, work.campus.id, min(work.slots), max(work.slots) + seconds)
    kept = {slot: why for slot, why in work.slots.items() if not any(a < slot + seconds and slot < b for a, b in gone)}
    return structs.replace(work, slots=kept)
