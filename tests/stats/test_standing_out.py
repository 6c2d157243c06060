"""Groups that stand out: the p-values on their own, and what windows do to them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from analyzer.stats.standing_out import Relevance, above

HOSTS, STARTS = 40, 4
GROUPS = np.repeat(np.arange(HOSTS), STARTS)
ORDER = np.arange(HOSTS * STARTS)


def lengths(seed: int, factor: float = 1.0) -> np.ndarray:
    """About 10 s each; those of group 0 ``factor`` times as long."""
    made = 10.0 * np.exp(np.random.default_rng(seed).normal(0, 0.1, HOSTS * STARTS))
    made[GROUPS == 0] *= factor
    return made


def p_values(least: np.ndarray, most: np.ndarray, groups: np.ndarray = GROUPS) -> np.ndarray:
    found = above(least, most, groups, np.arange(len(groups)))
    assert found is not None
    return found.p_values


def test_the_slow_one_alone_is_far_out() -> None:
    found = p_values(lengths(1, 2.0), lengths(1, 2.0))
    assert found[0] < 1e-5
    assert found[1:].min() > 1e-3


def test_what_is_told_of_a_group() -> None:
    values = lengths(1, 2.0)
    found = above(values - 0.1, values + 0.1, GROUPS, ORDER)
    own, rest = np.sort(values[:STARTS]), np.sort([np.sort(values[n == GROUPS])[1] for n in range(1, HOSTS)])
    assert found.sizes[0] == STARTS and found.others[0] == HOSTS - 1
    assert (found.low[0], found.high[0]) == pytest.approx((own[1] - 0.1, own[1] + 0.1))
    assert found.others_median[0] == pytest.approx(rest[19] + 0.1)
    assert found.others_low[0] == pytest.approx(rest[9] - 0.1)
    assert found.others_high[0] == pytest.approx(rest[29] + 0.1)


def test_p_values_are_not_too_small_by_chance() -> None:
    """Of 60 x 40 groups that are as all others, at most about 1 % have a p-value of 1 %."""
    small = sum(
        int((above(values, values, GROUPS, ORDER, Relevance(0.0, 0.0)).p_values <= 0.01).sum())
        for values in map(lengths, range(60))
    )
    assert small <= 60 * HOSTS * 0.01


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 20), st.floats(1.0, 3.0), st.floats(0.0, 10.0), st.floats(0.0, 10.0))
def test_a_wider_window_of_its_own_never_makes_it_surer(seed, factor, first, more) -> None:
    values = lengths(seed, factor)
    own = GROUPS == 0
    narrow, wide = np.where(own, values - first, values), np.where(own, values - first - more, values)
    assert p_values(narrow, values)[0] <= p_values(wide, values)[0]


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 20), st.integers(1, 9))
def test_a_longer_one_is_at_least_as_sure(seed, more) -> None:
    first, second = (p_values(values, values)[0] for values in (lengths(seed, 1.5), lengths(seed, 1.5 + more / 10)))
    assert second <= first


@given(st.integers(0, 20), st.randoms(use_true_random=False))
def test_order_does_not_matter(seed, chance) -> None:
    values = lengths(seed, 1.6)
    mixed = list(range(len(values)))
    chance.shuffle(mixed)
    told, other = (
        above(values[places], values[places] + 0.5, GROUPS[places], ORDER[places])
        for places in (ORDER, np.array(mixed))
    )
    assert told.p_values.tolist() == other.p_values.tolist()
    assert told.others_high.tolist() == other.others_high.tolist()


def test_all_in_one_window_of_a_coarse_clock() -> None:
    least = np.full(HOSTS * STARTS, 10.0)
    assert p_values(least, least + 5.0).tolist() == [1.0] * HOSTS
    least[GROUPS == 0] = 15.0  # the next window: it may be as little above as one likes
    assert p_values(least, least + 5.0)[0] == 1.0
    least[GROUPS == 0] = 60.0
    assert p_values(least, least + 5.0)[0] < 1e-6


def test_lengths_without_an_end() -> None:
    values = lengths(1)
    values[GROUPS == 0] = np.inf
    assert p_values(values, values)[0] < 1e-6
    values[GROUPS < 10] = np.inf  # a quarter of all
    assert p_values(values, values).tolist() == [1.0] * HOSTS
    values[GROUPS < 30] = np.inf  # nothing is known of what is usual
    assert above(values, values, GROUPS, ORDER) is None


def test_open_ends_of_a_few_others_hide_nothing() -> None:
    values = lengths(1, 2.0)
    open_ended = np.where(GROUPS > 36, np.inf, values)
    assert p_values(values, open_ended)[0] < 1e-3  # their starts may have been longer, so less is sure


def test_groups_of_unlike_sizes() -> None:
    rng = np.random.default_rng(2)
    groups = np.repeat(np.arange(60), rng.integers(1, 15, 60))
    values = 10.0 * np.exp(rng.normal(0, 0.1, len(groups)))
    large = int(np.argmax(np.bincount(groups)))
    values[groups == large] *= 2.0
    found = p_values(values, values, groups)
    assert found[large] < 1e-5
    assert np.delete(found, large).min() > 1e-3


def test_too_few_groups() -> None:
    assert above(np.arange(8.0), np.arange(8.0), np.arange(8), np.arange(8)) is None
    nothing = np.array([])
    assert above(nothing, nothing, nothing.astype(np.int64), nothing.astype(np.int64)) is None
