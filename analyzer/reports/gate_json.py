"""The verdict of limits for programs: one JSON object, described by ``gate.schema.json``.

History of ``schema_version``:

* 1 — first version.

Rounding never narrows a range: ``min`` is rounded down to the microsecond, ``max`` up. ASCII with escapes.
"""

from __future__ import annotations

from analyzer.collection.model import Collection
from analyzer.gate.model import GateLimit, GateReport, LimitResult
from analyzer.reports import gate_words as words
from analyzer.reports.format import DEFAULT, Options
from analyzer.reports.json_report import JsonObject, clean_text, dumps, rounded, rounded_down, rounded_up
from analyzer.version import __version__

_PRETTY_UP_TO = 50  # limits; beyond, the text stands on one line


def render(report: GateReport, options: Options = DEFAULT) -> str:
    """The JSON text with a final newline."""
    data = gate_object(report)
    return dumps(data, pretty=len(data["limits"]) <= _PRETTY_UP_TO)


def gate_object(report: GateReport) -> JsonObject:
    """The verdict as plain data, the limits in the order in which they were given."""
    report = words.masked(report)
    return {
        "schema": "k3slog.gate",
        "schema_version": 1,
        "tool": {"name": "k3slog", "version": __version__},
        "limits": [_limit(one) for one in report.limits],
        "result": report.result,
        "strict": report.strict,
        "starts": len(report.collection.starts),
        "inputs": _inputs(report.collection),
        "baseline": None if report.baseline is None else _side(report.baseline),
    }


def _limit(one: LimitResult) -> JsonObject:
    """``min`` and ``max`` of what was observed are ``null`` where there is no end, or nothing to judge."""
    limit = one.limit
    return {
        "name": clean_text(limit.name),
        "metric": clean_text(limit.metric),
        "stat": limit.statistic,
        "max": _value(limit),
        "result": one.result,
        "observed": {"min": rounded_down(one.least), "max": rounded_up(one.most)},
        "why": clean_text(one.why),
        "input": None if one.input is None else clean_text(one.input),
        "start": one.start,
        "line": one.line,
    }


def _value(limit: GateLimit) -> float | str | None:
    """As in a file of limits: a number of seconds, a share or a count; growth as it was written (``+10%``)."""
    return limit.text.rpartition("<=")[2] if limit.growth else rounded(limit.value)


def _side(collection: Collection) -> JsonObject:
    return {"starts": len(collection.starts), "inputs": _inputs(collection)}


def _inputs(collection: Collection) -> JsonObject:
    bad = len(words.bad_rows(collection))
    return {"read": len(collection.inputs) - bad, "bad": bad}
