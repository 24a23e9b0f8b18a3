"""The table of tests/bench/accuracy.py: what counts as missed, and its own reference for jitter."""

import msgspec
import pytest

from tests.lab.accuracy import Result
from tests.lab.accuracy_echo import rfc3550
from tests.lab.accuracy_figure import Figure


def test_a_figure_holds_while_the_median_run_lies_within_its_bound() -> None:
    near, far = (0.0105, 0.010), (0.030, 0.010)

    assert Figure("x", "a clock", "seconds", [near, near, far], 0.001).holds
    missed = Figure("x", "a clock", "seconds", [near, far, far], 0.001)
    assert not missed.holds
    assert " MISSED " in missed.line()


def test_runs_on_both_sides_of_the_reference_do_not_cancel_out() -> None:
    assert not Figure("x", "a clock", "seconds", [(0.02, 0.01), (0.0, 0.01), (0.01, 0.01), (0.03, 0.01)], 0.005).holds


def test_the_wider_of_two_bounds_counts() -> None:
    assert Figure("x", "a kernel", "seconds", [(0.108, 0.100)], 0.0002, 0.1).holds
    assert Figure("x", "a kernel", "seconds", [(0.0003, 0.0002)], 0.0002, 0.1).holds
    assert not Figure("x", "a kernel", "seconds", [(0.112, 0.100)], 0.0002, 0.1).holds


def test_a_limit_has_no_reference_and_a_figure_without_bounds_is_not_judged() -> None:
    assert Figure("x", "a limit", "seconds", [(1.4, None)], 1.5).holds
    assert not Figure("x", "a limit", "seconds", [(1.6, None)], 1.5).holds
    assert Figure("x", "more than the reference", "seconds", [(9.0, 1.0)]).holds


def test_figures_survive_the_way_out_of_the_guest() -> None:
    result = Result([Figure("x", "a limit", "seconds", [(1.4, None), (1.5, 1.0)], 1.5)], "a fault")

    assert msgspec.json.decode(msgspec.json.encode(result), type=Result) == result


def test_the_reference_for_jitter_is_the_formula_of_rfc_3550() -> None:
    # Transit times 1, 3, 2, 2 and then still: |D| is 2, 1, 0, 0 ...; J goes 1/8, then on by (|D| - J) / 16.
    sent = [float(second) for second in range(100)]
    transits = [1.0, 3.0, 2.0] + [2.0] * 97
    plain, smoothed = rfc3550(sent, [at + transit for at, transit in zip(sent, transits, strict=True)])

    assert plain == pytest.approx(3 / 99)
    second = 2 / 16 + (1 - 2 / 16) / 16
    assert smoothed == pytest.approx(sum(second * (15 / 16) ** step for step in range(47, 98)) / 51)
