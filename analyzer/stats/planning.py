"""How many starts would decide a difference, and which difference so many starts would decide: by simulation.

Starts are drawn from those seen, with their windows, and compared as ``difference`` compares them. So windows that are
too wide for a difference show: no number of starts decides it. The answers are rough, as what was seen is.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analyzer.stats.difference import Lengths, Tails, expanded
from analyzer.stats.normal import deviations
from analyzer.stats.resampled import FloatArray, Resampling, Spread, Statistic, mass_in_order, observed

NUMBERS = (4, 5, 6, 8, 10, 12, 15, 20, 25, 30, 40, 50, 60, 80, 100, 150, 200, 300, 400, 600, 800, 1000)
_TRIALS = (50, 200)  # at least and at most
_DRAWS = 20_000  # of a side, in all trials of a number of starts
_HALVINGS = 14
_MOVED = 0.5  # of the middle half of the lengths, as deviations
_MIDDLE = (0.16, 0.84)  # of a distribution, to compare how wide two are


@dataclass(frozen=True, slots=True)
class Plan:
    """What a simulation is asked for: ``power`` is the share of trials that have to be decided."""

    statistic: Statistic = "median"
    confidence: float = 0.95
    power: float = 0.8
    seed: int = 0


def needed(base: Lengths, new: Lengths, size: float | None = None, plan: Plan = Plan()) -> int | None:
    """About how many starts a side would decide a difference of ``size`` (``None``: of the one seen).

    One of ``NUMBERS``, times what starts of one host have in common; ``None`` where not even the largest would do: the
    windows are too wide, or the difference is too small or unknown.
    """
    seen = _Seen.of(base, new, plan)
    if seen is None:
        return None
    size = seen.centre if size is None else size
    if size == 0.0:
        return None
    place = bisect_left(NUMBERS, True, key=lambda number: seen.power(number, number, size) >= plan.power)
    return None if place == len(NUMBERS) else math.ceil(NUMBERS[place] * seen.effect)


def detectable(base: Lengths, new: Lengths, plan: Plan = Plan()) -> float:
    """The smallest lengthening that as many starts a side as there are would decide; infinite where none."""
    seen = _Seen.of(base, new, plan)
    if seen is None:
        return math.inf
    one, other = (max(1, round(len(side.least) / seen.effect)) for side in (base, new))
    near, far = 0.0, seen.range
    if seen.power(one, other, far) < plan.power:
        return math.inf
    for _ in range(_HALVINGS):
        middle = 0.5 * (near + far)
        near, far = (near, middle) if seen.power(one, other, middle) >= plan.power else (middle, far)
    return far


@dataclass(frozen=True, slots=True, eq=False)
class _Seen:
    base: Lengths
    new: Lengths
    plan: Plan
    centre: float  # of the difference seen
    effect: float  # how many starts are worth one independent start

    @classmethod
    def of(cls, base: Lengths, new: Lengths, plan: Plan) -> _Seen | None:
        low, high = base.observed(plan.statistic), new.observed(plan.statistic)
        if not (math.isfinite(low.upper) and math.isfinite(high.upper)):
            return None
        centre = 0.5 * (high.lower + high.upper) - 0.5 * (low.lower + low.upper)
        effect = max(_design_effect(side, plan) for side in (base, new))
        return cls(_aligned(base, plan.statistic), _aligned(new, plan.statistic), plan, centre, effect)

    @property
    def range(self) -> float:
        """A lengthening that lifts every length of one side that ends above all of the other."""
        ends = np.concatenate([end for side in (self.base, self.new) for end in (side.least, side.most)])
        ends = ends[np.isfinite(ends)]
        return 2.0 * float(ends.max() - ends.min()) + abs(self.centre) + 1.0

    def power(self, base: int, new: int, size: float) -> float:
        """The share of trials with so many starts that say: longer, if it is by ``size`` (or shorter, if that is < 0).

        The same draws for every ``size``.
        """
        plan = self.plan
        rng = np.random.default_rng([plan.seed, base, new])
        trials = min(max(_DRAWS // max(base, new), _TRIALS[0]), _TRIALS[1])
        base_least, base_most = _drawn(self.base, (trials, base), rng)
        new_least, new_most = _drawn(self.new, (trials, new), rng)
        if size > 0.0:
            late, early = new_least + (size - self.centre), base_most
        else:
            late, early = base_least - (size - self.centre), new_most
        # What the bootstrap of hosts would add is in the design effect already.
        tails = Tails.of(base, new, expanded(plan.statistic, self.base, self.new))
        share = tails.share((1.0 - plan.confidence) / 2.0)
        if share is None or not share:
            return 0.0
        if plan.statistic == "mean":
            return float(_means_apart(late, early, share).mean())
        return float((_overlap(late, early, plan.statistic) < share).mean())


def _aligned(side: Lengths, statistic: Statistic) -> Lengths:
    """The lengths of a mix as if all strata had the same middle: what strata differ by is in no comparison of mixes."""
    if side.mix is None:
        return side
    shift = np.zeros(len(side.least))
    whole = side.observed(statistic)
    for _, own in side.mix.members():
        ends = [observed(end[own], statistic) for end in (side.least, side.most)]
        if math.isfinite(sum(ends)):
            shift[own] = 0.5 * (whole.lower + whole.upper) - 0.5 * sum(ends)
    return Lengths(side.least + shift, side.most + shift, side.hosts, side.mix)


def _drawn(side: Lengths, shape: tuple[int, int], rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
    """Both ends of lengths, one trial a row: those seen, drawn with replacement and moved a little.

    Moved, because the few lengths around a median happen to lie closer together or farther apart than all there are.
    About half of what Silverman's rule for the density of a sample says, by its quartiles: more would widen the spread.
    """
    seen = len(side.least)
    likely = None if side.mix is None else side.mix.weights
    picks = rng.choice(seen, shape, p=likely)
    low, high = np.sort(side.least)[[(seen - 1) // 4, seen - 1 - (seen - 1) // 4]]
    moved = _MOVED * (high - low) / 1.349 * seen**-0.2 if math.isfinite(high) else 0.0
    by = moved * rng.standard_normal(picks.shape)
    return side.least[picks] + by, side.most[picks] + by


def _overlap(late: FloatArray, early: FloatArray, statistic: Statistic) -> FloatArray:
    """For each trial (row) the share of resamples in which the statistic of ``late`` is not above that of ``early``."""
    mass_late, mass_early = (mass_in_order(side.shape[1], statistic) for side in (late, early))
    # Of equal lengths those of ``late`` come first: they are not above.
    order = np.argsort(np.concatenate((np.sort(late, axis=1), np.sort(early, axis=1)), axis=1), axis=1, kind="stable")
    below = np.cumsum(np.concatenate((np.zeros_like(mass_late), mass_early))[order], axis=1)
    late_mass = np.concatenate((mass_late, np.zeros_like(mass_early)))[order]
    return np.asarray((late_mass * (1.0 - below)).sum(axis=1), dtype=np.float64)


def _means_apart(late: FloatArray, early: FloatArray, share: float) -> npt.NDArray[np.bool_]:
    """Whether the percentile of the resampled difference of means, about a normal one, is above 0."""
    with np.errstate(invalid="ignore"):
        variance = late.var(axis=1) / late.shape[1] + early.var(axis=1) / early.shape[1]
        apart = late.mean(axis=1) - early.mean(axis=1)
        return np.asarray(apart > deviations(share) * np.sqrt(variance))


def _design_effect(side: Lengths, plan: Plan) -> float:
    """How much wider the statistic varies over resamples of hosts than over those of starts, squared; at least 1."""
    if side.hosts is None:
        return 1.0
    number = len(side.least)
    by_host = Resampling(number, side.hosts, plan.seed).spread(side.least, plan.statistic)
    by_start = Resampling(number, None, plan.seed).spread(side.least, plan.statistic)
    one, other = _width(by_host), _width(by_start)
    if not (math.isfinite(one) and math.isfinite(other) and other > 0.0):
        return 1.0
    return min(max(1.0, (one / other) ** 2), float(np.bincount(side.hosts).max()))


def _width(spread: Spread) -> float:
    low, high = spread.at[np.searchsorted(spread.below, _MIDDLE) - 1]
    return float(high - low)
