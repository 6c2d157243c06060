"""Intervals of means by resampling whole groups."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from analyzer.stats.normal import student_deviations

FloatArray = npt.NDArray[np.float64]


def grouped_mean(
    values: FloatArray, group: npt.NDArray[np.int64], seed: int, *, rounds: int = 4000, level: float = 0.95
) -> tuple[float, float, float]:
    """(mean, low, high) of a quantity of which each group is **one** realisation that we know only as draws.

    Each round resamples the groups with replacement and takes one draw of each: so that both the choice of starts
    and what is unknown inside each of them take part. Few groups spread too little when they are resampled: the
    interval reaches as much farther out as Student's does (the expanded percentiles of Hesterberg, 2015, The American
    Statistician 69:371). With a single group the interval is the central range of its draws; with as many groups as
    values it is Student's. NaN draws are left out.
    """
    good = ~np.isnan(values)
    values, group = values[good], group[good]
    if not len(values):
        return float("nan"), float("nan"), float("nan")
    mean = float(values.mean())
    labels, count = np.unique(group, return_counts=True)
    tail = (1.0 - level) / 2.0
    if len(labels) == len(values):  # nothing is unknown inside of them: Student's own interval
        if len(values) == 1:
            return mean, -math.inf, math.inf
        half = student_deviations(tail, len(values) - 1) * float(values.std(ddof=1)) / math.sqrt(len(values))
        return mean, mean - half, mean + half
    order = np.argsort(group, kind="stable")
    sorted_values = values[order]
    begin = np.concatenate(([0], np.cumsum(count)[:-1]))
    # The mean weighs groups equally, as the rounds do.
    mean = float(np.mean(np.add.reduceat(sorted_values, begin) / count))
    rng = np.random.default_rng(seed)
    pick = rng.integers(0, len(labels), (rounds, len(labels)))
    within = (rng.random((rounds, len(labels))) * count[pick]).astype(np.int64)
    means = sorted_values[begin[pick] + within].mean(axis=1)
    if len(labels) > 1:
        reach = student_deviations(tail, len(labels) - 1) * math.sqrt(len(labels) / (len(labels) - 1))
        tail = NormalDist().cdf(-reach)
    low, high = np.quantile(means, [tail, 1.0 - tail])
    return mean, float(low), float(high)
