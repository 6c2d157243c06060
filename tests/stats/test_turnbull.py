"""The curve of windows, against cases solved by hand, other estimators, and its own optimality condition."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from analyzer.stats.bootstrap import grouped_mean
from analyzer.stats.turnbull import innermost, turnbull

INF = np.inf


def curve(*windows: tuple[float, float]):
    low, high = np.array(windows, dtype=float).T
    return turnbull(low, high, tolerance=1e-9)


def log_likelihood(edges, mass, low, high) -> float:
    inside = (edges[None, :, 0] >= low[:, None]) & (edges[None, :, 1] <= high[:, None])
    point = edges[:, 0] == edges[:, 1]
    exact = low == high
    # An exact moment at the open left end of a window is not inside it.
    inside &= ~(point[None, :] & (edges[None, :, 0] == low[:, None]) & ~exact[:, None])
    return float(np.log(np.maximum(inside @ mass, 1e-300)).sum())


def test_disjoint_windows_share_equally() -> None:
    found = curve((0, 1), (2, 3), (4, 5))
    assert found.edges.tolist() == [[0, 1], [2, 3], [4, 5]]
    assert found.mass == pytest.approx([1 / 3] * 3)


def test_overlap_solved_by_hand() -> None:
    # (0,1] (1,2] (1,3] (2,inf): p1 = 1/4 by itself; the rest is symmetric in p2 and p3, so 3/8 each.
    found = curve((0, 1), (1, 2), (1, 3), (2, INF))
    assert found.edges.tolist() == [[0, 1], [1, 2], [2, 3]]
    assert found.mass == pytest.approx([1 / 4, 3 / 8, 3 / 8], abs=1e-6)


def test_two_windows_and_their_union() -> None:
    # (0,2] (1,3]: both hold (1,2], which takes all the mass.
    found = curve((0, 2), (1, 3))
    assert found.edges.tolist() == [[1, 2]]
    assert found.mass == pytest.approx([1.0])


def test_half_open_ends() -> None:
    # The exact moment 2 lies in (0,2] but not in (2,4].
    found = curve((2, 2), (2, 4), (0, 2))
    assert found.edges.tolist() == [[2, 2], [2, 4]]
    assert found.mass == pytest.approx([2 / 3, 1 / 3], abs=1e-6)


def test_exact_moments_give_the_empirical_distribution() -> None:
    found = curve((3, 3), (1, 1), (1, 1), (2, 2))
    assert found.edges[:, 0].tolist() == [1, 2, 3]
    assert found.mass == pytest.approx([0.5, 0.25, 0.25])


def test_right_censoring_gives_kaplan_meier() -> None:
    # Moments 1, 2+, 3, 4+ : S(1) = 3/4, S(3) = 3/4 * 1/2.
    found = curve((1, 1), (2, INF), (3, 3), (4, INF))
    assert found.survival(1.0)[1] == pytest.approx(3 / 4, abs=1e-6)
    assert found.survival(3.5) == pytest.approx((3 / 8, 3 / 8), abs=1e-6)
    assert found.quantile(0.9)[1] == INF


def test_survival_inside_an_interval_is_a_range() -> None:
    found = curve((0, 4), (6, 8))
    assert found.survival(2.0) == pytest.approx((0.5, 1.0))
    assert found.survival(5.0) == pytest.approx((0.5, 0.5))
    assert found.survival(9.0) == (0.0, 0.0)


@pytest.mark.parametrize("bad", [([], []), ([2.0], [1.0]), ([np.nan], [1.0]), ([INF], [INF]), ([1.0, 2.0], [3.0])])
def test_bad_windows_are_refused(bad) -> None:
    with pytest.raises(ValueError, match=r"window|lists"):
        turnbull(np.array(bad[0]), np.array(bad[1]))


window = st.tuples(st.integers(0, 12), st.one_of(st.integers(0, 6), st.none())).map(
    lambda w: (float(w[0]), INF if w[1] is None else float(w[0] + w[1]))
)


@settings(max_examples=150, deadline=None)
@given(st.lists(window, min_size=1, max_size=25), st.integers(0, 2**31))
def test_no_other_mass_is_more_likely(windows: list[tuple[float, float]], seed: int) -> None:
    low, high = np.array(windows).T
    found = turnbull(low, high, tolerance=1e-8)
    assert found.mass.sum() == pytest.approx(1.0)
    assert (found.mass >= 0).all()
    edges = innermost(*np.unique(np.column_stack((low, high)), axis=0).T)
    best = log_likelihood(found.edges, found.mass, low, high)
    rng = np.random.default_rng(seed)
    for _ in range(30):
        other = rng.dirichlet(np.full(len(edges), 0.5))
        assert log_likelihood(edges, other, low, high) <= best + 1e-4


def test_recovers_a_weibull_seen_through_polls() -> None:
    rng = np.random.default_rng(1)
    moment, phase, end = 20 * rng.weibull(1.5, 3000), rng.random(3000) * 5, rng.uniform(10, 80, 3000)
    low = np.maximum(0, phase + np.floor((moment - phase) / 5) * 5)
    high = np.where(moment < phase, phase, phase + np.ceil((moment - phase) / 5) * 5)
    cut = end < moment
    low = np.where(cut, np.maximum(0, phase + np.floor((end - phase) / 5) * 5), low)
    high = np.where(cut, INF, high)
    found = turnbull(low, high)
    for at in (5.0, 10.0, 20.0, 30.0):
        truth = float(np.exp(-((at / 20) ** 1.5)))
        lower, upper = found.survival(at)
        assert lower - 0.04 <= truth <= upper + 0.04


@pytest.mark.parametrize("ties", [False, True])
def test_agrees_with_another_program(ties: bool) -> None:
    surpyval = pytest.importorskip("surpyval")
    rng = np.random.default_rng(4)
    low = rng.gamma(2, 4, 200)
    high = low + rng.uniform(0.5, 5, 200)
    if ties:
        low, high = np.floor(low), np.floor(low) + np.ceil(high - low)
    other = surpyval.Turnbull.fit(xl=low, xr=high)
    mine = turnbull(low, high)
    for at in (3.0, 7.0, 12.0):
        assert mine.survival(at)[0] - 0.02 <= float(other.sf(at)) <= mine.survival(at)[1] + 0.02


def test_grouped_mean_with_one_group_is_the_range_of_its_draws() -> None:
    values = np.linspace(0.0, 1.0, 1001)
    mean, low, high = grouped_mean(values, np.zeros(1001, dtype=np.int64), 3, rounds=4000)
    assert mean == pytest.approx(0.5)
    assert low == pytest.approx(0.025, abs=0.02)
    assert high == pytest.approx(0.975, abs=0.02)


def test_grouped_mean_weighs_groups_equally_and_narrows_with_their_number() -> None:
    rng = np.random.default_rng(0)
    group = np.repeat(np.arange(50), 100)
    values = rng.normal(0, 1, 50)[group] + rng.normal(0, 0.1, 5000)
    mean, low, high = grouped_mean(values, group, 1)
    assert low < mean < high
    assert high - low == pytest.approx(2 * 1.96 / np.sqrt(50), rel=0.35)
    uneven = np.concatenate((np.zeros(900), np.ones(100)))
    assert grouped_mean(uneven, (uneven > 0).astype(np.int64), 1)[0] == pytest.approx(0.5)


def test_the_interval_of_few_groups_is_as_wide_as_few_need() -> None:
    """Of six starts the plain percentiles hold the truth in 85 of 100 cases."""
    rng = np.random.default_rng(5)
    group = np.repeat(np.arange(6), 2)
    held = 0
    for seed in range(400):
        _, low, high = grouped_mean(np.repeat(rng.normal(size=6), 2), group, seed, rounds=1000)
        held += low <= 0.0 <= high
    assert 0.92 <= held / 400 <= 0.985


def test_grouped_mean_leaves_out_nan() -> None:
    mean, _, _ = grouped_mean(np.array([1.0, np.nan, 3.0]), np.array([0, 1, 2]), 1)
    assert mean == 2.0
    assert np.isnan(grouped_mean(np.array([np.nan]), np.array([0]), 1)[0])
