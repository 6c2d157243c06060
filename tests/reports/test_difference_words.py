"""Differences in words: rounded outwards, and never across 0."""

from __future__ import annotations

import math
import re

import pytest
from hypothesis import given, strategies as st

from analyzer.reports import difference_words as words

INF = math.inf
# What is nearer to 0 is the noise of floats, which ``window.down`` and ``up`` round off.
ENDS = st.floats(-1e5, 1e5).filter(lambda end: end == 0.0 or abs(end) > 1e-5) | st.sampled_from(
    [-INF, INF, 0.04, 120.0]
)


@pytest.mark.parametrize(
    ("lower", "upper", "cell", "sentence"),
    [
        (1.8, 2.9, "+1.8 to +2.9", "1.8 to 2.9 s later"),
        (1.83, INF, "≥ +1.8", "at least 1.8 s later"),
        (-INF, -0.4, "≤ −0.4", "at least 0.4 s earlier"),
        (-1.21, 2.01, "−1.3 to +2.1", "between 1.3 s earlier and 2.1 s later"),
        (-INF, INF, "?", "any amount of time earlier or later"),
        (INF, INF, "+∞", "any amount later"),
        (-INF, -INF, "−∞", "any amount earlier"),
        (-INF, 2.0, "≤ +2.0", "between any amount earlier and 2.0 s later"),
        (0.02, 0.4, "+0.02 to +0.4", "0.02 to 0.4 s later"),
        (1e-9, 5.0, "> 0 to +5.0", "up to 5.0 s later"),
        (-5.0, -1e-9, "−5.0 to < 0", "up to 5.0 s earlier"),
        (0.0, 2.0, "0.0 to +2.0", "not earlier, and at most 2.0 s later"),
        (-2.0, 0.0, "−2.0 to 0.0", "not later, and at most 2.0 s earlier"),
        (0.0, 0.0, "0", "neither later nor earlier"),
        (130.0, 155.5, "+130 to +156", "2 min 10 s to 2 min 36 s later"),
        (200.0, INF, "≥ +200", "at least 3 min 20 s later"),
    ],
)
def test_a_difference_in_a_cell_and_in_a_sentence(lower: float, upper: float, cell: str, sentence: str) -> None:
    assert words.signed_range(lower, upper) == cell
    assert words.shift_words(lower, upper) == sentence


def test_shares_counts_and_confidences() -> None:
    assert words.signed_percent(0.18, 0.31) == "+18 to +31%"
    assert words.signed_percent(-INF, INF) == "?" and words.signed_percent(0.02, INF) == "≥ +2.0%"
    assert words.signed_percent(0.02, 0.41, " pts") == "+2 to +41 pts"
    assert [words.percent(0.05, 0.05), words.percent(0.0, 1 / 3), words.percent(1 / 3, 1 / 3)] == [
        "5%",
        "0–34%",
        "33.3%",
    ]
    assert words.percent_words(-0.31, -0.18) == words.percent_words(0.18, 0.31) == "18 to 31%"
    assert words.percent_words(0.18, INF) == "18% or more" and words.percent_words(1e-9, 0.05) == "up to 5%"
    assert words.signed_range(1e-5, INF) == "> 0" and words.signed_range(-INF, -1e-5) == "< 0"
    assert words.amount(1e-5, INF) == "an unknown amount"
    assert words.signed_count(1, 2) == "+1 to +2" and words.signed_count(0.5, 2) == "+0.5 to +2.0"
    assert [words.confidence_words(share) for share in (0.95, 0.96, 0.99958, 1.0)] == ["95%", "96%", "99.9%", "100%"]


@given(ENDS, ENDS)
def test_what_is_shown_holds_the_interval_and_keeps_its_side_of_0(one: float, other: float) -> None:
    lower, upper = sorted((one, other))
    cell = words.signed_range(lower, upper)
    shown = [float(number.replace("−", "-")) for number in re.findall(r"[+−]?\d+(?:\.\d+)?", cell)]
    finite = [end for end in (lower, upper) if math.isfinite(end)]
    assert not finite or cell != "?"
    if len(finite) == 2 and len(shown) == 2:
        assert shown[0] <= lower + 1e-6 and upper - 1e-6 <= shown[1]
    if lower > 0.0:
        assert "−" not in cell and ("+" in cell or cell == "> 0")
        assert "earlier" not in words.shift_words(lower, upper)
    elif upper < 0.0:
        assert "+" not in cell
        assert "later" not in words.shift_words(lower, upper)
    elif lower < 0.0 < upper:
        assert {"earlier", "later"} <= set(re.findall(r"\w+", words.shift_words(lower, upper)))


@given(ENDS, ENDS)
def test_percentages_do_so_too(one: float, other: float) -> None:
    lower, upper = sorted((one, other))
    cell = words.signed_percent(lower, upper)
    assert lower >= 0.0 or {"−", "<", "≤", "?"} & set(cell)
    assert upper <= 0.0 or {"+", ">", "≥", "?"} & set(cell)
    assert ("−" in cell) <= (lower < 0.0) and ("+" in cell) <= (upper > 0.0)


@given(st.floats(0.5, 1.0))
def test_a_confidence_is_never_rounded_up(share: float) -> None:
    assert float(words.confidence_words(share).removesuffix("%")) / 100.0 <= share + 1e-6
