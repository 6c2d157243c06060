"""Words for bounds are rounded outwards: a printed range holds every moment that the window holds."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

import analyzer
from analyzer.window import at_least, at_most

SAMPLES = Path(__file__).parents[1] / "sample_logs"


@given(st.floats(0, 10_000))
def test_a_bound_in_words_is_never_tighter(length: float) -> None:
    low, high = float(at_least(length).removesuffix(" s")), float(at_most(length).removesuffix(" s"))
    assert low <= length + 1e-6 and high >= length - 1e-6
    assert high - low < 0.1 + 1e-6


@pytest.mark.parametrize(("length", "low", "high"), [(0.3, "0.3 s", "0.3 s"), (1.1 * 3, "3.3 s", "3.3 s")])
def test_float_noise_costs_no_digit(length: float, low: str, high: str) -> None:
    assert (at_least(length), at_most(length)) == (low, high)


@pytest.mark.parametrize("path", sorted(SAMPLES.glob("*.short*.txt")), ids=lambda p: p.name)
def test_the_sentence_of_the_bottleneck_holds_its_range(path: Path) -> None:
    for start in json.loads(analyzer.analyze(path).to_json())["starts"]:
        told = re.search(r"alone for ([\d.]+) to ([\d.]+) s", start["bottleneck"]["sentence"])
        if told is None:
            continue
        (check,) = (c for c in start["checks"] if c["name"] == start["bottleneck"]["checks"][0])
        assert float(told[1]) <= check["exclusive_s"]["min"]
        assert float(told[2]) >= check["exclusive_s"]["max"]
