"""The pollers k3s really has: Go tickers, with their exact semantics.

A ``time.Ticker`` fires on a fixed grid and holds at most one tick that nobody has taken; further ticks are dropped
and the grid never moves. So an answer that comes late is followed by a request at once, then by the grid again.
Source: k3s pkg/util/api.go of v1.32.4 (``PollUntilContextTimeout``, immediate) and of v1.32.2; measured on recorded
starts: the phase of the grid survived even a process frozen for 12 s.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass

import numpy as np

from analyzer.policies.common import OneLoop, Recipe, ask_within, times_within
from analyzer.policies.protocol import Answers, AskAt, Decision, FloatArray, Loop, Observation, Stop, VectorLoop

#: Stamps that differ by less than this are the same tick (rounding of sums of floats).
EPS = 1e-9


class TickerLoop:
    """One ticker from ``start_s`` on. ``round_s``: every so many seconds the ticker is made anew, with a request
    at once (the old server background waiter polled in rounds of 30 s)."""

    def __init__(self, interval_s: float, start_s: float, total_s: float | None, round_s: float | None) -> None:
        self.interval_s = interval_s
        self.origin_s = start_s
        self.start_s = start_s
        self.total_s = total_s
        self.round_s = round_s
        self.drained = 0

    def first(self) -> Decision:
        """At the start, immediately."""
        return AskAt(self.start_s, "tick", "first request is immediate")

    def next(self, seen: Observation) -> Decision:
        """The queued tick at once, else the next tick of the grid."""
        if seen.ready:
            return Stop("ready", at_s=seen.at_s)
        now = seen.at_s
        if self.round_s is not None and now >= self.origin_s + self.round_s - EPS:
            # The round's context expired while this request ran: the next round starts right away.
            self.origin_s, self.drained = now, 0
            return self._within(now, "next round")
        fired = math.floor((now - self.origin_s) / self.interval_s + EPS)
        if fired > self.drained:
            self.drained = fired
            return self._within(now, "queued tick")
        self.drained += 1
        at = self.origin_s + self.drained * self.interval_s
        if self.round_s is not None and at >= self.origin_s + self.round_s - EPS:
            at = self.origin_s + self.round_s
            self.origin_s, self.drained = at, 0
            return self._within(at, "next round")
        return self._within(at, "grid")

    def _within(self, at: float, why: str) -> Decision:
        return ask_within(self.total_s, at, "tick", why, since_s=self.start_s)


class VectorTicker:
    """``TickerLoop`` for many worlds."""

    def __init__(self, interval_s: float, start_s: FloatArray, total_s: float | None, round_s: float | None) -> None:
        self.interval_s = interval_s
        self.start_s = start_s
        self.origin_s = start_s.copy()
        self.total_s = total_s
        self.round_s = np.inf if round_s is None else round_s
        self.drained = np.zeros(start_s.shape)

    def first(self) -> FloatArray:
        """At the start, immediately."""
        return self.start_s.copy()

    def next(self, seen: Answers) -> FloatArray:
        """See ``TickerLoop.next``."""
        who, at_s = seen.who, seen.at_s
        origin = self.origin_s[who]
        drained = self.drained[who]
        fired = np.floor((at_s - origin) / self.interval_s + EPS)
        queued = fired > drained
        drained = np.where(queued, fired, drained + 1)
        at = np.where(queued, at_s, origin + drained * self.interval_s)
        if np.isfinite(self.round_s):
            late = at_s >= origin + self.round_s - EPS
            over = ~late & ~queued & (at >= origin + self.round_s - EPS)
            at = np.where(late, at_s, np.where(over, origin + self.round_s, at))
            fresh = late | over
            self.origin_s[who] = np.where(fresh, at, origin)
            drained = np.where(fresh, 0.0, drained)
        self.drained[who] = drained
        return times_within(self.total_s, at, since_s=self.start_s[who])


@dataclass(frozen=True, slots=True)
class Shared2s(OneLoop):
    """k3s since v1.30.12, 1.31.8, 1.32.4 and 1.33.0: one poller, every 2 s, 15 s a request, 15 min in all."""

    interval_s: float = 2.0
    name: str = "shared-2s"

    def loop(self, rng: random.Random) -> Loop:
        """One ticker."""
        return TickerLoop(self.interval_s, 0.0, self.limits.total_s, None)

    def vector_loop(self, noise: FloatArray, names: tuple[str, ...]) -> VectorLoop:
        """One ticker."""
        return VectorTicker(self.interval_s, np.zeros(len(noise)), self.limits.total_s, None)


@dataclass(frozen=True, slots=True)
class Legacy4x1s(Recipe):
    """k3s up to v1.32.3: four waiters, each with its own 1 s ticker.

    Loop 0 is the server's background waiter, in rounds of 30 s without a total limit; its success prints
    ``Kube API server is now running``. The other three (agent run, tunnel, kubelet) start once the agent's
    configuration was retrieved: within a second after it, at phases of their own, limit 15 min. They gate other
    components, so here they only cost. Source: pkg/daemons/control/server.go, pkg/agent/run.go,
    pkg/agent/tunnel/tunnel.go, pkg/daemons/executor/embed.go of v1.32.2.
    """

    interval_s: float = 1.0
    log_style: str = "rounds"
    callers: int = 4
    name: str = "legacy-4x1s"

    def loops(self, rng: random.Random) -> tuple[Loop, ...]:
        """The background waiter and the three gates."""
        noise = [rng.random() for _ in range(8)]
        rest = [TickerLoop(self.interval_s, u * self.interval_s, self.limits.total_s, None) for u in noise]
        return (TickerLoop(self.interval_s, 0.0, None, 30.0), *rest[: self.callers - 1])

    def vector_loops(self, noise: FloatArray, names: tuple[str, ...]) -> tuple[VectorLoop, ...]:
        """The background waiter and the three gates."""
        rest = [
            VectorTicker(self.interval_s, noise[:, k] * self.interval_s, self.limits.total_s, None)
            for k in range(self.callers - 1)
        ]
        return (VectorTicker(self.interval_s, np.zeros(len(noise)), None, 30.0), *rest)
