"""Quantiles of lengths of which only ``(least, most]`` is known, as bounds: no curve is fitted, nothing is assumed.

Every position inside the windows moves the empirical curve between the one of the lower ends and the one of the upper
ends, so that the two bound each of its quantiles. An infinite ``most`` is a length that nobody saw end.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IndexArray = npt.NDArray[np.int64]

_MOST_DRAWN = 1000  # groups; from here on the spread of a share is computed, not drawn
_FEW = 100  # groups
_NOISE = 1e-9  # of a product of a probability with a number of lengths


@dataclass(frozen=True, slots=True)
class Band:
    """The empirical curve as a band: from ``at[i]`` on until ``at[i + 1]`` between ``certain[i]`` and ``possible[i]``
    of all lengths are over. Before ``at[0]`` none is, and the last step goes on for ever. Arrays of one length."""

    at: FloatArray
    certain: FloatArray
    possible: FloatArray


def checked(least: npt.ArrayLike, most: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Both ends as arrays; ``ValueError`` for unequal numbers of them, NaN, a window upside down or without begin."""
    low, high = np.asarray(least, dtype=np.float64), np.asarray(most, dtype=np.float64)
    if low.ndim != 1 or low.shape != high.shape:
        raise ValueError("least and most must be two equally long lists")
    if np.isnan(low).any() or np.isnan(high).any() or (low > high).any() or np.isposinf(low).any():
        raise ValueError("every window needs least <= most, a finite least, and no NaN")
    return low, high


def rank(n: int, probability: float) -> int:
    """Place, from 0, of the ``probability`` quantile among ``n > 0`` sorted values: the first with F(x) >= p."""
    if not 0.0 < probability <= 1.0:
        raise ValueError("a probability lies in (0, 1]")
    return min(n - 1, max(0, math.ceil(probability * n - _NOISE) - 1))


def bounds(least: npt.ArrayLike, most: npt.ArrayLike, probabilities: Sequence[float]) -> list[tuple[float, float]]:
    """For each probability the quantile with all windows at their lower ends and at their upper ends.

    The upper one is infinite where the curve never gets there. ``ValueError`` for no lengths.
    """
    low, high = checked(least, most)
    if not len(low):
        raise ValueError("no lengths have no quantile")
    places = [rank(len(low), p) for p in probabilities]
    if not places:
        return []
    low, high = np.partition(low, places), np.partition(high, places)
    return [(float(low[place]), float(high[place])) for place in places]


def bounds_by_group(
    least: npt.ArrayLike, most: npt.ArrayLike, groups: npt.ArrayLike, number: int, probabilities: Sequence[float]
) -> tuple[IndexArray, FloatArray, FloatArray]:
    """How many lengths each of the groups 0 .. ``number`` - 1 has, and ``bounds`` for each.

    Both ends have shape (number, probabilities); NaN for a group without lengths.
    """
    low, high = checked(least, most)
    of = np.asarray(groups, dtype=np.int64)
    counts = np.bincount(of, minlength=number)
    ends = np.cumsum(counts)
    made = np.full((2, number, len(probabilities)), np.nan)
    if number <= _FEW:  # a group by itself is then not worth sorting
        order = np.argsort(of.astype(np.int16), kind="stable")
        low, high = low[order], high[order]
        for group in np.flatnonzero(counts).tolist():
            own = slice(int(ends[group] - counts[group]), int(ends[group]))
            made[:, group] = np.transpose(bounds(low[own], high[own], probabilities))
        return counts, made[0], made[1]
    filled = np.flatnonzero(counts)
    sizes, inverse = np.unique(counts[filled], return_inverse=True)
    ranks = np.array([[rank(int(n), p) for p in probabilities] for n in sizes], dtype=np.int64)
    places = (ends - counts)[filled, None] + ranks.reshape(len(sizes), len(probabilities))[inverse]
    for side, values in enumerate((low, high)):
        made[side, filled] = values[np.lexsort((values, of))][places]
    return counts, made[0], made[1]


def band(least: npt.ArrayLike, most: npt.ArrayLike, steps: int | None = None) -> Band:
    """The curve as a band; with ``steps`` (>= 2) at most so many, and then nowhere narrower than the whole one."""
    low, high = (np.sort(ends) for ends in checked(least, most))
    at = np.unique(np.concatenate((low, high[np.isfinite(high)])))
    total = max(len(low), 1)
    certain = np.searchsorted(high, at, side="right") / total
    possible = np.searchsorted(low, at, side="right") / total
    if steps is None or len(at) <= steps:
        return Band(at, certain, possible)
    kept = np.unique(np.linspace(0, len(at) - 1, max(steps, 2)).round().astype(np.int64))
    until = np.append(kept[1:], len(at)) - 1  # the last step that a kept one stands for
    return Band(at[kept], certain[kept], possible[until])


def interval(
    least: npt.ArrayLike,
    most: npt.ArrayLike,
    groups: npt.ArrayLike,
    probability: float,
    confidence: float,
    seed: int,
    resamples: int = 1000,
) -> tuple[float, float]:
    """Interval of a quantile that covers the windows and the chance of few groups; see ``Resampling.interval``."""
    members = np.asarray(groups, dtype=np.int64)
    return Resampling(members, seed, resamples).interval(least, most, members, probability, confidence)


class Resampling:
    """Whole groups (hosts) drawn with replacement, the same draws for every quantile that is asked for.

    ``groups`` numbers the group of each length, from 0. With more than 1,000 groups nothing is drawn: the share of
    resampled lengths below a moment has its limit then, the normal distribution.
    """

    def __init__(self, groups: npt.ArrayLike, seed: int, resamples: int = 1000) -> None:
        members = np.asarray(groups, dtype=np.int64)
        self.groups = int(members.max()) + 1 if len(members) else 0
        self.present = np.bincount(members, minlength=self.groups) > 0
        self.drawn = None if self.groups > _MOST_DRAWN else self._draw(seed, resamples)

    def _draw(self, seed: int, resamples: int) -> FloatArray:
        """How often each group is in each resample, shape (resamples, groups)."""
        rng = np.random.default_rng(seed)
        real = np.flatnonzero(self.present)
        drawn = np.zeros((resamples, self.groups))
        if len(real):
            drawn[:, real] = rng.multinomial(len(real), np.full(len(real), 1.0 / len(real)), size=resamples)
        return drawn

    def interval(
        self,
        least: npt.ArrayLike,
        most: npt.ArrayLike,
        groups: npt.ArrayLike,
        probability: float,
        confidence: float,
    ) -> tuple[float, float]:
        """From the lower end of the interval of the lowest quantile to the upper end of that of the highest.

        Percentiles of the resampled quantiles. Where so few groups cannot bound a side at all (not even the most
        extreme of them would, of independent lengths), that side is open: 0 or infinity.
        """
        low, high = checked(least, most)
        members = np.asarray(groups, dtype=np.int64)
        if not len(low):
            raise ValueError("no lengths have no quantile")
        if not 0.0 < confidence < 1.0:
            raise ValueError("a confidence lies in (0, 1)")
        tail = (1.0 - confidence) / 2.0
        number = len(np.unique(members))
        lower = 0.0 if (1.0 - probability) ** number > tail else self._percentile(low, members, probability, tail)
        upper = math.inf if probability**number > tail else self._percentile(high, members, probability, 1.0 - tail)
        [(least_quantile, most_quantile)] = bounds(low, high, [probability])
        return min(lower, least_quantile), max(upper, most_quantile)

    def _percentile(self, values: FloatArray, members: IndexArray, probability: float, level: float) -> float:
        """The smallest value that at least the share ``level`` of the resampled quantiles do not exceed."""
        order = np.argsort(values, kind="stable")
        ordered, members = values[order], members[order]
        counts = np.bincount(members, minlength=self.groups).astype(np.float64)
        totals = None if self.drawn is None else self.drawn @ counts
        first, last = 0, len(ordered) - 1
        while first < last:  # the share rises with the place
            middle = (first + last) // 2
            end = int(np.searchsorted(ordered, ordered[middle], side="right"))
            below = np.bincount(members[:end], minlength=self.groups).astype(np.float64)
            if self._share(below, counts, totals, probability) >= level - _NOISE:
                last = middle
            else:
                first = middle + 1
        return float(ordered[first])

    def _share(self, below: FloatArray, counts: FloatArray, totals: FloatArray | None, probability: float) -> float:
        """Share of the resamples in which at least ``probability`` of the lengths are ``below``."""
        if self.drawn is not None and totals is not None:
            # A resample may hold none of these lengths: its quantile is unknown, counted as not below.
            enough = (self.drawn @ below >= probability * totals - _NOISE) & (totals > 0)
            return float(enough.mean())
        total = float(counts.sum())
        share = float(below.sum()) / total
        spread = math.sqrt(float(((below - share * counts) ** 2).sum())) / total
        if spread == 0.0:
            return 1.0 if share >= probability - _NOISE else 0.0
        return 0.5 * math.erfc((probability - share) / spread / math.sqrt(2.0))
