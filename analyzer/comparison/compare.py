"""Two collections compared, metric by metric, with the false alarms of all metrics controlled together."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from analyzer.collection.groups import natural
from analyzer.collection.metric_order import ordered
from analyzer.collection.model import Collection
from analyzer.collection.summary import outcomes_of
from analyzer.comparison.design import UNREAD, design, not_there
from analyzer.comparison.metrics import FAILED, unit_of
from analyzer.comparison.model import (
    Asked,
    Compared,
    Comparison,
    Decision,
    Limit,
    MetricComparison,
    Observed,
    Side,
)
from analyzer.comparison.one_sided import one_sided
from analyzer.comparison.sides import SideOf
from analyzer.comparison.strata import Strata
from analyzer.stats.difference import (
    ENOUGH,
    Difference,
    Interval,
    Lengths,
    Verdict,
    balanced,
    difference,
    verdict as verdict_of,
)
from analyzer.stats.multiple import Judged, goal_first
from analyzer.stats.planning import Plan, detectable, needed
from analyzer.stats.shares import ShareDifference, needed_of_shares, share_difference

DEFAULT = Asked()
_GOALS = ("ready", "node", "server", "started", "node_ready", "images")


def compared(
    base: Collection, new: Collection, asked: Asked = DEFAULT, labels: tuple[str, str] = ("base", "new")
) -> Compared:
    """NEW beside BASE: every metric that both have (or those ``asked`` for), the goal first.

    The same collections, ``asked`` and seed give the same result, whatever the order of the inputs. Raises
    ``ValueError`` for a side without starts.
    """
    if not base.starts or not new.starts:
        raise ValueError("a side without starts cannot be compared")
    sides = SideOf.of(base), SideOf.of(new)
    strata = Strata.of(*sides)
    ids = [id for id in asked.metrics or metrics_in_common(base, new) if all(side.has(id) for side in sides)]
    goal = goal_of(ids, *sides) if not asked.metrics else next(iter(ids), None)
    tests = [_test(id, *sides, strata, asked) for id in sorted(ids, key=lambda id: id != goal)]
    judged = _judged(tests, goal, asked)
    limited = set(asked.metrics or ([goal] if goal is not None else []))
    noted = (*not_there(asked.metrics, *sides), *design(*sides, strata))
    made = tuple(
        _metric(test, one, asked, asked.limit if test.id in limited else None, main=test.id == goal)
        for test, one in zip(tests, judged, strict=True)
    )
    if any(note.id == UNREAD for note in noted):
        made = tuple(map(_doubted, made))
    return Compared(
        Comparison(
            base=described(sides[0], labels[0]),
            new=described(sides[1], labels[1]),
            statistic=asked.statistic,
            confidence=asked.confidence,
            limit=asked.limit,
            goal=goal,
            metrics=made,
            only_base=one_sided(base, new),
            only_new=one_sided(new, base),
            design=noted,
            decision=_together(made, asked, limited),
        ),
        base,
        new,
    )


def metrics_in_common(base: Collection, new: Collection) -> list[str]:
    """What is compared where nothing is asked for: every metric of both, and the share that failed."""
    return [*ordered(base.metrics.keys() & new.metrics.keys()), FAILED]


def goal_of(ids: Sequence[str], *sides: SideOf) -> str | None:
    """The metric that the comparison is about: the goal that most of the starts have; ``None`` without any.

    A goal that few starts have (of a few agents among servers) is not the one.
    """
    goals = [id for id in _GOALS if id in ids]
    if not goals:
        return None
    return max(goals, key=lambda id: (min(side.shown(id) / len(side.starts) for side in sides), -_GOALS.index(id)))


def described(side: SideOf, name: str) -> Side:
    """What is told of a side."""
    versions = sorted({start.version for start in side.starts if start.version}, key=natural)
    return Side(name, len(side.starts), len(side.names), outcomes_of(side.starts), tuple(versions))


# --- one metric


@dataclass(frozen=True, slots=True, eq=False)
class _OfLengths:
    """Lengths of both sides, and how they differ."""

    id: str
    base: Lengths
    new: Lengths
    difference: Difference
    asked: Asked
    numbers: tuple[int, int]  # starts of each side that have it
    balanced: tuple[str, ...]

    @property
    def p_value(self) -> float:
        return self.difference.p_value

    def interval(self, confidence: float) -> Interval:
        return self.difference.interval(confidence)

    def relative(self, confidence: float) -> Interval | None:
        return self.difference.relative(confidence) if unit_of(self.id) == "s" else None

    def observed(self) -> tuple[Observed, Observed]:
        ends = (side.observed(self.asked.statistic) for side in (self.base, self.new))
        base, new = (Observed(n, end.lower, end.upper) for n, end in zip(self.numbers, ends, strict=True))
        return base, new

    def needed(self, plan: Plan, limit: Limit | None) -> int | None:
        if limit is None:
            return needed(self.base, self.new, None, plan)
        seen = self.base.observed(self.asked.statistic)
        size = limit.value * 0.5 * (seen.lower + seen.upper) if limit.relative else limit.value
        return needed(self.base, self.new, size, plan) if math.isfinite(size) else None

    def detectable(self, plan: Plan) -> float | None:
        found = detectable(self.base, self.new, plan)
        return found if math.isfinite(found) else None


@dataclass(frozen=True, slots=True, eq=False)
class _OfShares:
    """The share of starts that failed. Starts whose outcome no log shows count either way, whichever is worse."""

    low: ShareDifference  # they failed on the base's side alone
    high: ShareDifference  # … on the new side alone
    numbers: tuple[int, int]
    id: str = FAILED
    balanced: tuple[str, ...] = ()

    @property
    def p_value(self) -> float:
        if (self.low.observed > 0.0) != (self.high.observed > 0.0):
            return 1.0
        return max(self.low.p_value, self.high.p_value)

    def interval(self, confidence: float) -> Interval:
        return Interval(self.low.interval(confidence).lower, self.high.interval(confidence).upper)

    def relative(self, confidence: float) -> Interval | None:
        return None

    def observed(self) -> tuple[Observed, Observed]:
        base, new = self.numbers
        return (
            Observed(base, self.high.base.value, self.low.base.value),
            Observed(new, self.low.new.value, self.high.new.value),
        )

    def needed(self, plan: Plan, limit: Limit | None) -> int | None:
        size = None if limit is None else limit.value
        seen = min((self.low, self.high), key=lambda one: abs(one.observed))
        return needed_of_shares(seen, size, plan.confidence, plan.power)

    def detectable(self, plan: Plan) -> float | None:
        return None


_Test = _OfLengths | _OfShares


def _test(id: str, base: SideOf, new: SideOf, strata: Strata, asked: Asked) -> _Test:
    if id == FAILED:
        return _shares(base, new)
    lengths = base.lengths(id), new.lengths(id)
    numbers = len(lengths[0].least), len(lengths[1].least)
    names: tuple[str, ...] = ()
    if strata.names:
        alike = balanced(*lengths, strata.base[base.places(id)], strata.new[new.places(id)])
        # A metric that one side has of some strata alone is compared as it is.
        if alike is not None and not (alike.base_left_out.any() or alike.new_left_out.any()):
            lengths, names = (alike.base, alike.new), strata.names
    found = difference(*lengths, asked.statistic, asked.seed)
    return _OfLengths(id, *lengths, found, asked, numbers, names)


def _shares(base: SideOf, new: SideOf) -> _OfShares:
    (surely, perhaps), (new_surely, new_perhaps) = base.failed(), new.failed()
    low = share_difference(perhaps, new_surely, base.hosts, new.hosts)
    high = share_difference(surely, new_perhaps, base.hosts, new.hosts)
    return _OfShares(low, high, (len(surely), len(new_surely)))


def _judged(tests: Sequence[_Test], goal: str | None, asked: Asked) -> list[Judged]:
    """The level of each test, in their order; the goal is the first of them."""
    if not tests:
        return []
    p_values = [test.p_value for test in tests]
    level = 1.0 - asked.confidence
    if goal is None:
        return goal_first(None, p_values, level)[1]
    first, rest = goal_first(p_values[0], p_values[1:], level)
    return [*([first] if first is not None else []), *rest]


def _metric(test: _Test, judged: Judged, asked: Asked, limit: Limit | None, *, main: bool) -> MetricComparison:
    interval, relative = test.interval(judged.confidence), test.relative(judged.confidence)
    measured = relative if limit is not None and limit.relative and relative is not None else interval
    value = None if limit is None else limit.value
    verdict: Verdict = verdict_of(interval)
    if verdict == "undecided" and verdict_of(measured, value) == "same":
        verdict = "same"
    decision = None if value is None else _decision(measured, value)
    plan = Plan(asked.statistic, judged.confidence, seed=asked.seed)
    base, new = test.observed()
    unsure = decision == "undecided" or (decision is None and verdict == "undecided")
    return MetricComparison(
        id=test.id,
        unit=unit_of(test.id),
        base=base,
        new=new,
        difference=interval,
        relative=relative,
        verdict=verdict,
        confidence=judged.confidence,
        p_value=test.p_value,
        needed=test.needed(plan, limit) if unsure and asked.plan else None,
        detectable=test.detectable(plan) if main and asked.plan else None,
        decision=decision,
        few=min(base.n, new.n) < ENOUGH[asked.statistic] and test.id != FAILED,
        balanced=test.balanced,
    )


def _doubted(metric: MetricComparison) -> MetricComparison:
    """What could not be read may be what is over the limit."""
    return replace(metric, decision="undecided") if metric.decision == "within" else metric


def _decision(interval: Interval, limit: float) -> Decision:
    if interval.upper <= limit:
        return "within"
    return "over" if interval.lower > limit else "undecided"


def _together(metrics: Sequence[MetricComparison], asked: Asked, limited: set[str]) -> Decision | None:
    """Over beats undecided beats within. A metric that was asked for and is not there cannot be within."""
    if asked.limit is None:
        return None
    decisions = {metric.decision for metric in metrics}
    if "over" in decisions:
        return "over"
    missing = not limited or limited - {metric.id for metric in metrics}
    return "undecided" if missing or "undecided" in decisions else "within"
