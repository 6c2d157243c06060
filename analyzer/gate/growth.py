"""A limit on by how much more a collection has than its baseline.

For medians, means and 90th percentiles, and for the share that failed, the interval of the comparison decides, which
covers the windows and the chance of few starts. For what is made of single starts (the longest, the shortest, a count)
no chance can be computed: what was seen of both sides is compared, with the windows at their worst.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from analyzer.collection.model import Collection, Metric
from analyzer.comparison.compare import compared
from analyzer.comparison.metrics import FAILED, unit_of
from analyzer.comparison.model import Asked, Limit, MetricComparison
from analyzer.comparison.observed import FloatArray, Seen, making, seen, statistic_of
from analyzer.comparison.unread import counted
from analyzer.gate import why
from analyzer.gate.held import held
from analyzer.gate.model import GateLimit, LimitResult, Result, named
from analyzer.stats.resampled import Statistic

_STATISTICS: dict[str, Statistic] = {"median": "median", "mean": "mean", "p90": "p90", "share": "median"}
_NAMES = {"median": "median", "mean": "mean", "p90": "90th percentile", "share": "share"}


@dataclass(frozen=True, slots=True, eq=False)
class _Side:
    collection: Collection
    seen: Seen

    @classmethod
    def of(cls, collection: Collection, metric: str) -> _Side:
        return cls(collection, seen(collection, metric))

    @property
    def ends(self) -> tuple[FloatArray, FloatArray]:
        return self.seen.low, self.seen.high

    def of_metric(self, metric: str) -> Collection:
        """The starts that can have it, and what is known of it of each; the comparison sees itself who failed."""
        starts = tuple(self.collection.starts[at] for at in self.seen.at)
        if metric == FAILED:
            return replace(self.collection, starts=starts, metrics={})
        most = np.where(self.seen.never, np.inf, self.seen.most)
        own = Metric(np.arange(len(starts), dtype=np.int32), self.seen.least, most)
        return replace(self.collection, starts=starts, metrics={metric: own})


def grown(
    limit: GateLimit, sides: tuple[Collection, Collection], chosen: bool, confidence: float, seed: int
) -> LimitResult:
    """How the growth of the first side since the second, the baseline, compares with its limit.

    ``chosen``: conditions were given.
    """
    now, before = (_Side.of(side, limit.metric) for side in sides)
    for whose, side in (("the baseline: ", before), ("", now)):
        if nothing := why.nothing_to_judge(limit, side.collection, side.seen, whose, chosen=chosen):
            return LimitResult(limit, "undecided", None, None, nothing)
    if by_interval(limit):
        most = Limit(limit.value, limit.relative)
        asked = Asked((limit.metric,), _STATISTICS[limit.statistic], confidence, most, seed)
        if (result := _by_interval(limit, now, before, asked)) is not None:
            return result
    return _by_what_was_seen(limit, now, before)


def by_interval(limit: GateLimit) -> bool:
    """Whether chance is allowed for: the sides are samples, and not just what was seen of them."""
    return limit.statistic in _STATISTICS and not (limit.relative and unit_of(limit.metric) != "s")


# --- by the interval of the comparison


def _by_interval(limit: GateLimit, now: _Side, before: _Side, asked: Asked) -> LimitResult | None:
    """``None``: the comparison has no interval of the kind."""
    made = compared(before.of_metric(limit.metric), now.of_metric(limit.metric), asked).comparison
    [metric] = made.metrics
    interval = metric.relative if limit.relative else metric.difference
    if interval is None:
        return None
    result = held(interval.lower, interval.upper, limit.value, closed=True)
    return LimitResult(limit, result, interval.lower, interval.upper, _told(limit, metric, now, before, result))


def _told(limit: GateLimit, metric: MetricComparison, now: _Side, before: _Side, result: Result) -> str:
    said = f"with {_percent(metric.confidence)} confidence, {_from(now, before)}"
    if result == "undecided":
        enough = f"about {metric.needed:,}" if metric.needed else "more"
        said = f"{said}; {enough} starts a side would {'' if metric.needed else 'hardly '}decide"
    if metric.few:
        said = f"{said}; few starts for a {_NAMES[limit.statistic]}, whose growth may lie outside"
    return said + "".join(why.judged_on(limit, side.collection, side.seen) for side in (now, before))


def _from(now: _Side, before: _Side) -> str:
    return f"from {counted(len(now.seen.at), 'start')} and {len(before.seen.at):,} of the baseline"


def _percent(share: float) -> str:
    """Rounded down, so that nothing is called surer than it is."""
    return f"{math.floor(share * 1000 + 1e-6) / 10:g}%"


# --- by what was seen


def _by_what_was_seen(limit: GateLimit, now: _Side, before: _Side) -> LimitResult:
    new, base = ([statistic_of(ends, limit.statistic) for ends in side.ends] for side in (now, before))
    least, most = _least(limit, new[0], base[1]), _most(limit, new[1], base[0])
    result = held(least, most, limit.value, closed=now.seen.closed)
    said = f"as seen {_from(now, before)} (only these starts; says nothing about chance)"
    said += "".join(why.judged_on(limit, side.collection, side.seen) for side in (now, before))
    ends = now.seen.low if result == "fail" else now.seen.high
    start = now.collection.starts[now.seen.at[making(ends, limit.statistic)]] if ends.any() else None
    return named(LimitResult(limit, result, least, most, said), start)


def _least(limit: GateLimit, new: float, base: float) -> float:
    """The least growth, from the most that the baseline may have; that may be without end."""
    return _lowest(limit) if math.isinf(base) else _change(limit, new, base)


def _most(limit: GateLimit, new: float, base: float) -> float:
    if math.isinf(new):
        return math.inf
    return _lowest(limit) if math.isinf(base) else _change(limit, new, base)


def _lowest(limit: GateLimit) -> float:
    return -1.0 if limit.relative else -math.inf


def _change(limit: GateLimit, new: float, base: float) -> float:
    """In the unit of the limit; whatever comes after nothing at all is any share of it."""
    if not limit.relative:
        return new - base
    if base == 0.0:
        return 0.0 if new == 0.0 else math.inf
    return new / base - 1.0
