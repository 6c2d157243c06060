"""Hand-made summaries of many starts, one for each kind of thing a report of them must be able to say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np

from analyzer.collection.model import (
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

BEGAN = datetime(2026, 3, 1, 6, 3, 22, tzinfo=UTC)
BAD = (
    ("unreadable", "bad gzip data after 4,096 bytes"), ("no_data", "no line of k3s or RKE2 in it"),
    ("too_long", "not done after 120 s"), ("killed", "the worker that read it was ended by signal 9"),
    ("memory", "more than 1 GB of memory"),
)  # fmt: skip
SLOW_HOSTS = ("node-017", "node-203")
SLOW_RELEASE = "v1.33.4+k3s1"


def small() -> FleetReport:
    """Three hosts, all well: 5 starts."""
    rows = [
        start(f"logs/node-{host}.log", index, f"node-{host}")
        for host, index in (("a", 1), ("a", 2), ("b", 1), ("b", 2), ("c", 1))
    ]
    ready = [(5.2 + 0.1 * n, 5.4 + 0.1 * n) for n in range(5)]
    return report(
        rows, ready, inputs=[InputRow(f"logs/node-{h}.log", 9000, 1, n) for h, n in zip("abc", (2, 2, 1), strict=True)]
    )


def large() -> FleetReport:
    """2,000 starts of 400 hosts in ten releases: two slow hosts, one slow release, 61 failed, 18 cut, 60 bad inputs."""
    rows, ready = [], []
    for n in range(2000):
        host, release = f"node-{n % 400:03d}", n % 10
        version = f"v1.{24 + release}.{4}+k3s1"
        outcome = "failed" if n % 33 == 7 else "incomplete" if n % 111 == 5 else "ready"
        rows.append(
            replace(
                start(f"logs/{host}/{n}.export.gz", 1, host, version=version, outcome=outcome),
                reason=REASONS[n % 5 // 2] if outcome == "failed" else "",
                findings=(("slow_datastore", "warning"),)
                if n % 17 == 3 or host in SLOW_HOSTS
                else (("healthy", "info"),),
                cause="slow_datastore" if host in SLOW_HOSTS else "",
                labels=(("site", f"dc{n % 3}"),),
            )
        )
        took = (5.0 + n % 37 / 20) * (3.0 if host in SLOW_HOSTS else 1.0) * (1.6 if version == SLOW_RELEASE else 1.0)
        ready.append((took, took + 1.6 if outcome == "ready" else np.inf))
    inputs = [InputRow(row.input, 80_000, 1, 1) for row in rows]
    inputs += [InputRow(f"logs/bad/{n:02d}.export.gz", 10, 1, 0, BAD[n % 5][1], BAD[n % 5][0]) for n in range(60)]
    outliers = [
        Outlier(
            host, "ready", "its 5 starts took 15.0 to 22.0 s until ready; half of the other starts of its release took "
            "5.0 to 8.4 s. It waited for the datastore, which they did not", (("version", version),), 0.0001,
        )
        for host, version in zip(SLOW_HOSTS, ("v1.31.4+k3s1", "v1.27.4+k3s1"), strict=True)
    ]  # fmt: skip
    outliers.append(
        Outlier(
            "", "ready", "half of its 200 starts took 9.4 to 11.2 s until ready, of the other releases 5.9 to 7.6 s",
            (("version", SLOW_RELEASE),),
        )
    )  # fmt: skip
    return report(
        rows, ready, by=lambda row: (("version", row.version or ""),), inputs=inputs, outliers=outliers, repeated=12
    )


def all_failed() -> FleetReport:
    """12 starts of 4 hosts, none of which was ever ready."""
    rows = [
        replace(
            start(f"logs/{n % 4}.log", n // 4 + 1, f"node-{n % 4}", outcome="failed"),
            reason=REASONS[n % 2],
            cause="etcd_peer_unreachable",
        )
        for n in range(12)
    ]
    return report(rows, [(2.0 + n, np.inf) for n in range(12)])


def only_bad() -> FleetReport:
    """Five inputs, none of which could be read."""
    return report(
        [], [], inputs=[InputRow(f"logs/{n}.gz", 5, 1, 0, error, kind) for n, (kind, error) in enumerate(BAD)]
    )


def hostile(text: str) -> FleetReport:
    """Every text that a log, a path or a user can fill is ``text``."""
    rows = [
        replace(
            start(f"{text}{n}", 1, text if n else None, version=text, outcome=("ready", "failed")[n % 2]),
            key=f"{n}", unit=text, kubernetes=text, reason=text, cause=text, cause_words=text,
            findings=((text, "critical"), ("slow_datastore", "warning")), labels=((text, text), ("site", text)),
        )
        for n in range(4)
    ]  # fmt: skip
    inputs = [InputRow(f"{text}{n}", 1, 1, 1) for n in range(4)]
    inputs += [InputRow(text, 1, 1, n % 2, text, kind) for n, (kind, _) in enumerate(BAD)]
    return report(
        rows, [(1.0, 2.0), (3.0, np.inf), (2.0, 4.0), (3.0, np.inf)],
        by=lambda row: ((text, text), ("site", row.input)), inputs=inputs,
        outliers=[Outlier(text, "ready", text, ((text, text),)), Outlier("", text, text, (("site", text),))],
    )  # fmt: skip


REASONS = (
    "Failed to connect to the datastore: dial tcp: connection refused", "The address of port 6443 is in use",
    "etcd: the member was removed from the cluster",
)  # fmt: skip


def made() -> dict[str, FleetReport]:
    """All of them but the hostile ones."""
    return {"small": small(), "large": large(), "all failed": all_failed(), "only bad inputs": only_bad()}


def start(
    input: str, index: int, host: str | None, *, version: str = "v1.33.4+k3s1", outcome: str = "ready"
) -> StartRow:
    """A start of a server."""
    return StartRow(
        input, index, f"{host}/{input}/{index}", host, "k3s.service", version, ".".join(version[1:].split(".")[:2]),
        "k3s", "server", outcome, BEGAN + timedelta(minutes=index), 1.0, "failed" if outcome == "failed" else "running",
    )  # fmt: skip


def report(
    rows: Sequence[StartRow],
    ready: Sequence[tuple[float, float]],
    *,
    by: Callable[[StartRow], Labels] | None = None,
    inputs: Sequence[InputRow] = (),
    outliers: Sequence[Outlier] = (),
    repeated: int = 0,
) -> FleetReport:
    """A report of rows with their windows of ``ready``: its numbers are those of its starts."""
    groups = [group((), range(len(rows)), rows, ready)] if rows or inputs else []
    if by is not None:
        members: dict[Labels, list[int]] = {}
        for at, row in enumerate(rows):
            members.setdefault(by(row), []).append(at)
        groups += [group(labels, own, rows, ready) for labels, own in members.items()]
    named = list(inputs) or [InputRow(name, 1, 1, n) for name, n in Counter(row.input for row in rows).items()]
    order = sorted(range(len(rows)), key=lambda at: (-ready[at][0], at))[:10]
    slowest = tuple(
        Slow(rows[at].input, rows[at].index, rows[at].host, ready[at][0], _open(ready[at][1]), rows[at].cause)
        for at in order
    )
    ends = np.array(ready, dtype=np.float64).reshape(len(rows), 2)
    metric = Metric(np.arange(len(rows), dtype=np.int32), ends[:, 0], ends[:, 1])
    fleet = Fleet(
        tuple(named), len(rows), tuple(Counter(row.outcome for row in rows).most_common()), tuple(groups), slowest,
        tuple(outliers), repeated,
    )  # fmt: skip
    return FleetReport(fleet, Collection(tuple(rows), {"ready": metric} if rows else {}, tuple(named), repeated))


def group(by: Labels, members: Iterable[int], rows: Sequence[StartRow], ready: Sequence[tuple[float, float]]) -> Group:
    """A group of some of the rows."""
    at = list(members)
    own = [rows[n] for n in at]
    low, high = sorted(ready[n][0] for n in at), sorted(ready[n][1] for n in at)
    metrics = (
        (MetricSummary("ready", len(at), *(quantile(share, low, high) for share in (0.5, 0.9, 0.99))),) if at else ()
    )
    reasons = Counter(row.reason for row in own if row.reason)
    findings = Counter(finding for row in own for finding in row.findings)
    return Group(
        by,
        len(own),
        len({row.host for row in own}),
        tuple(Counter(row.outcome for row in own).most_common()),
        metrics,
        tuple(
            Reason(reason, n, len({row.host for row in own if row.reason == reason}))
            for reason, n in reasons.most_common()
        ),
        tuple(
            FindingCount(*found, n, len({row.host for row in own if found in row.findings}))
            for found, n in findings.most_common()
        ),
        tuple(at),
    )


def quantile(share: float, low: Sequence[float], high: Sequence[float]) -> Quantile:
    """The quantile of both curves."""
    at = max(0, int(np.ceil(share * len(low))) - 1)
    return Quantile(low[at], _open(high[at]))


def _open(value: float) -> float | None:
    return None if np.isinf(value) else float(value)
