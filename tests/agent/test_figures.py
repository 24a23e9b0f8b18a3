"""From single round trips to a row."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent import wire
from agent.probes.figures import Asked, columns, jitter

times = st.lists(st.floats(min_value=1e-6, max_value=2.0), max_size=20)


def row(rtts: list[float], lost: int) -> Asked:
    return Asked("ap", "icmp", "ok", None, "kernel", len(rtts) + lost, len(rtts), rtts, 1.0, 0.5)


@given(times, st.integers(min_value=0, max_value=20))
def test_every_row_is_a_valid_wire_row_whose_figures_agree(rtts: list[float], lost: int) -> None:
    table = wire.Reach(**columns([row(rtts, lost)]))

    wire.decode(wire.encode(table), wire.Reach)
    if rtts:
        assert table.rtt_min_seconds[0] <= table.rtt_mean_seconds[0] <= table.rtt_max_seconds[0]
        assert table.rtt_max_seconds[0] == pytest.approx(max(rtts), abs=1e-7)
    else:
        assert table.rtt_mean_seconds == [None]
    if rtts or lost:
        assert table.loss_ratio[0] == pytest.approx(lost / (lost + len(rtts)), abs=1e-4)
    else:
        assert table.loss_ratio == [None]


@given(times.filter(lambda rtts: len(rtts) > 1))
def test_jitter_does_not_care_for_direction_and_is_within_the_spread(rtts: list[float]) -> None:
    found = jitter(rtts)

    assert found == pytest.approx(jitter(rtts[::-1]))
    assert 0 <= found <= max(rtts) - min(rtts) + 1e-12


def test_jitter_is_the_mean_step_and_needs_two() -> None:
    assert jitter([0.010, 0.014, 0.012]) == pytest.approx(0.003)
    assert jitter([0.010]) is None
