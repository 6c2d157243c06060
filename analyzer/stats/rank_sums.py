"""How much longer lengths are from some place on, or in a stretch, than all others, and how likely chance does that.

The statistic is that of Mann and Whitney: of the pairs of one length here and one there, those of which the one here is
longer, in standard deviations of what chance does. Ranks, so a stall counts as no more than one long length. Of every
length only ``(least, most]`` is known, and counted are pairs of which it holds wherever in their windows both lie. So
the largest statistic of all places is at most that of the true lengths, and its p-value, the chance of so large a one
*at any place* if the order were by chance, at least theirs. That chance depends on the number of lengths alone: it is
exact for few of them, else of seeded permutations, or Boole's sum over the places where that is smaller.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
import numpy.typing as npt

from analyzer.stats.step import FEWEST, Course

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
Kind = Literal["step", "stretch"]

FEWEST_FOR_A_STRETCH = 3 * FEWEST
MOST_FOR_A_STRETCH = 4096
_EDGES = 100  # of stretches at most, spread evenly over the places
_EXACT = 9  # up to so many lengths all orders are looked at
_ROUNDS = (1_000, 40_000)  # permutations, at least and at most
_DRAWS: dict[Kind, int] = {"step": 4_000_000, "stretch": 8_000_000}  # places in all permutations
_AT_ONCE = 1_000_000  # of them that are held at once
_MOST_PERMUTED = 4096  # of more lengths the sum over the places tells enough
_EVERY = 64  # up to so many lengths every number of them has permutations of its own
_RATIO = 1.05  # of one number that has its own to the next, from there on
_BLOCK = 2048  # lengths that are compared each with each
_SEED = 17
_ROUNDING = 1e-9


def steps(course: Course) -> tuple[FloatArray, FloatArray]:
    """At each place from ``FEWEST`` on: how sure it is that lengths are longer from there on, and that they are
    shorter."""
    middle, deviation = _by_chance("step", len(course))
    longer, shorter = _divided(course.most, course.least), _divided(-course.least, -course.most)
    return (longer - middle) / deviation, (shorter - middle) / deviation


def stretch(course: Course) -> tuple[float, int, int]:
    """The statistic of the stretch that is surest to be longer, or shorter, than all beside it, and its ends."""
    places = _Stretches.of(len(course))
    middle, deviation = _by_chance("stretch", len(course))
    longer = (places.inside(course.least, course.most) - middle) / deviation
    shorter = (places.inside(-course.most, -course.least) - middle) / deviation
    statistic = np.maximum(longer, shorter)
    at = int(statistic.argmax())
    return float(statistic[at]), int(places.begins[at]), int(places.ends[at])


def p_value(statistic: float, number: int, kind: Kind = "step") -> float:
    """The chance of so large a statistic at any place of so many lengths in any order, or larger."""
    if number > _MOST_PERMUTED:
        return min(1.0, _at_any_place(statistic, number, kind))
    made = _largest(kind, number if number <= _EVERY else _rounded_up(number))
    above = len(made) - int(np.searchsorted(made, statistic - _ROUNDING, side="left"))
    if number <= _EXACT:
        return above / len(made)
    return min(1.0, (above + 1.0) / (len(made) + 1.0), _at_any_place(statistic, number, kind))


# --- pairs


def _divided(earlier: FloatArray, later: FloatArray) -> FloatArray:
    """At each place how many pairs it divides in which ``later`` of the second is above ``earlier`` of the first."""
    n = len(earlier)
    as_first, as_second = np.zeros(n), np.zeros(n)
    for begin in range(0, n, _BLOCK):
        end = min(begin + _BLOCK, n)
        above = np.triu(later[None, begin:end] > earlier[begin:end, None], 1)
        as_first[begin:end] += above.sum(axis=1)
        as_second[begin:end] += above.sum(axis=0)
        block = np.sort(later[end:])
        as_first[begin:end] += len(block) - np.searchsorted(block, earlier[begin:end], side="right")
        as_second[end:] += np.searchsorted(np.sort(earlier[begin:end]), later[end:], side="left")
    return np.asarray(np.cumsum(as_first - as_second)[FEWEST - 1 : n - FEWEST])


@dataclass(frozen=True, slots=True, eq=False)
class _Stretches:
    """Stretches with at least ``FEWEST`` lengths in them, before them and after them."""

    edges: IntArray
    first: IntArray  # the edge with which each begins, and the one with which it ends
    last: IntArray

    @classmethod
    def of(cls, number: int) -> _Stretches:
        places = number - 2 * FEWEST + 1
        edges = np.unique(np.linspace(FEWEST, number - FEWEST, min(places, _EDGES)).round()).astype(np.int64)
        first, last = np.triu_indices(len(edges), 1)
        long = edges[last] - edges[first] >= FEWEST
        return cls(edges, first[long], last[long])

    @property
    def begins(self) -> IntArray:
        return self.edges[self.first]

    @property
    def ends(self) -> IntArray:
        return self.edges[self.last]

    def inside(self, here: FloatArray, there: FloatArray) -> FloatArray:
        """Of each stretch the pairs of one in it and one beside it in which ``here`` is above ``there``."""
        above = here[:, None] > there[None, :]
        rows = np.concatenate(([0], np.cumsum(above.sum(axis=1))))[self.edges]
        within = np.cumsum(np.cumsum(above, axis=0, dtype=np.int32), axis=1, dtype=np.int32)
        corner = np.pad(within, ((1, 0), (1, 0)))[np.ix_(self.edges, self.edges)]
        own = corner[self.last, self.last] - corner[self.first, self.last] - corner[self.last, self.first]
        return np.asarray(rows[self.last] - rows[self.first] - own - corner[self.first, self.first], dtype=np.float64)


@lru_cache(maxsize=512)
def _by_chance(kind: Kind, number: int) -> tuple[FloatArray, FloatArray]:
    """The mean and the standard deviation of the number of pairs at each place."""
    if kind == "step":
        some = np.arange(FEWEST, number - FEWEST + 1, dtype=np.float64)
    else:
        places = _Stretches.of(number)
        some = (places.ends - places.begins).astype(np.float64)
    pairs = some * (number - some)
    return 0.5 * pairs, np.sqrt(pairs * (number + 1.0) / 12.0)


# --- chance


def _at_any_place(statistic: float, number: int, kind: Kind) -> float:
    """At most the sum over the places that can have so large a one. The normal distribution has more beyond than ranks
    have, with half a pair less for their being whole."""
    middle, deviation = _by_chance(kind, number)
    deviations, counts = np.unique(deviation[middle / deviation >= statistic - _ROUNDING], return_counts=True)
    beyond = np.maximum(statistic - 0.5 / deviations, 0.0).tolist()
    return float(
        sum(count * math.erfc(one / math.sqrt(2.0)) for one, count in zip(beyond, counts.tolist(), strict=True))
    )


def _rounded_up(number: int) -> int:
    """More lengths have more places, and larger statistics."""
    return math.ceil(_EVERY * _RATIO ** math.ceil(math.log(number / _EVERY) / math.log(_RATIO) - _ROUNDING))


@lru_cache(maxsize=1024)
def _largest(kind: Kind, number: int) -> FloatArray:
    """The largest statistic of each order of so many lengths without windows, ascending: of all orders, or some."""
    if number <= _EXACT:
        return np.sort(_of_ranks(kind, _all_orders(number)))
    rng = np.random.default_rng([_SEED, number])
    places = max(len(_by_chance(kind, number)[0]), number)
    rounds = min(max(_DRAWS[kind] // places, _ROUNDS[0]), _ROUNDS[1])
    at_once = max(1, _AT_ONCE // places)
    sizes = [min(at_once, rounds - done) for done in range(0, rounds, at_once)]
    orders = (rng.permuted(np.tile(np.arange(number), (size, 1)), axis=1) for size in sizes)
    return np.sort(np.concatenate([_of_ranks(kind, ranks) for ranks in orders]))


def _of_ranks(kind: Kind, ranks: IntArray) -> FloatArray:
    """The largest statistic of each row."""
    number = ranks.shape[1]
    until = np.pad(np.cumsum(ranks, axis=1), ((0, 0), (1, 0)))
    if kind == "step":
        begins, ends = np.zeros(number - 2 * FEWEST + 1, dtype=np.int64), np.arange(FEWEST, number - FEWEST + 1)
    else:
        places = _Stretches.of(number)
        begins, ends = places.begins, places.ends
    some = ends - begins
    longer = until[:, ends] - until[:, begins] - some * (some - 1) // 2
    middle, deviation = _by_chance(kind, number)
    return np.asarray(np.abs((longer - middle) / deviation).max(axis=1))


def _all_orders(number: int) -> IntArray:
    orders = np.zeros((1, 1), dtype=np.int64)
    for rank in range(1, number):
        orders = np.concatenate([np.insert(orders, at, rank, axis=1) for at in range(rank + 1)])
    return orders
