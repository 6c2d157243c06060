"""The median, mean or 90th percentile of lengths over bootstrap resamples of starts, or of whole hosts.

Quantiles of starts drawn one by one have an exact distribution over all resamples: nothing is drawn then, and no seed
plays a part. Means, and quantiles of starts drawn by host, come from seeded draws.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
import numpy.typing as npt

from analyzer.stats.quantiles import rank
from analyzer.stats.tails import beta_share

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
Statistic = Literal["median", "mean", "p90"]

ROUNDS = (400, 2000)  # at least and at most
_DRAWS = 10_000_000  # that are held at once, of all rounds


@dataclass(frozen=True, slots=True, eq=False)
class Mix:
    """What each stratum of starts is to weigh, however many starts of it there are, or are drawn.

    ``strata`` numbers the stratum of each start from 0; ``shares`` of the whole, one a stratum. A statistic of a mix is
    the average of those of the strata, by these shares: what strata differ from each other takes no part in how much it
    varies. (A quantile of all starts by weight would not do: where a whole stratum lies below another, the median of a
    mix of one to one is half between the last of the one and the first of the other.)
    """

    strata: IntArray
    shares: FloatArray

    @property
    def weights(self) -> FloatArray:
        """Of each start."""
        return (self.shares / np.bincount(self.strata, minlength=len(self.shares)))[self.strata]

    def members(self) -> Iterator[tuple[float, IntArray]]:
        """The share of each stratum, and its starts."""
        for number, share in enumerate(self.shares.tolist()):
            yield share, np.flatnonzero(self.strata == number)


_NOTHING = 1e-12  # the mass of a value that is left out
_NINETY = 0.9
_ROUNDING = 1e-9  # of a share of weights


@dataclass(frozen=True, slots=True, eq=False)
class Spread:
    """A distribution on ascending values ``at`` (infinity may be one): ``below[i]`` is the mass of the first i."""

    at: FloatArray
    below: FloatArray  # one longer than ``at``, from 0 to 1

    @classmethod
    def of(cls, values: FloatArray, mass: FloatArray) -> Spread:
        order = np.argsort(values, kind="stable")
        below = np.concatenate(([0.0], np.cumsum(mass[order])))
        return cls(values[order], below / below[-1])

    @property
    def mass(self) -> FloatArray:
        return np.diff(self.below)

    def at_least(self, values: FloatArray) -> FloatArray:
        """The mass of what is not below each of ``values``."""
        return 1.0 - self.below[np.searchsorted(self.at, values, side="left")]


def observed(values: FloatArray, statistic: Statistic, mix: Mix | None = None) -> float:
    """The statistic of the values themselves; infinite where the values make it so.

    The median of an even number is halfway between the two in the middle; the 90th percentile is the first value that
    90 % do not exceed, as in ``quantiles``.
    """
    if mix is not None:
        return math.fsum(share * observed(values[own], statistic) for share, own in mix.members())
    if statistic == "mean":
        return float(values.mean())
    if statistic == "median":
        low, high = (len(values) - 1) // 2, len(values) // 2
        parted = np.partition(values, (low, high))
        return float(0.5 * parted[low] + 0.5 * parted[high])
    place = rank(len(values), _NINETY)
    return float(np.partition(values, place)[place])


class Resampling:
    """Draws of the starts of one side; the same for every array of their values that is asked for.

    ``hosts`` numbers the host of each start from 0, every number in use; ``None`` draws starts one by one. ``mix``:
    what the strata weigh; without hosts as many starts of each are drawn as there are.
    """

    def __init__(
        self,
        number: int,
        hosts: IntArray | None,
        seed: int,
        mix: Mix | None = None,
    ) -> None:
        self.number = number
        self.hosts = hosts
        self.mix = mix
        self.units = number if hosts is None else int(hosts.max()) + 1
        self._seed, self._rounds = seed, min(max(_DRAWS // number, ROUNDS[0]), ROUNDS[1])
        self._counts: FloatArray | None = None

    def spread(self, values: FloatArray, statistic: Statistic) -> Spread:
        """How the statistic spreads over the resamples."""
        if self.mix is not None:
            found = sum(share * self._of_stratum(values, own, statistic) for share, own in self.mix.members())
            return Spread.of(np.asarray(found), np.full(self._rounds, 1.0))
        if statistic != "mean" and self.hosts is None:
            return _exact(np.sort(values), statistic)
        every = np.arange(self.number)
        at = self._means(values, every) if statistic == "mean" else self._quantiles(values, every, statistic)
        return Spread.of(at, np.full(len(at), 1.0))

    @property
    def counts(self) -> FloatArray:
        """How often each unit is in each resample, shape (rounds, units)."""
        if self._counts is None:
            rng = np.random.default_rng(self._seed)
            if self.hosts is None and self.mix is not None:
                self._counts = np.zeros((self._rounds, self.units))
                for _, own in self.mix.members():
                    self._counts[:, own] = _counts_of(rng, self._rounds, len(own))
            else:
                self._counts = _counts_of(rng, self._rounds, self.units)
        return self._counts

    def _of_stratum(self, values: FloatArray, own: IntArray, statistic: Statistic) -> FloatArray:
        """The statistic of some starts in each resample; where none of them is drawn, that of all of them."""
        at = self._means(values, own) if statistic == "mean" else self._quantiles(values, own, statistic)
        if self.hosts is None:
            return at
        drawn = self.counts[:, np.unique(self._unit_of_each[own])].sum(axis=1) > 0.0
        return np.where(drawn, at, observed(values[own], statistic))

    def _means(self, values: FloatArray, own: IntArray) -> FloatArray:
        values, units = values[own], self._unit_of_each[own]
        finite = np.isfinite(values)
        sums = np.bincount(units, weights=np.where(finite, values, 0.0), minlength=self.units)
        sizes = np.bincount(units, minlength=self.units).astype(np.float64)
        without_end = np.bincount(units[~finite], minlength=self.units).astype(np.float64)
        means = self.counts @ sums / np.maximum(self.counts @ sizes, 1.0)
        means[self.counts @ without_end > 0.0] = math.inf
        return np.asarray(means)

    def _quantiles(self, values: FloatArray, own: IntArray, statistic: Statistic) -> FloatArray:
        order = own[np.argsort(values[own], kind="stable")]
        mass = self.counts[:, self._unit_of_each[order]]
        return _at_quantile(values[order], np.cumsum(mass, axis=1), statistic)

    @property
    def _unit_of_each(self) -> IntArray:
        return np.arange(self.number) if self.hosts is None else self.hosts


def _counts_of(rng: np.random.Generator, rounds: int, units: int) -> FloatArray:
    """How often each of ``units`` is drawn when as many are, shape (rounds, units)."""
    drawn = rng.integers(0, units, (rounds, units))
    drawn += np.arange(rounds)[:, None] * units
    return np.bincount(drawn.ravel(), minlength=rounds * units).reshape(rounds, units).astype(np.float64)


def _at_quantile(ordered: FloatArray, until: FloatArray, statistic: Statistic) -> FloatArray:
    """The quantile of each row of weights, which are summed up to each of the ordered values."""
    total = until[:, -1:]
    if statistic == "p90":
        return np.asarray(ordered[(until >= (_NINETY - _ROUNDING) * total).argmax(axis=1)])
    low = (until >= (0.5 - _ROUNDING) * total).argmax(axis=1)
    high = (until > (0.5 + _ROUNDING) * total).argmax(axis=1)
    return np.asarray(0.5 * ordered[low] + 0.5 * ordered[high])


def _exact(ordered: FloatArray, statistic: Statistic) -> Spread:
    """Over all resamples of as many values, each drawn by itself."""
    number = len(ordered)
    if statistic == "p90":
        places, mass = _one_in_order(number, rank(number, _NINETY) + 1)
        return Spread.of(ordered[places], mass)
    if number % 2:
        places, mass = _one_in_order(number, number // 2 + 1)
        return Spread.of(ordered[places], mass)
    low, high, mass = _two_in_the_middle(number)
    return Spread.of(0.5 * ordered[low] + 0.5 * ordered[high], mass)


@lru_cache(maxsize=256)
def _one_in_order(number: int, which: int) -> tuple[IntArray, FloatArray]:
    """Which of the ``number`` values is the ``which``-th (from 1) of a resample: places, and how likely each is.

    It is at most the k-th value where at least ``which`` draws are: a binomial tail, that is a beta distribution.
    """
    centre, reach = which / number, 9.0 * math.sqrt(number) * 0.5 + 10.0
    first, last = max(0, int(centre * number - reach)), min(number, int(centre * number + reach))
    until = np.array([beta_share(k / number, which, number - which + 1.0) for k in range(first, last + 1)])
    mass = np.diff(until)
    kept = np.flatnonzero(mass > _NOTHING)
    return kept + first, mass[kept]


@lru_cache(maxsize=256)
def mass_in_order(number: int, statistic: Statistic) -> FloatArray:
    """How likely each of the sorted values is the quantile of a resample.

    A median between two values is given to both of them, one half each: a little wider than the median itself.
    """
    which = [rank(number, _NINETY) + 1] if statistic == "p90" else [(number + 1) // 2, number // 2 + 1]
    mass = np.zeros(number)
    for one in which:
        places, likely = _one_in_order(number, one)
        mass[places] += likely / len(which)
    return mass


@lru_cache(maxsize=256)
def _two_in_the_middle(number: int) -> tuple[IntArray, IntArray, FloatArray]:
    """Which values the two in the middle of a resample are, for an even number of them: places, and how likely.

    They are at most the i-th and at least the j-th (i < j) where one half of the draws is and where the other half is.
    """
    half = number // 2
    places, single = _one_in_order(number, half)
    ways = math.lgamma(number + 1) - 2.0 * math.lgamma(half + 1)

    def logarithm(first: IntArray) -> FloatArray:
        """Of the probability that one half of the draws is among the first so many."""
        with np.errstate(divide="ignore"):
            return np.asarray(half * np.log(first / number))

    def ends_at(first: IntArray) -> FloatArray:
        """Of the probability that it is there, and not among one fewer."""
        return np.asarray(logarithm(first) + np.log(-np.expm1(logarithm(first - 1) - logarithm(first))))

    low, high = (grid.ravel() for grid in np.meshgrid(places, np.arange(places[0], places[-1] + 2), indexing="ij"))
    low, high = low[(high > low) & (high < number)], high[(high > low) & (high < number)]
    mass = np.exp(ways + ends_at(low + 1) + ends_at(number - high))
    same = single - np.exp(ways + ends_at(places + 1) + logarithm(number - places - 1))
    low, high, mass = np.concatenate((low, places)), np.concatenate((high, places)), np.concatenate((mass, same))
    kept = np.flatnonzero(mass > _NOTHING)
    return low[kept], high[kept], mass[kept]
