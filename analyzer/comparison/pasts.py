"""The starts of each host in the order in which they began, with what each took: what a change is looked for in."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from analyzer.collection.metric_order import goals_of
from analyzer.collection.model import Collection, StartRow
from analyzer.comparison.sides import SideOf
from analyzer.stats.step import Course


@dataclass(frozen=True, slots=True, eq=False)
class Past:
    """One host: the ``places`` of its starts in the collection in their order, and how long each took to ``metric``."""

    host: str  # without a name of its own that of its input
    metric: str
    places: tuple[int, ...]
    course: Course


def pasts(collection: Collection, metric: str | None = None) -> list[Past]:
    """One of each host, by name. ``metric``: what is asked for; else the goal of most of the host's starts.

    A start of which nobody knows when it began is not in it, nor a first start where most others are restarts (or the
    other way round), as the one takes longer than the other: like is compared with like.
    """
    side = SideOf.of(collection)
    own: list[list[int]] = [[] for _ in side.names]
    for place, host in enumerate(side.hosts.tolist()):
        if collection.starts[place].began_at is not None:
            own[host].append(place)
    metrics = _Lengths(side)
    found = []
    for places in own:
        name = metric or _goal(collection.starts, places, metrics)
        if kept := _alike(collection.starts, metrics.having(name, places)):
            kept.sort(key=lambda place: _order(collection.starts[place]))
            at = np.array(kept, dtype=np.int64)
            host = side.names[side.hosts[kept[0]]] or collection.starts[kept[0]].input
            found.append(Past(host, name, tuple(kept), metrics.of(name).part(at)))
    return found


@dataclass(frozen=True, slots=True, eq=False)
class _Lengths:
    """Of all starts, by metric; NaN where one does not have it."""

    side: SideOf
    made: dict[str, Course] = field(default_factory=dict)

    def of(self, metric: str) -> Course:
        if metric not in self.made:
            least, most = (np.full(len(self.side.starts), np.nan) for _ in range(2))
            if metric in self.side.collection.metrics:
                places, lengths = self.side.places(metric), self.side.lengths(metric)
                least[places], most[places] = lengths.least, lengths.most
            self.made[metric] = Course(least, most)
        return self.made[metric]

    def having(self, metric: str, places: Sequence[int]) -> list[int]:
        least = self.of(metric).least
        return [place for place in places if not math.isnan(least[place])]


def _order(start: StartRow) -> tuple[float, str, int]:
    assert start.began_at is not None  # pasts() leaves the others out
    return start.began_at.timestamp(), start.input, start.index


def _goal(starts: Sequence[StartRow], places: Sequence[int], metrics: _Lengths) -> str:
    """The first goal of their role that half of them have at least."""
    roles = Counter(starts[place].role for place in places)
    goals = goals_of(max(sorted(roles), key=lambda role: roles[role], default=""))
    return next((id for id in goals if 2 * len(metrics.having(id, places)) >= len(places)), goals[0])


def _alike(starts: Sequence[StartRow], places: Sequence[int]) -> list[int]:
    first = [place for place in places if starts[place].fresh]
    return first if 2 * len(first) > len(places) else [place for place in places if not starts[place].fresh]
