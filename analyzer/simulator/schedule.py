"""The optimal checking schedule: when to ask, when all that is known is the distribution of readiness.

The inspection problem of Barlow, Hunter and Proschan (1963, J. SIAM 11:1078): readiness T has survival S; a request
costs C, each second between T and the request that notices it costs D. For moments x1 < x2 < … the expected cost is

    Σ_{k≥0}  C·S(x_k) + D·( S(x_k)·(x_{k+1} − x_k) − ∫ S dt over (x_k, x_{k+1}) )        with x_0 the begin, S(x_0) = 1.

Every term is at least 0. The sum falls apart at every x_k, so a shortest path over a grid of moments is optimal on that
grid. The grid follows the distribution: points at its quantiles and in its tail, and everywhere several to each gap
that an optimal schedule has, near sqrt(2·C / (D·hazard)). It is refined around the moments found.

Extensions used here: a least gap between requests, and a request that takes time (the next cannot leave earlier).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from analyzer.errors import UsageError
from analyzer.policies.kinds.optimal import Optimal
from analyzer.policies.vector import FloatArray
from analyzer.simulator.distribution import Distribution

MOST_MOMENTS = 20_000
TOLERANCE = 1e-3  # an endless schedule is listed until a constant gap after it costs this much more
_WRONG = 5e-3  # a schedule whose cost moves by more on finer knots is not given
_CUT = 1e-3  # an endless schedule is listed at least until this much of the mass is left
_FEW = 2000  # kinks that are worth a point each
_POINTS = (512, 60_000)  # of the grid, besides quantiles and tail
_PER_GAP = 24
_ROUNDS = 7
_NOTHING, _TIES = 1e-6, 3


@dataclass(frozen=True, slots=True)
class Costs:
    """``poll``: of one request; ``delay``: of one second of not noticing; ``min_gap_s`` between departures;
    ``request_s``: how long a request takes."""

    poll: float
    delay: float
    min_gap_s: float = 0.0
    request_s: float = 0.0

    def __post_init__(self) -> None:
        bad = [v for v in (self.poll, self.delay, self.min_gap_s, self.request_s) if not (v >= 0 and math.isfinite(v))]
        if bad or self.poll <= 0 or self.delay <= 0:
            raise UsageError(
                "costs must be finite and above 0, times not negative", hint="Give --poll-cost and --delay-cost."
            )

    @property
    def gap_s(self) -> float:
        """Least seconds from one departure to the next."""
        return max(self.min_gap_s, self.request_s)


@dataclass(frozen=True, slots=True)
class Schedule:
    """``times_s``: departures. ``tail_s``: gap to go on with after the last. Expectations follow the cost model."""

    times_s: tuple[float, ...]
    tail_s: float
    expected_polls: float
    expected_delay_s: float
    expected_cost: float

    def policy(self) -> Optimal:
        """The poller that follows it."""
        return Optimal(self.times_s, max(self.tail_s, 0.1))


@dataclass(frozen=True, slots=True)
class Shape:
    """A distribution as straight pieces between knots, so that every integral over it is exact and never negative.

    ``left[i]``: probability of not being ready at ``at[i]``; 0 at the last knot, the horizon. ``rest[i]``: the
    integral of that from there to the horizon.
    """

    dist: Distribution
    at: FloatArray
    left: FloatArray
    rest: FloatArray

    @classmethod
    def of(cls, dist: Distribution) -> Shape:
        """Knots where the distribution bends: close in its body, close (by logarithm) in its tail and its begin."""
        end = dist.horizon_s
        clock = (np.linspace(0.0, end, 513), end * np.geomspace(1e-15, 1.0, 512), np.asarray(dist.kinks, dtype=float))
        at = np.unique(np.concatenate(clock))
        left = dist.survival(at)
        for _ in range(80):
            fall = left[:-1] - left[1:]
            wide = (fall > 2.5e-4) | ((fall > 0.02 * left[:-1]) & (left[:-1] > 1e-9))
            split = np.flatnonzero(wide & (np.diff(at) > 1e-12 * at[1:]))
            if not len(split):
                break
            middle = (at[split] + at[split + 1]) / 2.0
            at = np.insert(at, split + 1, middle)
            left = np.insert(left, split + 1, dist.survival(middle))
        return cls._with(dist, at, left)

    @classmethod
    def _with(cls, dist: Distribution, at: FloatArray, left: FloatArray) -> Shape:
        left = (np.minimum.accumulate(left) - left[-1]) / (left[0] - left[-1])  # the horizon is certain
        pieces = (left[1:] + left[:-1]) * 0.5 * np.diff(at)
        return cls(dist, at, left, np.append(np.cumsum(pieces[::-1])[::-1], 0.0))

    def finer(self) -> Shape:
        """With another knot in the middle of every piece."""
        middle = (self.at[1:] + self.at[:-1]) / 2.0
        at = np.unique(np.concatenate((self.at, middle)))
        return Shape._with(self.dist, at, self.dist.survival(at))

    def points(self, t: FloatArray) -> tuple[FloatArray, FloatArray]:
        """``left`` and ``rest`` at any moments up to the horizon."""
        i = np.clip(np.searchsorted(self.at, t, side="right") - 1, 0, len(self.at) - 2)
        width = self.at[i + 1] - self.at[i]
        share = np.clip((t - self.at[i]) / width, 0.0, 1.0)
        left = self.left[i] + share * (self.left[i + 1] - self.left[i])
        return left, self.rest[i + 1] + (1.0 - share) * width * 0.5 * (left + self.left[i + 1])

    def ticks(self, begin_s: float, gap_s: float) -> float:
        """Sum of ``left`` over ``begin_s``, ``begin_s + gap_s``, … up to the horizon."""
        at = self.at[max(0, int(np.searchsorted(self.at, begin_s, side="right")) - 1) :]
        first = np.maximum(np.ceil((at - begin_s) / gap_s), 0.0)  # the first tick at or after each knot
        count = np.diff(first)
        some = count > 0
        low, high = first[:-1][some] * gap_s + begin_s, (first[1:][some] - 1.0) * gap_s + begin_s
        return float((count[some] * (self.points(low)[0] + self.points(high)[0])).sum() / 2.0)

    def gaps(self, costs: Costs) -> FloatArray:
        """About how many gaps an optimal schedule has in each piece."""
        lasting = np.maximum(self.left, 1e-13)
        width = np.diff(self.at)
        hazard = np.log(lasting[:-1] / lasting[1:])  # over the whole piece
        count = np.sqrt(hazard * width * costs.delay / (2.0 * costs.poll))
        return np.minimum(count, width / costs.gap_s) if costs.gap_s > 0 else count


def _grid(shape: Shape, costs: Costs, *, rough: bool) -> FloatArray:
    """Moments to choose from. Raises ``UsageError`` when the schedule would be too long."""
    gaps = shape.gaps(costs)
    listed = gaps[shape.left[:-1] > _CUT].sum() if not shape.dist.bounded else gaps.sum()
    if listed > MOST_MOMENTS:
        raise UsageError(
            f"a request is too cheap: the schedule would hold about {listed:,.0f} moments",
            hint="Raise --poll-cost or --min-gap.",
        )
    # A point too far off costs S·h²/gap, so points may lie farther apart where little of the mass is left.
    weight = gaps * np.cbrt(shape.left[:-1])
    least, most = _POINTS
    count = least if rough else int(np.clip(_PER_GAP * weight.sum(), 2 * least, most))
    reach = np.concatenate(([0.0], np.cumsum(weight + 1e-12 * (1.0 + weight.sum()))))
    parts = [
        np.interp(np.linspace(0.0, reach[-1], count + 1), reach, shape.at),
        _quantiles(shape, 1.0 - np.linspace(0.0, 1.0, least + 1)),
        _quantiles(shape, np.geomspace(1e-10, 1.0, least // 2)),
        np.linspace(0.0, shape.at[-1], least // 2 + 1),
    ]
    if len(shape.dist.kinks) <= _FEW:
        parts.append(np.asarray(shape.dist.kinks))
    return np.unique(np.concatenate(parts))


def _quantiles(shape: Shape, left: FloatArray) -> FloatArray:
    """The first moments at which no more than ``left`` of the mass is left."""
    keep = np.concatenate(([True], np.diff(shape.left) < 0))
    return np.asarray(np.interp(-left, -shape.left[keep], shape.at[keep]), dtype=float)


def _path(grid: FloatArray, shape: Shape, costs: Costs) -> tuple[float, FloatArray]:
    """Cheapest path over ``grid``: (cost without the constant of the request's length, moments)."""
    s, rest = shape.points(grid)
    n, gap = len(grid), costs.gap_s
    first_allowed = np.maximum(np.searchsorted(grid, grid + gap - 1e-12), np.arange(n) + 1)
    # to_go[i]: cost of everything after a failed request at grid[i], not divided by the probability of being there.
    to_go = np.zeros(n)
    then = np.full(n, -1)
    d_x, d_rest = costs.delay * grid, costs.delay * rest
    starts = first_allowed.tolist()
    here = (costs.poll * s - s * d_x - d_rest).tolist()
    lasting = s.tolist()
    ahead = n - 1  # best successor of the point just handled
    for i in range(n - 2, -1, -1):
        j = starts[i]
        if j >= n:  # only a moment beyond the horizon obeys the gap
            to_go[i] = here[i] + costs.delay * (grid[i] + gap) * lasting[i]
            continue
        # The cost of a step is a Monge matrix (x_j·S_i: one factor grows, one falls), so the best successor never
        # moves back.
        options = d_x[j : max(ahead, j) + 1] * lasting[i] + d_rest[j : max(ahead, j) + 1]
        options += to_go[j : max(ahead, j) + 1]
        best = int(options.argmin())
        to_go[i] = here[i] + options[best]
        then[i] = ahead = j + best
    options = d_x + d_rest + to_go
    k = int(np.argmin(options))
    cost = costs.poll + float(options[k]) - costs.delay * float(shape.rest[0])
    times = []
    while k >= 0:
        times.append(grid[k])
        if then[k] < 0 and s[k] > 0:
            times.append(grid[k] + gap)
        k = int(then[k])
    return cost, np.array(times)


def evaluate(
    times_s: FloatArray, dist: Distribution, costs: Costs, *, tail_s: float | None = None, shape: Shape | None = None
) -> Schedule:
    """Expected polls, delay and cost of any schedule that goes on every ``tail_s`` (default: its last gap)."""
    shape = shape or Shape.of(dist)
    times = np.asarray(times_s, dtype=float)
    tail = _last_gap(times, dist, costs) if tail_s is None else max(tail_s, costs.gap_s)
    end = float(shape.at[-1])
    within = np.concatenate(([0.0], times[times < end]))
    left = shape.points(within)[0]
    left[0] = 1.0
    polls = float(left[:-1].sum())
    waited = float((left[:-1] * np.diff(within)).sum())
    if len(within) <= len(times):  # a listed moment lies at or beyond the horizon
        polls += float(left[-1])
        waited += float(left[-1] * (times[len(within) - 1] - within[-1]))
    else:
        ticks = shape.ticks(float(within[-1]), tail)
        polls += ticks
        waited += tail * ticks
    delay = max(0.0, waited - float(shape.rest[0])) + costs.request_s
    return Schedule(tuple(map(float, times_s)), tail, polls, delay, costs.poll * polls + costs.delay * delay)


def _last_gap(times: FloatArray, dist: Distribution, costs: Costs) -> float:
    tail = float(times[-1] - times[-2]) if len(times) > 1 else float(times[-1])
    tail = max(tail, costs.gap_s, 1e-9 * dist.horizon_s)
    if times[-1] >= dist.horizon_s and len(times) > 2:
        # Every start of the distribution is noticed by now: one that is not gets a common gap.
        tail = max(tail, float(np.median(np.diff(times))))
    return tail


def optimal(dist: Distribution, costs: Costs, *, rough: bool = False, shape: Shape | None = None) -> Schedule:
    """The schedule of least expected cost. ``rough``: one coarse grid, for searches over costs; ``shape``: that of
    ``dist``, when it is at hand.

    Raises ``UsageError`` when the costs are so far apart that the schedule would hold over ``MOST_MOMENTS`` requests,
    and when a distribution is too rugged to be integrated.
    """
    shape = shape or Shape.of(dist)
    grid = _grid(shape, costs, rough=rough)
    cost, times = _path(grid, shape, costs)
    if not rough:
        times = _polished(cost, times, grid, shape, costs)
    if len(times) > MOST_MOMENTS and dist.bounded:
        raise UsageError(
            f"a request is too cheap: the schedule would hold {len(times):,} moments",
            hint="Raise --poll-cost or --min-gap.",
        )
    found = evaluate(times, dist, costs, shape=shape)
    if rough:
        return found
    if not dist.bounded:
        found = _listed(found, dist, costs, shape)
    checked = evaluate(np.asarray(found.times_s), dist, costs, tail_s=found.tail_s, shape=shape.finer())
    if abs(checked.expected_cost - found.expected_cost) > _WRONG * found.expected_cost:
        raise UsageError(f"{dist.name}: the cost of a schedule is not known to 0.5 %", hint="Its tail is too heavy.")
    return found


def _polished(cost: float, times: FloatArray, grid: FloatArray, shape: Shape, costs: Costs) -> FloatArray:
    """The moments moved between the points of the grid, each by its own distance to the next ones."""
    place = np.clip(np.searchsorted(grid, times), 1, len(grid) - 2)
    step = np.maximum(grid[place] - grid[place - 1], grid[place + 1] - grid[place])
    for _ in range(_ROUNDS):
        if 13 * len(times) > _POINTS[1]:
            break  # so many moments that the grid is fine already, relative to the gaps' cost
        near = times[:, None] + np.linspace(-1.5, 1.5, 13)[None, :] * step[:, None]
        finer = np.unique(np.clip(np.append(near.ravel(), shape.at[-1]), 0.0, shape.at[-1]))
        better, moved = _path(finer, shape, costs)
        step = step / 2.0
        if better <= cost:
            step = np.interp(moved, times, step)
            cost, times = better, moved
    return _needed(times, cost, shape, costs)


def _needed(times: FloatArray, cost: float, shape: Shape, costs: Costs) -> FloatArray:
    """Without moments that earn nothing: where one more request is as good as one less, the grid decides by chance."""
    left = np.append(1.0, shape.points(np.minimum(times, shape.at[-1]))[0])
    for _ in range(min(_TIES, len(times) - 1)):
        loss = costs.delay * (left[:-2] - left[1:-1]) * np.diff(times) - costs.poll * left[1:-1]
        least = int(np.argmin(loss))
        if loss[least] > _NOTHING * cost:
            break
        times, left = np.delete(times, least), np.delete(left, least + 1)
    return times


def _listed(found: Schedule, dist: Distribution, costs: Costs, shape: Shape) -> Schedule:
    """The shortest list after which a constant gap is as good: near the horizon the gaps only serve the cut-off."""
    times = np.asarray(found.times_s)
    left = shape.points(np.minimum(times, shape.at[-1]))[0]

    def cut(count: int) -> Schedule:
        usual = evaluate(times[:count], dist, costs, shape=shape)
        wider = np.geomspace(usual.tail_s, max(shape.at[-1] / 10.0, 2.0 * usual.tail_s), 16)
        best = min(
            (evaluate(times[:count], dist, costs, tail_s=float(gap), shape=shape) for gap in wider),
            key=lambda one: one.expected_cost,
        )
        return usual if usual.expected_cost <= best.expected_cost * (1 + TOLERANCE / 10) else best

    low = min(int(np.searchsorted(-left, -_CUT)) + 1, len(times), MOST_MOMENTS)
    high = min(len(times), MOST_MOMENTS)
    shortest = cut(low)
    while low < high and shortest.expected_cost > found.expected_cost * (1 + TOLERANCE):
        low = min(high, low + max(1, low // 4))
        shortest = cut(low)
    if shortest.expected_cost > found.expected_cost * (1 + _WRONG):
        raise UsageError(f"{dist.name}: a schedule that ends needs over {MOST_MOMENTS:,} moments")
    return shortest


def frontier(dist: Distribution, costs: Costs, points: int = 15) -> tuple[Schedule, ...]:
    """Optimal schedules from few requests to many: a request costs from 2 horizons of delay down to 1/16,000 of one."""
    horizon, shape = costs.delay * max(dist.horizon_s, 1e-3), Shape.of(dist)
    prices = (horizon * 10.0**exponent for exponent in np.linspace(-4.2, 0.3, points))
    return tuple(optimal(dist, replace(costs, poll=price), rough=True, shape=shape) for price in prices)
