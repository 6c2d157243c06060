"""Many tests at once, against scipy and the definitions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, strategies as st
from scipy import stats as oracle

from analyzer.stats.multiple import Judged, accepted, goal_first, holm

P_VALUES = st.lists(st.floats(0, 1), min_size=1, max_size=30)


@given(P_VALUES, st.sampled_from([0.01, 0.05, 0.2]))
def test_benjamini_hochberg_as_scipy_has_it(p_values: list[float], share: float) -> None:
    adjusted = oracle.false_discovery_control(p_values)
    clear = np.abs(adjusted - share) > 1e-12  # rounding may put one that is just on the limit on either side
    assert (accepted(p_values, share) == (adjusted <= share))[clear].all()


@given(P_VALUES)
def test_holm_by_its_definition(p_values: list[float]) -> None:
    level, left, held = 0.05, sorted(p_values), 0
    while left and left[0] * len(left) <= level:
        left.pop(0)
        held += 1
    found = holm(p_values, level)
    assert found.sum() == held
    assert sorted(np.array(p_values)[found]) == sorted(p_values)[:held]


@given(P_VALUES)
def test_holm_is_the_stricter_one(p_values: list[float]) -> None:
    assert (~holm(p_values, 0.05) | accepted(p_values, 0.05)).all()


@given(P_VALUES, st.integers(0, 100))
def test_tests_that_are_not_listed_count_as_failed_ones(p_values: list[float], more: int) -> None:
    whole = accepted([*p_values, *[1.0] * more], 0.05)
    assert (accepted(p_values, 0.05, len(p_values) + more) == whole[: len(p_values)]).all()


def test_none_and_all() -> None:
    assert accepted([], 0.05).tolist() == []
    assert holm([], 0.05).tolist() == []
    assert accepted([0.05, 0.05], 0.05).tolist() == [True, True]
    assert holm([0.05, 0.05], 0.05).tolist() == [False, False]


@pytest.mark.parametrize("bad", [[1.2], [-0.1], [float("nan")], [[0.1]]])
def test_what_is_no_p_value_is_refused(bad: list[float]) -> None:
    with pytest.raises(ValueError, match="p-values"):
        accepted(bad, 0.05)


@given(P_VALUES, st.floats(0, 1), st.sampled_from([0.0, 0.2, 0.5]))
def test_the_goal_first_and_the_others_at_what_is_left(p_values: list[float], goal: float, reserve: float) -> None:
    level = 0.05
    first, rest = goal_first(goal, p_values, level, reserve)
    assert first is not None
    early = goal <= (1.0 - reserve) * level
    left = level if early else reserve * level
    assert [one.found for one in rest] == (holm(p_values, left) & (left > 0.0)).tolist()
    assert first.found == (goal <= (level if early or all(one.found for one in rest) else (1.0 - reserve) * level))
    for p, one in [(goal, first), *zip(p_values, rest, strict=True)]:
        # Nested intervals: the one at this level leaves out 0 just where the p-value is not above it.
        assert one.found == (one.level > 0.0 and p <= one.level)
        assert one.level <= level


def test_a_goal_alone_and_no_goal() -> None:
    assert goal_first(0.045, []) == (Judged(True, 0.05), [])
    first, rest = goal_first(None, [0.02, 0.04, 0.9])
    assert first is None and [one.found for one in rest] == [False] * 3
    assert [one.level for one in rest] == pytest.approx([0.05 / 3] * 3)


def test_what_the_goal_does_not_use_is_the_others() -> None:
    _, rest = goal_first(0.04, [0.02, 0.025])
    assert [one.found for one in rest] == [True, True]
    _, rest = goal_first(0.05, [0.02, 0.025])
    assert [one.found for one in rest] == [False, False]
    first, rest = goal_first(0.045, [0.001, 0.002])  # at 0.01 both are found, and so the goal is judged at 0.05
    assert first == Judged(True, 0.05) and all(one.found for one in rest)
    assert Judged(True, 0.01).confidence == 0.99


def test_a_family_errs_as_seldom_as_it_says() -> None:
    rng = np.random.default_rng(2)
    errors = 0
    for _ in range(2000):
        shared = rng.normal()
        p = 2.0 * oracle.norm.sf(np.abs(0.7 * shared + 0.714 * rng.normal(size=6)))
        first, rest = goal_first(p[0], p[1:].tolist())
        errors += (first is not None and first.found) or any(one.found for one in rest)
    assert errors / 2000 <= 0.06


@pytest.mark.parametrize(("level", "reserve"), [(0.0, 0.2), (1.0, 0.2), (0.05, 1.0), (0.05, -0.1)])
def test_levels_that_make_no_sense_are_refused(level: float, reserve: float) -> None:
    with pytest.raises(ValueError, match="reserve"):
        goal_first(0.5, [0.5], level, reserve)
