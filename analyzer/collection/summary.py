"""What the whole of a collection looks like, and each group in it: counts, bounds of quantiles, reasons, findings."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from analyzer.collection.groups import host_numbers, host_of, members
from analyzer.collection.metric_order import goals_of, ordered
from analyzer.collection.model import (
    Collection,
    FindingCount,
    Fleet,
    Group,
    Labels,
    Metric,
    MetricSummary,
    Quantile,
    Reason,
    Slow,
    StartRow,
)
from analyzer.collection.outliers import outliers, slower_groups
from analyzer.stats.quantiles import Resampling, bounds_by_group

PROBABILITIES = (0.5, 0.9, 0.99)
NO_REASON = "no reason in the log"
OUTCOMES = ("ready", "failed", "stopped", "incomplete")

_SEVERITIES = ("critical", "warning", "info")
_RESAMPLES = 1000
_UNKNOWN: list[tuple[float | None, float | None]] = [(None, None)] * len(PROBABILITIES)

IntArray = npt.NDArray[np.int64]


def summary(
    collection: Collection,
    by: Sequence[str] = (),
    confidence: float | None = None,
    seed: int = 1,
    slowest: int = 10,
) -> Fleet:
    """The whole, one group for each combination of the labels ``by``, the ``slowest`` starts and what stands out.

    With ``confidence`` (0 to 1) every quantile has an interval as well, from a bootstrap of whole hosts by ``seed``.
    The numbers do not depend on the order of the inputs.
    """
    hosts = host_numbers(collection.starts)[1]
    whole = _groups(collection, {(): list(range(len(collection.starts)))}, hosts, confidence, seed)
    parts = _groups(collection, members(collection.starts, by), hosts, confidence, seed) if by else ()
    return Fleet(
        inputs=tuple(collection.inputs),
        starts=len(collection.starts),
        outcomes=whole[0].outcomes,
        groups=(*whole, *parts),
        slowest=slowest_starts(collection, slowest),
        outliers=(*slower_groups(collection, seed=seed), *outliers(collection, parts)),
        repeated=collection.repeated,
        confidence=confidence,
    )


# --- groups


@dataclass(slots=True)
class _Count:
    """Starts, and the hosts that they are of."""

    starts: int = 0
    hosts: set[int] = field(default_factory=set)

    def add(self, host: int) -> None:
        self.starts += 1
        self.hosts.add(host)


def _groups(
    collection: Collection,
    places: Mapping[Labels, Sequence[int]],
    hosts: IntArray,
    confidence: float | None,
    seed: int,
) -> tuple[Group, ...]:
    """``places`` do not overlap, and hold every start."""
    group_of = np.full(len(collection.starts), -1, dtype=np.int64)
    for number, group in enumerate(places.values()):
        group_of[np.asarray(group, dtype=np.int64)] = number
    local = [np.unique(hosts[np.asarray(group, dtype=np.int64)]) for group in places.values()]
    # Every metric of a group is of the same resampled hosts, also where some of these do not have it.
    chance = None if confidence is None else [Resampling(np.arange(len(own)), seed, _RESAMPLES) for own in local]
    metrics: list[list[MetricSummary]] = [[] for _ in places]
    for id in ordered(collection.metrics):
        metric = collection.metrics[id]
        counts, low, high = bounds_by_group(metric.least, metric.most, group_of[metric.at], len(places), PROBABILITIES)
        parts = None if chance is None else _split(metric, group_of, len(places))
        for number in np.flatnonzero(counts).tolist():
            around = _UNKNOWN
            if chance is not None and parts is not None and confidence is not None:
                of = np.searchsorted(local[number], hosts[parts[number].at])
                around = _intervals(parts[number], of, chance[number], confidence)
            ends = zip(low[number].tolist(), high[number].tolist(), around, strict=True)
            quantiles = [Quantile(least, _finite(most), *pair) for least, most, pair in ends]
            metrics[number].append(MetricSummary(id, int(counts[number]), *quantiles))
    made = []
    for number, (by, group) in enumerate(places.items()):
        rows = [collection.starts[place] for place in group]
        of_rows = hosts[np.asarray(group, dtype=np.int64)].tolist()
        made.append(
            Group(
                by=by,
                starts=len(group),
                hosts=len(local[number]),
                outcomes=outcomes_of(rows),
                metrics=tuple(metrics[number]),
                reasons=_reasons(rows, of_rows),
                findings=_findings(rows, of_rows),
                members=tuple(group),
            )
        )
    return tuple(made)


def _split(metric: Metric, group_of: IntArray, groups: int) -> list[Metric]:
    """The metric of each group, sorted once for all of them."""
    numbers = group_of[metric.at]
    order = np.argsort(numbers, kind="stable")
    ends = np.searchsorted(numbers[order], np.arange(groups + 1))
    at, least, most = metric.at[order], metric.least[order], metric.most[order]
    return [Metric(at[begin:end], least[begin:end], most[begin:end]) for begin, end in pairwise(ends.tolist())]


def _intervals(
    metric: Metric, hosts: IntArray, chance: Resampling, confidence: float
) -> list[tuple[float | None, float | None]]:
    pairs = (chance.interval(metric.least, metric.most, hosts, p, confidence) for p in PROBABILITIES)
    return [(lower, _finite(upper)) for lower, upper in pairs]


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def outcomes_of(rows: Iterable[StartRow]) -> tuple[tuple[str, int], ...]:
    """Outcomes that there are, the usual ones in their order."""
    counts: dict[str, int] = dict.fromkeys(OUTCOMES, 0)
    for row in rows:
        counts[row.outcome] = counts.get(row.outcome, 0) + 1
    return tuple((outcome, n) for outcome, n in counts.items() if n and outcome in OUTCOMES) + tuple(
        sorted((outcome, n) for outcome, n in counts.items() if n and outcome not in OUTCOMES)
    )


def _reasons(rows: Sequence[StartRow], hosts: Sequence[int]) -> tuple[Reason, ...]:
    """Of failed starts, the most frequent first."""
    counts: dict[str, _Count] = {}
    for row, host in zip(rows, hosts, strict=True):
        if row.reason or row.outcome == "failed":
            counts.setdefault(row.reason or NO_REASON, _Count()).add(host)
    reasons = [Reason(reason, count.starts, len(count.hosts)) for reason, count in counts.items()]
    return tuple(sorted(reasons, key=lambda one: (-one.starts, -one.hosts, one.reason)))


def _findings(rows: Sequence[StartRow], hosts: Sequence[int]) -> tuple[FindingCount, ...]:
    """Of each id with the worst severity that it has; those that ask for something first, the most frequent first."""
    counts: dict[str, _Count] = {}
    worst: dict[str, str] = {}
    for row, host in zip(rows, hosts, strict=True):
        for id in {id for id, _ in row.findings}:  # once a start
            counts.setdefault(id, _Count()).add(host)
        for id, severity in row.findings:
            worst[id] = min(worst.get(id, severity), severity, key=_severity)
    found = [FindingCount(id, worst[id], count.starts, len(count.hosts)) for id, count in counts.items()]
    return tuple(sorted(found, key=lambda one: (one.severity == "info", -one.starts, -one.hosts, one.id)))


def _severity(severity: str) -> tuple[int, str]:
    return (_SEVERITIES.index(severity) if severity in _SEVERITIES else len(_SEVERITIES), severity)


# --- the slowest


def slowest_starts(collection: Collection, number: int) -> tuple[Slow, ...]:
    """Starts by the time that they certainly took or spent on the way to their goal (an agent's: its node), longest
    first; of equal ones first those that never got there, then as the inputs stand."""
    least, most = goal_windows(collection)
    taken = np.flatnonzero(least > 0.0)
    order = taken[np.lexsort((taken, -most[taken], -least[taken]))][:number]
    return tuple(_slow(collection.starts[at], float(least[at]), float(most[at])) for at in order)


def goal_windows(collection: Collection) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Of every start ``(least, most]`` until the goal of its role; (0, infinite) where nothing is known of it."""
    starts = collection.starts
    least, most = np.zeros(len(starts)), np.full(len(starts), np.inf)
    roles = sorted({start.role for start in starts})
    role_of = np.fromiter((roles.index(start.role) for start in starts), np.int64, len(starts))
    for number, role in enumerate(roles):
        for id in reversed(goals_of(role)):  # the first one that a start has is what counts
            if (metric := collection.metrics.get(id)) is not None:
                own = role_of[metric.at] == number
                least[metric.at[own]], most[metric.at[own]] = metric.least[own], metric.most[own]
    return least, most


def _slow(start: StartRow, least: float, most: float) -> Slow:
    cause = start.cause_words or start.reason
    return Slow(start.input, start.index, host_of(start), least, _finite(most), cause, start.outcome == "ready")
