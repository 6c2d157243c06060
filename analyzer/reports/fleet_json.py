"""The summary of many starts for programs: one JSON object, described by ``fleet.schema.json``.

History of ``schema_version``:

* 1 — first version.

Rounding never narrows a range, as in the report of single starts: ``min`` and ``lower`` are rounded down to the
microsecond, ``max`` and ``upper`` up. ASCII with escapes.
"""

from __future__ import annotations

from collections.abc import Iterable

from analyzer.collection.model import Fleet, Group, InputRow, MetricSummary, Outlier, Quantile, Slow
from analyzer.reports.fleet_report import FleetReport, bad_inputs, masked
from analyzer.reports.format import DEFAULT, Options
from analyzer.reports.json_report import JsonObject, clean_text, dumps, rounded, rounded_down, rounded_up
from analyzer.version import __version__

_PRETTY_UP_TO = 50  # groups and bad inputs; beyond, the text stands on one line


def render(report: FleetReport, options: Options = DEFAULT) -> str:
    """The JSON text with a final newline."""
    data = fleet_object(report.fleet)
    return dumps(data, pretty=len(data["groups"]) + len(data["inputs"]["errors"]) <= _PRETTY_UP_TO)


def fleet_object(fleet: Fleet) -> JsonObject:
    """The summary as plain data."""
    fleet = masked(fleet)
    bad = bad_inputs(fleet)
    return {
        "schema": "k3slog.fleet",
        "schema_version": 1,
        "tool": {"name": "k3slog", "version": __version__},
        "inputs": {"read": len(fleet.inputs) - len(bad), "bad": len(bad), "errors": [_bad(row) for row in bad]},
        "starts": fleet.starts,
        "repeated": fleet.repeated,
        "outcomes": _counts(fleet.outcomes),
        "confidence": rounded(fleet.confidence),
        "groups": [_group(group) for group in fleet.groups],
        "slowest": [_slow(one) for one in fleet.slowest],
        "outliers": [_outlier(one) for one in fleet.outliers],
    }


def _bad(row: InputRow) -> JsonObject:
    told = {"input": row.input, "error": row.error, "kind": row.error_kind}
    return {name: clean_text(text) for name, text in told.items()} | {"starts": row.starts}


def _counts(counts: Iterable[tuple[str, int]]) -> JsonObject:
    return {clean_text(name): n for name, n in counts}


def _labels(by: Iterable[tuple[str, str]]) -> JsonObject:
    return {clean_text(name): clean_text(value) for name, value in by}


def _group(group: Group) -> JsonObject:
    return {
        "by": _labels(group.by),
        "starts": group.starts,
        "hosts": group.hosts,
        "outcomes": _counts(group.outcomes),
        "metrics": [_metric(metric) for metric in group.metrics],
        "reasons": [{"reason": clean_text(r.reason), "starts": r.starts, "hosts": r.hosts} for r in group.reasons],
        "findings": [
            {"id": clean_text(f.id), "severity": clean_text(f.severity), "starts": f.starts, "hosts": f.hosts}
            for f in group.findings
        ],
    }


def _metric(metric: MetricSummary) -> JsonObject:
    told: JsonObject = {"id": clean_text(metric.id), "n": metric.n}
    return told | {"p50": _quantile(metric.p50), "p90": _quantile(metric.p90), "p99": _quantile(metric.p99)}


def _quantile(quantile: Quantile) -> JsonObject:
    """``lower`` and ``upper`` only with ``--confidence``."""
    told: JsonObject = {"min": rounded_down(quantile.min), "max": rounded_up(quantile.max)}
    if quantile.lower is None:
        return told
    return told | {"lower": rounded_down(quantile.lower), "upper": rounded_up(quantile.upper)}


def _slow(one: Slow) -> JsonObject:
    return {
        "input": clean_text(one.input),
        "index": one.index,
        "host": None if one.host is None else clean_text(one.host),
        "ready": {"lower": rounded_down(one.least), "upper": rounded_up(one.most)},
        "cause": clean_text(one.cause) or None,
    }


def _outlier(one: Outlier) -> JsonObject:
    """``host`` is ``null`` where the group ``by`` itself stands out."""
    return {
        "host": clean_text(one.host) or None,
        "metric": clean_text(one.metric),
        "why": clean_text(one.why),
        "by": _labels(one.by),
        "p_value": float(f"{one.p_value:.6g}"),
    }
