"""One collection in groups, each beside the one before it: what became slower or faster from release to release."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from analyzer.collection.collect import parted
from analyzer.collection.groups import UNKNOWN, members
from analyzer.collection.model import Collection, Labels
from analyzer.comparison.compare import DEFAULT, compared, described, goal_of, metrics_in_common
from analyzer.comparison.metrics import FAILED
from analyzer.comparison.model import Asked, Compared, History, Observed, Point
from analyzer.comparison.sides import SideOf
from analyzer.errors import UsageError
from analyzer.stats.difference import Interval
from analyzer.stats.level import level
from analyzer.stats.normal import deviations
from analyzer.stats.shares import share_difference

_WHOLE = 50  # steps; all metrics of more would take minutes, and nobody reads them


def by_groups(collection: Collection, names: tuple[str, ...], asked: Asked = DEFAULT) -> History:
    """The groups by the labels ``names`` in the natural order of their values, and each compared with the one before.

    One goal for all: the first metric asked for, or the goal that most starts of every group have. The false alarms of
    all steps are controlled together: each of them is judged at its even share of the level (Bonferroni), the goal
    first and the other metrics at what is left, as in every comparison. So anything at all is said of groups that do
    not differ with a probability of 1 - ``confidence`` at most. The interval of a point has ``confidence`` by itself. A
    limit plays no part. Of more than 50 steps the goal alone is compared, and the collections in them name no inputs.

    Raises ``UsageError`` where there are not two groups.
    """
    groups = _known(members(collection.starts, names))
    if len(groups) < 2:
        raise UsageError(_too_few(names, list(groups)), hint="Group by a label with several values, as --by version")
    many = len(groups) - 1 > _WHOLE
    parts = parted(replace(collection, inputs=()) if many else collection, list(groups.values()))
    sides = [SideOf.of(part) for part in parts]
    labels = [", ".join(value for _, value in by) for by in groups]
    goal = _goal(sides, asked)
    share = (1.0 - asked.confidence) / (len(parts) - 1)
    step = replace(asked, confidence=1.0 - share, limit=None)
    if many and goal is not None:
        step = replace(step, metrics=(goal,), plan=False)
    return History(
        by=names,
        goal=goal,
        points=tuple(_point(*one, goal, asked) for one in zip(groups, sides, labels, strict=True)),
        steps=tuple(
            _step(base, new, goal, step, texts)
            for (base, new), texts in zip(pairwise(parts), pairwise(labels), strict=True)
        ),
        left_out=len(collection.starts) - sum(len(part.starts) for part in parts),
        used=sum(len(part.starts) for part in parts),
    )


def _known(groups: dict[Labels, list[int]]) -> dict[Labels, list[int]]:
    """Without those of which a label is unknown."""
    return {by: places for by, places in groups.items() if all(value != UNKNOWN for _, value in by)}


def _too_few(names: Sequence[str], groups: Sequence[Labels]) -> str:
    by = " and ".join(names)
    if not groups:
        return f"no start has a {by}"
    return f"all starts have the same {by}, {', '.join(value for _, value in groups[0])}"


def _goal(sides: Sequence[SideOf], asked: Asked) -> str | None:
    if asked.metrics:
        return asked.metrics[0]
    ids = {id for side in sides for id in side.collection.metrics}
    everywhere = [id for id in ids if all(side.has(id) for side in sides)]
    return goal_of(everywhere or list(ids), *sides)


def _step(base: Collection, new: Collection, goal: str | None, asked: Asked, labels: tuple[str, str]) -> Compared:
    """The goal first, whatever the goal of these two alone would be."""
    if asked.metrics or goal is None:
        return compared(base, new, asked, labels)
    others = [id for id in metrics_in_common(base, new) if id != goal]
    return compared(base, new, replace(asked, metrics=(goal, *others)), labels)


def _point(by: Labels, side: SideOf, label: str, goal: str | None, asked: Asked) -> Point:
    observed, interval = _level(side, goal, asked)
    return Point(by, described(side, label), observed, interval, asked.confidence)


def _level(side: SideOf, goal: str | None, asked: Asked) -> tuple[Observed, Interval]:
    if goal == FAILED:
        return _share(side, asked.confidence)
    if goal is None or not side.has(goal):
        return Observed(0, 0.0, math.inf), Interval(0.0, math.inf)
    lengths = side.lengths(goal)
    seen = lengths.observed(asked.statistic)
    observed = Observed(len(lengths.least), seen.lower, seen.upper)
    return observed, level(lengths, asked.statistic, asked.confidence, asked.seed)


def _share(side: SideOf, confidence: float) -> tuple[Observed, Interval]:
    """Of the starts that failed: Wilson's interval. Those whose outcome no log shows count either way."""
    least, most = (share_difference(marks, marks, side.hosts, side.hosts).base for marks in side.failed())
    out = deviations((1.0 - confidence) / 2.0)
    return Observed(least.total, least.value, most.value), Interval(least.wilson(out)[0], most.wilson(out)[1])
