"""The median, mean or 90th percentile of the lengths of one side, with its interval.

A quantile of starts lies between two of the lengths in their order: exact, by the binomial distribution, and never less
sure than it says. Means, and quantiles of starts drawn by host, have expanded percentiles over bootstrap resamples, as
differences have. The lower end is that of all windows at their lower ends, the upper one that of all at their upper
ends.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right

import numpy as np

from analyzer.stats.difference import Interval, Lengths, Tails
from analyzer.stats.resampled import Resampling, Spread, Statistic
from analyzer.stats.tails import beta_share

# How likely a length is at most the statistic.
_BELOW: dict[Statistic, float] = {"median": 0.5, "mean": 0.5, "p90": 0.9}
_EDGE = 1e-9  # of a probability


def level(lengths: Lengths, statistic: Statistic = "median", confidence: float = 0.95, seed: int = 0) -> Interval:
    """The interval; an end is open (0, or infinite) where all lengths may well lie beyond the statistic."""
    if not 0.0 < confidence < 1.0:
        raise ValueError("a confidence lies in (0, 1)")
    tail = (1.0 - confidence) / 2.0
    if statistic != "mean" and lengths.hosts is None and lengths.mix is None:
        return _in_order(lengths, _BELOW[statistic], tail)
    resampling = Resampling(len(lengths.least), lengths.hosts, seed, mix=lengths.mix)
    low, high = (resampling.spread(ends, statistic) for ends in (lengths.least, lengths.most))
    below = _BELOW[statistic]
    lower, upper = (_share(lengths.units, beside, tail) for beside in (1.0 - below, below))
    return Interval(
        0.0 if lower is None else _percentile(low, lower),
        math.inf if upper is None else _percentile(high, 1.0 - upper),
    )


def _in_order(lengths: Lengths, below: float, tail: float) -> Interval:
    number = len(lengths.least)

    def at_most(count: int) -> float:
        """The chance that no more than so many lengths are below the quantile."""
        return 1.0 - beta_share(below, count + 1.0, number - count)

    # ``first`` is how many lengths are too few to be all that is below; with more than ``last`` too many are.
    first = bisect_right(range(number), tail + _EDGE, key=at_most)
    last = bisect_left(range(number), 1.0 - tail - _EDGE, key=at_most)
    return Interval(
        0.0 if first == 0 else float(np.partition(lengths.least, first - 1)[first - 1]),
        math.inf if last == number else float(np.partition(lengths.most, last)[last]),
    )


def _share(units: int, beside: float, tail: float) -> float | None:
    """What the interval leaves out at the end beyond which all units are with the probability ``beside`` of each."""
    fewest = beside**units
    if units < 2:
        return Tails(fewest).share(tail)
    return Tails(fewest, units - 1.0, math.sqrt(units / (units - 1.0))).share(tail)


def _percentile(spread: Spread, share: float) -> float:
    """The smallest value that at least this share does not exceed."""
    return float(spread.at[int(np.searchsorted(spread.below[1:], share - _EDGE))])
