"""``simulate``: every policy in the same worlds, summed up.

The result types carry plain numbers and go to the reports as they are. No time is read from a clock and no
randomness is drawn but from the seed: the same seed gives the same bytes, whatever the number of threads.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np

from analyzer.errors import UsageError
from analyzer.policies import registry
from analyzer.policies.kinds.optimal import Optimal
from analyzer.policies.protocol import Policy
from analyzer.policies.vector import FloatArray, VectorPolicy
from analyzer.simulator import distribution, schedule as sched
from analyzer.simulator.replay import Outcome, replay
from analyzer.simulator.scenario import Scenario
from analyzer.simulator.world import Machine, Worlds
from analyzer.stats.bootstrap import grouped_mean

#: Runs whose draws are all worlds of their own: their interval says nothing of the scenario's truth.
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
    def of(cls, values: FloatArray) -> Stat | None:
        """``None`` when no draw has a value."""
        good = values[np.isfinite(values)]
        if not len(good):
            return None
        p50, p95 = np.quantile(good, [0.5, 0.95])
        return cls(float(good.mean()), float(p50), float(p95), float(good.max()), float(good.min()))


@dataclass(frozen=True, slots=True)
class Difference:
    """Paired difference against ``shared-2s``: its mean with a 95 % interval, and the central 95 % of the draws."""

    mean: float
    low: float
    high: float
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


@dataclass(frozen=True, slots=True)
class Options:
    """``policies``: names or TOML files. ``threads``: 0 = as many as cores, at most 4."""

    policies: tuple[str, ...] = DEFAULT_POLICIES
    draws: int = 100_000
    seed: int = 1
    threads: int = 0

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
) -> Simulation:
    """Replays every policy. ``tax``: per analysed start (least, greatest tax, detected) in seconds.

    Raises ``UsageError`` for bad options or policies.
    """
    options.check()
    pilot = make(min(options.draws, PILOT), (options.seed, 0xF0))
    reference = replay(registry.get(REFERENCE), pilot)
    policies: dict[str, Policy] = {}
    for name in dict.fromkeys(options.policies):
        policy = registry.get(name)
        if isinstance(policy, Optimal) and not policy.times_s:
            policy = optimal_for(pilot, float(np.mean(reference.requests)))
        if policy.name in policies:
            raise UsageError(f"two policies are called {policy.name!r}")
        policies[policy.name] = policy
    shown = tuple(policies)
    policies.setdefault(REFERENCE, registry.get(REFERENCE))
    outcomes, groups = _replay_all(make, policies, options)
    base = outcomes[REFERENCE]
    return Simulation(
        seed=options.seed,
        draws=options.draws,
        source=source,
        assumptions=assumptions,
        policies=tuple(_summary(outcomes[name], base, groups, options.seed) for name in shown),
        frontier=_frontier(pilot),
        ceiling_s=_ceiling(tax, outcomes, base),
        hooks_s=Stat.of(base.ready_unpolled),
        boot_s=Stat.of(_boot(pilot)),
        work_s=Stat.of(pilot.ready - _boot(pilot)),
    )


def _boot(worlds: Worlds) -> FloatArray:
    """When the answers that come before a check list end."""
    if not worlds.stage_codes:
        return np.zeros(len(worlds))
    with np.errstate(invalid="ignore"):
        end = np.maximum(worlds.stage_ends.max(axis=1), 0.0)
        return np.where(np.isfinite(worlds.ready), np.minimum(end, worlds.ready), np.nan)


def optimal_for(worlds: Worlds, requests: float) -> Optimal:
    """The state-blind schedule of least expected delay that spends about ``requests`` requests a start."""
    finite = worlds.ready[np.isfinite(worlds.ready)]
    if not len(finite):
        return Optimal((1.0,), 2.0)
    dist = distribution.empirical(finite)
    gap = float(np.median(worlds.latency))
    low, high = 1e-6 * dist.horizon_s, dist.horizon_s
    for _ in range(14):
        middle = float(np.sqrt(low * high))
        found = sched.optimal(dist, sched.Costs(middle, 1.0, gap, gap), rough=True)
        if found.expected_polls > requests:
            low = middle
        else:
            high = middle
        if abs(found.expected_polls - requests) < 0.02 * requests and found.expected_polls <= requests:
            break
    return sched.optimal(dist, sched.Costs(high, 1.0, gap, gap)).policy()


def _replay_all(
    make: WorldMaker, policies: Mapping[str, Policy], options: Options
) -> tuple[dict[str, Outcome], FloatArray]:
    blocks = [(i, min(BLOCK, options.draws - i * BLOCK)) for i in range((options.draws + BLOCK - 1) // BLOCK)]

    def one(block: tuple[int, int]) -> tuple[dict[str, Outcome], FloatArray]:
        index, size = block
        worlds = make(size, (options.seed, 1, index))
        done = {
            name: replay(policy, worlds, max_scalar=SCALAR_LIMIT)
            for name, policy in policies.items()
            if index == 0 or isinstance(policy, VectorPolicy)
        }
        return done, worlds.group.astype(float)

    threads = options.threads or min(4, os.cpu_count() or 1)
    if threads > 1 and len(blocks) > 1:
        with ThreadPoolExecutor(threads) as pool:
            parts = list(pool.map(one, blocks))
    else:
        parts = [one(block) for block in blocks]
    joined = {name: Outcome.joined([part[0][name] for part in parts if name in part[0]]) for name in policies}
    # A world of a scenario is a group of its own in every block; a start is the same group in all of them.
    groups = [part[1] for part in parts]
    alone = len(np.unique(groups[0])) == len(groups[0])
    return joined, np.arange(options.draws, dtype=float) if alone else np.concatenate(groups)


def _summary(outcome: Outcome, base: Outcome, group: FloatArray, seed: int) -> PolicyResult:
    n = len(outcome.detected)
    noticed = np.isfinite(outcome.detected)
    both = noticed & np.isfinite(base.detected[:n])
    fields = {
        "detected_s": (outcome.detected, base.detected),
        "requests": (outcome.requests.astype(float), base.requests.astype(float)),
        "server_cpu_s": (outcome.cpu_s, base.cpu_s),
    }

    def against_reference(mine: FloatArray, theirs: FloatArray) -> Difference:
        with np.errstate(invalid="ignore"):
            difference = np.where(both, mine - theirs[:n], np.nan)
        mean, low, high = grouped_mean(difference, group[:n].astype(np.int64), seed)
        p025, p975 = np.nanquantile(difference, [0.025, 0.975])
        return Difference(mean, low, high, float(p025), float(p975))

    def stat(values: FloatArray) -> Stat | None:
        return Stat.of(np.where(noticed, values, np.nan))

    with np.errstate(invalid="ignore"):
        delayed = outcome.ready - outcome.ready_unpolled
    return PolicyResult(
        policy=outcome.policy,
        draws=n,
        undetected=int(n - noticed.sum()),
        delay_s=stat(outcome.delay),
        requests=stat(outcome.requests.astype(float)),
        detected_s=stat(outcome.detected),
        ready_s=stat(outcome.ready),
        ready_delayed_s=stat(delayed),
        server_cpu_s=stat(outcome.cpu_s),
        log_lines=stat(outcome.log_lines.astype(float)),
        vs_shared_2s={key: against_reference(*values) for key, values in fields.items()} if both.any() else {},
    )


def _frontier(pilot: Worlds) -> tuple[Point, ...]:
    """Optimal state-blind schedules from sparse to dense, each replayed in the pilot worlds."""
    finite = pilot.ready[np.isfinite(pilot.ready)]
    if not len(finite):
        return ()
    dist = distribution.empirical(finite)
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


def _ceiling(
    tax: Sequence[tuple[float, float, float]], outcomes: Mapping[str, Outcome], base: Outcome
) -> Ceiling | None:
    if tax:
        rows = np.asarray(tax)
        low, high, total = (float(v) for v in rows.mean(axis=0))
        basis = "the start's own polling tax" if len(rows) == 1 else f"mean polling tax of {len(rows)} starts"
        return Ceiling(low, high, total, basis)
    delay = base.delay[np.isfinite(base.delay)]
    if not len(delay):
        return None
    low, high = (float(v) for v in np.quantile(delay, [0.025, 0.975]))
    total = float(base.detected[np.isfinite(base.detected)].mean())
    return Ceiling(low, high, total, f"central 95 % of the delay of {REFERENCE} in the scenario")


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
