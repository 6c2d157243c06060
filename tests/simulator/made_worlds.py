"""Small worlds for the tests."""

from __future__ import annotations

from dataclasses import dataclass, replace as changed
from typing import Any

import numpy as np

from analyzer.policies.protocol import CODE_OF, Observation, Policy
from analyzer.simulator import replay
from analyzer.simulator.scenario import Scenario, parse
from analyzer.simulator.world import Worlds


def bare(ready: np.ndarray, *, latency: float = 1e-9, per_poll: float = 0.0, seed: int = 0) -> Worlds:
    """Worlds in which one check clears at ``ready`` and the list is there from the begin."""
    n = len(ready)
    return Worlds(
        names=("check",),
        stage_codes=(CODE_OF["service_unavailable"],),
        stage_ends=np.full((n, 1), -np.inf),
        clears=ready[:, None].astype(float),
        ready=ready.astype(float),
        group=np.arange(n),
        per_poll=np.full(n, per_poll),
        poll_cpu=np.full(n, 0.002),
        latency=np.full(n, latency),
        latency_sigma=np.zeros(n),
        noise=np.random.default_rng(seed).random((n, 8)),
    )


def rough() -> Scenario:
    """A scenario with everything in it: stages, edges, overload, slow answers, starts that never get ready."""
    return parse(
        """
        [scenario]
        name = "rough"
        [machine]
        cores = 1.0
        poll_cpu_s = 0.02
        coupling = 1.0
        latency_s = 0.15
        latency_sigma = 1.6
        slowness_sigma = 0.3
        [[stage]]
        error = "connection_refused"
        duration = { kind = "exponential", mean = 1.0 }
        [[stage]]
        error = "service_unavailable"
        duration = { kind = "lognormal", median = 2.0, sigma = 0.5 }
        [[stage]]
        error = "forbidden"
        duration = { kind = "uniform", low = 0.0, high = 2.0 }
        [[hook]]
        check = "poststarthook/rbac/bootstrap-roles"
        delay_s = 1.0
        duration = { kind = "weibull", shape = 1.2, scale = 4.0 }
        [[hook]]
        check = "poststarthook/scheduling/bootstrap-system-priority-classes"
        delay_s = 1.0
        duration = 0.1
        [[hook]]
        check = "a"
        duration = { kind = "exponential", mean = 1.0 }
        [[hook]]
        check = "b"
        after = ["a"]
        duration = { kind = "exponential", mean = 1.0 }
        [[overload]]
        error = "too_many_requests"
        begin = { kind = "uniform", low = 0.0, high = 3.0 }
        duration = { kind = "exponential", mean = 2.0 }
        retry_after_s = 1.5
        [never]
        probability = 0.1
        error = "unauthorized"
        """
    )


@dataclass(frozen=True, slots=True)
class Asked:
    """One request; its latency to the nanosecond."""

    seen: Observation


class _Traced(replay._Replay):
    def _count_lines(self, seen: Any, ready: Any) -> None:
        super()._count_lines(seen, ready)
        told = replay._observations(seen, self.worlds.names)
        asked = [Asked(changed(one, latency_s=round(one.latency_s, 9))) for one in told]
        self.trace = [*getattr(self, "trace", ()), *asked]


def replay_one(policy: Policy, worlds: Worlds, row: int) -> tuple[replay.Outcome, list[Asked]]:
    """World ``row`` through the scalar loops: the outcome (n = 1) and every request."""
    one = worlds.take(np.array([row]))
    traced = _Traced(policy, one, replay._own_loops(policy, one))
    return traced.run(), traced.trace
