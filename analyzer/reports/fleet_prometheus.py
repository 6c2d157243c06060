"""The summary of many starts in Prometheus' text format, for the textfile collector of node_exporter.

Everything is a gauge of the moment at which the collection was read; no sample has a timestamp, which that collector
refuses. What is only known within a range has two series: ``bound="lower"`` and ``bound="upper"``, where an open end is
``+Inf``. What is said of the whole and of groups has names of its own, so that sums over a name count nothing twice.
At most ``SERIES`` series are written; a comment says what was left out.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from analyzer.collection.model import CHECK, Fleet, Group, Labels, MetricSummary, Quantile
from analyzer.errors import printable
from analyzer.reports.fleet_report import FleetReport, bad_inputs, masked
from analyzer.reports.format import DEFAULT, Options
from analyzer.reports.json_report import rounded_down, rounded_up
from analyzer.version import __version__

SERIES = 2000
_PREFIX = "k3slog_fleet"
_MOST = {"reasons": 50, "findings": 100, "checks": 100, "outliers": 100}
_VALUE = 200  # characters of a label's value
_QUANTILES = (("p50", "0.5"), ("p90", "0.9"), ("p99", "0.99"))
_GOALS = {
    "ready": "the API server was ready", "started": "it had started", "images": "its images were there",
    "node": "its node was registered", "node_ready": "its node was ready", "server": "it had reached its server",
    "detected": "readiness was noticed",
}  # fmt: skip
_TAKEN = frozenset(("outcome", "quantile", "bound", "reason", "finding", "severity", "kind", "metric", "check", "phase",
                    "le", "instance", "job", "confidence"))  # fmt: skip
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class _Sample:
    """One series; ``name`` without the prefix."""

    name: str
    labels: Labels
    value: float


_HELP = {
    "info": "The program that read the logs.",
    "starts": "Starts by outcome.",
    "hosts": "Hosts whose starts were read.",
    "inputs": "Inputs that were read to their end.",
    "bad_inputs": "Inputs that could not be used, by the kind of error.",
    "repeated_starts": "Starts met again in another input and counted once.",
    "failures": "Starts that failed, by reason.",
    "failure_hosts": "Hosts with such a failure.",
    "findings": "Starts with a finding.",
    "finding_hosts": "Hosts with a finding.",
    "outlier": "1 for each host, or group of hosts, that stands out by a metric.",
    "measured_starts": "Starts that have a metric.",
    "check_seconds": "Quantiles of the time from serving until a check cleared.",
    "phase_seconds": "Quantiles of the length of a phase.",
    "polling_tax_seconds": "Quantiles of the time from being ready until that was noticed.",
    "restarts": "Quantiles of the number of failed starts before a ready one.",
    "failed_ratio": "Quantiles of the share of starts that failed.",
    **{f"time_to_{goal}_seconds": f"Quantiles of the time until {words}." for goal, words in _GOALS.items()},
}


def render(report: FleetReport, options: Options = DEFAULT) -> str:
    """The text with a final newline."""
    fleet = masked(report.fleet)
    left_out: list[str] = []
    samples = _unique(_whole(fleet, left_out), left_out)
    samples = _with_groups(samples, [group for group in fleet.groups if group.by], left_out)
    lines = [f"# Left out: {printable(text)}." for text in left_out]
    for name in dict.fromkeys(sample.name for sample in samples):
        full = f"{_PREFIX}_{name}"
        lines += [f"# HELP {full} {_help(name)}", f"# TYPE {full} gauge"]
        lines += [_line(full, sample) for sample in samples if sample.name == name]
    return "\n".join(lines) + "\n"


def _help(name: str) -> str:
    if name.startswith("interval_"):
        return f"As {_PREFIX}_{name.removeprefix('interval_')}, widened by the chance of few hosts."
    text = _HELP[name.removeprefix("group_")]
    return f"{text[:-1]}, in a group." if name.startswith("group_") else text


def _line(full: str, sample: _Sample) -> str:
    labels = ",".join(f'{name}="{_escaped(value)}"' for name, value in sample.labels)
    value = "+Inf" if math.isinf(sample.value) else f"{sample.value:.6f}".rstrip("0").rstrip(".")
    return f"{full}{{{labels}}} {value}" if labels else f"{full} {value}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


# --- the samples


def _whole(fleet: Fleet, left_out: list[str]) -> Iterator[_Sample]:
    yield _Sample("info", (("version", __version__),), 1)
    kinds = Counter(row.error_kind or "unknown" for row in bad_inputs(fleet))
    yield _Sample("inputs", (), len(fleet.inputs) - sum(kinds.values()))
    for kind in dict.fromkeys(("unreadable", "no_data", "too_long", "killed", "memory", *sorted(kinds))):
        yield _Sample("bad_inputs", (("kind", kind),), kinds[kind])
    yield _Sample("repeated_starts", (), fleet.repeated)
    group = next((group for group in fleet.groups if not group.by), None)
    counts = {"ready": 0, "failed": 0, "stopped": 0, "incomplete": 0} | dict(fleet.outcomes)
    for outcome, starts in counts.items():
        yield _Sample("starts", (("outcome", outcome),), starts)
    if group is None:
        return
    yield _Sample("hosts", (), group.hosts)
    yield from _metrics(group, (), "", left_out)
    yield from _intervals(group, fleet.confidence)
    for reason in _first(group.reasons, "reasons", left_out):
        yield _Sample("failures", (("reason", reason.reason),), reason.starts)
        yield _Sample("failure_hosts", (("reason", reason.reason),), reason.hosts)
    for found in _first(group.findings, "findings", left_out):
        about = (("finding", found.id), ("severity", found.severity))
        yield _Sample("findings", about, found.starts)
        yield _Sample("finding_hosts", about, found.hosts)
    for one in _first(fleet.outliers, "outliers", left_out):
        who = ", ".join(f"{name}={value}" for name, value in one.by)
        yield _Sample("outlier", (("host", one.host), ("metric", one.metric), ("group", who)), 1)


def _metrics(group: Group, labels: Labels, prefix: str, left_out: list[str]) -> Iterator[_Sample]:
    checks = [metric for metric in group.metrics if metric.id.startswith(CHECK)]
    others = [metric for metric in group.metrics if not metric.id.startswith(CHECK)]
    for metric in (*others, *_first(checks, "checks", left_out)):
        name, about = _named(metric.id)
        yield _Sample(f"{prefix}measured_starts", (*labels, ("metric", metric.id)), metric.n)
        for quantile, share in _quantiles(metric):
            for bound, value in (("lower", rounded_down(quantile.min)), ("upper", rounded_up(quantile.max))):
                places = (*labels, *about, ("quantile", share), ("bound", bound))
                yield _Sample(f"{prefix}{name}", places, math.inf if value is None else value)


def _intervals(group: Group, confidence: float | None) -> Iterator[_Sample]:
    if confidence is None:
        return
    for metric in group.metrics:
        name, about = _named(metric.id)
        for quantile, share in _quantiles(metric):
            if quantile.lower is None:
                continue
            for bound, value in (("lower", rounded_down(quantile.lower)), ("upper", rounded_up(quantile.upper))):
                places = (*about, ("confidence", f"{confidence:g}"), ("quantile", share), ("bound", bound))
                yield _Sample(f"interval_{name}", places, math.inf if value is None else value)


def _quantiles(metric: MetricSummary) -> Iterator[tuple[Quantile, str]]:
    return ((getattr(metric, name), share) for name, share in _QUANTILES)


def _named(metric: str) -> tuple[str, Labels]:
    """The name of a metric's family and the labels that tell it from others there."""
    if metric in _GOALS:
        return f"time_to_{metric}_seconds", ()
    if metric.startswith(CHECK):
        return "check_seconds", (("check", metric.removeprefix(CHECK)),)
    own = {"polling_tax": "polling_tax_seconds", "restarts": "restarts", "failed": "failed_ratio"}
    return (own[metric], ()) if metric in own else ("phase_seconds", (("phase", metric),))


def _with_groups(samples: list[_Sample], groups: Sequence[Group], left_out: list[str]) -> list[_Sample]:
    """The samples, and those of as many groups as there is room for: of each its goals, not its checks or phases."""
    seen = {(sample.name, sample.labels) for sample in samples}
    made = list(samples)
    told = 0
    for group in groups:
        own = [_cleaned(sample) for sample in _of_group(group)]
        keys = {(sample.name, sample.labels) for sample in own}
        if len(made) + len(own) > SERIES or len(keys) < len(own) or keys & seen:
            continue
        made += own
        seen |= keys
        told += 1
    if told < len(groups):
        why = f"beyond {SERIES} series, or alike in their labels"
        left_out.append(f"{len(groups) - told} of {len(groups)} groups, {why}")
    return made


def _of_group(group: Group) -> Iterator[_Sample]:
    labels = label_names(group.by)
    yield _Sample("group_hosts", labels, group.hosts)
    for outcome, starts in group.outcomes:
        yield _Sample("group_starts", (*labels, ("outcome", outcome)), starts)
    goals = [metric for metric in group.metrics if metric.id in (*_GOALS, "restarts", "failed")]
    yield from _metrics(replace(group, metrics=tuple(goals)), labels, "group_", [])


def label_names(by: Labels) -> Labels:
    """Labels under names that Prometheus takes, each another one."""
    made: dict[str, str] = {}
    for name, value in by:
        bare = re.sub(r"[^a-zA-Z0-9_]", "_", name).strip("_") or "label"
        bare = f"label_{bare}" if bare in _TAKEN or bare[0].isdigit() else bare
        number = 2
        unique = bare
        while unique in made:
            unique, number = f"{bare}_{number}", number + 1
        made[unique] = value
    return tuple(made.items())


def _unique(samples: Iterable[_Sample], left_out: list[str]) -> list[_Sample]:
    """Each series once: counts of texts that look alike are added, of bounds the widest stay."""
    made: dict[tuple[str, Labels], _Sample] = {}
    for sample in map(_cleaned, samples):
        key = (sample.name, sample.labels)
        if key in made:
            sample = _Sample(sample.name, sample.labels, _together(made[key], sample))
        made[key] = sample
    if len(made) > SERIES:
        left_out.append(f"{len(made) - SERIES} series beyond {SERIES}")
    return list(made.values())[:SERIES]


def _together(one: _Sample, other: _Sample) -> float:
    bound = dict(one.labels).get("bound")
    if bound is not None:
        return (min if bound == "lower" else max)(one.value, other.value)
    return 1 if one.name == "outlier" else one.value + other.value


def _cleaned(sample: _Sample) -> _Sample:
    return _Sample(sample.name, tuple((name, _value(value)) for name, value in sample.labels), sample.value)


def _value(text: str) -> str:
    shown = printable(text)
    return shown if len(shown) <= _VALUE else f"{shown[: _VALUE - 1]}…"


def _first(items: Sequence[_T], what: str, left_out: list[str]) -> Sequence[_T]:
    """At most so many of them, the first, which are the most frequent."""
    most = _MOST[what]
    if len(items) > most:
        left_out.append(f"{len(items) - most} of {len(items)} {what}")
    return items[:most]
