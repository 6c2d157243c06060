"""k3s up to v1.32.3: four waiters, each with its own 1 s ticker."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from analyzer.policies.definition import above_zero
from analyzer.policies.ticker import Ticker, Ticking


@dataclass(frozen=True, slots=True)
class Legacy4x1s(Ticker):
    """Loop 0 is the server's background waiter, in rounds of 30 s without a total limit; its success prints
    ``Kube API server is now running``.

    The other three (agent run, tunnel, kubelet) start once the agent's configuration was retrieved: within a second
    after it, at phases of their own, limit 15 min. They gate other components, so here they only cost. Source:
    pkg/daemons/control/server.go, pkg/agent/run.go, pkg/agent/tunnel/tunnel.go, pkg/daemons/executor/embed.go of
    v1.32.2.
    """

    log_style: ClassVar[str] = "rounds"

    interval_s: float = above_zero(1.0)
    callers: int = above_zero(4)
    name: str = "legacy-4x1s"

    def begin(self, noise: Sequence[float]) -> tuple[Ticking, ...]:
        """The background waiter and the gates."""
        gates = [self.limited(phase * self.interval_s) for phase in noise[: self.callers - 1]]
        return (Ticking(0.0, math.inf, round_s=30.0), *gates)


POLICY = Legacy4x1s
