"""``optimal``, fitted to more than one pilot: what it does, and how much of that is the pilot's chance.

A schedule made from a pilot of draws is good for the draws of that pilot. What it does in others depends on which pilot
it was, and by how much one schedule cannot tell. So several are made, each is replayed in draws of its own that took no
part in making it, and the interval is that of their means.

* Draws that are worlds of their own (a scenario, a pooled curve): ``PILOTS`` pilots, each with a seed of its own.
* Starts of a log: each start (beyond twenty: each twentieth of them) has the schedule of the others. Later than all of
  those it goes on at the pace of the reference: nothing is known of such times, and at the schedule's own last gap the
  requests of one slow start would decide the mean, which no interval from a few starts can hold. A log with one start
  has that start's own schedule, as there is no other.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import numpy as np

from analyzer.policies.kinds.optimal import Optimal
from analyzer.policies.kinds.shared_2s import Shared2s
from analyzer.policies.vector import FloatArray, IntArray
from analyzer.simulator import distribution, schedule as sched
from analyzer.simulator.replay import Outcome, replay
from analyzer.simulator.world import Worlds
from analyzer.stats.normal import student_deviations

PILOTS = 6
MOST_FOLDS = 20
_FEWEST = 50  # draws for a part of its own
_CLOSE = 0.003  # relative distance from the wanted number of requests
_SAME = 1.02  # ratio of prices
_TRIES = 40


@dataclass(frozen=True, slots=True)
class Fitted:
    """One schedule for each part of the worlds. ``by_group``: the part is the start's number, else the draw's."""

    schedules: tuple[Optimal, ...]
    by_group: bool

    def parts(self, worlds: Worlds) -> IntArray:
        """Which schedule each of the worlds meets."""
        number = worlds.group if self.by_group else np.arange(len(worlds))
        return np.asarray(number % len(self.schedules), dtype=np.int64)

    def replay(self, worlds: Worlds) -> Outcome:
        """Every world under its own schedule."""
        part = self.parts(worlds)
        rows = [np.flatnonzero(part == k) for k in range(len(self.schedules))]
        done = [replay(s, worlds.take(own)) for s, own in zip(self.schedules, rows, strict=True) if len(own)]
        return Outcome.joined(done).take(np.argsort(np.concatenate(rows), kind="stable"))


def fitted(
    make: Callable[[int, tuple[int, ...]], Worlds], pilot: Worlds, draws: int, seed: int, reference: Shared2s
) -> Fitted:
    """``optimal`` for the worlds of ``make``, with as many requests as ``reference``. ``pilot``: the first pilot,
    already drawn."""
    starts = np.unique(pilot.group)
    if len(starts) == len(pilot):
        count = max(1, min(PILOTS, draws // _FEWEST))
        pilots = (pilot if k == 0 else make(len(pilot), (seed, 0xF0, k)) for k in range(count))
        return Fitted(_schedules(pilots, reference), by_group=False)
    folds = min(len(starts), MOST_FOLDS)
    if folds == 1:
        return Fitted(_schedules([pilot], reference), by_group=True)
    training = (pilot.take(np.flatnonzero(pilot.group % folds != k)) for k in range(folds))
    others = _schedules(training, reference)
    return Fitted(tuple(replace(s, tail_s=max(s.tail_s, reference.interval_s)) for s in others), by_group=True)


def _schedules(pilots: Iterable[Worlds], reference: Shared2s) -> tuple[Optimal, ...]:
    made: list[Optimal] = []
    price: float | None = None
    for pilot in pilots:
        ready = pilot.take(np.flatnonzero(np.isfinite(pilot.ready)))
        wanted = float(np.mean(replay(reference, ready).requests)) if len(ready) else 0.0
        policy, price = optimal_for(ready, wanted, price)
        made.append(policy)
    return tuple(made)


def optimal_for(worlds: Worlds, requests: float, near: float | None = None) -> tuple[Optimal, float | None]:
    """The state-blind schedule of least expected delay that spends about ``requests`` requests a start, and the price
    of a request that leads to it. ``near``: a price to begin the search with."""
    finite = worlds.ready[np.isfinite(worlds.ready)]
    if not len(finite):
        return Optimal((1.0,), 2.0), near
    dist = distribution.empirical(finite)
    shape = sched.Shape.of(dist)
    gap = float(np.median(worlds.latency))
    low, high = 1e-6 * dist.horizon_s, dist.horizon_s
    price = near if near is not None and low < near < high else math.sqrt(low * high)
    leap, before = _SAME, 0.0
    for _ in range(_TRIES):
        found = sched.optimal(dist, sched.Costs(price, 1.0, gap, gap), rough=True, shape=shape)
        off = found.expected_polls / requests - 1.0
        low, high = (price, high) if off > 0 else (low, price)
        if -_CLOSE <= off <= 0 or high < _SAME * low:  # between prices so close the number of requests jumps
            break
        # Requests go about with the inverse root of the price, in jumps: from a jump's flat only a leap leads away.
        leap = leap * leap if off * before > 0 else _SAME
        ratio = (1.0 + off) ** 2
        price *= max(ratio, leap) if off > 0 else min(ratio, 1.0 / leap)
        price = price if low < price < high else math.sqrt(low * high)
        before = off
    return sched.optimal(dist, sched.Costs(high, 1.0, gap, gap), shape=shape).policy(), high


def spread_over_parts(means: FloatArray) -> float | None:
    """Student's half-width, 95 %, of the mean over parts that are alike and independent; ``None`` for one."""
    if len(means) < 2:
        return None
    return student_deviations(0.025, len(means) - 1) * float(np.std(means, ddof=1)) / math.sqrt(len(means))
