"""Rank sums: against exact counts and their definition, and how likely chance makes them as large."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from scipy import stats as oracle

from analyzer.stats import rank_sums
from analyzer.stats.rank_sums import Kind, p_value, steps, stretch
from analyzer.stats.step import FEWEST, Course

KINDS: tuple[Kind, ...] = ("step", "stretch")
WINDOWS = st.lists(
    st.tuples(st.integers(0, 40), st.integers(0, 6)).map(lambda one: (float(one[0]), float(one[0] + one[1]))),
    min_size=12, max_size=24,
)  # fmt: skip


def exact(values: object) -> Course:
    times = np.asarray(values, dtype=np.float64)
    return Course(times, times)


def windows(ends: list[tuple[float, float]]) -> Course:
    both = np.array(ends, dtype=np.float64)
    return Course(both[:, 0], both[:, 1])


# --- p-values


@settings(max_examples=40, deadline=None)
@given(st.permutations(range(8)))
def test_of_eight_lengths_it_is_the_exact_test_of_mann_and_whitney(ranks: list[int]) -> None:
    expected = oracle.mannwhitneyu(ranks[:4], ranks[4:], method="exact").pvalue  # there is one place alone
    statistic = float(np.maximum(*steps(exact(ranks))).max())
    assert p_value(statistic, 8) == pytest.approx(expected)


def test_of_nine_lengths_all_orders_are_counted() -> None:
    rng = np.random.default_rng(5)
    drawn = rank_sums._of_ranks("step", rng.permuted(np.tile(np.arange(9), (4000, 1)), axis=1))
    for statistic in (1.0, 1.6, 2.2, 2.4):
        share = float((drawn >= statistic - 1e-9).mean())
        assert p_value(statistic, 9) == pytest.approx(share, abs=4.0 * math.sqrt(0.25 / 4000))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("number", [12, 20, 50, 90])
def test_the_permutations_are_those_of_any_seed(number: int, kind: Kind) -> None:
    rng = np.random.default_rng(1)
    drawn = np.sort(rank_sums._of_ranks(kind, rng.permuted(np.tile(np.arange(number), (3000, 1)), axis=1)))
    for share in (0.5, 0.1, 0.05):
        statistic = float(drawn[int((1.0 - share) * len(drawn))])
        counted = float((drawn >= statistic - 1e-9).mean())
        assert p_value(statistic, number, kind) == pytest.approx(counted, abs=0.03)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("number", [12, 30, 64, 65, 200, 5000])
def test_larger_statistics_are_rarer(number: int, kind: Kind) -> None:
    p_values = [p_value(statistic, number, kind) for statistic in np.linspace(0.0, 9.0, 60)]
    assert p_values == sorted(p_values, reverse=True)
    assert p_values[0] == 1.0 and p_values[-1] < 1e-4


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("number", [12, 20])
def test_the_sum_over_places_is_never_below_what_is_counted(number: int, kind: Kind) -> None:
    made = rank_sums._largest(kind, number)
    for statistic in np.linspace(1.0, float(made[-1]), 30).tolist():
        counted = float((made >= statistic - 1e-9).mean())
        error = 4.0 * math.sqrt(counted / len(made))
        assert rank_sums._at_any_place(statistic, number, kind) >= counted - error


def test_what_permutations_cannot_tell_any_more_still_gets_rarer() -> None:
    assert p_value(6.0, 50) < p_value(5.5, 50) < 1e-5


def test_rounding_up_to_a_number_with_permutations_of_its_own() -> None:
    made = {rank_sums._rounded_up(number) for number in range(65, 400)}
    assert len(made) < 45 and all(rank_sums._rounded_up(number) >= number for number in range(65, 400))


# --- statistics


def of_pairs(pairs: int, here: int, there: int) -> float:
    return (pairs - 0.5 * here * there) / math.sqrt(here * there * (here + there + 1) / 12.0)


@settings(max_examples=40, deadline=None)
@given(WINDOWS, st.sampled_from([2, 3, 5, 2048]))
def test_steps_are_those_of_the_definition(ends: list[tuple[float, float]], block: int) -> None:
    course, n, before = windows(ends), len(ends), rank_sums._BLOCK
    rank_sums._BLOCK = block
    try:
        longer, shorter = steps(course)
    finally:
        rank_sums._BLOCK = before
    for place in range(FEWEST, n - FEWEST + 1):
        pairs = [(ends[i], ends[j]) for i in range(place) for j in range(place, n)]
        grows, shrinks = sum(j[0] > i[1] for i, j in pairs), sum(j[1] < i[0] for i, j in pairs)
        assert longer[place - FEWEST] == pytest.approx(of_pairs(grows, place, n - place))
        assert shorter[place - FEWEST] == pytest.approx(of_pairs(shrinks, place, n - place))


@settings(max_examples=25, deadline=None)
@given(WINDOWS)
def test_the_surest_stretch_is_that_of_the_definition(ends: list[tuple[float, float]]) -> None:
    n, found = len(ends), []
    for begin in range(FEWEST, n - 2 * FEWEST + 1):
        for end in range(begin + FEWEST, n - FEWEST + 1):
            inside, beside = ends[begin:end], ends[:begin] + ends[end:]
            grows = sum(i[0] > j[1] for i in inside for j in beside)
            shrinks = sum(i[1] < j[0] for i in inside for j in beside)
            found.append((of_pairs(max(grows, shrinks), len(inside), len(beside)), begin, end))
    statistic, begin, end = stretch(windows(ends))
    assert statistic == pytest.approx(max(found)[0])
    assert any(one[1:] == (begin, end) and one[0] == pytest.approx(statistic) for one in found)


def test_stretches_of_a_long_course_begin_and_end_near_their_places() -> None:
    times = np.random.default_rng(1).normal(60.0, 5.0, 1500)
    times[700:760] += 20.0
    statistic, begin, end = stretch(exact(times))
    assert abs(begin - 700) <= 15 and abs(end - 760) <= 15
    assert p_value(statistic, 1500, "stretch") < 1e-3


def test_what_never_ends_is_longer_than_what_does_and_not_than_itself() -> None:
    never = Course(np.full(16, np.inf), np.full(16, np.inf))
    assert float(np.maximum(*steps(never)).max()) < 0.0
    some = exact(np.where(np.arange(16) < 8, 1.0, np.inf))
    assert int(steps(some)[0].argmax()) + FEWEST == 8
