"""The interval of a level: against scipy, what few starts leave open, and how often it is right."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats as oracle

from analyzer.stats.difference import Lengths
from analyzer.stats.level import level
from analyzer.stats.resampled import Statistic


def lengths(values: object, hosts: object = None, width: float = 0.0) -> Lengths:
    least = np.asarray(values, dtype=np.float64)
    return Lengths.of(least, least + width, hosts)  # type: ignore[arg-type]


@pytest.mark.parametrize(("statistic", "below"), [("median", 0.5), ("p90", 0.9)])
@pytest.mark.parametrize("number", [6, 11, 20, 41, 200])
def test_exact_times_have_scipys_interval_of_a_quantile(statistic: Statistic, below: float, number: int) -> None:
    times = np.random.default_rng(number).normal(60.0, 5.0, number)
    found = level(lengths(times), statistic)
    for end, side, opened in ((found.lower, "greater", 0.0), (found.upper, "less", math.inf)):
        expected = oracle.quantile_test(times, p=below, alternative=side).confidence_interval(0.975)
        wanted = expected.low if side == "greater" else expected.high
        assert end == pytest.approx(wanted if math.isfinite(wanted) else opened)


def test_a_mean_has_scipys_percentile_interval_moved_out() -> None:
    times = np.random.default_rng(5).normal(60.0, 5.0, 30)
    share = 1.0 - 2.0 * float(oracle.norm.sf(math.sqrt(30 / 29) * oracle.t.isf(0.025, 29)))
    expected = oracle.bootstrap(
        (times,), np.mean, n_resamples=20_000, confidence_level=share, method="percentile", rng=np.random.default_rng(1)
    ).confidence_interval
    found = level(lengths(times), "mean")
    near = 0.05 * (expected.high - expected.low)
    assert (found.lower, found.upper) == pytest.approx((expected.low, expected.high), abs=near)


def test_windows_widen_it_to_both_sides() -> None:
    times = np.random.default_rng(1).normal(60.0, 5.0, 20)
    narrow, wide = level(lengths(times)), level(lengths(times, width=3.0))
    assert wide.lower == narrow.lower
    assert wide.upper == pytest.approx(narrow.upper + 3.0)


@pytest.mark.parametrize(
    ("statistic", "number", "open_"),
    [("median", 5, (True, True)), ("median", 6, (False, False)), ("mean", 5, (True, True)), ("p90", 20, (False, True)),
     ("p90", 40, (False, False))],
)  # fmt: skip
def test_few_lengths_leave_an_end_open(statistic: Statistic, number: int, open_: tuple[bool, bool]) -> None:
    found = level(lengths(np.arange(1.0, number + 1.0)), statistic)
    assert (found.lower == 0.0, found.upper == math.inf) == open_


def test_lengths_without_end_leave_it_open_above() -> None:
    some = Lengths.of([1.0] * 6 + [2.0] * 6, [1.0] * 6 + [2.0] * 6, never=[False] * 6 + [True] * 6)
    found = level(some)
    assert found.lower == 1.0 and found.upper == math.inf


def test_whole_hosts_are_drawn() -> None:
    rng = np.random.default_rng(4)
    hosts = np.repeat(np.arange(8), 10)
    times = rng.normal(60.0, 5.0, 8)[hosts] + rng.normal(0.0, 0.5, 80)
    by_start, by_host = level(lengths(times)), level(lengths(times, hosts))
    assert by_host.upper - by_host.lower > 1.5 * (by_start.upper - by_start.lower)


@pytest.mark.parametrize(("statistic", "true"), [("median", 60.0), ("mean", 60.0), ("p90", 66.41)])
@pytest.mark.parametrize("number", [6, 10, 25, 50])
def test_it_holds_the_truth_as_often_as_it_says(statistic: Statistic, true: float, number: int) -> None:
    held = 0
    for seed in range(400):
        found = level(lengths(np.random.default_rng([seed, number]).normal(60.0, 5.0, number)), statistic, seed=seed)
        held += found.lower <= true <= found.upper
    assert held / 400 >= 0.92


def test_a_confidence_is_a_share() -> None:
    with pytest.raises(ValueError, match="confidence"):
        level(lengths([1.0, 2.0]), confidence=1.0)
