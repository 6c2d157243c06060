"""Sums over many draws that keep none of them, beside numpy on all of them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from analyzer.simulator.tally import Groups, Tally

LEVELS = (0.0, 0.025, 0.5, 0.95, 1.0)


def in_parts(values: np.ndarray, parts: int, *, whole: bool = False) -> Tally:
    tally = Tally(whole)
    for part in np.array_split(values, parts):
        tally.add(Tally.of(part, whole=whole))
    return tally


@pytest.mark.parametrize("parts", [1, 7])
def test_as_numpy_says_on_a_million_mixed_draws(parts: int) -> None:
    rng = np.random.default_rng(2)
    values = np.concatenate((rng.lognormal(0, 2, 100_000), -rng.lognormal(-3, 2, 50_000), np.zeros(500)))
    rng.shuffle(values)
    found = in_parts(values, parts)
    assert (found.count, found.least, found.greatest) == (len(values), values.min(), values.max())
    assert found.mean == pytest.approx(values.mean(), rel=1e-12)
    assert found.variance == pytest.approx(values.var(), rel=1e-9)
    assert found.quantiles(*LEVELS) == pytest.approx(np.quantile(values, LEVELS), rel=6e-4, abs=1e-7)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 2048), min_size=1, max_size=40))
def test_whole_numbers_are_exact(numbers: list[int]) -> None:
    values = np.array(numbers, dtype=float)
    assert in_parts(values, 3, whole=True).quantiles(*LEVELS) == pytest.approx(np.quantile(values, LEVELS))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=40))
def test_quantiles_stay_between_the_extremes_in_order(numbers: list[float]) -> None:
    found = in_parts(np.array(numbers), 2).quantiles(*LEVELS)
    assert list(found) == sorted(found)
    assert min(numbers) <= found[0] and found[-1] <= max(numbers)


def test_memory_does_not_grow_with_the_draws() -> None:
    tally = Tally()
    rng = np.random.default_rng(0)
    for _ in range(200):
        tally.add(Tally.of(rng.lognormal(0, 3, 1000)))
    assert tally.count == 200_000
    assert len(tally._bins) < 60 * 1024


def test_nothing_and_what_is_not_finite() -> None:
    tally = Tally.of(np.array([np.nan, np.inf]))
    assert tally.count == 0
    assert np.isnan(tally.mean) and np.isnan(tally.quantiles(0.5)[0])
    tally.add(Tally.of(np.array([2.0, np.nan])))
    assert (tally.mean, tally.quantiles(0.5)) == (2.0, (2.0,))


def test_groups_have_their_own_means() -> None:
    groups = Groups.of(np.array([1.0, 3.0, np.nan]), np.array([0, 0, 1]))
    groups.add(Groups.of(np.array([5.0, 9.0]), np.array([2, 2])))
    assert groups.means() == pytest.approx([2.0, 7.0])
