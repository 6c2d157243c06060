"""Where a step in lengths that came one after the other is, given that there is one; and whether they rather drift,
or come in waves.

Of every length only ``(least, most]`` is known. What a length is off by is how far its window is from the level, in
robust standard deviations, and no more than a few of them: so neither stalls nor what is hidden by windows says
anything of the place.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

FEWEST = 4  # lengths on either side: fewer may be stalls
_MOST_OFF = 3.0  # deviations
_NEAR = 8.0  # what twice the logarithm of a likelihood may be below the best, for a place to be the true one
_ROUNDS = 3  # levels, place, levels …
_NORMAL = 1.4826  # standard deviations of a normal distribution, in median absolute ones
_SMALLEST = 1e-3  # deviation, as a share of the step
_TINY = 1e-12
_FOR_A_LINE = 400  # lengths at most, spread evenly over all


@dataclass(frozen=True, slots=True, eq=False)
class Course:
    """Lengths in the order in which they came; both ends are infinite for one that certainly has no end."""

    least: FloatArray
    most: FloatArray

    def __len__(self) -> int:
        return len(self.least)

    def part(self, places: slice | npt.NDArray[np.int64]) -> Course:
        return Course(self.least[places], self.most[places])


@dataclass(frozen=True, slots=True)
class Step:
    """Between the lengths ``place - 1`` and ``place``; those from ``first`` to ``last`` are about as likely."""

    place: int
    first: int
    last: int


def step(course: Course, near: int) -> Step:
    """The likeliest step of at least ``2 * FEWEST`` lengths, looked for from the place ``near`` on."""
    known = _Known.of(course)
    place, off = near, np.zeros(1)
    for _ in range(_ROUNDS):
        place, off = known.placed(place)
    likely = np.flatnonzero(off <= off.min() + _NEAR) + FEWEST
    return Step(place, int(likely[0]), int(likely[-1]))


def drifts(course: Course, places: Sequence[int]) -> bool:
    """Whether a straight line fits the lengths better than levels that change at these places (at least one).

    Every further step has to make up for what it would gain by chance.
    """
    known = _Known.of(course)
    levels = known.levels(places)
    deviation = known.deviation(levels)
    further = _NEAR * (len(places) - 1)
    return float(known.off(known.line(), deviation).sum()) < float(known.off(levels, deviation).sum()) + further


def wavy(course: Course, places: Sequence[int]) -> bool:
    """Whether lengths next to each other are alike beyond what levels that change at these places explain.

    By the autocorrelation of the ranks of what is left, above one standard error. Then the chance of a change was
    figured too low.
    """
    known = _Known.of(course)
    ranks = np.argsort(np.argsort(known.typical - known.levels(places), kind="stable"), kind="stable")
    by = ranks - 0.5 * (len(ranks) - 1.0)
    pairs = np.delete(by[1:] * by[:-1], [place - 1 for place in places])
    return float(pairs.mean()) > float(np.square(by).mean()) / math.sqrt(len(ranks))


@dataclass(frozen=True, slots=True, eq=False)
class _Known:
    """Windows without infinity, and a typical moment of each."""

    least: FloatArray
    most: FloatArray
    typical: FloatArray

    @classmethod
    def of(cls, course: Course) -> _Known:
        """What never ends does so far beyond all others."""
        ends = np.concatenate((course.least, course.most))
        ends = ends[np.isfinite(ends)]
        low, high = (float(ends.min()), float(ends.max())) if len(ends) else (0.0, 0.0)
        never = high + 10.0 * (high - low) + 1.0
        least, ended = np.minimum(course.least, never), np.isfinite(course.most)
        most = np.where(np.isinf(course.least), never, course.most)
        return cls(least, most, np.where(ended, 0.5 * (least + np.where(ended, course.most, 0.0)), least))

    def levels(self, places: Sequence[int]) -> FloatArray:
        """The median between each two places, of each length."""
        parts = np.split(self.typical, list(places))
        return np.concatenate([np.full(len(part), np.median(part)) for part in parts])

    def line(self) -> FloatArray:
        """That of Theil and Sen."""
        number = len(self.typical)
        at = np.unique(np.linspace(0, number - 1, min(number, _FOR_A_LINE)).round()).astype(np.int64)
        one, other = np.triu_indices(len(at), 1)
        slope = float(np.median((self.typical[at[other]] - self.typical[at[one]]) / (at[other] - at[one])))
        line = slope * np.arange(number)
        return np.asarray(line + np.median(self.typical - line))

    def deviation(self, levels: FloatArray) -> float:
        """Robust; never nothing where the levels differ."""
        off = _NORMAL * float(np.median(np.abs(self.typical - levels)))
        return max(off, _SMALLEST * float(np.ptp(levels)), _TINY)

    def off(self, level: float | FloatArray, deviation: float) -> FloatArray:
        """How far off each length is, squared."""
        away = np.maximum(np.maximum(self.least - level, level - self.most), 0.0) / deviation
        return np.asarray(np.square(np.minimum(away, _MOST_OFF)))

    def placed(self, place: int) -> tuple[int, FloatArray]:
        """The likeliest place between the levels on both sides of ``place``, and how far off all lengths are with each
        place in turn."""
        levels = self.levels([place])
        deviation = self.deviation(levels)
        before, after = (self.off(float(level), deviation) for level in (levels[0], levels[-1]))
        each = np.concatenate(([0.0], np.cumsum(before - after))) + after.sum()
        possible = each[FEWEST : len(each) - FEWEST]
        return int(possible.argmin()) + FEWEST, possible
