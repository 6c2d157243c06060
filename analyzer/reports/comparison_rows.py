"""The metrics of a comparison as rows of a table: names, numbers and verdicts, the same in every report.

Ranges are rounded outwards; differences have their sign. Names of checks may be a log's: escape them for the medium.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from analyzer.collection.model import CHECK, GOAL_METRICS
from analyzer.comparison.model import Comparison, MetricComparison, Observed, Unit
from analyzer.events.terms import phase_words, terms
from analyzer.reports import difference_words as differences, wording
from analyzer.reports.fleet_words import number
from analyzer.window import Span

_OTHERS = {"detected": "readiness noticed", "polling_tax": "until noticed", "failed": "failed starts",
           "restarts": "restarts"}  # fmt: skip

_UNITS: dict[Unit, str] = {"s": " s", "share": "", "count": ""}
_SIGNS = {"slower": "✗", "more": "✗", "over": "✗", "faster": "✓", "fewer": "✓", "within": "✓", "same": "✓"}


def metric_name(id: str) -> str:
    """A metric in a table: ``ready``, ``API server boot``, ``etcd`` (a check)."""
    if id.startswith(CHECK):
        return id.removeprefix(CHECK) or id
    if id in _OTHERS:
        return _OTHERS[id]
    if id in GOAL_METRICS.values():
        return {"started": "up and running", "images": "images imported", "node": "node registered",
                "server": "server answers"}.get(id, id.replace("_", " "))  # fmt: skip
    return phase_words(id) if set(id.split("+")) <= set(terms("phase")) else id.replace("_", " ")


def subject(id: str) -> str:
    """A metric within a sentence: ``check etcd``, ``API server boot``, ``time to ready``."""
    if id.startswith(CHECK):
        return f"check {metric_name(id)}"
    return f"time to {metric_name(id)}" if id in GOAL_METRICS.values() else metric_name(id)


# --- numbers


def limit_unit(comparison: Comparison) -> Unit:
    """Of what the limit counts: seconds; shares of the base, or of all starts; restarts."""
    if comparison.limit is not None and comparison.limit.relative:
        return "share"
    return next((metric.unit for metric in comparison.metrics if metric.decision is not None), "s")


def limit_words(comparison: Comparison) -> str:
    """``2 s``, ``10%``, ``5 percentage points``; empty without a limit."""
    limit = comparison.limit
    if limit is None:
        return ""
    if limit.relative:
        return f"{100.0 * limit.value:g}%"
    unit = limit_unit(comparison)
    return f"{100.0 * limit.value:g} percentage points" if unit == "share" else f"{limit.value:g}{_UNITS[unit]}"


def difference(metric: MetricComparison, points: str = " pts") -> str:
    """The difference with its sign, for a table: seconds, percentage points or a count."""
    ends = (metric.difference.lower, metric.difference.upper)
    if metric.unit == "share":
        return differences.signed_percent(*ends, points)
    return differences.signed_count(*ends) if metric.unit == "count" else differences.signed_range(*ends)


def in_words(metric: MetricComparison) -> str:
    """The same with its unit, for a sentence: ``+1.8 to +2.9 s``, ``+2 to +41 percentage points``."""
    if none_failed(metric):
        return judgement(metric)
    return f"{difference(metric, ' percentage points')}{_UNITS[metric.unit]}"


def change(metric: MetricComparison) -> str:
    """The same for the cell of a table: nothing where no start of either side failed, so that there is none to see."""
    return "" if none_failed(metric) else difference(metric)


def none_failed(metric: MetricComparison) -> bool:
    """Whether certainly no start of either side failed, and no limit asks how many more may."""
    return metric.unit == "share" and metric.decision is None and metric.base.max == 0.0 == metric.new.max


def relative(metric: MetricComparison) -> str:
    """The difference as a share of the base, ``+18 to +31%``; empty where it would say less about the side of 0."""
    found = metric.relative
    if found is None or (math.isinf(found.lower) and math.isinf(found.upper)):
        return ""
    if (metric.difference.lower > 0.0 >= found.lower) or (metric.difference.upper < 0.0 <= found.upper):
        return ""
    return differences.signed_percent(found.lower, found.upper)


def observed(metric: MetricComparison, side: Observed) -> str:
    """The statistic of one side, for a table; the windows make it a range."""
    if none_failed(metric):
        return f"0 of {number(side.n)}"
    return amount(metric.unit, side.min, side.max)


def amount(unit: Unit, least: float, most: float) -> str:
    """A range in its unit, for a table: seconds, a share of the starts, or a number of restarts."""
    if unit == "share":
        return differences.percent(least, most)
    if math.isinf(least):
        return "never"
    if unit == "count":
        return wording.number_range(least, None) if math.isinf(most) else f"{least:g}"
    return wording.span_range(Span(least, None if math.isinf(most) else most))


# --- the table


def in_order(comparison: Comparison) -> list[MetricComparison]:
    """The goal first, then what the limit is for, what fails more or less often, what differs by how much it certainly
    does, and the others as they come."""
    first = comparison.metrics[:1]
    rest = comparison.metrics[1:]

    def place(at: int) -> tuple[int, float, int]:
        metric = rest[at]
        if metric.decision is not None:
            return 0, 0.0, at
        if not differs(metric):
            return 3, 0.0, at
        return (1, 0.0, at) if metric.unit != "s" else (2, -certain(metric), at)

    return [*first, *(rest[at] for at in sorted(range(len(rest)), key=place))]


def differs(metric: MetricComparison) -> bool:
    """Whether it is certainly more or less."""
    return metric.verdict in ("slower", "faster")


def certain(metric: MetricComparison) -> float:
    """How large the difference certainly is."""
    return max(metric.difference.lower, -metric.difference.upper, 0.0)


def judgement(metric: MetricComparison) -> str:
    """The last cell of its row: against the limit where it holds for this metric, else what differs."""
    if none_failed(metric):
        return "none failed"
    if (
        metric.unit == "count"
        and metric.decision is None
        and not metric.difference.lower
        and not metric.difference.upper
    ):
        return "no change seen"
    if metric.decision is not None:
        return {"over": "over", "within": "within", "undecided": "undecided"}[metric.decision]
    if metric.unit != "s" and differs(metric):
        return "more" if metric.verdict == "slower" else "fewer"
    return metric.verdict


def signed(judgement: str) -> str:
    """The same with a sign before it where it is certain."""
    return f"{_SIGNS[judgement]} {judgement}" if judgement in _SIGNS else judgement


def left_out(hidden: Sequence[MetricComparison]) -> str:
    """``and 23 more that show no difference``."""
    differing = sum(differs(metric) for metric in hidden)
    told = []
    if differing:
        told.append(f"{number(differing)} more that {'differs' if differing == 1 else 'differ'}")
    if len(hidden) > differing:
        others = len(hidden) - differing
        told.append(f"{number(others)} more that {'shows' if others == 1 else 'show'} no difference")
    return f"and {', '.join(told)}" if told else ""


def windows_differ(metric: MetricComparison) -> bool:
    """Whether the windows of the starts seen, without any chance, allow a difference to one side of 0 only."""
    return metric.new.min > metric.base.max or metric.new.max < metric.base.min
