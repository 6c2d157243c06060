"""The differences of all metrics as ranges on one axis, with the numbers beside them: a row a metric."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from analyzer.collection.metric_order import is_phase
from analyzer.collection.model import CHECK, GOAL_METRICS
from analyzer.comparison.model import Comparison, Limit, MetricComparison, Unit
from analyzer.reports import comparison_rows as rows_of
from analyzer.reports.comparison_bars import windows
from analyzer.reports.curve import seconds_text
from analyzer.reports.difference_words import confidence_words
from analyzer.reports.page_words import shown
from analyzer.reports.percent_scale import Bar, Scale, Tick

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
class ForestRow:
    """One metric. ``seen``: the difference of these starts, inside ``range``, which chance widens; ``limit``: ±."""

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
    goal: bool


@dataclass(frozen=True, slots=True)
class ForestGroup:
    """The metrics of one kind on their axis; ``folded``: those of the undecided that few ask for."""

    id: str
    title: str
    ticks: tuple[tuple[Tick, str], ...]
    zero: str
    rows: tuple[ForestRow, ...]
    folded: tuple[ForestRow, ...]


def groups(comparison: Comparison) -> list[ForestGroup]:
    """All metrics, those that are decided first in each group; all that are seconds on the same axis."""
    ranked = rows_of.in_order(comparison)
    kinds: dict[str, list[MetricComparison]] = {id: [] for id, _ in _GROUPS}
    for metric in ranked:
        kinds[_kind(metric)].append(metric)
    scales = {unit: _scale(comparison, ranked, unit) for unit in {metric.unit for metric in ranked}}
    return [_group(comparison, id, title, kinds[id], scales[kinds[id][0].unit]) for id, title in _GROUPS if kinds[id]]


def _kind(metric: MetricComparison) -> str:
    if metric.unit != "s":
        return "shares" if metric.unit == "share" else "counts"
    if metric.id.startswith(CHECK):
        return "checks"
    if is_phase(metric.id) or metric.id == "polling_tax":
        return "phases"
    return "goals" if metric.id in {*GOAL_METRICS.values(), "detected"} else "others"


def _group(
    comparison: Comparison, id: str, title: str, metrics: Sequence[MetricComparison], scale: Scale
) -> ForestGroup:
    rows = [_row(comparison, metric, scale) for metric in metrics]
    certain = sum(metric.verdict != "undecided" or metric.decision is not None for metric in metrics)
    shown_rows = max(certain, OPEN) if len(metrics) > max(certain, OPEN) + 2 else len(metrics)
    return ForestGroup(
        id=id,
        title=title,
        ticks=tuple((tick, _tick_text(tick.value, metrics[0].unit)) for tick in scale.ticks()),
        zero=scale.at(0.0),
        rows=tuple(rows[:shown_rows]),
        folded=tuple(rows[shown_rows:]),
    )


def _row(comparison: Comparison, metric: MetricComparison, scale: Scale) -> ForestRow:
    found = metric.difference
    seen = windows(metric) or found
    name = shown(rows_of.metric_name(metric.id))
    difference = rows_of.difference(metric)
    return ForestRow(
        id=shown(metric.id),
        name=name,
        look=metric.decision if metric.decision in ("over", "within") else metric.verdict,
        sign=_SIGNS[metric.verdict],
        judgement=rows_of.judgement(metric),
        range=scale.bar(found.lower, found.upper, _VISIBLE),
        seen=scale.bar(max(seen.lower, found.lower), min(seen.upper, found.upper), _VISIBLE),
        limits=tuple(scale.bar(-size, size) for size in _limits(metric, comparison.limit)),
        told=f"{name}: {difference}, {rows_of.judgement(metric)}",
        base=rows_of.observed(metric, metric.base),
        new=rows_of.observed(metric, metric.new),
        difference=difference,
        relative=_relative(metric),
        sure=confidence_words(metric.confidence),
        needed="" if metric.needed is None else f"{metric.needed:,}",
        goal=metric.id == comparison.goal,
    )


def _relative(metric: MetricComparison) -> str:
    """The difference as a share of the base; of one that nobody can tell from 0 not where it says next to nothing."""
    vague = metric.relative is not None and metric.relative.upper > _VAGUE and metric.verdict == "undecided"
    return "" if vague else rows_of.relative(metric)


def _limits(metric: MetricComparison, limit: Limit | None) -> tuple[float, ...]:
    """How far the limit reaches: of one in percent as far as it may, and as far as it certainly does."""
    if limit is None or metric.decision is None:
        return ()
    if not limit.relative:
        return (limit.value,)
    ends = sorted({limit.value * metric.base.max, limit.value * metric.base.min}, reverse=True)
    return tuple(end for end in ends if math.isfinite(end) and end > 0.0)


# --- the axis


def _scale(comparison: Comparison, metrics: Sequence[MetricComparison], unit: Unit) -> Scale:
    """Wide enough for the goal and what differs; what nobody can tell apart from 0 may go beyond."""
    own = [metric for metric in metrics if metric.unit == unit]
    if unit == "s" and all(math.isinf(m.difference.lower) and math.isinf(m.difference.upper) for m in own):
        return Scale.over(-1.0, 1.0)
    leading = [m for m in own if m.id == comparison.goal or rows_of.differs(m) or m.decision is not None]
    low, high = _span(
        [*_ends(leading or own), *(e for m in own for end in _limits(m, comparison.limit) for e in (-end, end))]
    )
    room = _FARTHER * (high - low)
    for end in sorted(_ends(own), key=abs):
        if max(high, end) - min(low, end) <= room or not room:
            low, high = min(low, end), max(high, end)
    if any(m.difference.upper == math.inf for m in own):
        high = max(high, -_BEYOND * low)
    if any(m.difference.lower == -math.inf for m in own):
        low = min(low, -_BEYOND * high)
    if unit == "s":
        return Scale.over(low, high) if low < high else Scale.over(-1.0, 1.0)
    least = 0.1 if unit == "share" else 1.0  # what is worth an axis
    low, high = min(low, -least), max(high, least)
    return Scale.over(max(low, -1.0), min(high, 1.0), 4) if unit == "share" else Scale.over(low, high)


def _ends(metrics: Iterable[MetricComparison]) -> list[float]:
    """The ends of the intervals, and of what was seen."""
    found = [
        end for m in metrics for one in (m.difference, windows(m) or m.difference) for end in (one.lower, one.upper)
    ]
    return [end for end in found if math.isfinite(end)]


def _span(ends: Sequence[float]) -> tuple[float, float]:
    return min((0.0, *ends)), max((0.0, *ends))


def _tick_text(value: float, unit: Unit) -> str:
    sign = "+" if value > 0.0 else "−" if value < 0.0 else ""
    if unit == "share":
        return f"{sign}{100.0 * abs(value):g} pts" if value else "0"
    return f"{sign}{seconds_text(abs(value))}" if unit == "s" and value else f"{sign}{abs(value):g}"
