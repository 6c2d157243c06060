"""With exact times and one start a host a comparison is what scipy says."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats as oracle

from analyzer.collection.model import Collection
from analyzer.comparison.compare import compared
from analyzer.comparison.model import Asked
from tests.kit.made_sides import failed, ready, side


def _apart(base: np.ndarray, new: np.ndarray, axis: int) -> np.ndarray:
    return np.asarray(np.median(new, axis=axis) - np.median(base, axis=axis))


def _share(base: np.ndarray, new: np.ndarray, axis: int) -> np.ndarray:
    return np.asarray(np.median(new, axis=axis) / np.median(base, axis=axis) - 1.0)


@pytest.mark.parametrize("numbers", [(15, 20), (40, 31)])
def test_the_interval_is_scipys_percentile_interval(numbers: tuple[int, int]) -> None:
    rng = np.random.default_rng(11)
    times = [rng.lognormal(3.0, 0.3, number) for number in numbers]
    sides = [side([ready(float(at), host=f"node-{n}") for n, at in enumerate(one)], str(len(one))) for one in times]
    (own,) = compared(sides[0], sides[1], Asked(("ready",))).comparison.metrics
    assert own.relative is not None
    for interval, statistic, error in ((own.difference, _apart, 0.15), (own.relative, _share, 0.01)):
        their = oracle.bootstrap(times, statistic, n_resamples=20_000, method="percentile", rng=rng).confidence_interval
        assert (interval.lower, interval.upper) == pytest.approx((their.low, their.high), abs=error)


@pytest.mark.parametrize(("base_failed", "new_failed"), [(0, 6), (1, 9), (2, 3), (0, 0)])
def test_shares_have_fishers_p_value(base_failed: int, new_failed: int) -> None:
    def made(bad: int, name: str) -> Collection:
        hosts = (f"node-{n}" for n in range(20))
        return side([failed(host=h) if n < bad else ready(60.0, host=h) for n, h in enumerate(hosts)], name)

    (own,) = compared(made(base_failed, "a"), made(new_failed, "b"), Asked(("failed",))).comparison.metrics
    table = [[base_failed, 20 - base_failed], [new_failed, 20 - new_failed]]
    assert own.p_value == pytest.approx(oracle.fisher_exact(table).pvalue)
    assert (own.verdict == "slower") == (own.p_value <= 0.05)
    assert own.new.min == own.new.max == new_failed / 20
    assert not math.isnan(own.difference.lower)
