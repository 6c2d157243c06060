"""How much longer the lengths of one side are than those of another; of every length only ``(least, most]`` is known.

The interval covers both the chance of few starts and the windows: over bootstrap resamples of each side, the lowest
difference has every window of the new side at its lower end and every one of the base at its upper end, the highest
the reverse. The interval reaches from the lower percentile of the lowest to the upper percentile of the highest.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from statistics import NormalDist
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from analyzer.stats.normal import deviations, student_deviations
from analyzer.stats.quantiles import checked
from analyzer.stats.resampled import FloatArray, IntArray, Mix, Resampling, Spread, Statistic, observed
from analyzer.stats.tails import student_above

Verdict = Literal["slower", "faster", "same", "undecided"]

# Starts of the smaller side from which on the interval holds in 92 % and more, also beside many more, as measured.
ENOUGH: dict[Statistic, int] = {"median": 5, "mean": 30, "p90": 20}

_HALVINGS = 64  # of the range of all differences: exact to the last digits of a float
_EDGE = 1e-9  # of a probability
_SHORTEST = 1e-12  # what 0 is on a scale of shares
_LARGEST_SHARE = 1e6
_LARGEST_LOG = 700.0


@dataclass(frozen=True, slots=True)
class Interval:
    """From ``lower`` to ``upper``, both included; infinite where there is no bound."""

    lower: float
    upper: float


@dataclass(frozen=True, slots=True, eq=False)
class Lengths:
    """The lengths of one side. ``hosts`` numbers the host of each from 0, where whole hosts are to be drawn.

    Both ends of a length are infinite where it certainly has no end: it is later than all others. An infinite ``most``
    alone says that nobody saw it end: it may have ended at any moment after ``least``. ``mix``: see ``balanced``.
    """

    least: FloatArray
    most: FloatArray
    hosts: IntArray | None = None
    mix: Mix | None = None

    @classmethod
    def of(
        cls,
        least: npt.ArrayLike,
        most: npt.ArrayLike,
        hosts: npt.ArrayLike | None = None,
        never: npt.ArrayLike | None = None,
    ) -> Lengths:
        """``hosts``: any labels; they count where there are several and one of them has several starts.

        ``never`` marks the lengths that certainly have no end. ``ValueError`` for none at all, NaN, or windows upside
        down.
        """
        low, high = checked(least, most)
        if not len(low):
            raise ValueError("no lengths cannot be compared")
        if never is not None:
            ended = ~np.asarray(never, dtype=np.bool_)
            low, high = np.where(ended, low, math.inf), np.where(ended, high, math.inf)
        if hosts is None:
            return cls(low, high)
        if (labels := np.asarray(hosts)).shape != low.shape:
            raise ValueError("every length has one host")
        return cls(low, high, _numbered(labels))

    @property
    def units(self) -> int:
        """How many are drawn independently: hosts, or starts; with a ``mix`` fewer, as many as they are then worth."""
        number = len(self.least) if self.hosts is None else int(self.hosts.max()) + 1
        if self.mix is None:
            return number
        worth = float(1.0 / np.square(self.mix.weights).sum())  # that many starts of equal weight
        return max(1, min(number + 1 - len(self.mix.shares), math.floor(worth + _EDGE)))

    def observed(self, statistic: Statistic) -> Interval:
        """The statistic with all windows at their lower ends, and at their upper ends."""
        ends = (observed(end, statistic, self.mix) for end in (self.least, self.most))
        return Interval(*ends)


@dataclass(frozen=True, slots=True, eq=False)
class _Side:
    low: Spread
    high: Spread
    units: int

    @classmethod
    def of(cls, lengths: Lengths, statistic: Statistic, seed: int) -> _Side:
        resampling = Resampling(len(lengths.least), lengths.hosts, seed, mix=lengths.mix)
        low = resampling.spread(lengths.least, statistic)
        exact = np.array_equal(lengths.least, lengths.most)
        return cls(low, low if exact else resampling.spread(lengths.most, statistic), lengths.units)


@dataclass(frozen=True, eq=False)
class Difference:
    """NEW - BASE of one statistic; made by ``difference``."""

    base: _Side
    new: _Side
    tails: Tails

    def interval(self, confidence: float = 0.95) -> Interval:
        """The interval of the difference: the wider, the more ``confidence`` (in (0, 1]; open at 1)."""
        return self._interval(confidence, lambda spread: spread)

    def relative(self, confidence: float = 0.95) -> Interval:
        """The same as a share of the base: 0.1 is 10 % longer. For lengths of at least 0.

        The share of each resample, not the interval divided by something. No upper bound where the base may be 0.
        """
        found = self._interval(confidence, _logarithm)
        shares = (math.expm1(min(end, _LARGEST_LOG)) for end in (found.lower, found.upper))
        return Interval(*(math.inf if share > _LARGEST_SHARE else share for share in shares))

    @cached_property
    def p_value(self) -> float:
        """1 - the highest confidence whose interval does not hold 0; 1 where every interval does."""
        not_slower = _at_most(self.new.low, self.new.low.mass, self.base.high, 0.0)
        not_faster = _at_most(self.base.low, self.base.low.mass, self.new.high, 0.0)
        return min(1.0, 2.0 * self.tails.chance(min(not_slower, not_faster)))

    def verdict(self, confidence: float = 0.95, limit: float | None = None) -> Verdict:
        return verdict(self.interval(confidence), limit)

    def _interval(self, confidence: float, scale: Callable[[Spread], Spread]) -> Interval:
        if not 0.0 < confidence <= 1.0:
            raise ValueError("a confidence lies in (0, 1]")
        share = self.tails.share((1.0 - confidence) / 2.0)
        if share is None:
            return Interval(-math.inf, math.inf)
        lower = _percentile(scale(self.new.low), scale(self.base.high), share)
        upper = -_percentile(scale(self.base.low), scale(self.new.high), share)
        return Interval(lower + 0.0, upper + 0.0)  # no negative zero


@dataclass(frozen=True, slots=True)
class Tails:
    """Which share of the resampled differences lies beyond an end of an interval.

    ``fewest``: the chance that all of one side lie above all of the other although the sides do not differ. Resamples
    cannot tell anything rarer: an interval that wants to is open. ``freedom``: degrees of it, where percentiles are
    moved out as far as Student's distribution reaches beyond the normal one, and ``wider`` the factor that goes with it
    (Hesterberg 2015, "expanded percentiles").
    """

    fewest: float
    freedom: float | None = None
    wider: float = 1.0

    @classmethod
    def of(cls, base: int, new: int, expanded: bool) -> Tails:
        """For so many independent units a side."""
        fewest = math.exp(math.lgamma(base + 1) + math.lgamma(new + 1) - math.lgamma(base + new + 1))
        if not expanded or min(base, new) < 2:
            return cls(fewest)
        return cls(fewest, base + new - 2.0, math.sqrt((base / (base - 1.0) + new / (new - 1.0)) / 2.0))

    def share(self, tail: float) -> float | None:
        """What an interval leaves out at either end to hold that much too little with probability ``tail``."""
        if tail < self.fewest * (1.0 - _EDGE):
            return None
        return tail if self.freedom is None else NormalDist().cdf(-self.wider * student_deviations(tail, self.freedom))

    def chance(self, share: float) -> float:
        """The reverse: the tail that belongs to the share."""
        if self.freedom is not None and 0.0 < share < 0.5:
            share = student_above(deviations(share) / self.wider, self.freedom)
        return max(share, self.fewest)


def difference(base: Lengths, new: Lengths, statistic: Statistic = "median", seed: int = 0) -> Difference:
    """How much longer ``new`` is than ``base``. Swapping the sides mirrors every interval."""
    sides = (_Side.of(base, statistic, seed), _Side.of(new, statistic, seed))
    return Difference(*sides, Tails.of(base.units, new.units, expanded(statistic, base, new)))


@dataclass(frozen=True, slots=True, eq=False)
class Balanced:
    """Two sides with the same mix of strata. ``left_out`` marks the starts of a side whose stratum the other lacks."""

    base: Lengths
    new: Lengths
    base_left_out: npt.NDArray[np.bool_]
    new_left_out: npt.NDArray[np.bool_]


def balanced(base: Lengths, new: Lengths, base_strata: npt.ArrayLike, new_strata: npt.ArrayLike) -> Balanced | None:
    """Like with like: each stratum weighs on both sides what it weighs in both together; ``None`` if they share none.

    Strata are labels, one a start: whether it is fresh or a restart, a release. With one stratum in common nothing is
    weighed. The interval becomes no wider by what strata differ from each other (see ``Mix``).
    """
    labels = [np.asarray(strata) for strata in (base_strata, new_strata)]
    if any(one.shape != side.least.shape for one, side in zip(labels, (base, new), strict=True)):
        raise ValueError("every length has one stratum")
    shared = np.intersect1d(labels[0], labels[1])
    if not len(shared):
        return None
    kept = [np.isin(one, shared) for one in labels]
    numbers = [np.searchsorted(shared, one[keep]) for one, keep in zip(labels, kept, strict=True)]
    counts = [np.bincount(one, minlength=len(shared)) for one in numbers]
    shares = (counts[0] + counts[1]) / (len(numbers[0]) + len(numbers[1]))
    sides = [
        _kept(side, keep, Mix(number, shares) if len(shared) > 1 else None)
        for side, keep, number in zip((base, new), kept, numbers, strict=True)
    ]
    return Balanced(sides[0], sides[1], ~kept[0], ~kept[1])


def _kept(side: Lengths, keep: npt.NDArray[np.bool_], mix: Mix | None) -> Lengths:
    hosts = None if side.hosts is None else _numbered(side.hosts[keep])
    return Lengths(side.least[keep], side.most[keep], hosts, mix)


def expanded(statistic: Statistic, base: Lengths, new: Lengths) -> bool:
    """Whether percentiles have to be moved out, as measured (docs/compare.md).

    The resampled median of starts covers by itself. Means and 90th percentiles of few starts do not, nor does anything
    of few hosts.
    """
    plain = all(side.hosts is None and side.mix is None for side in (base, new))
    return statistic != "median" or not plain


def _numbered(labels: npt.NDArray[Any]) -> IntArray | None:
    """The hosts from 0; ``None`` where there is one alone, or none has several starts."""
    hosts, numbers = np.unique(labels, return_inverse=True)
    return numbers.astype(np.int64) if 1 < len(hosts) < len(labels) else None


def verdict(interval: Interval, limit: float | None = None) -> Verdict:
    """``slower``: above 0 · ``faster``: below 0 · ``same``: inside ± ``limit`` · else ``undecided``.

    What differs certainly, though by less than the limit, is ``slower`` or ``faster`` all the same.
    """
    if interval.lower > 0.0:
        return "slower"
    if interval.upper < 0.0:
        return "faster"
    if limit is not None and -limit <= interval.lower and interval.upper <= limit:
        return "same"
    return "undecided"


def _logarithm(spread: Spread) -> Spread:
    return Spread(np.log(np.maximum(spread.at, _SHORTEST)), spread.below)


def _at_most(x: Spread, mass: FloatArray, y: Spread, value: float) -> float:
    """P(x - y <= value) of independent x and y, for a finite value; infinity - infinity is below everything.

    ``mass``: that of x, which is asked for once for many values.
    """
    return float(mass @ y.at_least(x.at - value))


def _percentile(x: Spread, y: Spread, share: float) -> float:
    """The smallest difference x - y with at least ``share`` of all at most there."""
    if float(y.mass[np.isposinf(y.at)].sum()) >= share - _EDGE:
        return -math.inf
    mass = x.mass
    x_at, y_at = x.at[np.isfinite(x.at)], y.at[np.isfinite(y.at)]
    if not len(x_at) or _at_most(x, mass, y, high := float(x_at[-1] - y_at[0])) < share - _EDGE:
        return math.inf
    low = float(x_at[0] - y_at[-1])
    low -= 1e-9 + 1e-9 * abs(low)
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        if not low < middle < high:
            break
        low, high = (low, middle) if _at_most(x, mass, y, middle) >= share - _EDGE else (middle, high)
    return _attained(x_at, y_at, high)


def _attained(x: FloatArray, y: FloatArray, value: float) -> float:
    """The difference of an x and a y that is nearest to ``value``: free of the rounding of halving."""
    first = np.searchsorted(y, x - value, side="left")
    near = x[:, None] - y[np.clip(first[:, None] + np.array([-1, 0]), 0, len(y) - 1)]
    return float(near.flat[np.abs(near - value).argmin()])
