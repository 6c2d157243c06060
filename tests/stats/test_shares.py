"""Shares of two sides: the exact test against scipy, the interval against its definition and its coverage."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from scipy import stats as oracle

from analyzer.stats.shares import Share, ShareDifference, fisher, share_difference

TABLES = st.tuples(st.integers(1, 60), st.integers(1, 60)).flatmap(
    lambda totals: st.tuples(
        st.integers(0, totals[0]), st.just(totals[0]), st.integers(0, totals[1]), st.just(totals[1])
    )
)


def of(base: int, base_total: int, new: int, new_total: int) -> ShareDifference:
    return ShareDifference(Share(base, base_total, base_total), Share(new, new_total, new_total))


@settings(deadline=None)
@given(TABLES)
def test_fisher_as_scipy_has_it(table) -> None:
    base, base_total, new, new_total = table
    expected = oracle.fisher_exact([[base, base_total - base], [new, new_total - new]])[1]
    assert fisher(*table) == pytest.approx(float(expected), rel=1e-6)


def test_newcombes_own_example() -> None:
    # Newcombe 1998, table II (a): 56/70 - 48/80 is 0.2, by method 10 from 0.0524 to 0.3339.
    found = of(48, 80, 56, 70).interval(0.95)
    assert (found.lower, found.upper) == pytest.approx((0.0524, 0.3339), abs=5e-5)


@settings(deadline=None)
@given(TABLES, st.sampled_from([0.5, 0.9, 0.95, 0.99]))
def test_interval_and_test_agree(table, confidence) -> None:
    found = of(*table)
    interval = found.interval(confidence)
    assert -1.0 <= interval.lower <= found.observed <= interval.upper <= 1.0
    if abs(found.p_value - (1.0 - confidence)) > 1e-6:
        assert (not interval.lower <= 0.0 <= interval.upper) == (found.p_value < 1.0 - confidence)


@settings(deadline=None)
@given(TABLES)
def test_swapped_sides_mirror_it(table) -> None:
    base, base_total, new, new_total = table
    there, back = of(*table), of(new, new_total, base, base_total)
    one, other = there.interval(), back.interval()
    assert (one.lower, one.upper) == pytest.approx((-other.upper, -other.lower))
    assert there.p_value == pytest.approx(back.p_value)


@settings(deadline=None)
@given(TABLES)
def test_more_confidence_never_narrows_it(table) -> None:
    intervals = [of(*table).interval(confidence) for confidence in (0.5, 0.9, 0.95, 0.99, 1.0)]
    for inner, outer in itertools.pairwise(intervals):
        assert outer.lower <= inner.lower and inner.upper <= outer.upper


@pytest.mark.parametrize(("number", "share", "other"), [(10, 0.1, 0.1), (20, 0.1, 0.3), (20, 0.0, 0.2), (50, 0.5, 0.6)])
def test_every_table_of_two_sizes_is_covered_on_average(number: int, share: float, other: float) -> None:
    chances = oracle.binom.pmf(np.arange(number + 1), number, share)
    others = oracle.binom.pmf(np.arange(number + 1), number, other)
    held = found = 0.0
    for a, b in itertools.product(range(number + 1), repeat=2):
        if chances[a] * others[b] < 1e-7:
            continue
        difference = of(a, number, b, number)
        interval = difference.interval()
        held += chances[a] * others[b] * (interval.lower - 1e-12 <= other - share <= interval.upper + 1e-12)
        found += chances[a] * others[b] * (difference.p_value <= 0.05)
    assert held >= 0.93
    if share == other:
        assert found <= 0.05


def test_starts_of_one_host_are_worth_less() -> None:
    hosts = np.repeat(np.arange(8), 5)
    failed = hosts < 3  # all starts of three hosts, none of the others
    none = np.zeros(40, dtype=bool)
    alone, together = share_difference(none, failed), share_difference(none, failed, hosts, hosts)
    assert alone.new.worth == 40.0
    assert together.new.worth == pytest.approx(8.0)
    assert alone.p_value < 0.001 < 0.05 < together.p_value
    assert together.interval().upper - together.interval().lower > alone.interval().upper - alone.interval().lower


def test_hosts_that_have_nothing_in_common_change_nothing() -> None:
    hosts = np.arange(40) % 8
    mixed = np.arange(40) % 5 == 0
    assert share_difference(mixed, mixed, hosts, hosts).new.worth == 40.0
    nobody = np.zeros(40, dtype=bool)
    assert share_difference(nobody, nobody, hosts, hosts).p_value == 1.0


def test_hosts_that_fail_as_one_are_seldom_told_apart() -> None:
    rng = np.random.default_rng(4)
    hosts = np.repeat(np.arange(8), 5)
    found = 0
    for _ in range(300):
        sides = [(rng.random(40) < np.where(rng.random(8) < 0.3, 0.8, 0.05)[hosts]) for _ in range(2)]
        found += share_difference(*sides, hosts, hosts).p_value <= 0.05
    assert found / 300 <= 0.06


def test_nonsense_is_refused() -> None:
    for bad in ((3, 2, 2.0), (0, 0, 1.0), (1, 2, 3.0), (-1, 2, 2.0)):
        with pytest.raises(ValueError, match="share"):
            Share(*bad)
    with pytest.raises(ValueError, match="one host"):
        share_difference([True], [True], ["a", "b"])
    with pytest.raises(ValueError, match="confidence"):
        of(1, 2, 1, 2).interval(0.0)
