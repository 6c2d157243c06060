"""Sums over millions of draws without keeping them: mean, extremes, quantiles, and what intervals need.

Means and extremes are exact. Quantiles come from a histogram with 1,024 bins to each doubling, so they are within
0.05 % of the order statistics' own (whole numbers to 2,048 are exact); values nearer to 0 than 6e-8 count as 0. Parts
are added in the order of the draws, so the answer does not depend on the number of threads.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from analyzer.policies.vector import FloatArray, IntArray

_SHIFT = 42  # of a double's 52 bits after the point, 10 stay: 1,024 bins to an octave
_LEAST = 2.0**-24
_ZERO = int(np.float64(_LEAST).view(np.int64)) >> _SHIFT
_NONE: IntArray = np.zeros(0, dtype=np.int64)


@dataclass(slots=True)
class Tally:
    """Of one quantity. ``whole``: it counts something."""

    whole: bool = False
    count: int = 0
    least: float = math.inf
    greatest: float = -math.inf
    _sums: list[float] = field(default_factory=list)
    _squares: list[float] = field(default_factory=list)
    _low: int = 0
    _bins: IntArray = field(default_factory=lambda: _NONE)

    @classmethod
    def of(cls, values: FloatArray, *, whole: bool = False) -> Tally:
        """Of some draws; those without a finite value are left out."""
        good = values[np.isfinite(values)]
        if not len(good):
            return cls(whole)
        bins = _bins_of(good)
        low = int(bins.min())
        return cls(
            whole,
            len(good),
            float(good.min()),
            float(good.max()),
            [float(good.sum())],
            [float((good * good).sum())],
            low,
            np.bincount(bins - low),
        )

    def add(self, more: Tally) -> None:
        """The draws of another part."""
        if not more.count:
            return
        low = min(self._low, more._low) if self.count else more._low
        high = max(self._low + len(self._bins), more._low + len(more._bins))
        if low < self._low or high > self._low + len(self._bins) or not self.count:
            grown = np.zeros(high - low, dtype=np.int64)
            grown[self._low - low :][: len(self._bins)] = self._bins
            self._low, self._bins = low, grown
        self._bins[more._low - low :][: len(more._bins)] += more._bins
        self.count += more.count
        self.least, self.greatest = min(self.least, more.least), max(self.greatest, more.greatest)
        self._sums += more._sums
        self._squares += more._squares

    @property
    def mean(self) -> float:
        """NaN without any draw."""
        return math.fsum(self._sums) / self.count if self.count else math.nan

    @property
    def variance(self) -> float:
        """Of a draw."""
        return max(0.0, math.fsum(self._squares) / self.count - self.mean**2) if self.count else math.nan

    def quantiles(self, *levels: float) -> tuple[float, ...]:
        """Between the neighbouring order statistics, as ``numpy.quantile`` has it; NaN without any draw."""
        if not self.count:
            return tuple(math.nan for _ in levels)
        upto = np.cumsum(self._bins)

        def ranked(rank: int) -> float:
            middle = _value_of(int(np.searchsorted(upto, rank, side="right")) + self._low, self.whole)
            return min(max(middle, self.least), self.greatest)

        found = []
        for level in levels:
            place = level * (self.count - 1)
            below = math.floor(place)
            low, high = ranked(below), ranked(min(below + 1, self.count - 1))
            found.append(low + (place - below) * (high - low))
        return tuple(found)


def _bins_of(values: FloatArray) -> IntArray:
    """A number for each value that grows with it, 0 for 0."""
    size = np.abs(values)
    bins = np.ascontiguousarray(size).view(np.int64) >> _SHIFT
    bins = np.where(size < _LEAST, 0, bins - _ZERO + 1)
    return np.where(values < 0, -bins, bins)


def _value_of(number: int, whole: bool) -> float:
    """The middle of a bin; its lower edge for whole numbers."""
    if number == 0:
        return 0.0
    edges = (np.array([abs(number) - 1, abs(number)], dtype=np.int64) + _ZERO) << _SHIFT
    low, high = edges.view(np.float64)
    return math.copysign(float(low if whole else (low + high) / 2.0), number)


@dataclass(slots=True)
class Groups:
    """Sums of a quantity by the start or the part that a draw belongs to."""

    sums: FloatArray = field(default_factory=lambda: np.zeros(0))
    counts: FloatArray = field(default_factory=lambda: np.zeros(0))

    @classmethod
    def of(cls, values: FloatArray, group: IntArray) -> Groups:
        """Of some draws; NaN is left out."""
        good = ~np.isnan(values)
        counts = np.bincount(group[good]).astype(float)
        sums = np.bincount(group[good], values[good]).astype(float)
        return cls(sums, counts)

    def add(self, more: Groups) -> None:
        """The draws of another part."""
        size = max(len(self.sums), len(more.sums))
        self.sums = np.pad(self.sums, (0, size - len(self.sums))) + np.pad(more.sums, (0, size - len(more.sums)))
        self.counts = np.pad(self.counts, (0, size - len(self.counts)))
        self.counts = self.counts + np.pad(more.counts, (0, size - len(more.counts)))

    def means(self) -> FloatArray:
        """Of every group that has a draw."""
        some = self.counts > 0
        return np.asarray(self.sums[some] / self.counts[some])
