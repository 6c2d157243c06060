"""The optimal checking schedule: when to ask, when all that is known is the distribution of readiness.

The inspection problem of Barlow, Hunter and Proschan (1963, J. SIAM 11:1078): readiness T has distribution F; a
request costs C, each second between T and the request that notices it costs D. For moments x1 < x2 < … the expected
cost is  Σ_{k≥0} C·S(x_k) + D·(x_{k+1}·(F(x_{k+1}) − F(x_k)) − ∫ t dF)  with x_0 the begin and S = 1 − F. The sum
falls apart at every x_k, so a shortest path over a grid of moments is optimal on that grid. The grid is refined
until the cost moves less than 0.1 %, then three times around the moments found.

Extensions used here: a least gap between requests, and a request that takes time (the next cannot leave earlier).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from analyzer.errors import UsageError
from analyzer.policies.kinds.optimal import Optimal
from analyzer.policies.vector import FloatArray

TOLERANCE = 1e-3
_TAIL = 1e-7  # probability mass beyond the horizon of the grid
_FINE = 1 << 16
_HORIZONS_S = (1e-9, 1e10)  # beyond these numbers nobody's start is meant, and arithmetic fails
_CUT = 1e-3  # an endless schedule is listed until this much of the mass is left


@dataclass(frozen=True, slots=True)
class Distribution:
    """Readiness in seconds since polling could begin. ``horizon_s``: beyond it lies at most 1e-7 of the mass."""

    name: str
    cdf: Callable[[FloatArray], FloatArray]
    horizon_s: float
    bounded: bool = True


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


def uniform(low: float, high: float) -> Distribution:
    """Uniform on ``[low, high]`` seconds."""
    if not 0 <= low < high < math.inf:
        raise UsageError(f"uniform:{low},{high} needs 0 <= LOW < HIGH")
    return Distribution(f"uniform:{low:g},{high:g}", lambda t: np.clip((t - low) / (high - low), 0.0, 1.0), high)


def exponential(rate: float) -> Distribution:
    """Exponential with ``rate`` per second."""
    if not 0 < rate < math.inf:
        raise UsageError(f"exponential:{rate} needs RATE above 0")
    return Distribution(
        f"exponential:{rate:g}", lambda t: -np.expm1(-rate * np.maximum(t, 0)), -math.log(_TAIL) / rate, False
    )


def weibull(shape: float, scale: float) -> Distribution:
    """Weibull with ``shape`` and ``scale`` seconds."""
    if not (0 < shape < math.inf and 0 < scale < math.inf):
        raise UsageError(f"weibull:{shape},{scale} needs SHAPE and SCALE above 0")
    return Distribution(
        f"weibull:{shape:g},{scale:g}",
        lambda t: -np.expm1(-((np.maximum(t, 0.0) / scale) ** shape)),
        scale * _exp(math.log(-math.log(_TAIL)) / shape),
        False,
    )


def lognormal(mu: float, sigma: float) -> Distribution:
    """Log-normal: the logarithm of the seconds is normal with ``mu`` and ``sigma``."""
    if not (math.isfinite(mu) and 0 < sigma < math.inf):
        raise UsageError(f"lognormal:{mu},{sigma} needs SIGMA above 0")

    def cdf(t: FloatArray) -> FloatArray:
        with np.errstate(divide="ignore"):
            z = (np.log(np.maximum(t, 0.0)) - mu) / (sigma * math.sqrt(2.0))
        return np.asarray(0.5 * (1.0 + _erf(z)), dtype=float)

    return Distribution(f"lognormal:{mu:g},{sigma:g}", cdf, _exp(mu + 5.2 * sigma), False)


def _exp(power: float) -> float:
    return math.exp(min(power, 700.0))  # more is no float, and far beyond what ``parse`` accepts


def _erf(z: FloatArray) -> FloatArray:
    return np.array([math.erf(v) for v in np.ravel(z)], dtype=float).reshape(np.shape(z))


def empirical(ready_s: FloatArray) -> Distribution:
    """Of sampled moments of readiness; infinite ones (never ready) are left out. Between order statistics the
    distribution is continuous and piecewise linear."""
    values = np.sort(ready_s[np.isfinite(ready_s)])
    if not len(values):
        raise UsageError("no start became ready: there is nothing to schedule for")
    if len(values) > 20000:  # keep about 20,000 quantiles: the grid is coarser than that anyway
        values = np.quantile(values, np.linspace(0, 1, 20001))
    points, counts = np.unique(values, return_counts=True)
    after = np.cumsum(counts) / len(values)
    # Between order statistics 1/n of the mass is spread out; what more a repeated moment has, it has at itself.
    before = np.concatenate(([0.0], after[:-1])) + 1.0 / len(values)
    tied = counts > 1
    grid = np.concatenate(([points[0] - 1e-6], points, points[tied] - 1e-6))
    mass = np.concatenate(([0.0], after, before[tied]))
    order = np.lexsort((mass, grid))
    grid, mass = grid[order], mass[order]
    return Distribution(f"empirical:{len(values)}", lambda t: np.interp(t, grid, mass), float(grid[-1]))


def parse(text: str) -> Distribution:
    """``uniform:0,30 | weibull:SHAPE,SCALE | lognormal:MU,SIGMA | exponential:RATE``; raises ``UsageError``."""
    kinds: dict[str, tuple[Callable[..., Distribution], int]] = {
        "uniform": (uniform, 2),
        "weibull": (weibull, 2),
        "lognormal": (lognormal, 2),
        "exponential": (exponential, 1),
    }
    kind, _, rest = text.partition(":")
    hint = "For example uniform:0,30, weibull:1.5,20, lognormal:2,0.5 or exponential:0.1."
    if kind not in kinds:
        raise UsageError(f"unknown distribution {kind!r}", hint=hint)
    make, count = kinds[kind]
    try:
        numbers = [float(part) for part in rest.split(",")]
    except ValueError as error:
        raise UsageError(f"bad numbers in {text!r}", hint=hint) from error
    if len(numbers) != count:
        raise UsageError(f"{kind} takes {count} number{'s' if count > 1 else ''}, not {len(numbers)}", hint=hint)
    made = make(*numbers)
    least_s, most_s = _HORIZONS_S
    if not least_s <= made.horizon_s <= most_s:
        raise UsageError(f"{text}: starts would take up to {made.horizon_s:.3g} s", hint=hint)
    return made


@dataclass(frozen=True, slots=True)
class _Moments:
    """F and the partial mean ∫ t dF at any moment, from one fine cumulative integral of F."""

    at: FloatArray
    area: FloatArray
    cdf: Callable[[FloatArray], FloatArray]

    @classmethod
    def of(cls, dist: Distribution) -> _Moments:
        at = np.linspace(0.0, dist.horizon_s, _FINE + 1)
        f = dist.cdf(at)
        area = np.concatenate(([0.0], np.cumsum((f[1:] + f[:-1]) * 0.5 * np.diff(at))))
        return cls(at, area, dist.cdf)

    def at_points(self, t: FloatArray) -> tuple[FloatArray, FloatArray]:
        f = self.cdf(t)
        return f, t * f - np.interp(t, self.at, self.area)


def _path(grid: FloatArray, moments: _Moments, costs: Costs) -> tuple[float, FloatArray]:
    """Cheapest path over ``grid``: (cost without the constant of the request's length, moments)."""
    f, m = moments.at_points(grid)
    total = float(f[-1])
    f, m = f / total, m / total  # the mass beyond the horizon is noise: treat the horizon as certain
    s = 1.0 - f
    n = len(grid)
    gap = max(costs.min_gap_s, costs.request_s)
    first_allowed = np.maximum(np.searchsorted(grid, grid + gap - 1e-12), np.arange(n) + 1)
    # to_go[i]: cost of everything after a failed request at grid[i], not divided by S(grid[i]).
    to_go = np.zeros(n)
    then = np.full(n, -1)
    d_gf, d_m = costs.delay * grid, costs.delay * m
    reach = d_gf * f - d_m  # D·(x_j·F_j − M_j)
    starts = first_allowed.tolist()
    ahead = n - 1  # best successor of the point just handled
    for i in range(n - 2, -1, -1):
        j = starts[i]
        if j >= n:  # only a moment beyond the horizon obeys the gap
            late = grid[i] + gap
            to_go[i] = costs.poll * s[i] + costs.delay * (late * s[i] - (m[-1] - m[i]))
            continue
        # The cost of a step is a Monge matrix (−x_j·F_i: both factors grow), so the best successor never moves back.
        stop = max(ahead, j) + 1
        options = reach[j:stop] - d_gf[j:stop] * f[i] + to_go[j:stop]
        best = int(options.argmin())
        to_go[i] = costs.poll * s[i] + d_m[i] + options[best]
        then[i] = ahead = j + best
    options = reach + to_go
    k = int(np.argmin(options))
    cost = costs.poll + float(options[k])
    times = []
    while k >= 0:
        times.append(grid[k])
        if then[k] < 0 and s[k] > 0:
            times.append(grid[k] + gap)
        k = int(then[k])
    return cost, np.array(times)


def evaluate(times_s: FloatArray, dist: Distribution, costs: Costs, *, moments: _Moments | None = None) -> Schedule:
    """Expected polls, delay and cost of any schedule whose last moment lies at or beyond the horizon.

    Shorter schedules go on with their last gap until the horizon.
    """
    moments = moments or _Moments.of(dist)
    times = np.asarray(times_s, dtype=float)
    tail = float(times[-1] - times[-2]) if len(times) > 1 else max(float(times[-1]), 1e-3)
    tail = max(tail, costs.min_gap_s, costs.request_s, 1e-3)
    if times[-1] < dist.horizon_s:
        more = math.ceil((dist.horizon_s - times[-1]) / tail)
        times = np.concatenate((times, times[-1] + tail * np.arange(1, more + 1)))
    elif len(times) > 2:  # every start of the distribution is noticed by now: one that is not gets a common gap
        tail = max(tail, float(np.median(np.diff(times))))
    f, m = moments.at_points(np.minimum(times, dist.horizon_s))
    end_f, end_m = (float(v[0]) for v in moments.at_points(np.array([dist.horizon_s])))
    f, m = f / end_f, m / end_f
    before_f = np.concatenate(([0.0], f[:-1]))
    polls = float(np.sum(1.0 - before_f))
    delay = float(np.sum(times * (f - before_f)) - end_m / end_f) + costs.request_s
    return Schedule(tuple(map(float, times_s)), tail, polls, delay, costs.poll * polls + costs.delay * delay)


def optimal(dist: Distribution, costs: Costs, *, rough: bool = False) -> Schedule:
    """The schedule of least expected cost. ``rough``: one grid of 1,000 points, for searches over costs.

    Raises ``UsageError`` when the costs are so far apart that the schedule would hold over 20,000 requests.
    """
    moments = _Moments.of(dist)
    # Widest sensible step: a gap g costs about D·g/2 a second, a request C, so gaps are near sqrt(2·C·scale/D).
    if dist.horizon_s * costs.delay / costs.poll > 4e8 and costs.min_gap_s <= 0:
        raise UsageError("a request is too cheap: the schedule would never end", hint="Raise --poll-cost or --min-gap.")
    points, previous = 512, math.inf
    while True:
        # Half of the points follow the quantiles, half the clock: both a narrow body and a long tail get theirs.
        clock = np.linspace(0.0, dist.horizon_s, points + 1)
        grid = np.unique(np.concatenate((clock, _quantiles(moments, dist, points))))
        cost, times = _path(grid, moments, costs)
        if rough or abs(previous - cost) <= TOLERANCE * abs(cost) or points >= 4096:
            break
        previous, points = cost, points * 2
    step = dist.horizon_s / points
    for _ in range(0 if rough else 8):
        if len(times) > 400:
            break  # so many moments that the grid is fine already, relative to the gaps' cost
        near = times[:, None] + np.linspace(-1.5, 1.5, 13)[None, :] * step
        grid = np.unique(np.clip(np.append(near.ravel(), dist.horizon_s), 0.0, dist.horizon_s))
        better, polished = _path(grid, moments, costs)
        if better <= cost:
            cost, times = better, polished
        step /= 2.0
    if not dist.bounded:
        # Near the horizon the gaps only serve the cut-off: keep the part that matters and go on with its last gap.
        keep = int(np.searchsorted(-(1.0 - dist.cdf(times)), -_CUT)) + 1
        times = times[: max(1, min(keep, len(times)))]
    return evaluate(times, dist, costs, moments=moments)


def _quantiles(moments: _Moments, dist: Distribution, points: int) -> FloatArray:
    f = np.asarray(dist.cdf(moments.at))
    levels = np.linspace(0.0, float(f[-1]), points + 1)
    keep = np.concatenate(([True], np.diff(f) > 0))
    return np.asarray(np.interp(levels, f[keep], moments.at[keep]), dtype=float)


def frontier(dist: Distribution, costs: Costs, points: int = 15) -> tuple[Schedule, ...]:
    """Optimal schedules from few requests to many: a request costs from 2 horizons of delay down to 1/16,000 of one."""
    horizon = costs.delay * max(dist.horizon_s, 1e-3)
    prices = (horizon * 10.0**exponent for exponent in np.linspace(-4.2, 0.3, points))
    return tuple(optimal(dist, replace(costs, poll=price), rough=True) for price in prices)
