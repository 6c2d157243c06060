"""The median, mean or 90th percentile of the lengths of one side, with its interval.

As in ``difference``: over bootstrap resamples of starts, or of whole hosts, from the lower percentile of the statistic
with all windows at their lower ends to the upper percentile with all at their upper ends.
"""

from __future__ import annotations

import math

import numpy as np

from analyzer.stats.difference import Interval, Lengths, Tails, expanded
from analyzer.stats.resampled import Resampling, Spread, Statistic

# How likely a length lies below the statistic, and above.
_BESIDE: dict[Statistic, tuple[float, float]] = {"median": (0.5, 0.5), "mean": (0.5, 0.5), "p90": (0.9, 0.1)}
_EDGE = 1e-9  # of a probability


def level(lengths: Lengths, statistic: Statistic = "median", confidence: float = 0.95, seed: int = 0) -> Interval:
    """The interval; an end is open (0, or infinite) where all lengths may well lie beyond the statistic."""
    if not 0.0 < confidence < 1.0:
        raise ValueError("a confidence lies in (0, 1)")
    resampling = Resampling(len(lengths.least), lengths.hosts, seed, mix=lengths.mix)
    low, high = (resampling.spread(ends, statistic) for ends in (lengths.least, lengths.most))
    below, above = _BESIDE[statistic]
    shares = [_share(beside, lengths, statistic, confidence) for beside in (above, below)]
    return Interval(
        0.0 if shares[0] is None else _percentile(low, shares[0]),
        math.inf if shares[1] is None else _percentile(high, 1.0 - shares[1]),
    )


def _share(beside: float, lengths: Lengths, statistic: Statistic, confidence: float) -> float | None:
    """What the interval leaves out at the end beyond which all lengths are ``beside`` the statistic by chance."""
    units = lengths.units
    fewest = beside**units
    if expanded(statistic, lengths, lengths) and units > 1:
        tails = Tails(fewest, units - 1.0, math.sqrt(units / (units - 1.0)))
    else:
        tails = Tails(fewest)
    return tails.share((1.0 - confidence) / 2.0)


def _percentile(spread: Spread, share: float) -> float:
    """The smallest value that at least this share does not exceed."""
    return float(spread.at[int(np.searchsorted(spread.below[1:], share - _EDGE))])
