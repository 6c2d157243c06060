"""Hand-made comparisons and histories, one for each kind of thing a report of them must be able to say."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np

from analyzer.collection.model import Collection, InputRow, Labels, Metric, StartRow
from analyzer.comparison.model import (
    Change,
    Compared,
    Comparison,
    Decision,
    DesignNote,
    History,
    Limit,
    MetricComparison,
    Observed,
    OneSided,
    Point,
    Side,
)
from analyzer.stats.difference import Interval, Verdict, verdict
from tests.kit import made_fleets

Ends = tuple[float, float]
OLD, NEW = "v1.32.4+k3s1", "v1.33.1+k3s1"
ONE_AFTER_OTHER = DesignNote(
    "one_after_other",
    "All starts of new after base: whatever else changed in between is in the difference. Alternate the sides to be "
    "sure.",
)
ROLES = "check:poststarthook/rbac/bootstrap-roles"


def metric(
    id: str,
    base: Ends,
    new: Ends,
    difference: Ends,
    relative: Ends | None = None,
    n: tuple[int, int] = (20, 20),
    **changes: Any,
) -> MetricComparison:
    """One metric; the verdict is that of its interval."""
    interval = Interval(*difference)
    said: Verdict = verdict(interval, changes.pop("limit", None))
    made = MetricComparison(
        id, "s", Observed(n[0], *base), Observed(n[1], *new), interval,
        None if relative is None else Interval(*relative), said, 0.96, 0.0002 if said in ("slower", "faster") else 0.4,
    )  # fmt: skip
    return replace(made, **changes)


def collection(
    name: str,
    ready: Sequence[Ends],
    *,
    version: str = OLD,
    hosts: int = 1,
    goal: str = "ready",
    role: str = "server",
    day: int = 0,
) -> Collection:
    """Starts with these windows of their goal; an infinite end is one that failed."""
    rows = []
    for at, (_, most) in enumerate(ready):
        made = made_fleets.start(
            f"logs/{name}/{at}.log", at // hosts + 1, f"{name}-{at % hosts}", version=version,
            outcome="failed" if math.isinf(most) else "ready",
        )  # fmt: skip
        reason = made_fleets.REASONS[0] if math.isinf(most) else ""
        rows.append(
            replace(made, role=role, reason=reason, began_at=made_fleets.BEGAN + timedelta(days=day, minutes=at))
        )
    return collected(rows, {goal: ready})


def collected(rows: Sequence[StartRow], metrics: dict[str, Sequence[Ends]]) -> Collection:
    """A collection of rows; every metric has a window for each of them."""
    made = {}
    for name, ends in metrics.items():
        pairs = np.array(ends, dtype=np.float64).reshape(len(ends), 2)
        made[name] = Metric(np.arange(len(ends), dtype=np.int32), pairs[:, 0], pairs[:, 1])
    inputs = tuple(InputRow(input, 9000, 1, n) for input, n in Counter(row.input for row in rows).items())
    return Collection(tuple(rows), made, inputs)


def windows(first: float, step: float = 0.2, n: int = 20, width: float = 0.2, never: int = 0) -> list[Ends]:
    """``n`` windows from ``first`` on, the last ``never`` of them without an end."""
    found = [(first + step * at, first + step * at + width) for at in range(n - never)]
    return [*found, *((30.0, math.inf) for _ in range(never))]


def side(label: str, starts: Collection) -> Side:
    """One side of a comparison of a collection."""
    outcomes = Counter(row.outcome for row in starts.starts)
    versions = tuple(sorted({row.version for row in starts.starts if row.version}))
    return Side(label, len(starts.starts), len({row.host for row in starts.starts}), tuple(outcomes.items()), versions)


def compared(
    base: Collection,
    new: Collection,
    metrics: Sequence[MetricComparison],
    labels: tuple[str, str] = ("v1.32.4", "v1.33.1"),
    limit: Limit | None = None,
    **changes: Sequence[Any],
) -> Compared:
    """The comparison of two collections by these metrics, of which the first is the goal."""
    decisions = {one.decision for one in metrics}
    worst: tuple[Decision, ...] = ("over", "undecided", "within")
    decision = next((one for one in worst if one in decisions), "undecided") if limit else None
    made = Comparison(
        side(labels[0], base), side(labels[1], new), "median", 0.95, limit, metrics[0].id if metrics else None,
        tuple(metrics), decision=decision,
    )  # fmt: skip
    return Compared(replace(made, **{name: tuple(value) for name, value in changes.items()}), base, new)


# --- the kinds


def slower() -> Compared:
    """Certainly later, with phases and checks that say where, a failure, and things that one side alone has."""
    metrics = [
        metric("ready", (9.3, 9.5), (11.7, 11.9), (1.8, 2.9), (0.18, 0.31), p_value=1e-5),
        metric("node", (12.0, 12.3), (14.2, 14.5), (1.1, 3.4), (0.08, 0.29), confidence=0.998),
        metric("polling_tax", (0.1, 1.9), (0.1, 1.9), (-1.9, 1.9), (-1.0, 7.0), confidence=0.99),
        metric("datastore", (1.2, 1.3), (1.2, 1.4), (-0.2, 0.4), (-0.15, 0.3), confidence=0.99),
        metric("apiserver_boot", (3.1, 3.2), (3.0, 3.2), (-0.3, 0.2), (-0.09, 0.07), confidence=0.99),
        metric("hooks", (4.0, 4.4), (6.4, 6.8), (1.7, 3.1), (0.38, 0.8), confidence=0.998),
        metric("failed", (0.0, 0.0), (0.15, 0.15), (-0.02, 0.37), unit="share", confidence=0.99),
        metric(ROLES, (3.2, 4.2), (5.6, 6.7), (1.3, 3.5), (0.3, 1.1), confidence=0.998),
        metric("check:etcd", (0.4, 0.9), (0.1, 0.2), (-0.9, -0.1), (-0.9, -0.3), confidence=0.998),
        metric("check:ping", (0.0, 0.2), (0.0, 0.2), (-0.2, 0.2), None, confidence=0.99),
    ]
    return compared(
        collection("old", windows(7.4)), collection("new", windows(9.8, never=3), version=NEW), metrics,
        design=[ONE_AFTER_OTHER], only_base=[OneSided("check", "poststarthook/start-legacy-token-tracking", 20)],
        only_new=[OneSided("check", "poststarthook/kubernetes-service-cidr-controller", 20),
                  OneSided("reason", made_fleets.REASONS[0], 3)],
    )  # fmt: skip


def faster() -> Compared:
    """Certainly earlier."""
    metrics = [
        metric("ready", (11.7, 11.9), (9.3, 9.5), (-2.9, -1.8), (-0.24, -0.15)),
        metric("hooks", (6.4, 6.8), (4.0, 4.4), (-3.1, -1.7), (-0.44, -0.27)),
    ]
    return compared(collection("old", windows(9.8)), collection("new", windows(7.4), version=NEW), metrics)


def undecided() -> Compared:
    """Nothing can be shown of wide windows; how many starts would."""
    metrics = [
        metric("ready", (9.3, 10.4), (9.7, 10.8), (-1.2, 2.0), (-0.12, 0.21), needed=60, detectable=1.87),
        metric("hooks", (4.0, 5.4), (4.2, 5.6), (-1.7, 2.1), (-0.4, 0.5)),
    ]
    new = collection("new", windows(8.8, 0.1, width=1.0), version=NEW)
    return compared(collection("old", windows(8.4, 0.1, width=1.0)), new, metrics)


def never_decided() -> Compared:
    """Nothing can be shown, and no number of starts would do."""
    one = metric("ready", (9.3, 11.4), (9.4, 11.5), (-2.6, 2.8), (-0.3, 0.3), detectable=None)
    return compared(collection("old", windows(8.4, 0.1, width=2)), collection("new", windows(8.5, 0.1, width=2)), [one])


def same() -> Compared:
    """Within ± 2 s, which is the limit."""
    one = metric("ready", (9.3, 9.5), (9.5, 9.7), (-0.4, 1.2), (-0.04, 0.13), limit=2.0, decision="within")
    return compared(
        collection("old", windows(7.4)), collection("new", windows(7.6), version=NEW), [one], limit=Limit(2.0)
    )


def over() -> Compared:
    """Certainly over the limit of 10 %."""
    found = slower()
    first, *others = found.comparison.metrics
    metrics = (replace(first, decision="over"), *others)
    changed = replace(found.comparison, metrics=metrics, limit=Limit(0.1, relative=True), decision="over")
    return replace(found, comparison=changed)


def within() -> Compared:
    """Certainly later, but not by more than the limit."""
    found = slower()
    first, *others = found.comparison.metrics
    metrics = (replace(first, decision="within"), *others)
    return replace(found, comparison=replace(found.comparison, metrics=metrics, limit=Limit(5.0), decision="within"))


def limit_open() -> Compared:
    """Later, but whether by more than 2 s nobody can tell."""
    found = slower()
    first, *others = found.comparison.metrics
    metrics = (replace(first, decision="undecided", needed=80, detectable=1.1), *others)
    return replace(found, comparison=replace(found.comparison, metrics=metrics, limit=Limit(2.0), decision="undecided"))


def few() -> Compared:
    """Three starts against three, which never decide anything."""
    one = metric(
        "ready", (9.3, 9.5), (15.7, 15.9), (-math.inf, math.inf), (-math.inf, math.inf), n=(3, 3), few=True, needed=5,
        p_value=0.1,
    )  # fmt: skip
    note = DesignNote("few_starts", "Few starts: base has 3 starts and new has 3 starts; take at least 5 a side.")
    return compared(
        collection("old", windows(9.0, n=3)), collection("new", windows(15.5, n=3), version=NEW), [one], design=[note]
    )


def all_failed() -> Compared:
    """The new side is never ready."""
    metrics = [
        metric("ready", (9.3, 9.5), (math.inf, math.inf), (math.inf, math.inf), (math.inf, math.inf), p_value=1e-9),
        metric("failed", (0.0, 0.0), (1.0, 1.0), (0.76, 1.0), unit="share", confidence=0.99, p_value=1e-9),
    ]
    return compared(
        collection("old", windows(7.4)), collection("new", windows(9.8, never=20), version=NEW), metrics,
        only_new=[OneSided("reason", made_fleets.REASONS[0], 20)],
    )  # fmt: skip


def half_failed() -> Compared:
    """So many starts never ready that the interval has no upper end."""
    metrics = [
        metric("ready", (9.3, 9.5), (11.7, math.inf), (0.6, math.inf), (0.06, math.inf)),
        metric("failed", (0.05, 0.05), (0.45, 0.45), (0.13, 0.62), unit="share", confidence=0.99),
        metric("hooks", (4.0, 4.4), (4.4, math.inf), (-math.inf, math.inf), (-math.inf, math.inf), confidence=0.99),
    ]
    return compared(
        collection("old", windows(7.4, never=1)), collection("new", windows(9.8, never=9), version=NEW), metrics
    )


def no_goal() -> Compared:
    """Servers against agents: only a share is on both sides."""
    share = metric("failed", (0.0, 0.0), (0.05, 0.05), (-0.12, 0.24), unit="share", needed=410)
    return compared(
        collection("servers", windows(7.4)), collection("agents", windows(9.8, never=1), goal="node", role="agent"),
        [share], labels=("servers", "agents"),
    )  # fmt: skip


def nothing_in_common() -> Compared:
    """Not one metric on both sides, as only one that is not there was asked for."""
    return compared(collection("old", windows(7.4)), collection("new", windows(9.8)), [])


def not_there() -> Compared:
    """A limit for a metric that one side has not."""
    return compared(collection("old", windows(7.4)), collection("new", windows(9.8)), [], limit=Limit(2.0),
                    design=[DesignNote("not_there", "No start on either side has images.")])  # fmt: skip


def hidden() -> Compared:
    """The goal is undecided; more starts fail, and phases and checks are certainly longer."""
    metrics = [
        metric("ready", (9.3, 10.4), (9.7, 10.8), (-1.2, 2.0), (-0.12, 0.21), needed=60, detectable=1.87),
        metric("hooks", (4.0, 4.4), (6.4, 6.8), (1.7, 3.1), (0.38, 0.8), confidence=0.998),
        metric("datastore", (1.2, 1.3), (1.2, 1.4), (0.004, 0.4), (0.003, 0.3), confidence=0.998),
        metric("failed", (0.05, 0.05), (0.45, 0.45), (0.13, 0.62), unit="share", confidence=0.99),
        metric("restarts", (0, 0), (1, 1), (1, 2), unit="count", confidence=0.99),
    ]
    return compared(
        collection("old", windows(8.4, 0.1, width=1.0, never=1)),
        collection("new", windows(8.8, 0.1, width=1.0, never=9), version=NEW), metrics, labels=("logs/old", "logs/new"),
    )  # fmt: skip


def agents() -> Compared:
    """Only agents, whose goal is their node."""
    metrics = [
        metric("node", (3.3, 3.5), (4.7, 4.9), (1.1, 1.6), (0.31, 0.49)),
        metric("server", (1.3, 1.5), (2.7, 2.9), (1.1, 1.6), (0.7, 1.2), confidence=0.998),
    ]
    return compared(
        collection("old", windows(2.0), goal="node", role="agent", hosts=4),
        collection("new", windows(3.4, never=2), version=NEW, goal="node", role="agent", hosts=4), metrics,
    )  # fmt: skip


def many() -> Compared:
    """Two hundred metrics, sixty of which differ."""
    metrics = [metric("ready", (9.3, 9.5), (11.7, 11.9), (1.8, 2.9), (0.18, 0.31))]
    for at in range(200):
        low = 0.1 * at - 0.9 if at % 3 == 0 else -1.0
        metrics.append(metric(f"check:poststarthook/number-{at}", (1, 2), (2, 3), (low, low + 2.0), confidence=0.999))
    only = [OneSided("check", f"poststarthook/alone-{at}", at) for at in range(40, 0, -1)]
    notes = [DesignNote(f"note_{at}", f"Warning {at} of the design, which is long enough for two lines of text on a "
                        "terminal of eighty columns.") for at in range(9)]  # fmt: skip
    old = collection("old", windows(7.4), hosts=20)
    new = collection("new", windows(9.8, never=3), version=NEW, hosts=20)
    return compared(old, new, metrics, design=notes, only_base=only, only_new=only)


def days() -> Compared:
    """Starts of hours and of milliseconds beside each other."""
    metrics = [
        metric("ready", (86400.2, 90000.4), (172800.2, 180000.4), (82800.1, 93600.6), (0.92, 1.1)),
        metric("hooks", (0.0012, 0.0014), (0.0023, 0.0025), (0.0009, 0.0013), (0.6, 1.1), confidence=0.99958),
    ]
    return compared(
        collection("old", [(86400.2, 90000.4)] * 20),
        collection("new", [(172800.2, 180000.4)] * 20, version=NEW),
        metrics,
    )


def hostile(text: str) -> Compared:
    """Every text that a log, a path or a user can fill is ``text``."""
    rows = [
        replace(
            made_fleets.start(f"{text}{n}", 1, text if n else None, version=text, outcome=("ready", "failed")[n % 2]),
            key=f"{n}", unit=text, kubernetes=text, reason=text, cause=text, cause_words=text,
            findings=((text, "critical"),), labels=((text, text), ("site", text)),
        )
        for n in range(4)
    ]  # fmt: skip
    ends = [(1.0, 2.0), (3.0, math.inf), (2.0, 4.0), (3.0, math.inf)]
    whole = collected(rows, {"ready": ends, f"check:{text}": ends, text: ends})
    metrics = [
        metric("ready", (9.3, 9.5), (11.7, 11.9), (1.8, 2.9), (0.18, 0.31), n=(4, 4)),
        metric(f"check:{text}", (1, 2), (2, 3), (0.5, 1.5), n=(4, 4)),
        metric(text, (1, 2), (2, 3), (-0.5, 1.5), n=(4, 4), needed=7),
    ]
    only = [OneSided("check", text, 3), OneSided("phase", text, 2), OneSided("reason", text, 1)]
    return compared(
        whole, whole, metrics, labels=(text, f"{text}2"), design=[DesignNote("x", text), DesignNote(text, text)],
        only_base=only, only_new=only,
    )  # fmt: skip


def made() -> dict[str, Compared]:
    """All of them but the hostile ones."""
    kinds = (
        slower, faster, undecided, never_decided, same, over, within, limit_open, few, all_failed, half_failed, no_goal,
        nothing_in_common, not_there, hidden, agents, many, days,
    )  # fmt: skip
    return {kind.__name__.replace("_", " "): kind() for kind in kinds}


# --- histories

RELEASES = ("v1.31.8+k3s1", "v1.32.2+k3s1", "v1.32.4+k3s1", "v1.33.1+k3s1", "v1.33.4+k3s1")


def trend() -> History:
    """Five releases, of which the fourth is slower and the fifth as slow as it."""
    groups = [
        collection(f"r{at}", windows(7.4 if at < 3 else 9.8, never=at == 3), version=version, day=at)
        for at, version in enumerate(RELEASES)
    ]
    medians = [(9.3, 9.5), (9.3, 9.5), (9.2, 9.4), (11.7, 11.9), (11.6, 11.8)]
    shifts = [(-0.9, 1.0), (-1.0, 0.8), (1.8, 3.1), (-1.1, 1.2)]
    points = tuple(
        Point(
            (("version", version),), side(version, group), Observed(20, *ends), Interval(ends[0] - 0.6, ends[1] + 0.7)
        )
        for version, group, ends in zip(RELEASES, groups, medians, strict=True)
    )
    steps = tuple(
        compared(
            groups[at], groups[at + 1],
            [metric("ready", medians[at], medians[at + 1], shifts[at], (shifts[at][0] / 9.4, shifts[at][1] / 9.4)),
             metric("hooks", medians[at], medians[at + 1], shifts[at])],
            labels=(RELEASES[at], RELEASES[at + 1]),
        )
        for at in range(4)
    )  # fmt: skip
    return History(("version",), "ready", points, steps, left_out=2)


def long_trend(n: int = 90) -> History:
    """More groups than lines."""
    group = collection("r", windows(7.4))
    points = tuple(
        Point(
            (("day", f"2026-03-{at:02d}"),),
            side(f"2026-03-{at:02d}", group),
            Observed(20, 9.3, 9.5),
            Interval(8.7, 10.2),
        )
        for at in range(n)
    )
    steps = tuple(
        compared(
            group, group,
            [metric("ready", (9.3, 9.5), (9.3, 9.5), (1.0 + at, 2.0 + at) if at % 9 == 4 else (-1.0, 1.0))],
            labels=(points[at].side.label, points[at + 1].side.label),
        )
        for at in range(n - 1)
    )  # fmt: skip
    return History(("day",), "ready", points, steps)


def one_group() -> History:
    """A trend of a single group."""
    first = trend()
    return replace(first, points=first.points[:1], steps=())


def changes() -> History:
    """Three hosts of fifty that changed, one for the better."""
    found = slower().comparison
    better = faster().comparison
    made = (
        change("node-203", found, 0.0004, ("The release is v1.33.1+k3s1, before v1.32.4+k3s1.",)),
        change("node-017", found, 0.00002, ("The release is v1.33.1+k3s1, before v1.32.4+k3s1.",
                                           "New finding: the disk answers slowly (12 of 14 starts).")),
        change("node-111", better, 0.003, ()),
    )  # fmt: skip
    return History((), "ready", (), (), made, 44, 3, 1)


def change(host: str, comparison: Comparison, p_value: float, changed: tuple[str, ...] = ()) -> Change:
    """A change of a host between its 12th and its 13th start."""
    base, new = replace(comparison.base, label="before"), replace(comparison.new, label="after")
    return Change(
        host, "ready", f"logs/{host}.log:12", f"logs/{host}.log:13", "2026-03-01T06:03:22+00:00",
        "2026-03-04T07:00:01+00:00", replace(comparison, base=base, new=new), p_value, changed,
    )  # fmt: skip


def no_changes() -> History:
    """No host changed."""
    return History((), "ready", (), (), (), 47, 3)


def many_changes() -> History:
    """More changes than lines."""
    found = slower().comparison
    sentences = ("The release is v1.33.1+k3s1, before v1.32.4+k3s1.", "New finding: the disk answers slowly.") * 3
    return History(
        (), "ready", (), (), tuple(change(f"node-{n:03d}", found, 0.0001 * (n + 1), sentences) for n in range(80)), 9, 3
    )


def hostile_history(text: str) -> History:
    """Every text that a log, a path or a user can fill is ``text``, in a trend and in changes."""
    one = hostile(text)
    label: Labels = ((text, text), ("site", text))
    point = Point(label, side(text, one.base), Observed(4, 1.0, 2.0), Interval(0.5, 3.0))
    found = replace(
        change(text, one.comparison, 0.001, (text, text)),
        before=f"{text}:1",
        after=f"{text}:2",
        before_at=text,
        after_at=text,
    )
    return History((text, "site"), "ready", (point, point), (one,), (found, found), 1, 1)


def histories() -> dict[str, History]:
    """All of them but the hostile ones."""
    kinds = (trend, long_trend, one_group, changes, no_changes, many_changes)
    return {kind.__name__.replace("_", " "): kind() for kind in kinds}
