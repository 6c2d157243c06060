"""``schedule`` beside an independent dynamic programme, over 42 distributions and three prices of a request.

``python benchmarks/schedule_dp.py [--points N]`` prints the table of docs/simulator-appendix.md. Nothing of the
product's arithmetic is used: survival is scipy's (or written down here), integrals are Gauss-Legendre between the
points, the programme compares every moment with every later one, and a schedule that the product gives is priced by
adding up its requests one after the other. A request costs 0.01, 0.1 and 1 medians of delay.

Exit code 1 when a cost is negative, or a schedule costs over 1 % more than the programme's, or something else than it
claims.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import stats

from analyzer.errors import UsageError
from analyzer.policies.vector import FloatArray
from analyzer.simulator import distribution as ours, schedule

PRICES = (0.01, 0.1, 1.0)
LIMIT = 0.01
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(6)


@dataclass(frozen=True, slots=True)
class Case:
    """``survival``: P(T > t) by another hand than ``dist``; ``breaks``: where it bends or jumps."""

    dist: ours.Distribution
    survival: Callable[[FloatArray], FloatArray]
    breaks: tuple[float, ...] = ()

    def quantiles(self, left: FloatArray) -> FloatArray:
        """The first moments with no more than ``left`` of the mass left."""
        low, high = np.zeros(len(left)), np.ones(len(left))
        while (self.survival(high) > left).any():
            high *= 2.0
        for _ in range(200):
            middle = (low + high) / 2.0
            over = self.survival(middle) > left
            low, high = np.where(over, middle, low), np.where(over, high, middle)
        return high

    def quantile(self, left: float) -> float:
        """One of them."""
        return float(self.quantiles(np.array([left]))[0])


def named(dist: ours.Distribution, frozen: object) -> Case:
    """One that both know."""
    return Case(dist, frozen.sf)  # type: ignore[attr-defined]


def made(name: str, frozen: object, horizon: float = 1e-10) -> Case:
    """One that the product gets as a function."""
    end = float(frozen.isf(horizon))  # type: ignore[attr-defined]
    return Case(ours.Distribution(name, frozen.sf, end, False), frozen.sf)  # type: ignore[attr-defined]


def mixed(name: str, parts: Sequence[tuple[float, object]], points: Sequence[tuple[float, float]] = ()) -> Case:
    """Weighted parts and point masses (weight, moment)."""

    def survival(t: FloatArray) -> FloatArray:
        t = np.asarray(t, dtype=float)
        smooth = sum(weight * frozen.sf(t) for weight, frozen in parts)  # type: ignore[attr-defined]
        return smooth + sum(weight * (t < at) for weight, at in points) + 0.0 * t

    ends = [float(frozen.isf(1e-10)) for _, frozen in parts] + [at for _, at in points]  # type: ignore[attr-defined]
    breaks = tuple(at for _, at in points)
    kinks = tuple(sorted(k for at in breaks for k in (at * (1 - 1e-9), at)))
    return Case(ours.Distribution(name, survival, max(ends), not parts, kinks), survival, breaks)


def sampled(name: str, values: FloatArray) -> Case:
    """``empirical`` of ``values``: 1/n between order statistics, the rest of a repeated one at itself."""
    at, count = np.unique(values, return_counts=True)
    n = len(values)

    def survival(t: FloatArray) -> FloatArray:
        t = np.asarray(t, dtype=float)
        line = np.interp(t, at, np.arange(len(at)) / n, left=0.0)
        jumps = count - np.concatenate(([0], np.ones(len(at) - 1)))
        return 1.0 - line - (jumps[None, :] * (t[..., None] >= at)).sum(axis=-1) / n

    return Case(replace(ours.empirical(values), name=name), survival, tuple(at.tolist()))


def cases() -> list[Case]:
    """All of them."""
    rng = np.random.default_rng(19)
    lognormal = lambda mu, sigma: stats.lognorm(sigma, scale=float(np.exp(mu)))  # noqa: E731
    weibull = lambda shape, scale: stats.weibull_min(shape, scale=scale)  # noqa: E731
    slow = lognormal(np.log(60), 0.4)
    return [
        named(ours.exponential(0.1), stats.expon(scale=10)),
        named(ours.uniform(0, 30), stats.uniform(0, 30)),
        named(ours.uniform(25, 30), stats.uniform(25, 5)),
        *(named(ours.lognormal(2, s), lognormal(2, s)) for s in (0.1, 0.25, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0)),
        *(named(ours.weibull(k, 20), weibull(k, 20)) for k in (0.2, 0.3, 0.5, 0.7, 1.0, 1.5, 2.0, 3.0, 5.0)),
        *(made(f"gamma:{k:g},5", stats.gamma(k, scale=5)) for k in (0.3, 0.5, 2.0, 5.0, 20.0)),
        mixed("9 in 10 lognormal:1.5,0.3, else lognormal:4.1,0.4", [(0.9, lognormal(1.5, 0.3)), (0.1, slow)]),
        mixed("half uniform:2,4, half uniform:40,50", [(0.5, stats.uniform(2, 2)), (0.5, stats.uniform(40, 10))]),
        mixed("half lognormal:2,0.5, half weibull:0.2,20", [(0.5, lognormal(2, 0.5)), (0.5, weibull(0.2, 20))]),
        mixed("99 in 100 weibull:3,5, else exponential:0.01", [(0.99, weibull(3, 5)), (0.01, stats.expon(scale=100))]),
        mixed("half exponential:0.2, half at 10", [(0.5, stats.expon(scale=5))], [(0.5, 10.0)]),
        mixed("three lognormals", [(0.4, lognormal(1, 0.2)), (0.4, lognormal(2.5, 0.2)), (0.2, lognormal(4, 0.2))]),
        mixed("all at 5", [], [(1.0, 5.0)]),
        mixed("half at 5, half at 9", [], [(0.5, 5.0), (0.5, 9.0)]),
        mixed("6 in 10 at 3, 3 at 10, 1 at 300", [], [(0.6, 3.0), (0.3, 10.0), (0.1, 300.0)]),
        *(sampled(f"{n} starts of lognormal:2,0.5", rng.lognormal(2, 0.5, n)) for n in (1, 2, 5, 20, 100)),
        sampled("30 starts of lognormal:2,2", rng.lognormal(2, 2, 30)),
        sampled("40 starts in whole seconds", np.ceil(rng.lognormal(2, 0.5, 40))),
        sampled("5000 starts of weibull:1.5,20", 20 * rng.weibull(1.5, 5000)),
    ]


def programme(case: Case, poll: float, points: int) -> float:
    """Least expected cost (a second of delay costs 1) of any schedule over a grid; D. P. from the last moment back."""
    far = case.quantile(1e-12)
    levels = case.quantiles(np.linspace(1.0, 0.0, 400)[1:-1])
    tail = case.quantiles(np.geomspace(1e-11, 0.5, 200))
    near = max(case.quantile(1 - 1e-6), far * 1e-12)
    share = (points - 600) // 4
    ends = case.quantiles(np.array([1e-2, 1e-4, 1e-6]))
    # Gaps of an optimal schedule grow like the root of time where the tail is heavy: even in the root of time.
    smooth = np.concatenate([np.geomspace(near, far, share), *(end * np.linspace(0, 1, share) ** 2 for end in ends)])
    at = np.unique(np.concatenate((smooth, levels, tail, case.breaks, [0.0, far])))
    at = at[at <= far]
    width = np.diff(at)
    inside = at[:-1, None] + width[:, None] * (1.0 + _NODES) / 2.0
    pieces = (case.survival(inside) * _WEIGHTS).sum(axis=1) * width / 2.0
    area = np.concatenate(([0.0], np.cumsum(pieces)))
    left = case.survival(at)
    value = np.zeros(len(at))
    for i in range(len(at) - 2, -1, -1):
        step = poll * left[i] + left[i] * (at[i + 1 :] - at[i]) - (area[i + 1 :] - area[i])
        value[i] = float((step + value[i + 1 :]).min())
    # Time 0 is no request: from there all mass is ahead, also what is ready at once.
    return float((poll + at - area + value).min())


def priced(case: Case, found: schedule.Schedule, poll: float) -> float:
    """What the schedule costs, request by request, until 1e-10 of the mass is left."""
    far = case.quantile(1e-10)
    times = np.asarray(found.times_s)
    if times[-1] < far:
        more = int(min((far - times[-1]) / found.tail_s + 2, 2e7))
        times = np.append(times, times[-1] + found.tail_s * np.arange(1.0, more + 1.0))
    at = np.concatenate(([0.0], times))
    left = np.concatenate(([1.0], case.survival(times)))
    edges = np.unique(np.concatenate((at[at < far], case.breaks, np.geomspace(far * 1e-12, far, 4000), [far])))
    edges = edges[edges <= far]
    width = np.diff(edges)
    inside = edges[:-1, None] + width[:, None] * (1.0 + _NODES) / 2.0
    mean = float(((case.survival(inside) * _WEIGHTS).sum(axis=1) * width).sum()) / 2.0
    return float(poll * left[:-1].sum() + (left[:-1] * np.diff(at)).sum() - mean)


@dataclass(frozen=True, slots=True)
class Row:
    """Of one distribution and price; costs in the unit of a second of delay."""

    name: str
    price: float
    best: float
    claimed: float
    real: float
    moments: int

    @property
    def wrong(self) -> bool:
        """Whether the schedule is off the optimum, or its cost is not what it says."""
        off = max(self.real / self.best, self.claimed / self.real, self.real / self.claimed) - 1.0
        return self.claimed <= 0 or off > LIMIT


def compared(case: Case, price: float, points: int) -> Row | str:
    """One row, or why the product refuses."""
    poll = price * max(case.quantile(0.5), 1e-9)
    try:
        found = schedule.optimal(case.dist, schedule.Costs(poll, 1.0))
    except UsageError as error:
        return f"{case.dist.name} at {price:g}: refused: {error}"
    # Thousands of moments need a grid that has several points to each of their gaps.
    best = programme(case, poll, points if len(found.times_s) < 400 else 3 * points)
    real = priced(case, found, poll)
    return Row(case.dist.name, price, best, found.expected_cost, real, len(found.times_s))


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--points", type=int, default=16000, help="of the programme's grid")
    options = parser.parse_args(arguments)
    wrong, every = 0, []
    print("| readiness | cost over the programme's, request at 0.01, 0.1, 1 medians | claimed over real | moments |")
    print("|---|---|---|---|")
    for case in cases():
        found = [compared(case, price, options.points) for price in PRICES]
        rows = [row for row in found if isinstance(row, Row)]
        every += rows
        for refused in (row for row in found if isinstance(row, str)):
            print(refused, file=sys.stderr)
        off = ", ".join(f"{100 * (row.real / row.best - 1):+.2f} %" for row in rows)
        claimed = ", ".join(f"{100 * (row.claimed / row.real - 1):+.2f} %" for row in rows)
        print(f"| {case.dist.name} | {off} | {claimed} | {', '.join(str(row.moments) for row in rows)} |", flush=True)
        wrong += sum(row.wrong for row in rows)
    worst = max(row.real / row.best for row in every)
    print(f"\n{len(every)} schedules, the worst {100 * (worst - 1):+.2f} %, {wrong} wrong", file=sys.stderr)
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
