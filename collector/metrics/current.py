"""Judge, inventory, agents and ledger go in, what ``/metrics`` shows now comes out, kept ready by one thread.

A scrape only joins text: how long the ledger takes to add up a month is never Prometheus's time-out. Live verdicts are
shown as soon as they are judged; the sums of a period, which move slowly and cost more, at most a tenth of the time.
"""

from __future__ import annotations

import contextlib
import shutil
import threading
import time
from typing import TYPE_CHECKING, Any

import structlog
from starlette.requests import Request
from starlette.responses import Response

from collector.agents.moved import moved
from collector.alerting import notifications
from collector.alerting.before_class import BeforeClass, FirstBells
from collector.commitment import answers
from collector.commitment.period import GAUGES, Known, UnknownPeriod, parse
from collector.holding import Held, Holding
from collector.metrics import expose, series
from collector.metrics.expose import Bounds, CampusBlock, CampusNow, Exposition, Rooms, Told
from collector.metrics.last_day import LastDay, LastDays
from collector.policies.policy import Criterion, Policy
from collector.store import agents, incidents, marks, surroundings

if TYPE_CHECKING:
    from collector.judgement.evaluate import SlotVerdict
    from collector.judgement.judge import Live
    from collector.services import Services

log = structlog.get_logger()
TURN_SECONDS = 5.0
ROOMS_OF = "30d"
"""The period in which a room counts as measured."""


class Current:
    """``endpoint`` is the route; ``refresh`` one look at everything, which the thread repeats."""

    def __init__(self, services: Services, version: str = "") -> None:
        self._services = services
        self._block = CampusBlock()
        self._exposition = Exposition(services.registry, self._block)
        self._holding = Holding()
        self._commitment: dict[str, dict[str, Bounds]] = {}
        self._closed: dict[tuple[str, str], int] = {}
        self._alert_faults: dict[tuple[str, str], int] = {}
        self._periods: list[tuple[str, str, str, str]] = []
        self._rooms: dict[str, Rooms] = {}
        self._last_days = LastDays()
        self._days: dict[str, LastDay] = {}
        self._add_up_again_at = 0.0
        self._bells = FirstBells()
        self._before_class = BeforeClass()
        self._awake = threading.Event()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._dirty = series.instrument(services.registry, "campus_wifi_evaluate_dirty_slots")
        self._disk = [
            series.instrument(services.registry, f"campus_wifi_disk_{what}_bytes") for what in ("free", "size")
        ]
        series.instrument(services.registry, "campus_wifi_build_info").labels(version).set(1)
        series.instrument(services.registry, "campus_wifi_board_info").labels(services.config.url).set(1)

    async def endpoint(self, request: Request) -> Response:
        return Response(self._exposition.text(), headers={"content-type": expose.CONTENT_TYPE})

    def text(self) -> bytes:
        return self._exposition.text()

    def start(self) -> None:
        judge = self._services.judge
        if judge is not None:
            judge.on_judged(self._awake.set)
        self._thread = threading.Thread(target=self._run, name="metrics", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._awake.set()
        if self._thread is not None:
            self._thread.join(timeout=30)

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self.refresh()
            except Exception as fault:  # shown is what was known before; the age of the judged slot tells on it
                log.error("metrics: cannot look at the store, trying again", fault=repr(fault)[:300])
            self._awake.wait(TURN_SECONDS)
            self._awake.clear()

    def refresh(self) -> None:
        now = self._services.clock()
        with self._services.store.read() as connection:
            held = self._holding.newest_at(connection, now)
            if held is None:
                return
            known = {agent.id: agent for agent in agents.every(connection)}
            placed = agents.placements(connection)
            doubts = surroundings.unconfirmed(connection)
            self._dirty.set(marks.count(connection))
            live = self._services.judge.latest() if self._services.judge is not None else {}
            bells = self._bells.at(held, now)
            early = self._before_class.look(connection, held, live, bells, now)
            known_periods = Known(held.today(now), self._holding.calendars(connection), self._services.config.term)
            lasting = incidents.open_by_campus(connection)
        self._look_at_disk()
        self._add_up(held, known_periods, now)
        seen: dict[str, dict[tuple[str, str], float]] = {}
        for one in placed:
            agent = known.get(one.agent)
            here = one.from_at <= now and (one.to_at is None or now < one.to_at)
            if here and agent is not None and agent.state == "approved" and agent.last_seen_at is not None:
                seen.setdefault(one.campus, {})[one.agent, one.place or ""] = agent.last_seen_at
        unconfirmed = frozenset(moved(placed, doubts, now))
        told = {one.id: Told(one.version, one.clock_state or "", one.waiting_reports) for one in known.values()}
        self._block.show(
            [
                self._campus(
                    name,
                    held,
                    live.get(name),
                    early.get(name),
                    seen.get(name, {}),
                    unconfirmed,
                    bells.get(name),
                    told,
                    lasting.get(name, {}),
                )
                for name in held.inventory.campuses
            ],
            objective=held.policy.slot_objective,
            judged_at=max(one.slot for one in live.values()) + held.policy.slot_seconds if live else None,
            thresholds=_thresholds(held.policy),
            shares={one.id: one.share for one in held.policy.criteria},
            incidents_closed=self._closed,
            alert_faults=self._alert_faults,
            criteria=[_facts(one) for one in held.policy.criteria],
            periods=self._periods,
        )

    def _campus(
        self, name: str, held: Held, live: Live | None, early: SlotVerdict | None, seen: dict[tuple[str, str], float],
        unconfirmed: frozenset[str], first_bell: float | None, told: dict[str, Told], lasting: dict[str, int],
    ) -> CampusNow:  # fmt: skip
        campus = held.inventory.campuses[name]
        verdict = live.verdict if live is not None else None
        found = early or verdict
        day, rooms = self._days.get(name), self._rooms.get(name)
        return CampusNow(
            campus=name,
            name=campus.name,
            region=campus.region,
            board_district=campus.board_district,
            grade_span=campus.grade_span,
            uplink=campus.uplink,
            simulated=campus.simulated,
            in_class=live.in_class if live is not None else None,
            verdict=verdict.verdict if verdict is not None else "",
            cause=found.cause if found is not None else "",
            access_points=found.access_points if found is not None else {},
            commitment=self._commitment.get(name, {}),
            agents=seen,
            unconfirmed=unconfirmed.intersection(agent for agent, _ in seen),
            first_bell=first_bell,
            told={agent: told[agent] for agent, _ in seen},
            places=verdict.places if verdict is not None else {},
            criteria=_criteria(verdict, day, rooms),
            judged_day=day.begins_at if day is not None else None,
            rooms=rooms,
            incidents=lasting,
        )

    def _look_at_disk(self) -> None:
        folder = self._services.config.data_dir
        if folder.exists():
            space = shutil.disk_usage(folder)
            for gauge, value in zip(self._disk, (space.free, space.total), strict=True):
                gauge.set(value)

    def _add_up(self, held: Held, known: Known, now: float) -> None:
        if time.monotonic() < self._add_up_again_at:
            return
        began = time.monotonic()
        found: dict[str, dict[str, Bounds]] = {}
        rooms: dict[str, Rooms] = {}
        periods = {}
        for label, kind in GAUGES.items():
            # What the calendar does not say has nothing to show.
            with contextlib.suppress(UnknownPeriod):
                periods[label] = parse(kind, known)
        answered = answers.of_periods(self._services.store, periods, now=now, holding=self._holding)
        for label, campuses in answered.items():
            for name, one in campuses.items():
                found.setdefault(name, {})[label] = _bounds(one)
                if label == ROOMS_OF:
                    rooms[name] = _rooms(one)
        simulated = {one.id for one in held.inventory.campuses.values() if one.simulated}
        with self._services.store.read() as connection:
            self._closed = incidents.closed(connection, simulated)
            self._days = self._last_days.look(connection, held, now)
            self._alert_faults = notifications.outcomes(connection, held.inventory, now)
        self._commitment, self._rooms = found, rooms
        self._periods = [
            (label, one.name, one.first.isoformat(), one.last.isoformat()) for label, one in periods.items()
        ]
        self._add_up_again_at = time.monotonic() + max(TURN_SECONDS, 10 * (time.monotonic() - began))


def _bounds(one: dict[str, Any]) -> Bounds:
    left = one["error_budget"]
    shares = one["met_ratio_lower"], one["met_ratio_upper"], one["evidence_ratio"]
    ratios = left["left_ratio_lower"], left["left_ratio_upper"]
    return Bounds(*shares, *ratios, one["instructional_seconds"], one["verdict"])


def _rooms(answer: dict[str, Any]) -> Rooms:
    """What the answer of a period says of a campus's rooms."""
    verdicts = {(line["id"], word): line[word] for line in answer["coverage"] for word in expose.VERDICTS}
    return Rooms(answer["rooms"]["listed"], answer["rooms"]["measured"], verdicts)


def _criteria(verdict: SlotVerdict | None, day: LastDay | None, rooms: Rooms | None) -> dict[str, tuple[int, int, int]]:
    """Each criterion as far as it was judged: of the last slot, of the last school day, of the rooms' last surveys."""
    found = {one.id: (one.met, one.unknown, one.n) for one in verdict.criteria} if verdict is not None else {}
    found |= day.criteria if day is not None else {}
    coverage = rooms.coverage if rooms is not None else {}
    for one in dict.fromkeys(criterion for criterion, _ in coverage):
        met, short, unknown = (coverage[one, word] for word in expose.VERDICTS)
        found[one] = met, unknown, met + short + unknown
    return found


def _thresholds(policy: Policy) -> dict[tuple[str, str], float]:
    measures = ((one.id, series.threshold(one.measure, one.threshold)) for one in policy.criteria)
    return {(measure, name): value for name, (measure, value) in measures}


def _facts(one: Criterion) -> tuple[str, ...]:
    """What :data:`series.CRITERION_INFO` says of it; the unit is that of its threshold's series."""
    unit = series.THRESHOLDS[series.threshold(one.measure, 0.0)[0]].unit
    return one.id, one.title, one.window, one.scope, one.comparison, unit, "true" if one.required else "false"


def start(services: Services, version: str = "") -> Current:
    """Running; `endpoint` is to be routed at /metrics, and `stop` called at the end."""
    current = Current(services, version)
    current.start()
    return current
