"""The schedule beside an independent dynamic programme (benchmarks/schedule_dp.py), on a few distributions."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

from analyzer.errors import UsageError
from analyzer.simulator.distribution import Distribution, lognormal, of_curve, weibull
from analyzer.simulator.schedule import Costs, Shape, evaluate, optimal

_FILE = Path(__file__).parents[2] / "benchmarks" / "schedule_dp.py"
_SPEC = importlib.util.spec_from_file_location("schedule_dp", _FILE)
assert _SPEC is not None and _SPEC.loader is not None
programme = importlib.util.module_from_spec(_SPEC)
sys.modules["schedule_dp"] = programme
_SPEC.loader.exec_module(programme)
CASES = {case.dist.name: case for case in programme.cases()}


def test_as_many_distributions_as_promised() -> None:
    assert len(CASES) >= 40


@pytest.mark.parametrize(
    ("name", "price"),
    [
        ("lognormal:2,3", 1.0),
        ("weibull:0.2,20", 1.0),
        ("weibull:5,20", 0.1),
        ("gamma:0.3,5", 1.0),
        ("6 in 10 at 3, 3 at 10, 1 at 300", 0.1),
        ("40 starts in whole seconds", 0.1),
    ],
)
def test_schedule_costs_what_it_says_and_no_more_than_the_programme(name: str, price: float) -> None:
    row = programme.compared(CASES[name], price, 2500)
    assert row.claimed > 0
    assert row.real == pytest.approx(row.claimed, rel=2e-3)
    assert row.real <= row.best * 1.01


@pytest.mark.long
@pytest.mark.parametrize("dist", [lognormal(1, 3), weibull(0.2, 1), weibull(0.1, 1e-6)])
@pytest.mark.parametrize("poll", [0.05, 5.0])
def test_heavy_tails_are_never_negative(dist: Distribution, poll: float) -> None:
    found = optimal(dist, Costs(poll, 1.0))
    assert found.expected_delay_s > 0
    assert found.expected_polls >= 1
    assert found.expected_cost == pytest.approx(poll * found.expected_polls + found.expected_delay_s)


def test_no_schedule_has_a_negative_delay() -> None:
    rng = np.random.default_rng(3)
    dist = lognormal(1, 3)
    shape = Shape.of(dist)
    for _ in range(50):
        times = np.cumsum(rng.lognormal(0, 3, int(rng.integers(1, 30))))
        assert evaluate(times, dist, Costs(1.0, 1.0), shape=shape).expected_delay_s >= 0


def test_too_many_moments_are_refused_with_the_reason() -> None:
    with pytest.raises(UsageError, match="would hold about") as caught:
        optimal(lognormal(2, 3), Costs(1e-7, 1.0))
    assert "--poll-cost" in caught.value.hint


def test_pooled_curve_is_taken_as_it_is() -> None:
    dist = of_curve(np.array([[1.0, 2.0], [4.0, 4.0], [5.0, np.inf]]), np.array([0.25, 0.25, 0.5]), "curve")
    assert dist.cdf(np.array([0.5, 1.5, 2.0, 3.9, 4.0, 9.0])) == pytest.approx([0, 0.25, 0.5, 0.5, 1, 1])
    assert dist.horizon_s == 4.0
