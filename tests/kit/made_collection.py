"""Collections made by hand, with the summary that belongs to them; no log is read and no analysis takes part."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from analyzer.collection.model import (
    Bounds,
    Collection,
    FindingCount,
    Fleet,
    Group,
    InputRow,
    Labels,
    Metric,
    MetricSummary,
    Outlier,
    Quantile,
    Reason,
    Slow,
    StartRow,
)
from analyzer.reports.fleet_report import FleetReport

BEGAN = datetime(2026, 3, 1, 6, 0, 0, tzinfo=UTC)
RELEASES = tuple(f"v1.{minor}.{patch}+k3s1" for minor in (29, 30, 31, 32, 33) for patch in (4, 8))
SLOW_RELEASE = RELEASES[5]
SLOW_HOSTS = {"node-0017": 4.0, "node-0423": 2.5}  # and how many times as long they take
HOSTILE = "</script><img src=x onerror=window.__hit=1>\"'&amp;{{7*7}}\u2028\u202egnp.exe\udc80\x1b[31m__proto__"
REASONS = (
    ("The datastore answers slowly", "slow_datastore"),
    ("etcd has no quorum", "no_quorum"),
    ("The machine ran out of memory", "out_of_memory"),
    ("No space left", "no_space"),
    ("The process was killed", "killed"),
)
NOT_READ = (
    InputRow("logs/node-0801/k3s.log.gz", 1200, 1, 0, "the gzip stream ends early", "unreadable"),
    InputRow("logs/node-0802/notes.txt", 300, 1, 0, "no line of k3s or RKE2 in it", "no_data"),
    InputRow("logs/node-0803/k3s.log", 10**8, 1, 0, "not done after 120 s", "too_long"),
    InputRow(f"logs/{HOSTILE}", 5, 1, 0, f"cannot be decoded: {HOSTILE}", "unreadable"),
)

Made = tuple[StartRow, dict[str, Bounds]]


def fleet(
    starts: int = 5000, hosts: int = 800, *, by: str = "version", seed: int = 7, hostile: bool = True
) -> FleetReport:
    """So many starts in ten releases: 2 % failed, 1 % never ready, two slow hosts, a slow release, hostile names."""
    chance = random.Random(seed)
    made = [_start(number, hosts, chance) for number in range(starts)]
    if hostile and starts:
        made[3] = _hostile(made[3])
    return summarised(made, by=by, errors=NOT_READ if hostile else ())


def one() -> FleetReport:
    """A single start."""
    return fleet(1, 1, hostile=False)


def nothing() -> FleetReport:
    """No start at all, and inputs that could not be read."""
    return summarised([], errors=NOT_READ[:2])


def all_failed() -> FleetReport:
    """Forty starts of which none became ready, without groups."""
    chance = random.Random(1)
    return summarised([_failed(*_start(number, 10, chance), number) for number in range(40)], by="")


def wide() -> FleetReport:
    """Starts between seconds and hours."""
    found = []
    for start, metrics in ((_start(number, 30, random.Random(number))) for number in range(200)):
        stretch = 10.0 ** (int(start.host[-2:]) % 4) if start.host else 1.0
        found.append((start, {name: (low * stretch, high * stretch) for name, (low, high) in metrics.items()}))
    return summarised(found)


SITUATIONS: dict[str, Callable[[], FleetReport]] = {
    "small": lambda: fleet(300, 40),
    "one": one,
    "nothing": nothing,
    "all-failed": all_failed,
    "wide": wide,
    "hosts": lambda: fleet(300, 40, by="host"),
}


def _start(number: int, hosts: int, chance: random.Random) -> Made:
    at_host = number % hosts
    host, release = f"node-{at_host:04d}", RELEASES[at_host % len(RELEASES)]
    slow = SLOW_HOSTS.get(host, 1.0) * (1.5 if release == SLOW_RELEASE else 1.0)
    true = chance.lognormvariate(3.0, 0.25) * slow
    width = 2 ** chance.uniform(math.log2(0.05), 1)
    least = max(0.0, true - width * chance.random())
    start = StartRow(
        input=f"logs/site-{at_host % 3}/{host}/k3s.log",
        index=number // hosts + 1,
        key=f"{host}/{number}",
        host=host,
        unit="k3s.service",
        version=release,
        kubernetes=release[1:5],
        product="k3s",
        role="server",
        outcome="ready",
        began_at=BEGAN + timedelta(seconds=61 * number),
        precision_s=1e-6,
        cause="slow_bootstrap_roles" if true > 40 else "",
        cause_words="Bootstrapping the roles took long" if true > 40 else "",
        findings=(("slow_bootstrap_roles", "warning"),) if true > 40 else (("noise_explained", "info"),),
        line=100 + number % 50,
        labels=(("rack", f"r{at_host % 12:02d}"), ("site", ("east", "west", "north")[at_host % 3])),
    )
    metrics = {"ready": (least, least + width), "apiserver_boot": (least * 0.4, least * 0.4 + width)}
    metrics["node_ready"] = (least + 5, least + 5 + 2 * width)
    fate = chance.random()
    if fate < 0.02:
        return _failed(start, metrics, number)
    if fate < 0.03:
        return replace(start, outcome="incomplete"), {name: (low, math.inf) for name, (low, _) in metrics.items()}
    return start, metrics


def _failed(start: StartRow, metrics: dict[str, Bounds], number: int) -> Made:
    reason, finding = REASONS[min(number % 11, 10) // 3 if number % 11 < 9 else 4]
    failed = replace(
        start,
        outcome="failed",
        end="failed",
        reason=reason,
        cause=finding,
        cause_words=reason,
        findings=((finding, "critical"), ("restarted", "info")),
    )
    return failed, {name: (low, math.inf) for name, (low, _) in metrics.items()}


def _hostile(made: Made) -> Made:
    start, metrics = made
    return replace(
        start,
        host=HOSTILE,
        input=f"logs/{HOSTILE}/k3s.log",
        version=HOSTILE,
        unit=HOSTILE,
        reason=HOSTILE,
        outcome="failed",
        cause_words=HOSTILE,
        findings=((HOSTILE, "critical"),),
        labels=(("rack", HOSTILE), ("__proto__", "polluted"), (HOSTILE, "x")),
    ), metrics


# --- the summary of what was made


def summarised(made: Sequence[Made], *, by: str = "version", errors: Sequence[InputRow] = ()) -> FleetReport:
    """The collection of starts with their metrics, and its summary."""
    starts = tuple(start for start, _ in made)
    names = sorted({name for _, metrics in made for name in metrics})
    collection = Collection(starts, {name: _metric(name, made) for name in names}, (*_inputs(starts), *errors))
    whole = range(len(starts))
    groups = [_group(collection, (), whole)]
    if by:
        values = sorted({str(getattr(start, by)) for start in starts})
        members = {v: [at for at in whole if str(getattr(starts[at], by)) == v] for v in values}
        groups += [_group(collection, ((by, value),), members[value]) for value in values]
    summary = Fleet(
        inputs=tuple(collection.inputs),
        starts=len(starts),
        outcomes=groups[0].outcomes,
        groups=tuple(groups),
        slowest=_slowest(made),
        outliers=_slower(starts)
        + tuple(
            Outlier(host, "ready", f"its starts took about {times:g} times as long as those of its group", p_value=1e-5)
            for host, times in SLOW_HOSTS.items()
            if any(start.host == host for start in starts)
        ),
        repeated=3 if errors else 0,
    )
    return FleetReport(summary, collection)


def _slower(starts: Sequence[StartRow]) -> tuple[Outlier, ...]:
    if len({start.version for start in starts}) < 2:
        return ()
    why = "half of the starts ready within 29.9 to 30.9 s; with any other version 20.0 to 20.8 s"
    return (Outlier("", "ready", why, (("version", SLOW_RELEASE),)),)


def _metric(name: str, made: Sequence[Made]) -> Metric:
    found = [(at, *metrics[name]) for at, (_, metrics) in enumerate(made) if name in metrics]
    at, least, most = zip(*found, strict=True)
    return Metric(np.array(at, np.int32), np.array(least, float), np.array(most, float))


def _inputs(starts: Iterable[StartRow]) -> list[InputRow]:
    return [InputRow(name, 1000, 1, count) for name, count in Counter(start.input for start in starts).items()]


def _group(collection: Collection, by: Labels, members: Sequence[int]) -> Group:
    own = set(members)
    starts = [collection.starts[at] for at in members]
    reasons: dict[str, list[str]] = {}
    findings: dict[tuple[str, str], list[str]] = {}
    for start in starts:
        if start.reason:
            reasons.setdefault(start.reason, []).append(start.host or "")
        for found in start.findings:
            findings.setdefault(found, []).append(start.host or "")
    return Group(
        by=by,
        starts=len(starts),
        hosts=len({start.host for start in starts}),
        outcomes=tuple(sorted(Counter(start.outcome for start in starts).items())),
        metrics=tuple(_summary(name, metric, own) for name, metric in sorted(collection.metrics.items())),
        reasons=tuple(Reason(name, len(on), len(set(on))) for name, on in _ranked(reasons.items())),
        findings=tuple(
            FindingCount(name, level, len(on), len(set(on))) for (name, level), on in _ranked(findings.items())
        ),
        members=tuple(members),
    )


def _ranked(items: Iterable[tuple[Any, list[str]]]) -> list[tuple[Any, list[str]]]:
    return sorted(items, key=lambda item: (-len(item[1]), item[0]))


def _summary(name: str, metric: Metric, own: set[int]) -> MetricSummary:
    kept = [n for n, at in enumerate(metric.at) if int(at) in own]
    return MetricSummary(
        name, len(kept), *(quantile(metric.least[kept], metric.most[kept], level) for level in (0.5, 0.9, 0.99))
    )


def quantile(least: Iterable[float], most: Iterable[float], level: float) -> Quantile:
    """By the definition: the first moment at which so many are there, of lower and of upper ends."""
    low, high = sorted(float(end) for end in least), sorted(float(end) for end in most)
    if not low:
        return Quantile(0.0, None)
    at = max(0, math.ceil(len(low) * level - 1e-9) - 1)
    return Quantile(low[at], high[at] if math.isfinite(high[at]) else None)


def _slowest(made: Sequence[Made]) -> tuple[Slow, ...]:
    ranked = sorted((item for item in made if "ready" in item[1]), key=lambda item: (-item[1]["ready"][0], item[0].key))
    return tuple(
        Slow(
            s.input,
            s.index,
            s.host,
            m["ready"][0],
            m["ready"][1] if math.isfinite(m["ready"][1]) else None,
            s.cause_words,
        )
        for s, m in ranked[:10]
    )
