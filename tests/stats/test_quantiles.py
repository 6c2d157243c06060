"""Bounds of quantiles: against brute force, and the laws that make them bounds."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from analyzer.stats import quantiles
from analyzer.stats.quantiles import band, bounds, bounds_by_group, interval

INF = math.inf
LENGTH = st.floats(0, 1000, allow_nan=False)
PROBABILITY = st.sampled_from([0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 1.0])


@st.composite
def known(draw: st.DrawFn, most: int = 30) -> tuple[list[float], list[float], list[float]]:
    """Lower ends, true lengths, upper ends; some upper ends are open."""
    true = draw(st.lists(LENGTH, min_size=1, max_size=most))
    before = [draw(st.floats(0, 20)) for _ in true]
    after = [draw(st.one_of(st.floats(0, 20), st.just(INF))) for _ in true]
    return [max(0.0, t - b) for t, b in zip(true, before)], true, [t + a for t, a in zip(true, after)]  # noqa: B905


def by_definition(values: list[float], probability: float) -> float:
    """The smallest value with F(x) >= p."""
    return min(x for x in values if sum(v <= x for v in values) / len(values) >= probability)


@given(known(), PROBABILITY)
def test_as_defined(windows, probability) -> None:
    least, _, most = windows
    found = bounds(least, most, [probability])
    assert found == [(by_definition(least, probability), by_definition(most, probability))]


@given(known(), PROBABILITY)
def test_the_true_quantile_lies_inside(windows, probability) -> None:
    least, true, most = windows
    [(low, high)] = bounds(least, most, [probability])
    assert low <= by_definition(true, probability) <= high


@given(known(), PROBABILITY, st.floats(0, 10))
def test_wider_windows_only_widen(windows, probability, by) -> None:
    least, _, most = windows
    [(low, high)] = bounds(least, most, [probability])
    [(wide_low, wide_high)] = bounds([max(0.0, x - by) for x in least], [x + by for x in most], [probability])
    assert wide_low <= low and high <= wide_high


@given(known(), st.randoms())
def test_order_does_not_matter(windows, random) -> None:
    least, _, most = windows
    order = list(range(len(least)))
    random.shuffle(order)
    mixed = bounds([least[n] for n in order], [most[n] for n in order], [0.5, 0.9, 0.99])
    assert mixed == bounds(least, most, [0.5, 0.9, 0.99])


def test_a_curve_that_never_gets_there() -> None:
    assert bounds([1, 2, 3, 4], [2, 3, INF, INF], [0.5, 0.75]) == [(2, 3), (3, INF)]
    assert bounds([1], [1], []) == []


def test_ranks_are_not_moved_by_rounding() -> None:
    # 0.07 * 100 is a little more than 7 in binary.
    assert quantiles.rank(100, 0.07) == 6
    assert [quantiles.rank(10, p) for p in (0.1, 0.5, 0.9, 0.99, 1.0)] == [0, 4, 8, 9, 9]


@pytest.mark.parametrize("bad", [([], []), ([2.0], [1.0]), ([math.nan], [1.0]), ([INF], [INF]), ([1.0, 2.0], [3.0])])
def test_bad_windows_are_refused(bad) -> None:
    with pytest.raises(ValueError, match=r"window|lists|lengths"):
        bounds(*bad, [0.5])
    with pytest.raises(ValueError, match=r"window|lists|lengths"):
        interval(*bad, [0] * len(bad[0]), 0.5, 0.95, 1)


@pytest.mark.parametrize("probability", [0.0, -0.5, 1.5])
def test_what_is_no_probability_is_refused(probability) -> None:
    with pytest.raises(ValueError, match="probability"):
        bounds([1.0], [2.0], [probability])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@pytest.mark.parametrize("few", [0, 100])
@given(known(), st.data())
def test_of_groups_as_of_each_alone(monkeypatch, few, windows, data) -> None:
    monkeypatch.setattr(quantiles, "_FEW", few)
    least, _, most = (np.array(ends) for ends in windows)
    groups = np.array([data.draw(st.integers(0, 4)) for _ in least])
    counts, low, high = bounds_by_group(least, most, groups, 6, [0.5, 0.9])
    assert counts.tolist() == [int((groups == n).sum()) for n in range(6)]
    for n in range(6):
        own = groups == n
        if not own.any():
            assert np.isnan(low[n]).all() and np.isnan(high[n]).all()
            continue
        assert list(zip(low[n], high[n], strict=True)) == bounds(least[own], most[own], [0.5, 0.9])


def test_of_no_groups() -> None:
    counts, low, high = bounds_by_group([], [], [], 0, [0.5])
    assert (counts.shape, low.shape, high.shape) == ((0,), (0, 1), (0, 1))


# --- the band


def shares(steps, at: float) -> tuple[float, float]:
    place = int(np.searchsorted(steps.at, at, side="right")) - 1
    return (0.0, 0.0) if place < 0 else (float(steps.certain[place]), float(steps.possible[place]))


@given(known(), LENGTH)
def test_the_band_holds_the_true_curve(windows, at) -> None:
    least, true, most = windows
    low, high = shares(band(least, most), at)
    assert low == sum(x <= at for x in most) / len(most)
    assert low <= sum(x <= at for x in true) / len(true) <= high


@given(known(), st.integers(2, 6), LENGTH)
def test_fewer_steps_only_widen_the_band(windows, steps, at) -> None:
    least, _, most = windows
    whole, few = band(least, most), band(least, most, steps)
    assert len(few.at) <= max(steps, 2)
    low, high = shares(whole, at)
    few_low, few_high = shares(few, at)
    assert few_low <= low and high <= few_high


def test_the_band_of_nothing_is_empty() -> None:
    assert len(band([], []).at) == 0


# --- the interval


def drawn(least, most, groups, probability, confidence, resamples=4000) -> tuple[float, float]:
    """A bootstrap as one would write it down: groups drawn one by one, quantiles of what they hold."""
    rng = np.random.default_rng(7)
    names = sorted(set(groups))
    lows, highs = [], []
    for _ in range(resamples):
        picked = rng.choice(names, len(names))
        places = [n for name in picked for n, group in enumerate(groups) if group == name]
        lows.append(by_definition([least[n] for n in places], probability))
        highs.append(by_definition([most[n] for n in places], probability))
    tail = (1 - confidence) / 2
    return (
        float(np.quantile(lows, tail, method="inverted_cdf")),
        float(np.quantile(highs, 1 - tail, method="inverted_cdf")),
    )


@pytest.mark.long
def test_the_interval_of_hosts_drawn_one_by_one() -> None:
    rng = np.random.default_rng(3)
    groups = np.repeat(np.arange(12), 3)
    least = np.round(rng.gamma(5, 2, 36) + groups, 0)
    most = least + 2.0
    found = interval(least, most, groups, 0.5, 0.8, seed=1, resamples=4000)
    assert found == pytest.approx(drawn(list(least), list(most), list(groups), 0.5, 0.8, 1500), abs=1.0)


def test_the_limit_for_many_groups_is_that_of_the_draws(monkeypatch) -> None:
    rng = np.random.default_rng(4)
    groups = np.repeat(np.arange(900), 2)
    least = rng.gamma(5, 2, 1800)
    few = interval(least, least + 1.0, groups, 0.9, 0.95, seed=1)
    monkeypatch.setattr(quantiles, "_MOST_DRAWN", 100)
    assert interval(least, least + 1.0, groups, 0.9, 0.95, seed=1) == pytest.approx(few, rel=0.02)


@settings(max_examples=50, deadline=None)
@given(known(12), st.data())
def test_the_interval_holds_the_bounds(windows, data) -> None:
    least, _, most = windows
    groups = [data.draw(st.integers(0, 5)) for _ in least]
    [(low, high)] = bounds(least, most, [0.5])
    lower, upper = interval(least, most, groups, 0.5, 0.95, seed=1, resamples=300)
    assert lower <= low and high <= upper


def test_the_same_seed_gives_the_same_interval() -> None:
    least = np.arange(40.0)
    found = {interval(least, least + 1, np.arange(40), 0.5, 0.95, seed) for seed in (5, 5, 5)}
    assert len(found) == 1


def test_too_few_hosts_bound_nothing() -> None:
    assert interval([3.0] * 20, [4.0] * 20, [0] * 20, 0.5, 0.95, 1) == (0.0, INF)
    assert interval([3.0] * 20, [4.0] * 20, range(20), 0.99, 0.95, 1) == (3.0, INF)
    assert interval([3.0] * 20, [4.0] * 20, range(20), 0.5, 0.95, 1) == (3.0, 4.0)


def test_with_more_confidence_it_is_wider() -> None:
    rng = np.random.default_rng(4)
    least = rng.gamma(5, 2, 100)
    narrow, wide = (interval(least, least, np.arange(100), 0.5, c, 1) for c in (0.5, 0.99))
    assert wide[0] < narrow[0] < narrow[1] < wide[1]


@pytest.mark.slow
def test_the_interval_covers_the_true_median() -> None:
    """Hosts that differ, several starts each, read off a clock of two seconds."""
    hosts, starts, missed = 30, 4, 0
    for seed in range(300):
        rng = np.random.default_rng(seed)
        true = np.exp(2.0 + np.repeat(rng.normal(0, 0.2, hosts), starts) + rng.normal(0, 0.2, hosts * starts))
        least = np.floor(true / 2.0) * 2.0
        lower, upper = interval(least, least + 2.0, np.repeat(np.arange(hosts), starts), 0.5, 0.95, seed)
        missed += not lower <= math.exp(2.0) <= upper
    assert missed <= 15  # 5 % of 300; the windows make it less
