"""Bars of text: never narrower than the interval, and across 0 just where the interval is."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, strategies as st

from analyzer.reports.comparison_bars import ABOVE, BELOW, CHANCE, WINDOWS, ZERO, Scale, windows
from analyzer.stats.difference import Interval
from tests.kit import made_comparison as made

ENDS = st.floats(-1e6, 1e6) | st.sampled_from([-math.inf, math.inf, 0.0, 1e-9])
INTERVALS = st.tuples(ENDS, ENDS).map(lambda ends: Interval(*sorted(ends)))


def test_bars_of_one_scale() -> None:
    shown = [Interval(-2.0, 1.0), Interval(1.0, 4.0), Interval(-1.0, -0.5), Interval(0.0, 0.0), Interval(2.0, math.inf)]
    scale = Scale.of(shown[:4], 13)
    assert scale == Scale(-2.0, 4.0, 4, 8)
    assert scale.bar(shown[0]) == "────|──      "
    assert scale.bar(shown[1], Interval(2.0, 3.0)) == "    | ──███──"
    assert scale.bar(shown[2], Interval(-9.0, 9.0)) == "  ██|        "
    assert scale.bar(shown[3]) == "   ─|─       "
    assert scale.bar(shown[4]) == "    |   ────▶"
    assert scale.bar(Interval(-math.inf, math.inf)) == "◀───|───────▶"


def test_without_an_end_there_is_no_scale() -> None:
    assert Scale.of([]) is None and Scale.of([Interval(-math.inf, math.inf), Interval(0.0, 0.0)]) is None


@given(st.lists(INTERVALS, min_size=1, max_size=6), INTERVALS, st.integers(7, 40))
def test_a_bar_holds_its_interval(others: list[Interval], inner: Interval, cells: int) -> None:
    scale = Scale.of(others, cells)
    if scale is None:
        return
    size = scale.upper / scale.after
    for interval in others:
        bar = scale.bar(interval, inner)
        assert len(bar) == cells and bar[scale.before] in (ZERO, BELOW, ABOVE)
        drawn = [at for at, sign in enumerate(bar) if sign in (WINDOWS, CHANCE, BELOW, ABOVE)]
        left, right = (min(drawn) - scale.before) * size, (max(drawn) - scale.before) * size
        slack = 1e-6 * max(1.0, scale.upper - scale.lower)
        if interval.lower > 0.0:
            assert min(drawn) > scale.before and left - size <= interval.lower + slack
        elif interval.upper >= 0.0:
            assert min(drawn) < scale.before < max(drawn)
        if interval.upper < 0.0:
            assert max(drawn) < scale.before and right + size >= interval.upper - slack
        assert left <= interval.lower + slack or min(drawn) == 0 or interval.lower > 0.0
        assert right >= interval.upper - slack or max(drawn) == cells - 1 or interval.upper < 0.0


def test_what_windows_alone_allow() -> None:
    assert windows(made.metric("ready", (9.0, 10.0), (11.0, 13.0), (1.0, 4.0))) == Interval(1.0, 4.0)
    assert windows(made.metric("ready", (9.0, math.inf), (math.inf, math.inf), (1.0, 4.0))) is None


@pytest.mark.parametrize("cells", [7, 13])
def test_a_scale_beyond_0_leaves_room_on_both_sides(cells: int) -> None:
    scale = Scale.of([Interval(3.0, 4.0)], cells)
    assert scale is not None and scale.before == 1 and scale.upper == pytest.approx(4.0)
