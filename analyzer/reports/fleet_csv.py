"""The summary of many starts as one flat table: a row for each thing that is counted or measured in a group.

==========  =============================================================================================
column      holds
==========  =============================================================================================
by          the group, ``version=v1.33.4+k3s1, site=berlin``; empty for the whole, which comes first
kind        ``group`` · ``outcome`` · ``metric`` · ``reason`` · ``finding``
id          which outcome, metric, reason or finding; empty for the group itself
unit        of a metric: ``s``, ``count`` (restarts) or ``share`` (failed)
starts      how many starts of the group were so, or have the metric
hosts       on how many hosts; empty for outcomes and metrics
p50_min …   of a metric, the quantiles of its curve with every window at its lower end (``min``) and at its upper end
p99_max     (``max``; empty where the curve never gets there: too many starts were never seen to); rounded outwards
==========  =============================================================================================

What is no count or measure of a group (the slowest starts, hosts that stand out, bad inputs) is in the other formats.
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.collection.model import Group, MetricSummary
from analyzer.reports.csv_report import Cell, rows_text
from analyzer.reports.fleet_report import FleetReport, masked
from analyzer.reports.format import DEFAULT, Options
from analyzer.reports.json_report import rounded_down, rounded_up

_QUANTILES = ("p50", "p90", "p99")
COLUMNS = ("by", "kind", "id", "unit", "starts", "hosts", *(f"{q}_{end}" for q in _QUANTILES for end in ("min", "max")))
_UNITS = {"restarts": "count", "failed": "share"}


def unit(metric: str) -> str:
    """The unit of a metric: ``s``, ``count`` or ``share``."""
    return _UNITS.get(metric, "s")


def render(report: FleetReport, options: Options = DEFAULT) -> str:
    """The table with a header line."""
    return rows_text(COLUMNS, (row for group in masked(report.fleet).groups for row in _rows(group)))


def _rows(group: Group) -> Iterator[list[Cell]]:
    by = ", ".join(f"{name}={value}" for name, value in group.by)
    none: list[Cell] = [None] * (2 * len(_QUANTILES))
    yield [by, "group", None, None, group.starts, group.hosts, *none]
    for outcome, starts in group.outcomes:
        yield [by, "outcome", outcome, None, starts, None, *none]
    for metric in group.metrics:
        yield [by, "metric", metric.id, unit(metric.id), metric.n, None, *_ends(metric)]
    for reason in group.reasons:
        yield [by, "reason", reason.reason, None, reason.starts, reason.hosts, *none]
    for finding in group.findings:
        yield [by, "finding", finding.id, None, finding.starts, finding.hosts, *none]


def _ends(metric: MetricSummary) -> Iterator[Cell]:
    for name in _QUANTILES:
        quantile = getattr(metric, name)
        yield rounded_down(quantile.min)
        yield rounded_up(quantile.max)
