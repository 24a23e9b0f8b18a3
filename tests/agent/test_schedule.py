"""When things are due: pure, spread by the agent's id, fuller in class; and the real scheduler over clock steps."""

from __future__ import annotations

import threading
import time
from collections import Counter
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from agent import wire
from agent.clock import RealClock
from agent.schedule import JOBS, Schedule, due, next_due, phase
from tests.agent.doubles import CollectorDouble


def plan(**changes: object) -> wire.Plan:
    double = object.__new__(CollectorDouble)
    double.report_seconds = 60
    made = double.document("a" * 32)
    for name, value in changes.items():
        setattr(made, name, value)
    return made


WINDOW = wire.Cadence(60.0, 300.0, [(1_800_003_000.0, 1_800_006_000.0)])


def test_sweeps_are_each_minute_in_class_and_each_five_minutes_outside() -> None:
    made = plan(cadence=WINDOW)
    turns = [d.at for d in due(made, "x", 1_800_000_000.0, 1_800_009_000.0) if d.job == "reach"]
    inside = [at for at in turns if 1_800_003_000 <= at < 1_800_006_000]
    assert 49 <= len(inside) <= 50
    assert all(round(b - a) == 60 for a, b in pairwise(inside))
    outside = [at for at in turns if at < 1_800_003_000]
    assert len(outside) == 10
    assert inside[0] - 1_800_003_000 < 60, "the first sweep of class waits for no idle turn"


def test_a_window_is_sealed_before_it_is_pushed_and_pushed_within_half_a_window() -> None:
    for number in range(50):
        agent = f"{number:032x}"
        seal = next_due(plan(), agent, "seal", 1_800_000_000.0)
        push = next_due(plan(), agent, "push", 1_800_000_000.0)
        assert seal == 1_800_000_005.0
        assert push is not None and seal <= push < seal + 30


def test_a_thousand_agents_are_spread_evenly() -> None:
    counts = Counter(int(phase(f"{n:032x}", "push", 30.0)) for n in range(1000))
    assert len(counts) == 30
    assert max(counts.values()) < 70


def test_without_a_plan_the_device_watches_itself_and_asks_for_one() -> None:
    jobs = {d.job for d in due(None, "x", 1_800_000_000.0, 1_800_000_600.0)}
    assert jobs == {"plan", "path", "host", "seal", "push"}


@settings(max_examples=200)
@given(
    st.floats(0, 4e9), st.sampled_from(JOBS), st.integers(0, 2**64), st.floats(1, 3600), st.floats(1, 3600),
    st.lists(st.tuples(st.floats(0, 4e9), st.floats(0, 4e9)), max_size=3) | st.none(),
)  # fmt: skip
def test_the_next_turn_is_always_ahead_and_never_further_than_one_interval(
    after: float, job: str, agent: int, full: float, idle: float, windows: list[tuple[float, float]] | None
) -> None:
    made = plan(
        cadence=wire.Cadence(full, idle, windows),
        throughput=wire.ThroughputTask(),
        join=[wire.JoinTask("School")],
        airspace_seconds=60.0,
    )
    at = next_due(made, f"{agent:032x}", job, after)
    assert at is not None
    assert after < at <= after + max(full, idle, 3600) + 1e-3


def test_due_is_what_next_due_says_in_order() -> None:
    made = plan(cadence=WINDOW)
    turns = list(due(made, "y", 1_800_000_000.0, 1_800_004_000.0))
    assert turns == sorted(turns, key=lambda d: (d.at, JOBS.index(d.job)))
    for job in JOBS:
        at, expected = 1_800_000_000.0, []
        while (following := next_due(made, "y", job, at)) is not None and following <= 1_800_004_000.0:
            at = following
            expected.append(at)
        assert [d.at for d in turns if d.job == job] == expected


class SteppedClock(RealClock):
    """Real waiting, a wall clock that a person may set."""

    step = 0.0

    def now(self) -> float:
        return time.time() + self.step


def test_the_scheduler_keeps_its_rhythm_when_the_clock_is_set_back_or_forward_ten_years() -> None:
    clock = SteppedClock()
    turns: list[float] = []
    ran = threading.Event()

    def run() -> None:
        turns.append(time.monotonic())
        ran.set()

    schedule = Schedule(clock)
    schedule.every("beat", lambda after: (after // 0.2 + 1) * 0.2, run)
    schedule.start()
    try:
        for step in (0.0, -3e8, 3e8):
            clock.step = step
            schedule.changed()
            for _ in range(3):
                ran.clear()
                assert ran.wait(3), f"stalled after a step of {step}"
    finally:
        schedule.stop()
    gaps = [b - a for a, b in pairwise(turns)]
    assert max(gaps) < 2
    # The step itself may bring one turn more, never a storm of missed ones.
    assert sum(gap < 0.05 for gap in gaps) <= 2
