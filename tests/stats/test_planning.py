"""How many starts would do: against what so many starts do."""

from __future__ import annotations

import math

import numpy as np
import pytest

from analyzer.stats.difference import Lengths, difference
from analyzer.stats.planning import NUMBERS, Plan, detectable, needed
from analyzer.stats.resampled import Statistic


def side(number: int, seed: int, *, shift: float = 0.0, width: float = 0.1, hosts: int = 0) -> Lengths:
    rng = np.random.default_rng(seed)
    of = np.arange(number) % hosts if hosts else None
    times = 30.0 + shift + 5.0 * rng.normal(size=number)
    if of is not None:
        times = times + 10.0 * rng.normal(size=hosts)[of]
    least = times - width * rng.random(number)
    return Lengths.of(least, least + width, of)


def decided(number: int, shift: float, statistic: Statistic, width: float = 0.1) -> float:
    trials = 150
    found = 0
    for trial in range(trials):
        sides = side(number, 2 * trial, width=width), side(number, 2 * trial + 1, shift=shift, width=width)
        found += difference(*sides, statistic, trial).interval().lower > 0.0
    return found / trials


@pytest.mark.long
@pytest.mark.parametrize("statistic", ["median", "mean", "p90"])
@pytest.mark.parametrize("width", [0.1, 2.0])
def test_as_many_as_it_says_decide_about_as_often_as_asked(statistic: Statistic, width: float) -> None:
    seen = side(200, 1, width=width), side(200, 2, shift=8.0, width=width)
    number = needed(*seen, 8.0, Plan(statistic))
    assert number is not None
    assert 0.65 <= decided(number, 8.0, statistic, width) <= 0.97


@pytest.mark.parametrize("size", [6.0, -6.0])
def test_the_smaller_the_difference_the_more_starts(size: float) -> None:
    seen = side(40, 3), side(40, 4, shift=6.0)
    numbers = [needed(*seen, size * factor) for factor in (2.0, 1.0, 0.6)]
    assert None not in numbers
    assert numbers == sorted(numbers)  # type: ignore[type-var]


def test_the_one_seen_is_the_default() -> None:
    base, new = side(40, 3), side(40, 4, shift=9.0)
    centre = float(np.median(new.least + new.most) - np.median(base.least + base.most)) / 2.0
    assert needed(base, new) == needed(base, new, centre)


def test_windows_wider_than_the_difference_are_never_decided() -> None:
    seen = side(50, 5, width=10.0), side(50, 6, shift=4.0, width=10.0)
    assert needed(*seen, 4.0) is None
    assert detectable(*seen) > 10.0


@pytest.mark.long
def test_the_smallest_difference_that_can_be_decided_is_decided_so_often() -> None:
    smallest = [detectable(side(60, 2 * seed), side(60, 2 * seed + 1)) for seed in range(15)]
    assert 0.7 <= decided(60, float(np.median(smallest)), "median") <= 0.9
    assert max(smallest) < 2.0 * min(smallest)


def test_starts_of_few_hosts_say_less() -> None:
    alone = side(40, 9, hosts=8)
    by_host = Lengths.of(alone.least, alone.most, np.arange(40) % 8)
    independent = Lengths.of(alone.least, alone.most)
    for_hosts, for_starts = needed(by_host, by_host, 20.0), needed(independent, independent, 20.0)
    assert for_hosts is not None and for_starts is not None and for_hosts > for_starts
    assert detectable(by_host, by_host) > detectable(independent, independent)


def test_what_is_not_known_needs_nobody_knows_how_many() -> None:
    known = side(10, 1)
    never = Lengths.of(np.zeros(10), np.full(10, math.inf))
    assert needed(known, never) is None and detectable(known, never) == math.inf
    assert needed(known, known) is None  # no difference at all
    assert detectable(side(3, 1), side(3, 2)) == math.inf


def test_the_same_seed_gives_the_same_answer() -> None:
    seen = side(12, 1), side(12, 2)
    assert needed(*seen, 5.0) == needed(*seen, 5.0)
    assert needed(*seen, 20.0) in NUMBERS
