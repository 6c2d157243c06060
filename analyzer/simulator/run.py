"""``simulate``: every policy in the same worlds, summed up.

The result types carry plain numbers and go to the reports as they are. No time is read from a clock and no
randomness is drawn but from the seed: the same seed gives the same bytes, whatever the number of threads.
"""

from __future__ import annotations

import math
import os
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np

from analyzer.errors import UsageError
from analyzer.policies import registry
from analyzer.policies.kinds.optimal import Optimal
from analyzer.policies.kinds.shared_2s import Shared2s
from analyzer.policies.protocol import Policy
from analyzer.policies.vector import FloatArray, IntArray, VectorPolicy
from analyzer.simulator import distribution, schedule as sched
from analyzer.simulator.fitted import Fitted, fitted, spread_over_parts
from analyzer.simulator.herd import Agents, Herd, herd
from analyzer.simulator.replay import Outcome, replay
from analyzer.simulator.scenario import Scenario
from analyzer.simulator.tally import Groups, Tally
from analyzer.simulator.world import Machine, Worlds
from analyzer.stats.bootstrap import grouped_mean
from analyzer.stats.normal import student_deviations

#: Runs in the worlds of a curve from some starts.
OF_STARTS = "95 %; the curve says as much as its starts seen ready would as exact times (Student's)"
#: Runs of a scenario: their interval says nothing of its truth.
SAMPLING_ONLY = "95 % of the mean over the draws (sampling alone; the distributions themselves are taken as exact)"
DEFAULT_POLICIES = ("legacy-4x1s", "shared-2s", "backoff", "adaptive", "optimal", "oracle")
REFERENCE = "shared-2s"
BLOCK = 1 << 16  # draws that share one random stream
PILOT = 20_000  # draws for the optimal schedule and the frontier
SCALAR_LIMIT = 4000  # draws for policies without a vectorised form
MAX_DRAWS = 20_000_000


@dataclass(frozen=True, slots=True)
class Stat:
    """A quantity over all draws."""

    mean: float
    p50: float
    p95: float
    max: float
    min: float

    @classmethod
    def of(cls, tally: Tally) -> Stat | None:
        """``None`` when no draw has a value."""
        if not tally.count:
            return None
        p50, p95 = tally.quantiles(0.5, 0.95)
        return cls(tally.mean, p50, p95, tally.greatest, tally.least)


@dataclass(frozen=True, slots=True)
class Difference:
    """Paired difference against ``shared-2s``: its mean with a 95 % interval (``None``: nothing to tell it from), and
    the central 95 % of the draws."""

    mean: float
    low: float | None
    high: float | None
    p025: float
    p975: float


@dataclass(frozen=True, slots=True)
class PolicyResult:
    """What one policy did in all worlds. ``undetected``: draws in which it gave up or the start never got ready."""

    policy: str
    draws: int
    undetected: int
    delay_s: Stat | None
    requests: Stat | None
    detected_s: Stat | None
    ready_s: Stat | None
    ready_delayed_s: Stat | None
    server_cpu_s: Stat | None
    log_lines: Stat | None
    vs_shared_2s: Mapping[str, Difference] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Point:
    """One optimal schedule of the frontier."""

    requests: float
    delay_s: float


@dataclass(frozen=True, slots=True)
class Ceiling:
    """A perfect poller would have saved between ``min`` and ``max`` of ``of_s`` seconds."""

    min: float
    max: float
    of_s: float
    basis: str


@dataclass(frozen=True, slots=True)
class Simulation:
    """The whole answer. ``hooks_s``: readiness without any polling, since the first poll could leave; ``boot_s`` of
    it until the API handler exists, ``work_s`` after that."""

    seed: int
    draws: int
    source: str
    assumptions: Mapping[str, str | float | int | list[str]]
    policies: tuple[PolicyResult, ...]
    frontier: tuple[Point, ...]
    ceiling_s: Ceiling | None
    hooks_s: Stat | None = None
    boot_s: Stat | None = None
    work_s: Stat | None = None
    herd: Herd | None = None


@dataclass(frozen=True, slots=True)
class Options:
    """``policies``: names or TOML files. ``threads``: 0 = as many as cores, at most 4. ``herd``: agents to wait for
    one server, if any."""

    policies: tuple[str, ...] = DEFAULT_POLICIES
    draws: int = 100_000
    seed: int = 1
    threads: int = 0
    herd: Agents | None = None

    def check(self) -> None:
        """Raises ``UsageError`` for numbers out of range or an unknown policy, ``BadInputError`` for a bad file."""
        if not 1 <= self.draws <= MAX_DRAWS:
            raise UsageError(f"--draws must lie between 1 and {MAX_DRAWS:,}")
        if self.seed < 0:
            raise UsageError("--seed must not be negative")
        for name in self.policies:
            registry.get(name)


WorldMaker = Callable[[int, tuple[int, ...]], Worlds]


def simulate(
    make: WorldMaker,
    options: Options,
    *,
    source: str,
    assumptions: Mapping[str, str | float | int | list[str]],
    tax: Sequence[tuple[float, float, float]] = (),
    rests_on: int | None = None,
    cores: float = 1.0,
) -> Simulation:
    """Replays every policy. ``tax``: per analysed start (least, greatest tax, detected) in seconds. ``rests_on``: of
    how many starts the curve is that the worlds are drawn from; ``cores``: the machine's.

    Raises ``UsageError`` for bad options or policies.
    """
    options.check()
    pilot = make(min(options.draws, PILOT), (options.seed, 0xF0))
    policies: dict[str, Policy | Fitted] = {}
    for name in dict.fromkeys(options.policies):
        policy = registry.get(name)
        if policy.name in policies:
            raise UsageError(f"two policies are called {policy.name!r}")
        blank = isinstance(policy, Optimal) and not policy.times_s
        policies[policy.name] = fitted(make, pilot, options.draws, options.seed, Shared2s()) if blank else policy
    shown = tuple(policies)
    policies.setdefault(REFERENCE, registry.get(REFERENCE))
    alone = len(np.unique(pilot.group)) == len(pilot)  # every draw is a world of its own
    sums = _replay_all(make, policies, options, alone=alone)
    ready = pilot.take(np.flatnonzero(np.isfinite(pilot.ready)))
    boot = _boot(pilot)
    return Simulation(
        seed=options.seed,
        draws=options.draws,
        source=source,
        assumptions=assumptions,
        policies=tuple(sums[name].result(name, options.seed, rests_on) for name in shown),
        frontier=_frontier(ready),
        ceiling_s=_ceiling(tax, sums[REFERENCE]),
        hooks_s=Stat.of(sums[REFERENCE].unpolled),
        boot_s=Stat.of(Tally.of(boot)),
        work_s=Stat.of(Tally.of(pilot.ready - boot)),
        herd=None if options.herd is None else herd(make, options.policies, options.herd, options.seed, cores),
    )


def _boot(worlds: Worlds) -> FloatArray:
    """When the answers that come before a check list end."""
    if not worlds.stage_codes:
        return np.zeros(len(worlds))
    with np.errstate(invalid="ignore"):
        end = np.maximum(worlds.stage_ends.max(axis=1), 0.0)
        return np.where(np.isfinite(worlds.ready), np.minimum(end, worlds.ready), np.nan)


@dataclass(slots=True)
class _Sums:
    """What one policy did in the draws so far."""

    draws: int = 0
    never: int = 0
    noticed: int = 0
    quantities: dict[str, Tally] = field(default_factory=dict)
    against: dict[str, Tally] = field(default_factory=dict)
    unpolled: Tally = field(default_factory=Tally)
    by_group: dict[str, Groups] = field(default_factory=dict)  # empty: every draw is a world of its own
    by_part: dict[str, Groups] = field(default_factory=dict)  # of a policy that was fitted to several pilots
    first: tuple[dict[str, FloatArray], IntArray] | None = None  # of the first block: differences and groups

    def add(self, more: _Sums) -> None:
        """The draws of the next block."""
        self.draws, self.never = self.draws + more.draws, self.never + more.never
        self.noticed += more.noticed
        self.unpolled.add(more.unpolled)
        for key, tally in more.quantities.items():
            self.quantities[key].add(tally)
        for key, tally in more.against.items():
            self.against[key].add(tally)
        for mine, theirs in ((self.by_group, more.by_group), (self.by_part, more.by_part)):
            for key, groups in theirs.items():
                mine[key].add(groups)

    def result(self, name: str, seed: int, rests_on: int | None) -> PolicyResult:
        """In the numbers that are reported."""
        stats = {key: Stat.of(tally) for key, tally in self.quantities.items()}
        versus = {
            key: self._difference(key, tally, seed, rests_on) for key, tally in self.against.items() if tally.count
        }
        return PolicyResult(name, self.draws, self.draws - self.noticed, **stats, vs_shared_2s=versus)

    def _difference(self, key: str, tally: Tally, seed: int, rests_on: int | None) -> Difference:
        p025, p975 = tally.quantiles(0.025, 0.975)
        return Difference(*self._mean(key, seed, rests_on), p025, p975)

    def _mean(self, key: str, seed: int, rests_on: int | None) -> tuple[float, float | None, float | None]:
        """Mean of a difference, and its 95 % interval."""
        tally = self.against[key]
        if self.first is not None and self.by_group:
            values, group = self.first
            _, low, high = grouped_mean(values[key], group, seed)
            return float(np.mean(self.by_group[key].means())), low, high
        worth = tally.count if rests_on is None else min(rests_on, tally.count)  # so many observations
        if worth < 2:
            return tally.mean, None, None
        half = student_deviations(0.025, worth - 1) * math.sqrt(tally.variance / worth)
        if self.by_part:
            of_pilots = spread_over_parts(self.by_part[key].means())
            if of_pilots is None:
                return tally.mean, None, None
            # The parts' draws are among their chances; only a curve's own uncertainty comes on top.
            half = math.hypot(of_pilots, half if rests_on is not None else 0.0)
        return tally.mean, tally.mean - half, tally.mean + half


def _replay_all(
    make: WorldMaker, policies: Mapping[str, Policy | Fitted], options: Options, *, alone: bool
) -> dict[str, _Sums]:
    """Every policy in all draws, block by block: only a few blocks are in memory at a time."""
    blocks = [(i, min(BLOCK, options.draws - i * BLOCK)) for i in range((options.draws + BLOCK - 1) // BLOCK)]

    def one(block: tuple[int, int]) -> dict[str, _Sums]:
        index, size = block
        return _block(make(size, (options.seed, 1, index)), policies, first=index == 0, alone=alone)

    threads = options.threads or min(4, os.cpu_count() or 1)
    sums: dict[str, _Sums] = {}
    for found in _in_order(one, blocks, threads):
        for name, part in found.items():
            if name in sums:
                sums[name].add(part)
            else:
                sums[name] = part
    return sums


def _in_order(
    work: Callable[[tuple[int, int]], dict[str, _Sums]], items: Sequence[tuple[int, int]], threads: int
) -> Iterator[dict[str, _Sums]]:
    """The results in the order of ``items``, no more than one per thread ahead of what was taken."""
    if threads <= 1 or len(items) <= 1:
        yield from map(work, items)
        return
    with ThreadPoolExecutor(threads) as pool:
        waiting: deque[Future[dict[str, _Sums]]] = deque()
        for item in items:
            waiting.append(pool.submit(work, item))
            if len(waiting) > threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _block(worlds: Worlds, policies: Mapping[str, Policy | Fitted], *, first: bool, alone: bool) -> dict[str, _Sums]:
    """Every policy in some worlds. Those that are never ready are counted, not replayed: nobody can notice them."""
    ready = np.flatnonzero(np.isfinite(worlds.ready))
    able = worlds.take(ready)
    reference = policies[REFERENCE]
    assert not isinstance(reference, Fitted)
    base = replay(reference, able)
    found = {}
    for name, policy in policies.items():
        rows, size = len(ready), len(worlds)
        if isinstance(policy, Fitted):
            outcome = policy.replay(able) if rows else base
        elif isinstance(policy, VectorPolicy):
            outcome = base if name == REFERENCE else replay(policy, able)
        elif first:
            size = min(SCALAR_LIMIT, size)
            rows = int(np.searchsorted(ready, size))
            outcome = replay(policy, able.take(slice(0, rows)))
        else:
            continue
        sums = _summed(outcome)
        sums.draws, sums.never = size, size - rows
        differences = _differences(outcome, base)
        sums.against = {key: Tally.of(values) for key, values in differences.items()}
        group = able.group[:rows].astype(np.int64)
        if not alone:
            sums.by_group = {key: Groups.of(values, group) for key, values in differences.items()}
            sums.first = (differences, group) if first else None
        elif isinstance(policy, Fitted):
            part = policy.parts(able)
            sums.by_part = {key: Groups.of(values, part) for key, values in differences.items()}
        found[name] = sums
    return found


def _summed(outcome: Outcome) -> _Sums:
    noticed = np.isfinite(outcome.detected)
    with np.errstate(invalid="ignore"):
        delayed = outcome.ready - outcome.ready_unpolled
    quantities = {
        "delay_s": (outcome.delay, False),
        "requests": (outcome.requests, True),
        "detected_s": (outcome.detected, False),
        "ready_s": (outcome.ready, False),
        "ready_delayed_s": (delayed, False),
        "server_cpu_s": (outcome.cpu_s, False),
        "log_lines": (outcome.log_lines, True),
    }
    return _Sums(
        noticed=int(noticed.sum()),
        quantities={
            key: Tally.of(values[noticed].astype(float), whole=whole) for key, (values, whole) in quantities.items()
        },
        unpolled=Tally.of(outcome.ready_unpolled),
    )


def _differences(outcome: Outcome, base: Outcome) -> dict[str, FloatArray]:
    """Of every draw against the reference; NaN where one of the two did not notice."""
    n = len(outcome.detected)
    both = np.isfinite(outcome.detected) & np.isfinite(base.detected[:n])
    fields_of = ("detected_s", outcome.detected, base.detected), ("requests", outcome.requests, base.requests)
    with np.errstate(invalid="ignore"):
        return {
            key: np.where(both, mine - theirs[:n], np.nan)
            for key, mine, theirs in (*fields_of, ("server_cpu_s", outcome.cpu_s, base.cpu_s))
        }


def _frontier(pilot: Worlds) -> tuple[Point, ...]:
    """Optimal state-blind schedules from sparse to dense, each replayed in the pilot worlds."""
    if not len(pilot):
        return ()
    dist = distribution.empirical(pilot.ready)
    latency = float(np.median(pilot.latency))
    points = []
    for found in sched.frontier(dist, sched.Costs(1.0, 1.0, latency, latency)):
        outcome = replay(found.policy(), pilot)
        good = np.isfinite(outcome.detected)
        if good.any():
            points.append(Point(float(outcome.requests[good].mean()), float(outcome.delay[good].mean())))
    points.sort(key=lambda p: (p.requests, p.delay_s))
    kept: list[Point] = []
    for point in points:  # only points that no other beats in both
        if not kept or point.delay_s < kept[-1].delay_s - 1e-9:
            kept.append(point)
    return tuple(kept)


def _ceiling(tax: Sequence[tuple[float, float, float]], base: _Sums) -> Ceiling | None:
    if tax:
        rows = np.asarray(tax)
        low, high, total = (float(v) for v in rows.mean(axis=0))
        basis = "the start's own polling tax" if len(rows) == 1 else f"mean polling tax of {len(rows)} starts"
        return Ceiling(low, high, total, basis)
    delay, detected = base.quantities["delay_s"], base.quantities["detected_s"]
    if not delay.count:
        return None
    low, high = delay.quantiles(0.025, 0.975)
    return Ceiling(low, high, detected.mean, f"central 95 % of the delay of {REFERENCE} in the scenario")


def simulate_scenario(scenario: Scenario, options: Options) -> Simulation:
    """``simulate`` in the worlds of a scenario."""
    return simulate(
        scenario.draw,
        options,
        source=f"scenario {scenario.name}",
        assumptions={
            "worlds": f"scenario {scenario.name}: {scenario.title}",
            "sources": list(scenario.sources),
            **machine_assumptions(scenario.machine),
            "intervals": SAMPLING_ONLY,
        },
        cores=scenario.machine.cores,
    )


def machine_assumptions(machine: Machine) -> dict[str, str | float | int | list[str]]:
    """What every run assumes of the machine and the requests."""
    return {
        "cores": machine.cores,
        "poll_cpu_s": machine.poll_cpu_s,
        "coupling": machine.coupling,
        "latency_median_s": machine.latency_s,
        "latency_sigma": machine.latency_sigma,
        "readiness_delayed_per_request_s": machine.delay_per_poll_s,
        "state_read_at": "the middle of a request",
        "optimal": f"state-blind schedule with as many requests as {REFERENCE}",
        "intervals": "95 %; resampling whole starts, one possible world of each",
    }
