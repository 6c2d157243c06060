"""Where the level of lengths that came one after the other changes; of every length only ``(least, most]`` is known.

A place divides the lengths into those before and those after. Its statistic is that of Mann and Whitney: of the pairs
of one before and one after, those whose later length is longer, in standard deviations of what chance does. Ranks, so
a stall counts as no more than one long length. Counted are pairs of which that holds wherever in their windows both
lie. So the largest statistic of all places is at most that of the true lengths, and its p-value, the chance of so
large a one *at any place* if the order were by chance, at least theirs: no position inside the windows undoes what is
found. That chance depends on the number of lengths alone. It is exact for few lengths, else of seeded permutations, or
Boole's sum over the places where that is smaller.

By chance means: in any order. A slow drift is found as well, and marked (``gradual``); so are lengths that rise and
fall in long waves, which often show as such (``wavy``).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from analyzer.stats.multiple import accepted
from analyzer.stats.step import FEWEST, Course, drifts, step, wavy

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

_EXACT = 9  # up to so many lengths all orders are looked at
_ROUNDS = (4_000, 40_000)  # permutations, at least and at most
_DRAWS = 4_000_000  # lengths in all permutations
_AT_ONCE = 1_000_000  # of them that are held at once
_EVERY = 64  # up to so many lengths every number of them has permutations of its own
_RATIO = 1.05  # of one number that has its own to the next, from there on
_MOST_PERMUTED = 4096  # of more lengths the sum over the places tells enough
_BLOCK = 2048  # lengths that are compared each with each
_SEED = 17
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Found:
    """A change between the lengths ``place - 1`` and ``place`` (from 0); ``first`` and ``last``: as of a ``Step``.

    ``gradual``: a drift fits better. ``wavy``: lengths next to each other are alike even so. ``p_value``: of there
    being no change at any place, if nothing else made the order matter.
    """

    place: int
    longer: bool
    p_value: float
    first: int
    last: int
    gradual: bool = False
    wavy: bool = False


def changes(courses: Sequence[Course], share: float = 0.05, most: int = 3) -> list[tuple[Found, ...]]:
    """At most ``most`` changes of each course, in their order; of a course that rather drifts the surest alone.

    All courses are one family, in which on average at most ``share`` of what is found is false (Benjamini-Hochberg;
    where there is no change at all, anything is found with that probability). The parts of those with a change are the
    next family, and so on (binary segmentation). At the end each place is looked for again between its neighbours.
    """
    found: list[list[Found]] = [[] for _ in courses]
    parts = [(number, 0, len(course)) for number, course in enumerate(courses)]
    while parts := [part for part in parts if part[2] - part[1] >= 2 * FEWEST]:
        tested = [_surest(courses[number].part(slice(begin, end))) for number, begin, end in parts]
        held = accepted([p for p, _ in tested], share).tolist()
        surest = sorted((*test, *part) for test, part, holds in zip(tested, parts, held, strict=True) if holds)
        parts = []
        for p, near, number, begin, end in surest:
            if len(found[number]) < most:
                one = _between(courses[number], begin, end, near, p)
                found[number].append(one)
                parts += [(number, begin, one.place), (number, one.place, end)]
    return [_settled(course, own) for course, own in zip(courses, found, strict=True)]


def _settled(course: Course, found: Sequence[Found]) -> tuple[Found, ...]:
    """The changes at their places between their neighbours; ``found``: the surest first."""
    ordered = sorted(found, key=lambda one: one.place)
    if len(ordered) > 1:
        ends = [0, *(one.place for one in ordered), len(course)]
        for n, one in enumerate(ordered):
            begin = ordered[n - 1].place if n else 0  # where it is by now
            ordered[n] = _between(course, begin, ends[n + 2], one.place - begin, one.p_value)
    places = [one.place for one in ordered]
    if places and drifts(course, places):
        return (replace(found[0], gradual=True),)
    alike = bool(places) and wavy(course, places)
    return tuple(replace(one, wavy=alike) for one in ordered)


def _surest(course: Course) -> tuple[float, int]:
    """The p-value of there being no change, and the surest place of one."""
    statistic = np.maximum(*_certain(course))
    place = int(statistic.argmax())
    return p_value(float(statistic[place]), len(course)), place + FEWEST


def _between(course: Course, begin: int, end: int, near: int, p: float) -> Found:
    """The change among the lengths from ``begin`` to ``end``, looked for from the place ``near`` of these on."""
    part = course.part(slice(begin, end))
    found = step(part, near)
    longer, shorter = (side[found.place - FEWEST] for side in _certain(part))
    return Found(begin + found.place, bool(longer >= shorter), p, begin + found.first, begin + found.last)


# --- statistics


def _certain(course: Course) -> tuple[FloatArray, FloatArray]:
    """At each place: how sure it is, wherever in their windows the lengths lie, that they are longer from there on,
    and that they are shorter."""
    n = len(course)
    longer, shorter = _pairs(course.most, course.least), _pairs(-course.least, -course.most)
    middle, deviation = _by_chance(n)
    return (longer - middle) / deviation, (shorter - middle) / deviation


def _by_chance(n: int) -> tuple[FloatArray, FloatArray]:
    """The mean and the standard deviation of the number of pairs at each place."""
    before = np.arange(FEWEST, n - FEWEST + 1, dtype=np.float64)
    pairs = before * (n - before)
    return 0.5 * pairs, np.sqrt(pairs * (n + 1.0) / 12.0)


def _pairs(earlier: FloatArray, later: FloatArray) -> FloatArray:
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


# --- p-values


def p_value(statistic: float, number: int) -> float:
    """The chance of so large a statistic at any place of so many lengths in any order, or larger."""
    if number > _MOST_PERMUTED:
        return min(1.0, _at_any_place(statistic, number))
    made = _largest(number if number <= _EVERY else _rounded_up(number))
    above = len(made) - int(np.searchsorted(made, statistic - _ROUNDING, side="left"))
    if number <= _EXACT:
        return above / len(made)
    return min(1.0, (above + 1.0) / (len(made) + 1.0), _at_any_place(statistic, number))


def _at_any_place(statistic: float, number: int) -> float:
    """At most the sum over the places that can have so large a one. The normal distribution has more beyond than ranks
    have, with half a pair less for their being whole."""
    middle, deviation = _by_chance(number)
    deviation = deviation[middle / deviation >= statistic - _ROUNDING]
    return float(sum(math.erfc(one / math.sqrt(2.0)) for one in np.maximum(statistic - 0.5 / deviation, 0.0).tolist()))


def _rounded_up(number: int) -> int:
    """More lengths have more places, and larger statistics."""
    return math.ceil(_EVERY * _RATIO ** math.ceil(math.log(number / _EVERY) / math.log(_RATIO) - _ROUNDING))


@lru_cache(maxsize=512)
def _largest(number: int) -> FloatArray:
    """The largest statistic of each order of so many lengths without windows, ascending: of all orders, or some."""
    if number <= _EXACT:
        made = [_of_ranks(_all_orders(number))]
    else:
        rng = np.random.default_rng([_SEED, number])
        rounds = min(max(_DRAWS // number, _ROUNDS[0]), _ROUNDS[1])
        at_once = max(1, _AT_ONCE // number)
        sizes = [min(at_once, rounds - done) for done in range(0, rounds, at_once)]
        made = [_of_ranks(rng.permuted(np.tile(np.arange(number), (size, 1)), axis=1)) for size in sizes]
    return np.sort(np.concatenate(made))


def _of_ranks(ranks: IntArray) -> FloatArray:
    """The largest statistic of each row."""
    number = ranks.shape[1]
    before = np.arange(FEWEST, number - FEWEST + 1)
    shorter = np.cumsum(ranks, axis=1)[:, before - 1] - before * (before - 1) // 2
    middle, deviation = _by_chance(number)
    return np.asarray(np.abs((shorter - middle) / deviation).max(axis=1))


def _all_orders(number: int) -> IntArray:
    orders = np.zeros((1, 1), dtype=np.int64)
    for rank in range(1, number):
        orders = np.concatenate([np.insert(orders, at, rank, axis=1) for at in range(rank + 1)])
    return orders
