"""Differences as ranges on one axis, with the numbers beside them: a row a metric, or a row a step of a history."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from analyzer.collection.metric_order import is_phase
from analyzer.collection.model import CHECK, GOAL_METRICS
from analyzer.comparison.model import Comparison, Limit, MetricComparison, Unit
from analyzer.reports import comparison_rows as words
from analyzer.reports.comparison_bars import windows
from analyzer.reports.curve import seconds_text
from analyzer.reports.difference_words import confidence_words
from analyzer.reports.page_words import shown
from analyzer.reports.percent_scale import Bar, Scale, Tick
from analyzer.stats.difference import Interval

OPEN: Final = 6  # undecided metrics of a group that are not folded away
_SIGNS: Final = {"slower": "▲", "faster": "▼", "same": "=", "undecided": "○"}
_VISIBLE: Final = 0.4  # percent of the picture
_BEYOND: Final = 0.3  # of the axis that an open end has at least
_VAGUE: Final = 10.0  # times the base
_FARTHER: Final = 2.5  # times what the goal and what differs take up, for the others
_GROUPS: Final = (
    ("goals", "Goals"),
    ("phases", "Phases"),
    ("checks", "Checks, from serving until cleared"),
    ("others", "Other times"),
    ("shares", "Share of starts that failed"),
    ("counts", "Failed starts before a ready one"),
)


@dataclass(frozen=True, slots=True)
class Axis:
    """An axis of differences in one unit."""

    unit: Unit
    scale: Scale

    @property
    def zero(self) -> str:
        """Where no difference is."""
        return self.scale.at(0.0)

    @property
    def ticks(self) -> tuple[tuple[Tick, str], ...]:
        """Where a round difference is, and what stands there."""
        return tuple((tick, _tick_text(tick.value, self.unit)) for tick in self.scale.ticks())


@dataclass(frozen=True, slots=True)
class ForestRow:
    """One difference. ``seen``: that of these starts, inside ``range``, which chance widens; ``limits``: around 0."""

    id: str
    name: str
    look: str
    sign: str
    judgement: str
    range: Bar
    seen: Bar
    limits: tuple[Bar, ...]
    told: str
    base: str
    new: str
    difference: str
    relative: str
    sure: str
    needed: str
    goal: bool = False


@dataclass(frozen=True, slots=True)
class ForestGroup:
    """The metrics of one kind on their axis; ``folded``: those of the undecided that few ask for."""

    id: str
    title: str
    axis: Axis
    rows: tuple[ForestRow, ...]
    folded: tuple[ForestRow, ...]


def groups(comparison: Comparison) -> list[ForestGroup]:
    """All metrics, those that are decided first in each group; all that are seconds on the same axis."""
    ranked = words.in_order(comparison)
    kinds: dict[str, list[MetricComparison]] = {id: [] for id, _ in _GROUPS}
    for metric in ranked:
        kinds[_kind(metric)].append(metric)
    units = dict.fromkeys(metric.unit for metric in ranked)
    axes = {unit: axis([m for m in ranked if m.unit == unit], comparison.limit, comparison.goal) for unit in units}
    return [_group(comparison, id, title, kinds[id], axes[kinds[id][0].unit]) for id, title in _GROUPS if kinds[id]]


def _kind(metric: MetricComparison) -> str:
    if metric.unit != "s":
        return "shares" if metric.unit == "share" else "counts"
    if metric.id.startswith(CHECK):
        return "checks"
    if is_phase(metric.id) or metric.id == "polling_tax":
        return "phases"
    return "goals" if metric.id in {*GOAL_METRICS.values(), "detected"} else "others"


def _group(comparison: Comparison, id: str, title: str, metrics: Sequence[MetricComparison], axis: Axis) -> ForestGroup:
    rows = [
        row(m, axis, shown(words.metric_name(m.id)), comparison.limit, goal=m.id == comparison.goal) for m in metrics
    ]
    certain = sum(metric.verdict != "undecided" or metric.decision is not None for metric in metrics)
    first = max(certain, OPEN)
    if len(rows) <= first + 2:
        first = len(rows)
    return ForestGroup(id, title, axis, tuple(rows[:first]), tuple(rows[first:]))


def row(
    metric: MetricComparison, axis: Axis, name: str, limit: Limit | None = None, *, goal: bool = False
) -> ForestRow:
    """One difference under a name."""
    found = metric.difference
    seen = windows(metric) or found
    difference = words.change(metric)
    return ForestRow(
        id=shown(metric.id),
        name=name,
        look=metric.decision if metric.decision in ("over", "within") else metric.verdict,
        sign=_SIGNS[metric.verdict],
        judgement=words.judgement(metric),
        range=axis.scale.bar(found.lower, found.upper, _VISIBLE),
        seen=axis.scale.bar(_inside(seen.lower, found), _inside(seen.upper, found), _VISIBLE),
        limits=tuple(axis.scale.bar(-size, size) for size in _limits(metric, limit)),
        told=f"{name}: {', '.join(one for one in (difference, words.judgement(metric)) if one)}",
        base=words.observed(metric, metric.base),
        new=words.observed(metric, metric.new),
        difference=difference,
        relative=_relative(metric),
        sure=confidence_words(metric.confidence),
        needed="" if metric.needed is None else f"{metric.needed:,}",
        goal=goal,
    )


def _inside(value: float, interval: Interval) -> float:
    return min(max(value, interval.lower), interval.upper)


def _relative(metric: MetricComparison) -> str:
    """The difference as a share of the base; of one that nobody can tell from 0 not where it says next to nothing."""
    vague = metric.relative is not None and metric.relative.upper > _VAGUE and metric.verdict == "undecided"
    return "" if vague else words.relative(metric)


def _limits(metric: MetricComparison, limit: Limit | None) -> tuple[float, ...]:
    """How far the limit reaches: of one in percent as far as it may, and as far as it certainly does."""
    if limit is None or metric.decision is None:
        return ()
    if not limit.relative:
        return (limit.value,)
    ends = sorted({limit.value * metric.base.max, limit.value * metric.base.min}, reverse=True)
    return tuple(end for end in ends if math.isfinite(end) and end > 0.0)


# --- the axis


def axis(metrics: Sequence[MetricComparison], limit: Limit | None = None, goal: str | None = None) -> Axis:
    """For metrics of one unit: wide enough for the goal and what differs; what may as well be 0 may go beyond."""
    unit = metrics[0].unit
    if all(math.isinf(m.difference.lower) and math.isinf(m.difference.upper) for m in metrics):
        return Axis(unit, Scale.over(-1.0, 1.0))
    low, high = _range(metrics, limit, goal)
    if any(m.difference.upper == math.inf for m in metrics):
        high = max(high, -_BEYOND * low)
    if any(m.difference.lower == -math.inf for m in metrics):
        low = min(low, -_BEYOND * high)
    if unit == "s":
        return Axis(unit, Scale.over(low, high) if low < high else Scale.over(-1.0, 1.0))
    least = 0.1 if unit == "share" else 1.0  # what is worth an axis
    low, high = min(low, -least), max(high, least)
    return Axis(unit, Scale.over(max(low, -1.0), min(high, 1.0), 4) if unit == "share" else Scale.over(low, high))


def _range(metrics: Sequence[MetricComparison], limit: Limit | None, goal: str | None) -> tuple[float, float]:
    leading = [m for m in metrics if m.id == goal or words.differs(m) or m.decision is not None]
    limits = [end for m in metrics for size in _limits(m, limit) for end in (-size, size)]
    ends = (0.0, *_ends(leading or metrics), *limits)
    low, high = min(ends), max(ends)
    room = _FARTHER * (high - low)
    for end in sorted(_ends(metrics), key=abs):
        if max(high, end) - min(low, end) <= room or not room:
            low, high = min(low, end), max(high, end)
    return low, high


def _ends(metrics: Iterable[MetricComparison]) -> list[float]:
    """The ends of the intervals, and of what was seen."""
    intervals = [one for m in metrics for one in (m.difference, windows(m)) if one is not None]
    return [end for one in intervals for end in (one.lower, one.upper) if math.isfinite(end)]


def _tick_text(value: float, unit: Unit) -> str:
    sign = "+" if value > 0.0 else "−" if value < 0.0 else ""
    if unit == "share":
        return f"{sign}{100.0 * abs(value):g} pts" if value else "0"
    return f"{sign}{seconds_text(abs(value))}" if unit == "s" and value else f"{sign}{abs(value):g}"
