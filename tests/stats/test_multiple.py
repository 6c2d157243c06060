"""Many tests at once, against scipy and the definitions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, strategies as st
from scipy import stats as oracle

from analyzer.stats.multiple import accepted, holm

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
