"""How a start under way compares with earlier ones: counts and quantiles as bounds, as far as their windows allow."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from analyzer.analysis.start_key import start_key
from analyzer.collection.model import CHECK, GOAL_METRICS, Bounds, Collection, StartRow
from analyzer.events.versions import parse_version
from analyzer.results import StartReport
from analyzer.stats.quantiles import bounds
from analyzer.watching.compared import SERVE, Compared

ENOUGH = 5  # starts of the same minor release: then only those are compared with
_SHARE = 0.9  # of the starts: by when so many had come
_TO_SERVE = frozenset({"extract", "datastore", "certificates", "containerd", "apiserver_boot", "server"})


@dataclass(frozen=True, slots=True)
class _Earlier:
    row: StartRow
    goal: Bounds
    serving_s: float  # it certainly did not serve before
    checks: Mapping[str, float] = field(default_factory=dict)  # how long after serving each certainly was failing


class History:
    """Earlier starts, by one goal of theirs."""

    def __init__(self, collection: Collection, goal: str | None = None) -> None:
        self.goal = "api" if goal in (None, "ready", "end") else goal
        by_start: defaultdict[int, dict[str, Bounds]] = defaultdict(dict)
        for name, metric in collection.metrics.items():
            for at, least, most in zip(metric.at.tolist(), metric.least.tolist(), metric.most.tolist(), strict=True):
                by_start[at][name] = (least, most)
        wanted = GOAL_METRICS[self.goal]
        self._starts = [
            _earlier(collection.starts[at], metrics, metrics[wanted])
            for at, metrics in sorted(by_start.items())
            if wanted in metrics
        ]

    def __len__(self) -> int:
        return len(self._starts)

    def at(self, start: StartReport, at_s: float) -> Compared | None:
        """What earlier starts like this one had so long after their begin; ``None``: there is none."""
        like = self._like(start)
        if not like:
            return None
        ends = [one.goal for one in like]
        half, nine = bounds([least for least, _ in ends], [most for _, most in ends], (0.5, _SHARE))
        lacked = Counter(name for one in like if one.goal[0] >= at_s for name in _lacked(one, at_s))
        return Compared(
            at_s=at_s,
            goal=self.goal,
            starts=len(like),
            least=sum(most <= at_s for _, most in ends),
            most=sum(least < at_s for least, _ in ends),
            lacked=tuple(lacked.most_common()),
            half_s=half,
            nine_s=nine,
        )

    def _like(self, start: StartReport) -> Sequence[_Earlier]:
        """Other starts of the same role, and of the same minor release where there are enough."""
        own = start_key(start)
        same = [one for one in self._starts if one.row.key != own and _fits(one.row, start)]
        version = parse_version(start.version)
        minor = None if version is None else f"{version.major}.{version.minor}"
        closer = [one for one in same if minor is not None and one.row.kubernetes == minor]
        return closer if len(closer) >= ENOUGH else same


def _fits(row: StartRow, start: StartReport) -> bool:
    pairs = ((row.product, start.product), (row.role, start.role))
    return all(mine == theirs or "unknown" in (mine, theirs) for mine, theirs in pairs)


def _earlier(row: StartRow, metrics: Mapping[str, Bounds], goal: Bounds) -> _Earlier:
    serving = sum(least for name, (least, _) in metrics.items() if _TO_SERVE.issuperset(name.split("+")))
    checks = {name.removeprefix(CHECK): least for name, (least, _) in metrics.items() if name.startswith(CHECK)}
    return _Earlier(row, goal, serving, checks)


def _lacked(one: _Earlier, at_s: float) -> list[str]:
    """What a start certainly lacked at a moment: it did not serve, or these checks were failing."""
    if one.serving_s >= at_s:
        return [SERVE]
    return [name for name, failing_s in one.checks.items() if failing_s > 0 and one.serving_s + failing_s >= at_s]


def finite(value: float) -> float | None:
    """``None`` for a moment that never came."""
    return value if math.isfinite(value) else None
