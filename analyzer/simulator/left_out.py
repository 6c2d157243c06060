"""What a schedule made from observed starts costs in starts that took no part in making it.

A schedule fitted to some starts looks right behind each of them: what it would have cost in those very starts says
little of the next one. So each start (beyond twenty: each twentieth of them) is left out once, a schedule is made from
the pooled curve of the others, and priced in the window of the one left out.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from analyzer.policies.vector import FloatArray
from analyzer.simulator import schedule as sched
from analyzer.simulator.distribution import of_curve
from analyzer.stats.normal import student_deviations
from analyzer.stats.turnbull import turnbull

MOST_FOLDS = 20
FEWEST = 2  # of starts that became ready: one to learn from, one to judge on


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Means over the ``starts`` that became ready, each judged by a schedule of others. ``cost_low`` to ``cost_high``:
    95 % of the mean, by Student's distribution (``None`` with fewer than three starts). ``never``: starts that were not
    seen ready, in no mean; ``never_polls``: the mean number of requests in them until their logs end."""

    starts: int
    folds: int
    expected_polls: float
    expected_delay_s: float
    expected_cost: float
    cost_low: float | None
    cost_high: float | None
    never: int
    never_polls: float | None


def judged(low: FloatArray, high: FloatArray, costs: sched.Costs) -> LeftOut | None:
    """Windows of readiness ``(low, high]``, +inf where none was seen; ``None`` with too few that became ready."""
    ready = np.flatnonzero(np.isfinite(high))
    never = np.flatnonzero(~np.isfinite(high))
    if len(ready) < FEWEST:
        return None
    folds = min(len(ready), MOST_FOLDS)
    fold = np.zeros(len(low), dtype=int)
    fold[ready] = np.arange(len(ready)) % folds
    fold[never] = np.arange(len(never)) % folds
    rows: list[tuple[float, float, float]] = []
    asked: list[int] = []
    for out in range(folds):
        others, left = fold != out, np.flatnonzero(fold == out)
        if not np.isfinite(high[others]).any():
            continue
        curve = turnbull(low[others], high[others])
        made = sched.optimal(of_curve(curve.edges, curve.mass, "others"), costs)
        for start in left:
            if not math.isfinite(high[start]):
                asked.append(_departures(made, float(low[start])))
                continue
            window = of_curve(np.array([[low[start], high[start]]]), np.ones(1), "one start")
            one = sched.evaluate(np.asarray(made.times_s), window, costs, tail_s=made.tail_s)
            rows.append((one.expected_polls, one.expected_delay_s, one.expected_cost))
    polls, delay, cost = (float(v) for v in np.mean(rows, axis=0))
    spread = float(np.std([row[2] for row in rows], ddof=1)) / math.sqrt(len(rows))
    half = student_deviations(0.025, len(rows) - 1) * spread if len(rows) > 2 else None
    return LeftOut(
        starts=len(rows),
        folds=folds,
        expected_polls=polls,
        expected_delay_s=delay,
        expected_cost=cost,
        cost_low=None if half is None else max(0.0, cost - half),
        cost_high=None if half is None else cost + half,
        never=len(never),
        never_polls=float(np.mean(asked)) if asked else None,
    )


def _departures(made: sched.Schedule, until_s: float) -> int:
    """How many requests leave until then."""
    listed = int(np.searchsorted(made.times_s, until_s, side="right"))
    beyond_s = until_s - made.times_s[-1]
    return listed + max(0, math.floor(beyond_s / made.tail_s))
