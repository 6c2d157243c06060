"""Tails, against scipy."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings, strategies as st
from scipy import stats as oracle

from analyzer.stats.tails import drawn_at_least, student_above


@settings(deadline=None)
@given(st.floats(0, 60), st.floats(0.5, 5000))
def test_student_as_scipy_has_it(t: float, freedom: float) -> None:
    assert student_above(t, freedom) == pytest.approx(float(oracle.t.sf(t, freedom)), rel=1e-6, abs=1e-200)


def test_student_at_its_ends() -> None:
    assert student_above(0.0, 5.0) == pytest.approx(0.5)
    assert student_above(math.inf, 5.0) == 0.0


@settings(deadline=None)
@given(st.integers(1, 300), st.data())
def test_draws_without_replacement_as_scipy_has_them(total: int, data) -> None:
    marked, draws = data.draw(st.integers(0, total)), data.draw(st.integers(0, total))
    number = data.draw(st.integers(0, draws))
    expected = float(oracle.hypergeom.sf(number - 1, total, marked, draws))
    assert drawn_at_least(number, draws, marked, total) == pytest.approx(expected, rel=1e-6, abs=1e-12)


def test_three_of_four_above_all_others() -> None:
    # Of 200 starts the 3 longest are of one host with 4: 4 of the 200*199*198/6 choices.
    assert drawn_at_least(3, 3, 4, 200) == pytest.approx(4 / math.comb(200, 3))


def test_nonsense_is_refused() -> None:
    with pytest.raises(ValueError, match="drawn"):
        drawn_at_least(1, 5, 2, 4)
    with pytest.raises(ValueError, match="negative"):
        student_above(-1.0, 3.0)
