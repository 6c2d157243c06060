"""``adaptive`` at the pace at which ``k3slog wait`` asks: for polls over a connection that is kept."""

from __future__ import annotations

from dataclasses import dataclass

from analyzer.policies.definition import above_zero
from analyzer.policies.kinds.adaptive import KEPT_CONNECTION as PACE, Adaptive


@dataclass(frozen=True, slots=True)
class AdaptiveWait(Adaptive):
    """See ``adaptive``; ``KEPT_CONNECTION`` has where the numbers come from."""

    wait_share: float = PACE["wait_share"]
    wait_min_s: float = above_zero(PACE["wait_min_s"])
    wait_max_s: float = PACE["wait_max_s"]
    floor_s: float = PACE["floor_s"]
    many_s: float = above_zero(PACE["many_s"])
    begun: int = int(PACE["begun"])
    soon_s: float = PACE["soon_s"]
    few: int = int(PACE["few"])
    late_share: float = PACE["late_share"]
    late_min_s: float = above_zero(PACE["late_min_s"])
    late_max_s: float = PACE["late_max_s"]
    latency_factor: float = PACE["latency_factor"]
    name: str = "adaptive-wait"


POLICY = AdaptiveWait
