"""Intervals of differences: against scipy, the laws they obey, and how often they are right."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from scipy import stats as oracle

from analyzer.stats.difference import Interval, Lengths, balanced, difference, expanded, verdict
from analyzer.stats.normal import student_deviations
from analyzer.stats.resampled import Mix, Statistic

STATISTICS: tuple[Statistic, ...] = ("median", "mean", "p90")
LENGTHS = st.lists(st.integers(0, 600).map(lambda tenths: tenths / 10.0), min_size=4, max_size=24)
CONFIDENCES = st.sampled_from([0.5, 0.8, 0.95, 0.99])


def exact(values: object, hosts: object = None) -> Lengths:
    return Lengths.of(values, values, hosts)  # type: ignore[arg-type]


def statistic_of(values, axis: int, statistic: Statistic):
    if statistic == "mean":
        return np.mean(values, axis=axis)
    if statistic == "median":
        return np.median(values, axis=axis)
    return np.quantile(values, 0.9, axis=axis, method="inverted_cdf")


# --- Against scipy -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("statistic", STATISTICS)
@pytest.mark.parametrize(("base_n", "new_n"), [(10, 10), (25, 20), (51, 41)])
def test_exact_times_have_scipys_percentile_interval(statistic: Statistic, base_n: int, new_n: int) -> None:
    rng = np.random.default_rng(base_n)
    base, new = rng.normal(20.0, 4.0, base_n), rng.normal(23.0, 4.0, new_n)
    level = 0.95
    if expanded(statistic, exact(base), exact(new)):  # the same percentiles, moved out as Hesterberg has it
        wider = math.sqrt((base_n / (base_n - 1) + new_n / (new_n - 1)) / 2)
        level = 1.0 - 2.0 * float(oracle.norm.sf(wider * oracle.t.isf(0.025, base_n + new_n - 2)))
    expected = oracle.bootstrap(
        (new, base),
        lambda x, y, axis: statistic_of(x, axis, statistic) - statistic_of(y, axis, statistic),
        n_resamples=20_000,
        confidence_level=level,
        method="percentile",
        rng=np.random.default_rng(1),
    ).confidence_interval
    found = difference(exact(base), exact(new), statistic).interval()
    near = 0.08 * (expected.high - expected.low)  # both are drawn; next to an end there may be a gap between values
    assert found.lower == pytest.approx(expected.low, abs=near)
    assert found.upper == pytest.approx(expected.high, abs=near)


@pytest.mark.parametrize("statistic", STATISTICS)
def test_hosts_are_drawn_whole(statistic: Statistic) -> None:
    rng = np.random.default_rng(3)
    hosts = np.repeat(np.arange(9), 5)
    sides = [rng.normal(20.0, 3.0, 9)[hosts] + rng.normal(0.0, 1.0, 45) for _ in range(2)]
    drawn = []
    for side in sides:
        picks = rng.integers(0, 9, (6000, 9))
        drawn.append(statistic_of(side.reshape(9, 5)[picks].reshape(6000, 45), 1, statistic))
    tail = float(oracle.norm.sf(math.sqrt(9 / 8) * oracle.t.isf(0.025, 16)))
    low, high = np.quantile(drawn[1] - drawn[0], [tail, 1.0 - tail])
    found = difference(exact(sides[0], hosts), exact(sides[1], hosts), statistic).interval()
    assert (found.lower, found.upper) == pytest.approx((low, high), abs=0.08 * (high - low))


def test_students_distribution_as_scipy_has_it() -> None:
    for tail in (0.4, 0.025, 1e-4):
        assert student_deviations(tail, 7.0) == pytest.approx(float(oracle.t.isf(tail, 7.0)), rel=1e-6)


# --- Laws --------------------------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=60)
@given(LENGTHS, LENGTHS, st.sampled_from(STATISTICS), CONFIDENCES, st.floats(0, 5), st.floats(0, 5))
def test_wider_windows_never_narrow_it(base, new, statistic, confidence, before, after) -> None:
    narrow = difference(exact(base), exact(new), statistic).interval(confidence)
    sides = [
        Lengths.of(np.array(s) - before * np.arange(len(s)) / 7, np.array(s) + after * (np.arange(len(s)) % 3))
        for s in (base, new)
    ]
    wide = difference(*sides, statistic).interval(confidence)
    assert wide.lower <= narrow.lower + 1e-9
    assert wide.upper >= narrow.upper - 1e-9


@settings(deadline=None, max_examples=60)
@given(LENGTHS, LENGTHS, st.sampled_from(STATISTICS), CONFIDENCES, st.booleans())
def test_swapped_sides_mirror_it(base, new, statistic, confidence, by_host) -> None:
    base, new = (Lengths.of(s, np.array(s) + 2.0, np.arange(len(s)) % 3 if by_host else None) for s in (base, new))
    there, back = difference(base, new, statistic), difference(new, base, statistic)
    one, other = there.interval(confidence), back.interval(confidence)
    assert (one.lower, one.upper) == (-other.upper, -other.lower)
    assert there.p_value == back.p_value


@settings(deadline=None, max_examples=60)
@given(LENGTHS, LENGTHS, st.sampled_from(STATISTICS), st.integers(-50, 50))
def test_a_constant_moves_it(base, new, statistic, seconds) -> None:
    plain = difference(exact(base), exact(new), statistic).interval()
    moved = difference(exact(base), exact(np.array(new) + seconds), statistic).interval()
    assert (moved.lower, moved.upper) == pytest.approx((plain.lower + seconds, plain.upper + seconds), abs=1e-6)


@pytest.mark.long
@settings(deadline=None, max_examples=60)
@given(LENGTHS, LENGTHS, st.sampled_from(STATISTICS))
def test_more_confidence_never_narrows_it_and_the_p_value_agrees(base, new, statistic) -> None:
    found = difference(exact(base), exact(new), statistic)
    intervals = [found.interval(c) for c in (0.5, 0.9, 0.95, 0.99, 0.999, 1.0)]
    for inner, outer in pairwise(intervals):
        assert outer.lower <= inner.lower <= inner.upper <= outer.upper
    for confidence in (0.5, 0.9, 0.95, 0.99):
        if abs(found.p_value - (1.0 - confidence)) > 1e-6:
            without_zero = verdict(found.interval(confidence)) != "undecided"
            assert without_zero == (found.p_value < 1.0 - confidence)


@settings(deadline=None, max_examples=60)
@given(LENGTHS, LENGTHS)
def test_the_order_of_starts_does_not_matter(base, new) -> None:
    one, other = difference(exact(base), exact(new)), difference(exact(base[::-1]), exact(sorted(new)))
    assert one.interval() == other.interval()


def test_the_same_seed_gives_the_same_interval() -> None:
    sides = [exact(np.arange(12.0) + shift, np.arange(12) % 4) for shift in (0.0, 3.0)]
    assert difference(*sides, "mean", 5).interval() == difference(*sides, "mean", 5).interval()


# --- Ends and edges ------------------------------------------------------------------------------------------------


def test_windows_of_both_sides_widen_it_by_their_width() -> None:
    base, new = np.arange(20.0), np.arange(20.0) + 30.0
    narrow = difference(exact(base), exact(new)).interval()
    wide = difference(Lengths.of(base, base + 2.0), Lengths.of(new, new + 2.0)).interval()
    assert (wide.lower, wide.upper) == pytest.approx((narrow.lower - 2.0, narrow.upper + 2.0))


def test_never_counts_as_later_than_all_others() -> None:
    base = exact(np.arange(10.0))
    new = Lengths.of(np.zeros(10), np.full(10, math.inf), never=np.ones(10, dtype=bool))
    found = difference(base, new)
    assert found.interval() == Interval(math.inf, math.inf)
    assert found.verdict() == "slower"
    assert difference(new, base).verdict() == "faster"
    assert difference(new, new).interval() == Interval(-math.inf, math.inf)


def test_what_nobody_saw_end_may_have_ended_at_once() -> None:
    base = exact(np.arange(10.0))
    new = Lengths.of(np.zeros(10), np.full(10, math.inf))
    found = difference(base, new).interval()
    assert found.lower < 0.0 and found.upper == math.inf
    assert difference(base, new, "mean").interval().upper == math.inf


def test_a_few_that_never_end_leave_the_median_bounded() -> None:
    values = np.arange(30.0)
    never = values > 27.0
    found = difference(Lengths.of(values, values), Lengths.of(values + 40.0, values + 40.0, never=never))
    assert found.interval().lower > 0.0 and math.isfinite(found.interval().upper)


@pytest.mark.parametrize("number", [1, 2, 3])
def test_so_few_starts_decide_nothing(number: int) -> None:
    # Of 3 and 3 starts all of one side lie above all of the other once in 20 orders: not rare enough for 95 %.
    found = difference(exact(np.arange(float(number))), exact(np.arange(float(number)) + 100.0))
    assert found.interval() == Interval(-math.inf, math.inf)
    assert found.p_value >= 0.05


def test_equal_times_do_not_differ_at_all() -> None:
    found = difference(exact(np.full(8, 0.1 + 0.2)), exact(np.full(8, 0.3)))
    assert found.interval().lower == pytest.approx(0.0, abs=1e-12)
    same = difference(exact(np.full(8, 0.1)), exact(np.full(8, 0.1)))
    assert same.interval() == Interval(0.0, 0.0) and same.p_value == 1.0 and same.verdict() == "undecided"
    assert same.verdict(limit=1.0) == "same"


def test_relative_is_the_share_of_the_base() -> None:
    values = np.linspace(10.0, 12.0, 20)
    found = difference(exact(values), exact(values * 1.5)).relative()
    assert found.lower < 0.5 < found.upper and found.lower > 0.35 and found.upper < 0.65
    assert difference(exact(np.zeros(9)), exact(np.ones(9))).relative().upper == math.inf
    assert difference(exact(np.ones(2)), exact(np.ones(2))).relative() == Interval(-1.0, math.inf)


@pytest.mark.parametrize(
    ("interval", "limit", "expected"),
    [
        (Interval(0.1, 9.0), None, "slower"),
        (Interval(-9.0, -0.1), 20.0, "faster"),
        (Interval(-1.0, 2.0), 2.0, "same"),
        (Interval(-1.0, 2.1), 2.0, "undecided"),
        (Interval(0.0, 2.0), None, "undecided"),
        (Interval(-math.inf, math.inf), 5.0, "undecided"),
    ],
)
def test_verdicts(interval: Interval, limit: float | None, expected: str) -> None:
    assert verdict(interval, limit) == expected


def test_hosts_count_where_they_have_several_starts() -> None:
    assert Lengths.of([1, 2, 3], [1, 2, 3], ["a", "b", "c"]).hosts is None
    assert Lengths.of([1, 2, 3], [1, 2, 3], ["a", "a", "a"]).hosts is None
    assert Lengths.of([1, 2, 3], [1, 2, 3], ["a", "b", "a"]).units == 2


def test_nonsense_is_refused() -> None:
    with pytest.raises(ValueError, match="compared"):
        Lengths.of([], [])
    with pytest.raises(ValueError, match="one host"):
        Lengths.of([1.0], [1.0], ["a", "b"])
    with pytest.raises(ValueError, match="confidence"):
        difference(exact([1.0]), exact([1.0])).interval(1.5)


# --- Like with like ------------------------------------------------------------------------------------------------


def test_another_mix_is_no_difference() -> None:
    rng = np.random.default_rng(6)
    strata = [np.where(np.arange(60) < restarts, "restart", "fresh") for restarts in (12, 48)]
    sides = [exact(np.where(one == "fresh", 40.0, 10.0) + rng.normal(size=60)) for one in strata]
    assert difference(*sides).verdict() == "faster"
    even = balanced(*sides, *strata)
    assert even is not None and not even.base_left_out.any()
    for side, one in ((even.base, strata[0]), (even.new, strata[1])):
        assert side.mix is not None
        assert side.mix.weights[one == "fresh"].sum() == pytest.approx(0.5)
        assert side.mix.weights.sum() == pytest.approx(1.0)
    for statistic in STATISTICS:
        assert difference(even.base, even.new, statistic).verdict() == "undecided"
    means = [side.observed("mean").lower for side in (even.base, even.new)]
    assert means == pytest.approx([25.0, 25.0], abs=0.6)


def test_one_stratum_in_common_is_no_mix() -> None:
    sides = exact(np.arange(8.0)), exact(np.arange(6.0))
    even = balanced(*sides, list("aaaaaaaa"), list("aaaaab"))
    assert even is not None
    assert even.base.mix is None and even.new.mix is None
    assert difference(even.base, even.new).interval() == difference(sides[0], exact(np.arange(5.0))).interval()


def test_what_strata_differ_by_does_not_blur_the_difference() -> None:
    rng = np.random.default_rng(5)
    strata = np.arange(40) % 2
    sides = [exact(50.0 * strata + shift + rng.normal(size=40)) for shift in (0.0, 2.0)]
    even = balanced(*sides, strata, strata)
    assert even is not None
    for statistic in ("median", "mean"):
        assert difference(*sides, statistic).verdict() == "undecided"
        assert difference(even.base, even.new, statistic).verdict() == "slower"


def test_strata_of_one_side_alone_are_left_out() -> None:
    base = Lengths.of(np.arange(6.0), np.arange(6.0), list("xxyyzz"), never=[False] * 5 + [True])
    new = Lengths.of(np.arange(4.0), np.arange(4.0), list("xxyy"))
    even = balanced(base, new, list("ababac"), list("abbd"))
    assert even is not None
    assert even.base_left_out.tolist() == [False] * 5 + [True]
    assert even.new_left_out.tolist() == [False] * 3 + [True]
    assert even.base.hosts is not None and even.base.hosts.tolist() == [0, 0, 1, 1, 2]
    assert even.base.units == 2 and len(even.new.least) == 3  # three hosts, two strata
    assert even.base.mix is not None and even.base.mix.weights.sum() == pytest.approx(1.0)
    assert even.base.mix.shares.tolist() == pytest.approx([0.5, 0.5])  # 3 and 2 of the base, 1 and 2 of the new side
    assert balanced(base, new, ["a"] * 6, ["b"] * 4) is None
    with pytest.raises(ValueError, match="one stratum"):
        balanced(base, new, ["a"], ["a"] * 4)


@pytest.mark.parametrize("statistic", STATISTICS)
def test_a_mix_of_one_stratum_is_none(statistic: Statistic) -> None:
    values = np.random.default_rng(8).normal(20.0, 3.0, 24)
    of = np.arange(24) % 6
    plain, mixed = (
        Lengths(values, values, of, mix) for mix in (None, Mix(np.zeros(24, dtype=np.int64), np.array([1.0])))
    )
    assert plain.observed(statistic).lower == pytest.approx(mixed.observed(statistic).lower)
    one, other = (difference(side, exact(values + 9.0), statistic).interval() for side in (plain, mixed))
    assert (one.lower, one.upper) == pytest.approx((other.lower, other.upper))


# --- How often it is right (benchmarks/compare_coverage.py has the whole tables) --------------------------------------


def shares(trials: int, number: int, *, shift: float = 0.0, width: float = 0.1, hosts: int = 1) -> tuple[float, float]:
    """Of the trials those whose interval holds the shift, and those that say slower or faster."""
    rng = np.random.default_rng(number)
    held = found = 0
    of = np.arange(number) % hosts
    for trial in range(trials):
        sides = []
        for moved in (0.0, shift):
            times = 30.0 + moved + 5.0 * rng.normal(size=number) + 3.0 * rng.normal(size=hosts)[of] * (hosts > 1)
            least = times - width * rng.random(number)
            sides.append(Lengths.of(least, least + width, of if hosts > 1 else None))
        interval = difference(*sides, seed=trial).interval()
        held += interval.lower <= shift <= interval.upper
        found += verdict(interval) != "undecided"
    return held / trials, found / trials


@pytest.mark.long
@pytest.mark.parametrize(("number", "hosts"), [(5, 1), (10, 1), (20, 1), (20, 8)])
def test_sides_that_do_not_differ_are_seldom_told_apart(number: int, hosts: int) -> None:
    assert shares(200, number, hosts=hosts)[1] <= 0.06


@pytest.mark.parametrize("number", [10, 20])
def test_a_known_shift_is_held(number: int) -> None:
    assert shares(200, number, shift=5.0)[0] >= 0.93


@pytest.mark.slow
@pytest.mark.parametrize("width", [0.1, 2.0, 10.0])
@pytest.mark.parametrize(("number", "hosts"), [(5, 1), (10, 1), (10, 8), (20, 1), (20, 8), (50, 1), (50, 8)])
def test_a_known_shift_is_held_in_many_trials(number: int, hosts: int, width: float) -> None:
    held, _ = shares(1000, number, shift=5.0, width=width, hosts=hosts)
    assert held >= 0.93


def test_a_large_shift_is_found() -> None:
    assert shares(100, 20, shift=15.0, width=2.0)[1] >= 0.9
