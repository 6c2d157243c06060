"""What a schedule of observed starts costs in starts that took no part in making it."""

from __future__ import annotations

import numpy as np
import pytest

from analyzer.simulator import left_out
from analyzer.simulator.distribution import lognormal, of_curve
from analyzer.simulator.schedule import Costs, evaluate, optimal
from analyzer.stats.turnbull import turnbull

COSTS = Costs(0.1, 1.0)


def windows(seed: int, starts: int) -> tuple[np.ndarray, np.ndarray]:
    ready = np.random.default_rng(seed).lognormal(2, 0.5, starts)
    return ready - 0.05, ready + 0.05


def test_one_start_says_nothing_of_the_next() -> None:
    assert left_out.judged(np.array([1.0]), np.array([2.0]), COSTS) is None
    assert left_out.judged(np.array([1.0, 9.0]), np.array([2.0, np.inf]), COSTS) is None


def test_figures_of_starts_left_out_hold_in_fresh_ones_where_fitted_ones_do_not() -> None:
    """The real cost of the schedule, under the distribution that the starts came from, is the judge."""
    told, fitted, real = [], [], []
    for seed in range(4):
        low, high = windows(seed, 10)
        found = left_out.judged(low, high, COSTS)
        assert found is not None
        curve = turnbull(low, high)
        made = optimal(of_curve(curve.edges, curve.mass, "curve"), COSTS)
        told.append(found.expected_cost)
        fitted.append(made.expected_cost)
        real.append(evaluate(np.asarray(made.times_s), lognormal(2, 0.5), COSTS, tail_s=made.tail_s).expected_cost)
    assert np.mean(fitted) < 0.4 * np.mean(real)
    assert np.mean(told) == pytest.approx(np.mean(real), rel=0.3)


def test_starts_that_were_not_seen_ready_are_named_and_in_no_mean() -> None:
    low, high = windows(1, 6)
    alone = left_out.judged(low, high, COSTS)
    found = left_out.judged(np.append(low, 60.0), np.append(high, np.inf), COSTS)
    assert alone is not None and found is not None
    assert (alone.never, found.never) == (0, 1)
    assert found.starts == alone.starts == 6
    assert found.never_polls is not None and found.never_polls > 5
    assert alone.never_polls is None
    assert found.cost_low is not None and found.cost_high is not None
    assert 0 <= found.cost_low < found.expected_cost < found.cost_high


def test_two_starts_have_no_interval() -> None:
    found = left_out.judged(np.array([1.0, 4.0]), np.array([1.5, 4.5]), COSTS)
    assert found is not None
    assert (found.starts, found.cost_low, found.cost_high) == (2, None, None)
