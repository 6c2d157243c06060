"""Results of inputs as workers make them, for the tests of what is saved."""

from __future__ import annotations

import math
import random
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from analyzer.analysis.start_key import start_key
from analyzer.collection import tables
from analyzer.collection.model import Bounds, Collection, InputRow, InputSpec, Labels, Metric, StartRow
from analyzer.collection.work import InputResult
from analyzer.results import Report, StartReport
from analyzer.window import Span, Window
from tests.kit.made_reports import failed_start, fragment, ready_start, report_of


def result_of(report: Report, name: str, kubernetes: str | None = "1.33", labels: Labels = ()) -> InputResult:
    """``report`` as the result of the input ``name``."""
    spec = InputSpec(name, (name,), 1000 + len(name), 10**18 + len(name), labels)
    rows = tuple(_row(start, spec, kubernetes) for start in report.starts)
    metrics = tuple(_metrics(start) for start in report.starts)
    row = InputRow(name, spec.size, spec.mtime_ns, len(rows))
    return InputResult(spec, row, rows, metrics, tables.streams(report, spec, rows, metrics))


def failed_input(name: str, error: str = "damaged") -> InputResult:
    """An input that could not be read."""
    spec = InputSpec(name, (name,), 7, 10**18)
    return InputResult(spec, InputRow(name, 7, 10**18, 0, error, "unreadable"))


def some_results(count: int, seed: int = 1, label: str = "") -> list[InputResult]:
    """Results of inputs with starts of every kind, on several releases; every fifth could not be read."""
    drawn = random.Random(seed)
    return [_drawn(f"logs/{label}{number:04}.log", drawn) for number in range(count)]


def _drawn(name: str, drawn: random.Random) -> InputResult:
    if drawn.random() < 0.2:
        return failed_input(name)
    made = []
    for index in range(1, drawn.randint(1, 4) + 1):
        start = drawn.choice((ready_start, failed_start, fragment))()
        later = datetime(2026, 3, 1, tzinfo=UTC) + timedelta(seconds=drawn.randrange(10**6), microseconds=123456)
        made.append(replace(start, index=index, host=f"node-{drawn.randrange(8)}", began_at=later))
    labels = (("ring", drawn.choice("ab")), ("site", "höhe")) if drawn.random() < 0.7 else (("ring", "c"),)
    return result_of(report_of(*made), name, drawn.choice(("1.30", "1.33", None)), labels)


def collected(results: Iterable[InputResult]) -> Collection:
    """The collection of ``results`` in their order, made the plain way."""
    starts: list[StartRow] = []
    metrics: dict[str, list[tuple[int, float, float]]] = {}
    inputs, seen, repeated = [], set(), 0
    for result in results:
        inputs.append(result.row)
        for start, own in zip(result.starts, result.metrics, strict=True):
            if start.key in seen:
                repeated += 1
                continue
            seen.add(start.key)
            for name, (least, most) in own.items():
                metrics.setdefault(name, []).append((len(starts), least, most))
            starts.append(start)
    import numpy as np

    def metric(rows: list[tuple[int, float, float]]) -> Metric:
        at, least, most = zip(*rows, strict=True)
        return Metric(np.array(at, np.int32), np.array(least), np.array(most))

    return Collection(tuple(starts), {name: metric(metrics[name]) for name in sorted(metrics)}, tuple(inputs), repeated)


def same(one: Collection, other: Collection) -> bool:
    """Whether two collections are the same, metric by metric."""
    return (
        (one.starts, one.inputs, one.repeated) == (other.starts, other.inputs, other.repeated)
        and list(one.metrics) == list(other.metrics)
        and all(
            one.metrics[name].at.tolist() == other.metrics[name].at.tolist()
            and one.metrics[name].least.tolist() == other.metrics[name].least.tolist()
            and one.metrics[name].most.tolist() == other.metrics[name].most.tolist()
            for name in one.metrics
        )
    )


def _row(start: StartReport, spec: InputSpec, kubernetes: str | None) -> StartRow:
    return StartRow(
        input=spec.name,
        index=start.index,
        key=start_key(start),
        host=start.host,
        unit=start.unit,
        version=start.version,
        kubernetes=kubernetes,
        product=start.product,
        role=start.role,
        outcome=start.outcome,
        began_at=start.began_at,
        precision_s=start.clock.precision_s,
        end=start.end.kind,
        reason="it failed" if start.outcome == "failed" else "",
        cause=start.findings[0].id if start.findings else "",
        cause_words=start.findings[0].title if start.findings else "",
        findings=tuple((finding.id, finding.severity) for finding in start.findings),
        line=start.ready.upper_line,
        labels=spec.labels,
        pid=start.pid,
        fresh=start.fresh,
        begin_seen=start.begin_seen,
    )


def _metrics(start: StartReport) -> dict[str, Bounds]:
    made = {"ready": _window(start.ready)}
    for phase in start.phases:
        made[phase.id] = _span(phase.duration_s)
    for check in start.checks:
        made[f"check:{check.name}"] = _window(check.cleared)
    return made


def _window(window: Window) -> Bounds:
    return max(0.0, window.lower or 0.0), math.inf if window.upper is None else window.upper


def _span(span: Span) -> Bounds:
    return span.min, math.inf if span.max is None else span.max
