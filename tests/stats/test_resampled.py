"""The exact distributions of resampled quantiles, against every resample there is."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from analyzer.stats.resampled import Mix, Resampling, Spread, Statistic, mass_in_order, observed


def counted(values: list[float], statistic: Statistic) -> dict[float, float]:
    """The share of all resamples that have each value of the statistic."""
    found: dict[float, float] = {}
    for drawn in itertools.product(values, repeat=len(values)):
        value = round(observed(np.array(drawn), statistic), 9)
        found[value] = found.get(value, 0.0) + len(values) ** -len(values)
    return found


@pytest.mark.parametrize("statistic", ["median", "p90"])
@pytest.mark.parametrize("number", [1, 2, 3, 4, 5, 6])
def test_every_resample_counts_once(statistic: Statistic, number: int) -> None:
    values = [1.0, 2.1, 4.4, 8.9, 17.2, 33.3][:number]
    spread = Resampling(number, None, 0).spread(np.array(values[::-1]), statistic)
    found: dict[float, float] = {}
    for at, mass in zip(spread.at.tolist(), spread.mass.tolist(), strict=True):
        found[round(at, 9)] = found.get(round(at, 9), 0.0) + mass
    assert found == pytest.approx(counted(values, statistic))


@pytest.mark.parametrize("statistic", ["median", "p90"])
@pytest.mark.parametrize("number", [200, 5001, 100_000])
def test_large_numbers_have_the_spread_of_the_limit(statistic: Statistic, number: int) -> None:
    share = 0.5 if statistic == "median" else 0.9
    spread = Resampling(number, None, 0).spread((np.arange(number) + 0.5) / number, statistic)
    mean = float(spread.mass @ spread.at)
    deviation = math.sqrt(float(spread.mass @ (spread.at - mean) ** 2))
    assert spread.below[-1] == 1.0
    assert mean == pytest.approx(share, abs=2.0 / number)
    assert deviation == pytest.approx(math.sqrt(share * (1 - share) / number), rel=0.02)


@pytest.mark.parametrize("statistic", ["median", "p90"])
@pytest.mark.parametrize("number", [4, 7, 30])
def test_mass_in_order_is_a_distribution(statistic: Statistic, number: int) -> None:
    mass = mass_in_order(number, statistic)
    assert mass.sum() == pytest.approx(1.0) and len(mass) == number
    if number % 2 or statistic == "p90":
        exact = Resampling(number, None, 0).spread(np.arange(float(number)), statistic)
        assert mass[exact.at.astype(int)] == pytest.approx(exact.mass)


def test_hosts_of_one_start_each_are_starts() -> None:
    values = np.random.default_rng(0).normal(size=30)
    drawn = Resampling(30, np.arange(30), 0).spread(values, "median")
    exact = Resampling(30, None, 0).spread(values, "median")
    assert [float(s.at[np.searchsorted(s.below, 0.1) - 1]) for s in (drawn, exact)] == pytest.approx(
        [float(exact.at[np.searchsorted(exact.below, 0.1) - 1])] * 2, abs=0.06
    )


def test_a_mean_with_one_that_never_ends_has_no_end() -> None:
    spread = Resampling(4, None, 0).spread(np.array([1.0, 2.0, 3.0, math.inf]), "mean")
    assert spread.at_least(np.array([math.inf]))[0] == pytest.approx(1.0 - 0.75**4, abs=0.04)


def test_a_mean_of_a_mix_is_of_just_that_mix() -> None:
    mix = Mix(np.array([0] * 8 + [1] * 2), np.array([0.5, 0.5]))
    values = np.array([10.0] * 8 + [30.0] * 2)
    assert observed(values, "mean", mix) == pytest.approx(20.0)
    assert observed(values, "median", mix) == pytest.approx(20.0)
    spread = Resampling(10, None, 0, mix).spread(values, "mean")
    assert float(np.median(spread.at)) == pytest.approx(20.0)
    # As many of each stratum are drawn as there are; of hosts, a resample without a stratum has what all of it have.
    assert np.allclose(spread.at, 20.0)
    by_host = Resampling(10, np.array([0, 0, 1, 1, 2, 2, 3, 3, 4, 4]), 0, mix).spread(values, "median")
    assert np.allclose(by_host.at, 20.0)


def test_what_is_not_below() -> None:
    spread = Spread.of(np.array([3.0, 1.0, math.inf]), np.array([1.0, 2.0, 1.0]))
    assert spread.at_least(np.array([0.0, 1.0, 1.5, 3.0, 4.0, math.inf])).tolist() == [1.0, 1.0, 0.5, 0.5, 0.25, 0.25]
