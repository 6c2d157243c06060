"""Many agents that wait for one server: how many requests come at once, and what they cost the server's start.

Every agent begins at a moment of its own, evenly over ``spread_s`` seconds from the first one on, polls by the same
policy with randomness of its own, and stops when it was told that the server is ready. Until readiness each request
pushes everything that is still to come back by ``poll_cpu_s × coupling / cores`` seconds, as everywhere in the
simulator. Requests are taken in steps of ``STEP_S``: within a step none delays another.

What this does not model: answers that grow slower, or fail, because so many ask. So from the moment at which the
requests of a second would take more than half of the server's CPU (``BUSY``) no further delay is counted, and what is
given of such a start is a lower bound.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from analyzer.errors import UsageError
from analyzer.policies import registry
from analyzer.policies.definition import golden
from analyzer.policies.kinds.optimal import Optimal
from analyzer.policies.vector import Answers, FloatArray, IntArray, VectorPolicy
from analyzer.simulator.replay import _Z, MIDDLE, TIMEOUT, _answers
from analyzer.simulator.tally import Tally
from analyzer.simulator.world import Worlds

STEP_S = 0.02
HORIZON_S = 1800.0
MOST_AGENTS = 10_000
MOST_ROWS = 40_000  # agents times worlds that are replayed together
MOST_WORLDS, FEWEST_WORLDS = 100, 4
MOST_REQUESTS = 5_000_000
SPREAD_S = 2.0  # the interval of k3s' own poller
BUSY = 0.5  # share of the server's CPU beyond which the model says nothing of the start


@dataclass(frozen=True, slots=True)
class Agents:
    """``count`` of them, who begin evenly over ``spread_s`` seconds."""

    count: int
    spread_s: float = SPREAD_S

    def __post_init__(self) -> None:
        if not 1 <= self.count <= MOST_AGENTS:
            raise UsageError(f"--agents must lie between 1 and {MOST_AGENTS:,}")
        if not 0 <= self.spread_s <= HORIZON_S:
            raise UsageError(f"--spread must lie between 0 and {HORIZON_S:g} seconds")


@dataclass(frozen=True, slots=True)
class Range:
    """A quantity over the worlds."""

    mean: float
    p50: float
    p95: float
    max: float

    @classmethod
    def of(cls, values: FloatArray) -> Range | None:
        """``None`` without any world."""
        tally = Tally.of(values)
        if not tally.count:
            return None
        p50, p95 = tally.quantiles(0.5, 0.95)
        return cls(tally.mean, p50, p95, tally.greatest)


@dataclass(frozen=True, slots=True)
class HerdResult:
    """What the agents do to the server under one policy.

    ``requests``: of all agents until each knows; ``peak_per_s``: in the busiest second; ``mean_per_s``: until the last
    one knows. ``server_cpu_s``: what the requests cost; ``peak_cpu_share``: of the server's CPU in the busiest second.
    ``ready_delayed_s``: what they cost its start. ``last_noticed_s``: from readiness until the last agent knows that
    began before. In ``busy_worlds`` of ``worlds`` the server was too busy to say more than: at least so many requests,
    at least so much later.
    """

    policy: str
    worlds: int
    busy_worlds: int
    requests: Range | None
    peak_per_s: Range | None
    mean_per_s: Range | None
    server_cpu_s: Range | None
    peak_cpu_share: Range | None
    ready_delayed_s: Range | None
    last_noticed_s: Range | None


@dataclass(frozen=True, slots=True)
class Herd:
    """``agents`` waiting for one server, in ``worlds`` possible courses of its start. ``left_out``: policies that no
    agent can have (they know the start beforehand), or that have no vectorised form."""

    agents: int
    spread_s: float
    worlds: int
    policies: tuple[HerdResult, ...]
    left_out: tuple[str, ...] = ()


def herd(
    make: Callable[[int, tuple[int, ...]], Worlds], policies: Sequence[str], agents: Agents, seed: int, cores: float
) -> Herd:
    """Every policy that knows nothing beforehand and has a vectorised form, in the same worlds."""
    count = int(np.clip(MOST_ROWS // agents.count, FEWEST_WORLDS, MOST_WORLDS))
    worlds = make(count, (seed, 0xA6))
    worlds = worlds.take(np.flatnonzero(np.isfinite(worlds.ready)))
    results, left_out = [], []
    for name in dict.fromkeys(policies):
        policy = registry.get(name)
        if isinstance(policy, VectorPolicy) and not policy.informed and not isinstance(policy, Optimal):
            results.append(_Herd(policy, worlds, agents, seed, cores).result())
        else:
            left_out.append(policy.name)
    return Herd(agents.count, agents.spread_s, len(worlds), tuple(results), tuple(left_out))


class _Herd:
    """One policy: a row for every agent of every world, on the clock of the server."""

    def __init__(self, policy: Any, servers: Worlds, agents: Agents, seed: int, cores: float) -> None:
        rng = np.random.default_rng((seed, 0xA6, 1))
        n = len(servers) * agents.count
        self.policy, self.cores = policy, cores
        self.server = np.repeat(np.arange(len(servers)), agents.count)
        self.servers, self.worlds = servers, servers.take(self.server)
        begins = rng.random((len(servers), agents.count))
        # The first agent begins when polling could: the others after it.
        self.begin_s = (agents.spread_s * (begins - begins.min(axis=1, keepdims=True))).ravel()
        noise = rng.random((n, self.worlds.noise.shape[1]))
        self.phase = noise[:, -1]
        self.loops = policy.vector_loops(noise, servers.names)
        self.due = np.array([loop.first() + self.begin_s for loop in self.loops]).reshape(len(self.loops), n)
        total = self.policy.limits.total_s
        self.end_s = self.begin_s + (HORIZON_S if total is None else total)
        self.asked = np.zeros(n, dtype=np.int64)
        self.shift = np.zeros(len(servers))
        self.this_second = np.zeros((2, len(servers)), dtype=np.int64)  # which one, and the requests in it
        self.busy = np.zeros(len(servers), dtype=bool)
        self.known_s = np.full(n, np.inf)
        self.second: list[IntArray] = []
        self.where: list[IntArray] = []

    def run(self) -> None:
        """Until every agent knows, or gave up."""
        requests = 0
        while True:
            order = self.due.argmin(axis=0)
            next_s = self.due[order, np.arange(len(order))]
            next_s[(next_s >= self.end_s) | np.isfinite(self.known_s)] = np.inf
            if not len(next_s) or not np.isfinite(next_s.min()):
                return
            # Each server on its own: what its next request and those right behind it are.
            first = np.full(len(self.shift), np.inf)
            np.minimum.at(first, self.server, next_s)
            now = np.flatnonzero(next_s < first[self.server] + STEP_S)
            requests += len(now)
            if requests > MOST_REQUESTS:
                raise UsageError(f"{self.policy.name}: over {MOST_REQUESTS:,} requests", hint="Give fewer --agents.")
            self._ask(now, order[now], next_s[now])

    def _ask(self, rows: IntArray, order: IntArray, at_s: FloatArray) -> None:
        w, server = self.worlds, self.server[rows]
        self.second.append(np.floor(at_s).astype(np.int64))
        self.where.append(server)
        self.asked[rows] = k = self.asked[rows] + 1
        push = self.shift[server]
        before = at_s - push < w.ready[rows]
        self._count(server[before], at_s[before])
        pushed = np.bincount(server[before], minlength=len(self.shift)) * self.servers.per_poll
        self.shift += np.where(self.busy, 0.0, pushed)
        draw = golden(self.phase[rows], k.astype(float))
        latency = w.latency[rows] * np.exp(w.latency_sigma[rows] * _Z[(draw * len(_Z)).astype(np.int64)])
        late = latency > self.policy.limits.request_s
        latency = np.minimum(latency, self.policy.limits.request_s)
        code, failing, retry = _answers(w, rows, at_s + MIDDLE * latency - push)
        code, failing = np.where(late, TIMEOUT, code), np.where(late, 0, failing)
        begin_s = self.begin_s[rows]
        seen = Answers(rows, at_s - begin_s, at_s + latency - begin_s, code, failing, retry)
        ready = code == 0
        told = ready & (order == self.policy.decisive)
        self.known_s[rows[told]] = (at_s + latency)[told]
        for index, loop in enumerate(self.loops):
            mine = order == index
            self.due[index][rows[mine & ready]] = np.inf
            more = mine & ~ready
            if more.any():
                self.due[index][rows[more]] = loop.next(seen.take(more)) + begin_s[more]

    def _count(self, server: IntArray, at_s: FloatArray) -> None:
        """Which servers have too much to answer in this second, before they are ready."""
        second, count = self.this_second
        latest = second.copy()
        np.maximum.at(latest, server, np.floor(at_s).astype(np.int64))
        count[latest > second] = 0
        second[:] = latest
        count += np.bincount(server, minlength=len(count))
        self.busy |= count * self.servers.poll_cpu > BUSY * self.cores

    def result(self) -> HerdResult:
        """After ``run``."""
        self.run()
        count = len(self.shift)
        requests = np.bincount(np.concatenate([*self.where, np.zeros(0, np.int64)]), minlength=count).astype(float)
        peak = np.zeros(count)
        last = np.zeros(count)
        if count:
            second, where = np.concatenate(self.second), np.concatenate(self.where)
            seconds = int(second.max()) + 1
            counts = np.bincount(where * seconds + second, minlength=count * seconds).reshape(count, seconds)
            peak = counts.max(axis=1).astype(float)
            last = (np.arange(seconds) * (counts > 0)).max(axis=1) + 1.0
        waiting = self.begin_s < (self.servers.ready + self.shift)[self.server]
        noticed = np.full(count, -np.inf)
        np.maximum.at(noticed, self.server[waiting], self.known_s[waiting])
        waited = np.where(np.isfinite(noticed), noticed - self.servers.ready - self.shift, np.nan)
        return HerdResult(
            policy=self.policy.name,
            worlds=count,
            busy_worlds=int(self.busy.sum()),
            requests=Range.of(requests),
            peak_per_s=Range.of(peak),
            mean_per_s=Range.of(requests / np.maximum(last, 1.0)),
            server_cpu_s=Range.of(requests * self.servers.poll_cpu),
            peak_cpu_share=Range.of(peak * self.servers.poll_cpu / self.cores),
            ready_delayed_s=Range.of(self.shift),
            last_noticed_s=Range.of(waited),
        )
