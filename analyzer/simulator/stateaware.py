"""The state-aware schedule: one value function per observed state, learned from starts, judged on others.

A poll shows more than *not ready*: whether the API handler exists, whether the client is authorised, and how many
checks still fail. Those states only ever advance. For a state s entered τ seconds ago the least expected cost to go

    V_s(τ) = min over gaps g of  C + E[ D·(time past readiness)  |  V_s(τ+g)  |  V_s'(g/2) ]

(ready by then · still in s · seen in a later state s', entered at a moment unknown within g, hence g/2) is computed
backwards over the states from sampled worlds of the training starts. The policy that follows the minimising gaps is
then replayed in the worlds of the start that was left out, beside the state-blind optimum of the same training.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from analyzer.policies.definition import Maths, Recipe, Seen
from analyzer.policies.protocol import CODE_OF
from analyzer.policies.vector import FloatArray, IntArray
from analyzer.results import StartReport
from analyzer.simulator import distribution, schedule as sched
from analyzer.simulator.replay import Outcome, replay
from analyzer.simulator.world import Machine, Sketch, Worlds, draw, sketch_start
from analyzer.stats.bootstrap import grouped_mean

STATES = ("down", "forbidden", "many", "some", "two", "one")
TAU = np.concatenate(([0.0, 0.1, 0.2, 0.35, 0.5, 0.75], np.geomspace(1.0, 150.0, 28)))
GAPS = np.geomspace(0.1, 30.0, 28)
_FORBIDDEN, _LISTED = CODE_OF["forbidden"], CODE_OF["readyz_failing"]


def state_of(code: IntArray, failing: IntArray) -> IntArray:
    """State index of answers that are not a success: ``failing`` is how many checks fail in the list."""
    size = np.select([failing >= 6, failing >= 3, failing == 2], [2, 3, 4], 5)
    return np.where(code == _LISTED, size, np.where(code == _FORBIDDEN, 1, 0)).astype(np.int64)


@dataclass(frozen=True, slots=True)
class Table:
    """``gaps[s, i]``: seconds to the next request in state s, ``TAU[i]`` seconds after it was entered."""

    gaps: FloatArray
    value: float  # expected cost of a start under the training worlds, from the first request on


def entries(worlds: Worlds) -> FloatArray:
    """Moments at which each state is entered, and readiness, shape (worlds, states + 1); skipped states are empty."""
    n = len(worlds)
    found = np.zeros((n, len(STATES) + 1))
    ready = worlds.ready
    before_403 = [i for i, code in enumerate(worlds.stage_codes) if code != _FORBIDDEN]
    down = worlds.stage_ends[:, before_403].max(axis=1) if before_403 else np.zeros(n)
    listed = worlds.stage_ends.max(axis=1) if worlds.stage_codes else np.zeros(n)
    found[:, 1] = np.minimum(np.maximum(down, 0.0), ready)
    found[:, 2] = np.minimum(np.maximum(listed, found[:, 1]), ready)
    order = np.sort(worlds.clears, axis=1)  # ascending: the k-th last to clear is column -k
    width = order.shape[1]
    for state, size in ((3, 5), (4, 2), (5, 1)):  # entered when at most `size` checks fail
        at = order[:, width - size - 1] if width > size else np.full(n, -np.inf)
        found[:, state] = np.minimum(np.maximum(at, found[:, state - 1]), ready)
    found[:, -1] = ready
    return found


def learn(worlds: Worlds, costs: sched.Costs) -> Table:
    """Value iteration over sampled worlds; worlds that never become ready are left out."""
    good = np.flatnonzero(np.isfinite(worlds.ready) & (worlds.ready > 0))
    entry, group = entries(worlds.take(good)), worlds.group[good]
    # A pace learned from a single start would be that start's: ask for several of them, where there are several.
    needed = min(8, max(3, len(np.unique(group)) // 3))
    states = len(STATES)
    gaps = GAPS[max(costs.min_gap_s, costs.request_s) <= GAPS]
    gaps = gaps if len(gaps) else np.array([max(costs.min_gap_s, costs.request_s)])
    values = np.full((states, len(TAU)), np.nan)
    chosen = np.full((states, len(TAU)), float(gaps[len(gaps) // 2]))
    for s in range(states - 1, -1, -1):
        ahead = np.zeros((states + 1, len(gaps)))  # value on being first seen in a later state after each gap
        for later in range(s + 1, states):
            ahead[later] = np.interp(gaps / 2.0, TAU, values[later])
        begun, left = entry[:, s], entry[:, s + 1 :]
        for i in range(len(TAU) - 1, -1, -1):
            alive = begun + TAU[i] < left[:, 0]
            if alive.sum() < 12 or len(np.unique(group[alive])) < needed:
                continue  # too few to learn from: as a little earlier, filled below
            at = (begun[alive] + TAU[i])[:, None] + gaps[None, :]
            rows = left[alive]
            where = s + (at[:, :, None] >= rows[:, None, :]).sum(axis=2)
            over = np.where(where == states, at - entry[alive, -1][:, None], 0.0)
            moved = np.where(
                (where > s) & (where < states), ahead[np.minimum(where, states), np.arange(len(gaps))[None, :]], 0.0
            )
            still = (where == s).mean(axis=0)
            base = costs.poll + costs.delay * over.mean(axis=0) + moved.mean(axis=0)
            # Still here after g: the value at τ+g, interpolated; the part of it that is V(τ) itself is solved for.
            target = TAU[i] + gaps
            if np.isnan(values[s, i + 1 :]).all():
                own, rest = np.ones(len(gaps)), np.zeros(len(gaps))
            else:
                own = np.clip((TAU[i + 1] - target) / (TAU[i + 1] - TAU[i]), 0.0, 1.0)
                rest = np.interp(target, TAU[i + 1 :], _filled(values[s, i + 1 :])) * (1.0 - own)
            total = (base + still * rest) / np.maximum(1.0 - still * own, 1e-9)
            best = int(np.argmin(total))
            values[s, i], chosen[s, i] = float(total[best]), float(gaps[best])
        empty = np.isnan(values[s])
        if empty.all():
            values[s] = values[s + 1] if s + 1 < states else 0.0
            chosen[s] = chosen[s + 1] if s + 1 < states else chosen[s]
            continue
        last = int(np.flatnonzero(~empty)[-1])
        values[s, empty] = values[s, last]
        # Beyond what was seen: what has lasted long will last long, so the pace slows in proportion. The very last
        # known gaps rest on few starts; take the middle of three.
        known_gaps = chosen[s, np.flatnonzero(~empty)[-3:]]
        slower = np.maximum(1.0, TAU / max(TAU[last], 0.5))
        chosen[s, empty] = np.minimum(float(np.median(known_gaps)) * slower[empty], GAPS[-1])
    return Table(chosen, float(values[0, 0]))


def _filled(row: FloatArray) -> FloatArray:
    good = np.flatnonzero(~np.isnan(row))
    return row if len(good) == len(row) else np.interp(np.arange(len(row)), good, row[good])


@dataclass(slots=True)
class Memory:
    """The state last seen, when it was probably entered, and the departure of the last request."""

    state: int = 0
    entered_s: float = 0.0
    asked_s: float = 0.0


@dataclass(frozen=True, slots=True)
class StateAware(Recipe[Memory]):
    """Follows a learned table: the gap of the state that was seen, by the time since it was probably entered."""

    table: Table
    name: str = "optimal-state"

    def begin(self, noise: Sequence[float]) -> tuple[Memory, ...]:
        """One loop."""
        return (Memory(),)

    def next(self, m: Maths, own: Memory, seen: Seen) -> float:
        """The gap of the table."""
        state: Any = state_of(np.asarray(seen.code), np.asarray(seen.failing))
        own.entered_s = entered_s = m.where(state != own.state, (own.asked_s + seen.asked_s) / 2.0, own.entered_s)
        own.state, own.asked_s = state, seen.asked_s
        gap_s = np.zeros(np.shape(state))
        for s in range(len(STATES)):
            gap_s = np.where(state == s, np.interp(seen.asked_s - entered_s, TAU, self.table.gaps[s]), gap_s)
        return m.maximum(seen.asked_s + cast(float, gap_s), seen.at_s)

    def words(self, own: Memory, seen: Seen, error: str, at_s: float) -> tuple[str, str]:
        """The state, and the gap."""
        return STATES[own.state], f"gap {at_s - seen.asked_s:.2f} s"


@dataclass(frozen=True, slots=True)
class Judgement:
    """Out of sample, per start, means over the starts left out. ``gain``: blind cost minus aware cost, with its
    95 % interval; an interval that holds 0 says that no gain is shown. ``folds``: how often some were left out;
    ``used_state``: in how many of them the state-aware policy cost less in the training starts than the blind one
    (otherwise the blind one stands in for it)."""

    starts: int
    folds: int
    used_state: int
    blind_cost: float
    aware_cost: float
    gain: float
    gain_low: float
    gain_high: float
    blind_requests: float
    aware_requests: float
    blind_delay_s: float
    aware_delay_s: float
    table: Table


def _mean_cost(outcome: Outcome, costs: sched.Costs) -> float:
    return float(np.nanmean(costs.poll * outcome.requests + costs.delay * outcome.delay))


def judge(
    sketches: Sequence[Sketch], costs: sched.Costs, *, draws: int = 16, folds: int = 0, seed: int = 1
) -> Judgement:
    """Leave-one-start-out (``folds`` = 0) or so many folds. Needs at least four starts (``ValueError``)."""
    count = len(sketches)
    if count < 4:
        raise ValueError("at least four starts are needed to learn from some and judge on others")
    worlds = draw(sketches, draws * count, seed)
    folds = count if folds <= 0 else min(folds, count)
    blind_cost, aware_cost = np.full(len(worlds), np.nan), np.full(len(worlds), np.nan)
    sums, chosen = np.zeros(4), 0
    for fold in range(folds):
        out = worlds.group % folds == fold
        train, test = worlds.take(np.flatnonzero(~out)), worlds.take(np.flatnonzero(out))
        ignoring, using = (
            sched.optimal(distribution.empirical(train.ready), costs).policy(),
            StateAware(learn(train, costs)),
        )
        # To ignore the state is one way of knowing it: what costs less in the training starts is judged on the others.
        better = _mean_cost(replay(using, train), costs) < _mean_cost(replay(ignoring, train), costs)
        chosen += better
        blind = replay(ignoring, test)
        aware = replay(using, test) if better else blind
        blind_cost[out] = costs.poll * blind.requests + costs.delay * blind.delay
        aware_cost[out] = costs.poll * aware.requests + costs.delay * aware.delay
        sums += [
            blind.requests.sum(),
            aware.requests.sum(),
            float(np.nansum(blind.delay)),
            float(np.nansum(aware.delay)),
        ]
    # Per start the expectation over its possible worlds counts; the interval is over the choice of starts.
    difference = blind_cost - aware_cost
    known = ~np.isnan(difference)
    weight = np.maximum(np.bincount(worlds.group[known], minlength=count), 1)
    per_start = np.bincount(worlds.group[known], difference[known], minlength=count) / weight
    gain, low, high = grouped_mean(per_start, np.arange(count), seed)
    means = sums / len(worlds)
    return Judgement(
        starts=count,
        folds=folds,
        used_state=chosen,
        blind_cost=float(np.nanmean(blind_cost)),
        aware_cost=float(np.nanmean(aware_cost)),
        gain=gain,
        gain_low=low,
        gain_high=high,
        blind_requests=float(means[0]),
        aware_requests=float(means[1]),
        blind_delay_s=float(means[2]),
        aware_delay_s=float(means[3]),
        table=learn(worlds, costs),
    )


def judge_starts(starts: Sequence[StartReport], machine: Machine, costs: sched.Costs) -> Judgement | None:
    """The judgement for the last 120 analysed starts, leaving out one at a time up to 20 starts, beyond that a
    twentieth of them; ``None`` with fewer than four that became ready."""
    sketches = [sketch for s in starts if (sketch := sketch_start(s, machine)) is not None][-120:]
    return judge(sketches, costs, folds=min(len(sketches), 20)) if len(sketches) >= 4 else None
