"""Comparisons and histories for programs: one JSON object, described by ``comparison.schema.json``.

History of ``schema_version``:

* 1 — first version.

Rounding never narrows a range, as in the report of single starts: ``min`` and ``lower`` are rounded down to the
microsecond, ``max`` and ``upper`` up; a confidence is rounded down. Infinite ends are ``null``. ASCII with escapes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from analyzer.comparison.model import (
    Change,
    Compared,
    Comparison,
    History,
    MetricComparison,
    Observed,
    OneSided,
    Point,
    Side,
)
from analyzer.reports.comparison_masked import masked, masked_history
from analyzer.reports.comparison_rows import limit_unit
from analyzer.reports.format import DEFAULT, Options
from analyzer.reports.json_report import JsonObject, clean_text, dumps, rounded, rounded_down, rounded_up
from analyzer.stats.difference import Interval
from analyzer.version import __version__

_PRETTY_UP_TO = 200  # metrics; beyond, the text stands on one line


def render(compared: Compared, options: Options = DEFAULT) -> str:
    """The JSON text of a comparison, with a final newline."""
    data = comparison_object(masked(compared).comparison)
    return dumps(data, pretty=len(data["metrics"]) <= _PRETTY_UP_TO)


def render_history(history: History, options: Options = DEFAULT) -> str:
    """The JSON text of a history, with a final newline."""
    data = history_object(masked_history(history))
    made = [*data["comparisons"], *(change["comparison"] for change in data["changes"])]
    return dumps(data, pretty=sum(len(one["metrics"]) for one in made) <= _PRETTY_UP_TO)


def comparison_object(comparison: Comparison) -> JsonObject:
    """A comparison as plain data; secrets are those of ``comparison_masked``."""
    return _head() | {
        "confidence": rounded_down(comparison.confidence),
        "stat": comparison.statistic,
        "limit": _limit(comparison),
        "decision": comparison.decision,
        "goal": _text(comparison.goal),
        "base": _side(comparison.base),
        "new": _side(comparison.new),
        "metrics": [_metric(metric) for metric in comparison.metrics],
        "only_base": _alone(comparison.only_base),
        "only_new": _alone(comparison.only_new),
        "design": [{"id": clean_text(one.id), "sentence": clean_text(one.sentence)} for one in comparison.design],
    }


def history_object(history: History) -> JsonObject:
    """A history as plain data."""
    return _head() | {
        "by": [clean_text(name) for name in history.by],
        "goal": _text(history.goal),
        "points": [_point(point) for point in history.points],
        "comparisons": [comparison_object(step.comparison) for step in history.steps],
        "changes": [_change(change) for change in history.changes],
        "hosts_without_change": history.hosts_without_change,
        "hosts_too_few": history.hosts_too_few,
        "left_out": history.left_out,
    }


def _head() -> JsonObject:
    return {
        "schema": "k3slog.comparison",
        "schema_version": 1,
        "tool": {"name": "k3slog", "version": __version__},
    }


def _text(text: str | None) -> str | None:
    return None if text is None else clean_text(text)


def _limit(comparison: Comparison) -> JsonObject | None:
    limit = comparison.limit
    return None if limit is None else {"value": rounded(limit.value), "unit": limit_unit(comparison)}


def _counts(counts: Iterable[tuple[str, int]]) -> JsonObject:
    return {clean_text(name): number for name, number in counts}


def _side(side: Side) -> JsonObject:
    return {
        "label": clean_text(side.label),
        "starts": side.starts,
        "hosts": side.hosts,
        "outcomes": _counts(side.outcomes),
        "versions": [clean_text(version) for version in side.versions],
    }


def _metric(metric: MetricComparison) -> JsonObject:
    return {
        "id": clean_text(metric.id),
        "unit": metric.unit,
        "base": _observed(metric.base),
        "new": _observed(metric.new),
        "difference": _interval(metric.difference),
        "relative": None if metric.relative is None else _interval(metric.relative),
        "verdict": metric.verdict,
        "decision": metric.decision,
        "confidence": rounded_down(metric.confidence),
        "p_value": _chance(metric.p_value),
        "needed": metric.needed,
        "detectable": rounded_up(metric.detectable),
        "few": metric.few,
        "balanced": [clean_text(name) for name in metric.balanced],
    }


def _observed(side: Observed) -> JsonObject:
    return {"n": side.n, "min": rounded_down(side.min), "max": rounded_up(side.max)}


def _interval(interval: Interval) -> JsonObject:
    return {"lower": rounded_down(interval.lower), "upper": rounded_up(interval.upper)}


def _chance(p_value: float) -> float:
    return float(f"{p_value:.6g}")


def _alone(items: Sequence[OneSided]) -> list[JsonObject]:
    return [{"kind": one.kind, "name": clean_text(one.name), "starts": one.starts} for one in items]


def _point(point: Point) -> JsonObject:
    return {
        "by": {clean_text(name): clean_text(value) for name, value in point.by},
        **_side(point.side),
        "observed": _observed(point.observed),
        "interval": _interval(point.interval),
    }


def _change(change: Change) -> JsonObject:
    return {
        "host": clean_text(change.host) or None,
        "metric": clean_text(change.metric),
        "before": clean_text(change.before),
        "after": clean_text(change.after),
        "before_at": clean_text(change.before_at) or None,
        "after_at": clean_text(change.after_at) or None,
        "p_value": _chance(change.p_value),
        "changed": [clean_text(one) for one in change.changed],
        "comparison": comparison_object(change.comparison),
    }
