"""Where the level of lengths that came one after the other changes; of every length only ``(least, most]`` is known.

No position inside the windows undoes what is found (``rank_sums``). Looked for is a step, and with less of the level a
stretch that differs from what is before and after it, of which the two steps would hide each other.

What is found would be rare were the order by chance. So a slow drift is found as well, and marked (``gradual``), and
lengths that rise and fall in long waves are, which often show as such (``wavy``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from analyzer.stats.multiple import accepted
from analyzer.stats.rank_sums import FEWEST_FOR_A_STRETCH, MOST_FOR_A_STRETCH, p_value, steps, stretch
from analyzer.stats.step import FEWEST, Course, drifts, step, wavy

_OF_STRETCHES = 0.2  # of the level


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
            if len(found[number]) + len(near) <= most:
                ends = [begin, *(begin + place for place in near), end]
                found[number] += _placed(courses[number], ends, p)
                parts += [(number, one, other) for one, other in pairwise(ends)]
    return [_settled(course, own) for course, own in zip(courses, found, strict=True)]


def _placed(course: Course, ends: list[int], p: float) -> list[Found]:
    """The changes at all of the places ``ends`` but the first and the last, which are moved to the likeliest ones."""
    made = []
    for n in range(len(ends) - 2):
        made.append(_between(course, ends[n], ends[n + 2], ends[n + 1] - ends[n], p))
        ends[n + 1] = made[-1].place
    return made


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


def _surest(course: Course) -> tuple[float, tuple[int, ...]]:
    """The p-value of there being no change, and the place of the surest step, or both ends of the surest stretch."""
    number = len(course)
    statistic = np.maximum(*steps(course))
    at = int(statistic.argmax())
    p = p_value(float(statistic[at]), number)
    if not FEWEST_FOR_A_STRETCH <= number <= MOST_FOR_A_STRETCH:
        return p, (at + FEWEST,)
    level, *ends = stretch(course)
    both = (p / (1.0 - _OF_STRETCHES), (at + FEWEST,)), (p_value(level, number, "stretch") / _OF_STRETCHES, tuple(ends))
    surer, places = min(both, key=lambda one: one[0])
    return min(1.0, surer), places


def _between(course: Course, begin: int, end: int, near: int, p: float) -> Found:
    """The change among the lengths from ``begin`` to ``end``, looked for from the place ``near`` of these on."""
    part = course.part(slice(begin, end))
    found = step(part, near)
    longer, shorter = (side[found.place - FEWEST] for side in steps(part))
    return Found(begin + found.place, bool(longer >= shorter), p, begin + found.first, begin + found.last)
