"""The optimal schedule against closed forms, brute force, and chance."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from analyzer.errors import UsageError
from analyzer.simulator.distribution import empirical, exponential, lognormal, parse, uniform, weibull
from analyzer.simulator.schedule import Costs, Schedule, evaluate, frontier, optimal


def closed_form(end: float, poll: float, delay: float) -> list[float]:
    """Barlow, Hunter and Proschan for readiness uniform on [0, end]."""
    n = max(k for k in range(1, 10_000) if k * (k - 1) < 2 * delay * end / poll)
    return [k * end / n + poll / (2 * delay) * k * (n - k) for k in range(1, n + 1)]


@pytest.mark.parametrize(("end", "poll", "delay"), [(30, 1, 1), (30, 0.1, 1), (10, 5, 1), (100, 1, 3), (1, 0.01, 2)])
def test_uniform_readiness_gives_the_closed_form(end: float, poll: float, delay: float) -> None:
    found = optimal(uniform(0, end), Costs(poll, delay))
    wanted = closed_form(end, poll, delay)
    assert len(found.times_s) == len(wanted)
    assert found.times_s == pytest.approx(wanted, abs=2e-3 * end)
    best = evaluate(np.array(wanted), uniform(0, end), Costs(poll, delay))
    assert found.expected_cost == pytest.approx(best.expected_cost, rel=1e-5)


def test_exponential_readiness_gives_a_constant_interval() -> None:
    rate, poll = 0.1, 0.5
    found = optimal(exponential(rate), Costs(poll, 1.0))
    low, high = 0.0, 50.0
    for _ in range(200):  # e^(rate·g) − 1 = rate·(C/D + g)
        middle = (low + high) / 2
        low, high = (middle, high) if math.expm1(rate * middle) < rate * (poll + middle) else (low, middle)
    gaps = np.diff((0.0, *found.times_s))
    assert gaps == pytest.approx(np.full(len(gaps), low), rel=0.01)
    assert found.tail_s == pytest.approx(low, rel=0.01)
    assert found.expected_cost == pytest.approx((poll + low) / -math.expm1(-rate * low) - 1 / rate, rel=1e-4)


def costs_of(schedules: np.ndarray, dist, costs: Costs) -> np.ndarray:
    """Expected cost of many schedules that end at the horizon, one per row."""
    grid = np.linspace(0, dist.horizon_s, 200_001)
    cdf = dist.cdf(grid)
    mean = float(np.trapezoid(1.0 - cdf, grid))
    f = np.interp(schedules, grid, cdf)
    before = np.concatenate((np.zeros((len(f), 1)), f[:, :-1]), axis=1)
    return costs.poll * (1 - before).sum(axis=1) + costs.delay * ((schedules * (f - before)).sum(axis=1) - mean)


@pytest.mark.long
@pytest.mark.parametrize("dist", [uniform(0, 30), weibull(1.5, 20), lognormal(2, 0.5), exponential(0.1)])
def test_no_random_schedule_of_100_000_beats_it(dist) -> None:
    costs = Costs(0.5, 1.0)
    found = optimal(dist, costs)
    rng = np.random.default_rng(11)
    best = np.asarray(found.times_s)
    least = np.inf
    for k in range(50):  # half of them anywhere, half near the optimum, where they have a chance
        if k % 2:
            size = int(rng.integers(1, 60))
            times = np.sort(rng.random((2000, size)) ** rng.uniform(0.5, 2) * dist.horizon_s, axis=1)
        else:
            noise = rng.normal(0, rng.choice([0.01, 0.1, 1.0]), (2000, len(best)))
            times = np.sort(np.clip(best + noise, 0, dist.horizon_s), axis=1)
            rest = np.arange(best[-1] + found.tail_s, dist.horizon_s, max(found.tail_s, 0.05))
            times = np.concatenate((times, np.tile(rest, (2000, 1))), axis=1)
        times = np.concatenate((times, np.full((2000, 1), dist.horizon_s)), axis=1)
        least = min(least, float(costs_of(times, dist, costs).min()))
    assert found.expected_cost <= least * (1 + 1e-4)


def test_brute_force_over_all_subsets_of_a_small_grid() -> None:
    dist, costs = weibull(2.0, 3.0), Costs(0.4, 1.0)
    points = np.linspace(0.7, dist.horizon_s, 13)
    # Every subset of the twelve, each filled up with looks at the horizon, which cost nothing once it is ready.
    chosen = (np.arange(1 << 12)[:, None] >> np.arange(12)[None, :]) & 1 == 1
    rows = np.sort(np.where(chosen, points[:12], dist.horizon_s), axis=1)
    rows = np.concatenate((rows, np.full((len(rows), 1), dist.horizon_s)), axis=1)
    assert optimal(dist, costs).expected_cost <= float(costs_of(rows, dist, costs).min())


def test_least_gap_is_obeyed_and_costs_something() -> None:
    free = optimal(uniform(0, 30), Costs(0.1, 1.0))
    held = optimal(uniform(0, 30), Costs(0.1, 1.0, min_gap_s=3.0))
    assert min(np.diff(free.times_s)) < 3.0
    assert min(np.diff(held.times_s)) >= 3.0 - 1e-9
    assert held.expected_cost > free.expected_cost


def test_request_that_takes_time_delays_every_notice_by_it() -> None:
    quick = optimal(uniform(0, 30), Costs(5.0, 1.0))
    slow = optimal(uniform(0, 30), Costs(5.0, 1.0, request_s=0.5))
    assert slow.expected_delay_s == pytest.approx(quick.expected_delay_s + 0.5, abs=0.01)
    assert min(np.diff(slow.times_s)) >= 0.5 - 1e-9


def test_dear_requests_mean_one_look_at_the_end_and_cheap_ones_many() -> None:
    assert optimal(uniform(0, 30), Costs(1000.0, 1.0)).times_s == pytest.approx((30.0,))
    assert len(optimal(uniform(0, 30), Costs(0.01, 1.0)).times_s) == len(closed_form(30, 0.01, 1.0))


def test_empirical_distribution_puts_the_look_after_the_mass() -> None:
    found = optimal(empirical(np.array([5.0] * 50 + [9.0] * 50)), Costs(0.2, 1.0))
    assert found.times_s == pytest.approx((5.0, 9.0), abs=0.01)
    assert found.expected_polls == pytest.approx(1.5, abs=0.02)


def test_empirical_leaves_out_starts_that_never_became_ready() -> None:
    assert empirical(np.array([1.0, 2.0, np.inf])).horizon_s == 2.0
    with pytest.raises(UsageError):
        empirical(np.array([np.inf]))


def test_frontier_trades_requests_for_delay() -> None:
    points = frontier(weibull(1.5, 20), Costs(1.0, 1.0), points=8)
    polls = [p.expected_polls for p in points]
    delays = [p.expected_delay_s for p in points]
    assert sorted(polls, reverse=True) == pytest.approx(polls)
    assert sorted(delays) == pytest.approx(delays)


@settings(max_examples=10, deadline=None)
@given(st.floats(0.3, 5.0), st.floats(0.5, 50.0), st.floats(0.01, 1.0))
def test_scaling_time_and_costs_scales_the_schedule(shape: float, scale: float, ratio: float) -> None:
    one = optimal(weibull(shape, scale), Costs(ratio * scale, 1.0))
    two = optimal(weibull(shape, 2 * scale), Costs(2 * ratio * scale, 1.0))
    assert two.expected_cost == pytest.approx(2 * one.expected_cost, rel=2e-3)
    assert two.expected_polls == pytest.approx(one.expected_polls, rel=5e-2)


@pytest.mark.parametrize(
    "text",
    ["normal:1,2", "uniform:0", "uniform:5,1", "uniform:a,b", "weibull:0,1", "lognormal:1", "exponential:-1", "", "x"],
)
def test_bad_distributions_are_usage_errors(text: str) -> None:
    with pytest.raises(UsageError):
        parse(text)


@pytest.mark.parametrize(
    "text",
    [
        "lognormal:0,200",
        "lognormal:0,1e308",
        "lognormal:-2000,1",
        "weibull:0.001,1",
        "weibull:1e-5,1e300",
        "exponential:1e-320",
        "uniform:0,1e308",
        "uniform:0,1e-320",
    ],
)
def test_distributions_beyond_arithmetic_are_usage_errors(text: str) -> None:
    with pytest.raises(UsageError, match="starts would take up to"):
        parse(text)


def test_distributions_just_within_the_limits_are_taken() -> None:
    assert parse("uniform:0,1e10").horizon_s == 1e10
    assert parse("uniform:0,1e-9").horizon_s == 1e-9


def test_good_distributions_parse() -> None:
    for text in ("uniform:0,30", "weibull:1.5,20", "lognormal:2,0.5", "exponential:0.1"):
        assert parse(text).name == text


@pytest.mark.parametrize("bad", [(0.0, 1.0), (1.0, 0.0), (float("nan"), 1.0), (1.0, float("inf")), (-1.0, 1.0)])
def test_bad_costs_are_usage_errors(bad: tuple[float, float]) -> None:
    with pytest.raises(UsageError):
        Costs(*bad)


def test_absurdly_cheap_requests_are_refused() -> None:
    with pytest.raises(UsageError):
        optimal(uniform(0, 1e6), Costs(1e-9, 1.0))


def test_evaluate_matches_simulation() -> None:
    dist, costs = weibull(1.5, 20), Costs(0.5, 1.0)
    plan: Schedule = evaluate(np.array([5.0, 10.0, 20.0, 40.0]), dist, costs)
    rng = np.random.default_rng(0)
    ready = 20 * rng.weibull(1.5, 400_000)
    looks = np.append([5.0, 10.0, 20.0, 40.0], 40.0 + 20.0 * np.arange(1, 40))
    index = np.searchsorted(looks, ready)
    assert plan.expected_polls == pytest.approx(float((index + 1).mean()), rel=0.01)
    assert plan.expected_delay_s == pytest.approx(float((looks[index] - ready).mean()), rel=0.01)
