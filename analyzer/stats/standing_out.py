"""Which groups of lengths lie above the others: whose own lengths are outside what the others' spread allows.

Of every length only ``(least, most]`` is known. Each comparison is the one that the windows make hardest: the lower
ends of the group in question, the upper ends of the others, and of the others' spread the widest that they allow. So
wide windows end in silence, never in an alarm.

A group stands for its median.

* **Two lengths and more**: the longest of all lengths are too often its own, by the exact count of ways to deal the
  lengths out, *and* its median is too far out for the medians of as many lengths of each other group. The first alone
  would accuse every group that differs a little all the time, the second alone one that met with chance once. The
  spread is the steepest chord of the upper half of the quantile plot, without the most extreme groups (more than one
  may be slow), on the scale log(1 s + t); the tail is Student's.
* **One length**: that the group is slow and that this once was cannot be told apart, so much more is demanded: a tail
  like that of a power law, as slow as the others' longest lengths show it, and a hundred others to see that.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from analyzer.stats.quantiles import rank
from analyzer.stats.tails import drawn_at_least, student_above

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

FEWEST_OTHERS = 8  # groups; the spread of fewer is not known
_FEWEST_FOR_A_TAIL = 100
_SKIPPED = ((20, 1), (math.inf, 2))  # below so many others the most extreme that are left out of their spread
_SKIPPED_OF_A_TAIL = ((200, 1), (math.inf, 2))
_MOST_OF_A_GROUP = 9  # lengths of another group that its median is made of
_LEAST_SPREAD = 0.05  # of log(1 s + t): no computer is steadier
_SPREAD_AT = (0.75, 0.9)
_TAIL_AT = 0.95
_NEAR = 2.0  # deviations; what is not further out is not judged at all
_FREEDOM = 100  # degrees of it at most, as many as others: further out nobody has seen the tail
_NEVER_SHARE = 0.05  # of the other groups that never get there, from which on that is nothing special


@dataclass(frozen=True, slots=True)
class Relevance:
    """What a difference must be at least to be worth a word: seconds, and a share of the others' median."""

    seconds: float = 1.0
    share: float = 0.2


@dataclass(frozen=True, slots=True)
class Standing:
    """How each group stands; arrays by group. ``low``/``high``: bounds of its median; ``others_low``/``others_high``:
    bounds of the middle half of the others' medians, ``others_median`` the upper bound of their median."""

    groups: IntArray  # numbers of the groups, ascending
    sizes: IntArray
    low: FloatArray
    high: FloatArray
    others_low: FloatArray
    others_high: FloatArray
    others_median: FloatArray
    p_values: FloatArray
    others: IntArray  # groups that it was compared with


def above(
    least: FloatArray, most: FloatArray, groups: IntArray, order: IntArray, relevance: Relevance | None = None
) -> Standing | None:
    """How far each group lies above the others; ``None`` where there are too few.

    ``least`` is infinite for a length that certainly has no end: later than all that have one. ``order`` numbers the
    lengths of a group as they came. The p-value of a group that is not far out, or whose difference does not
    matter, is 1.
    """
    groups, numbers = np.unique(groups, return_inverse=True)
    if len(groups) - 1 < FEWEST_OTHERS:
        return None
    sizes = np.bincount(numbers)
    begins = np.concatenate(([0], np.cumsum(sizes)[:-1]))
    low, high = (_medians(ends, numbers, begins, sizes) for ends in (least, most))
    by_time = np.lexsort((order, numbers))
    references = _References(least[by_time], most[by_time], begins, sizes)
    others = np.full(len(groups), len(groups) - 1)
    empty = np.empty((4, len(groups)))
    found = Standing(groups, sizes, low, high, empty[0], empty[1], empty[2], empty[3], others)
    of_median, of_shortest = (_longer(marks, most, numbers) for marks in (low, _shortest(least, numbers, begins)))
    wanted = relevance or Relevance()
    for taken in np.unique(np.minimum(sizes, _MOST_OF_A_GROUP)):
        own = np.flatnonzero(np.minimum(sizes, _MOST_OF_A_GROUP) == taken)
        reference = references.of(int(taken))
        if reference.others < max(FEWEST_OTHERS, len(groups) // 2):
            return None
        found.others_low[own] = reference.low(own, rank(reference.others, 0.25))
        found.others_high[own] = reference.high(own, rank(reference.others, 0.75))
        found.others_median[own] = median = reference.high(own, rank(reference.others, 0.5))
        gap = _gap(low[own], median)
        matters = (gap >= wanted.seconds) & (gap >= wanted.share * median)
        found.p_values[own] = 1.0
        candidates = own[matters]
        if len(candidates):
            longer = [counts[candidates] for counts in (of_median, of_shortest)]
            found.p_values[candidates] = _p_values(
                low[candidates], candidates, sizes[candidates], longer, len(least), reference
            )
    return found


def _gap(low: FloatArray, median: FloatArray) -> FloatArray:
    """By how much each is above; where both never end, not at all."""
    with np.errstate(invalid="ignore"):
        return np.nan_to_num(low - median, nan=0.0, posinf=np.inf)


def _shortest(ends: FloatArray, numbers: IntArray, begins: IntArray) -> FloatArray:
    return np.asarray(ends[np.lexsort((ends, numbers))][begins], dtype=np.float64)


def _longer(marks: FloatArray, most: FloatArray, numbers: IntArray) -> IntArray:
    """For each group how many lengths of others may be as long as its mark."""
    every = len(most) - np.searchsorted(np.sort(most), marks, side="left")
    return np.asarray(every - np.bincount(numbers[most >= marks[numbers]], minlength=len(marks)))


def _medians(ends: FloatArray, numbers: IntArray, begins: IntArray, sizes: IntArray) -> FloatArray:
    """The median of each group; of an even number of lengths the lower one, as of any curve."""
    ordered = ends[np.lexsort((ends, numbers))]
    return np.asarray(ordered[begins + (sizes + 1) // 2 - 1], dtype=np.float64)


@dataclass(frozen=True, slots=True)
class _References:
    """Lengths group by group, in the order in which they came."""

    least: FloatArray
    most: FloatArray
    begins: IntArray
    sizes: IntArray

    def of(self, taken: int) -> _Reference:
        """The median of ``taken`` lengths of each group, spread evenly over it; of all where it has fewer."""
        steps = np.arange(taken)
        picked = self.begins[:, None] + (steps * (self.sizes[:, None] - 1)) // max(taken - 1, 1)
        few = self.sizes < taken
        middle = (np.minimum(self.sizes, taken) + 1) // 2 - 1
        lows, highs = (np.where(few, self._whole(ends), self._at(ends[picked], middle)) for ends in self._ends)
        known = np.isfinite(highs)
        return _Reference(lows, highs, np.sort(lows[known]), np.sort(highs[known]))

    @property
    def _ends(self) -> tuple[FloatArray, FloatArray]:
        return self.least, self.most

    def _whole(self, ends: FloatArray) -> FloatArray:
        return _medians(ends, np.repeat(np.arange(len(self.sizes)), self.sizes), self.begins, self.sizes)

    @staticmethod
    def _at(values: FloatArray, middle: IntArray) -> FloatArray:
        values = np.sort(values, axis=1)
        return np.asarray(values[np.arange(len(values)), np.minimum(middle, values.shape[1] - 1)])


@dataclass(frozen=True, slots=True)
class _Reference:
    """Medians of all groups, by group, and sorted where both ends are known; questions are about those without one."""

    own_low: FloatArray
    own_high: FloatArray
    lows: FloatArray
    highs: FloatArray

    @property
    def others(self) -> int:
        """Groups that there are beside any one."""
        return len(self.lows) - 1

    def low(self, groups: IntArray, place: int) -> FloatArray:
        """The others' lower end at this place of their order."""
        return self._without(self.lows, self.own_low[groups], place)

    def high(self, groups: IntArray, place: int) -> FloatArray:
        """The others' upper end at this place of their order."""
        return self._without(self.highs, self.own_high[groups], place)

    @staticmethod
    def _without(ordered: FloatArray, own: FloatArray, place: int) -> FloatArray:
        return np.asarray(np.where(own <= ordered[place], ordered[place + 1], ordered[place]))

    def never(self, groups: IntArray) -> IntArray:
        """How many others may never get there."""
        return np.asarray(np.isinf(self.own_high).sum() - np.isinf(self.own_high[groups]))


def _p_values(
    low: FloatArray, groups: IntArray, sizes: IntArray, longer: list[IntArray], total: int, reference: _Reference
) -> FloatArray:
    """``longer``: how many of all ``total`` lengths are of others and may be as long as its median, its shortest."""
    others = reference.others
    spread, tail = _distances(low, groups, reference)
    usual = reference.never(groups) > max(_skipped(others, _SKIPPED), _NEVER_SHARE * others)
    made = np.ones(len(low))
    for n, size in enumerate(sizes.tolist()):
        if spread[n] < _NEAR:
            continue
        if size > 1:
            far = _never(usual[n]) if np.isinf(low[n]) else student_above(float(spread[n]), min(others, _FREEDOM))
            made[n] = max(far, _again(size, int(longer[0][n]), int(longer[1][n]), total))
        elif np.isfinite(low[n]) and others >= _FEWEST_FOR_A_TAIL:
            made[n] = 0.5 * math.exp(-float(tail[n]))
    return made


def _never(usual: bool) -> float:
    return 1.0 if usual else 0.0


def _again(size: int, longer: int, longer_than_all: int, total: int) -> float:
    """How likely it is that so many of a group's lengths are among the longest of all, were they dealt out at random:
    those from its median on, where ``longer`` of the others may be as long as that, or all of them."""
    half, middle = size - (size + 1) // 2 + 1, min(longer, total - size)
    p = drawn_at_least(half, middle + half, size, total)
    return p if half == size else min(1.0, 2.0 * min(p, drawn_at_least(size, longer_than_all + size, size, total)))


def _skipped(others: int, table: tuple[tuple[float, int], ...]) -> int:
    return next(number for below, number in table if others < below)


def _distances(low: FloatArray, groups: IntArray, reference: _Reference) -> tuple[FloatArray, FloatArray]:
    """How far out each is: in standard deviations of the others, and in e-foldings of their tail."""
    others = reference.others
    last = others - 1 - _skipped(others, _SKIPPED)
    last_of_tail = others - 1 - _skipped(others, _SKIPPED_OF_A_TAIL)
    half = rank(others, 0.5)
    with np.errstate(invalid="ignore"):
        away = np.maximum(np.log1p(low) - np.log1p(reference.high(groups, half)), 0.0)
    # A coarse clock may hide spread: lengths anywhere in windows that are all the same.
    hidden = np.log1p(reference.high(groups, half)) - np.log1p(reference.low(groups, half))
    least = np.maximum(hidden / math.sqrt(12.0), _LEAST_SPREAD)
    deviation, fold = least.copy(), least.copy()
    for ends in (reference.low, reference.high):
        center = np.log1p(ends(groups, half))
        for place in {min(rank(others, p), last) for p in _SPREAD_AT} | {last}:
            normal = NormalDist().inv_cdf((place + 0.625) / (others + 0.25))
            deviation = np.maximum(deviation, (np.log1p(ends(groups, place)) - center) / normal)
        for place in {min(rank(others, _TAIL_AT), last_of_tail), last_of_tail}:
            folds = math.log(0.5 * others / (others - place - 0.5))
            fold = np.maximum(fold, (np.log1p(ends(groups, place)) - center) / folds)
    return away / deviation, away / fold
