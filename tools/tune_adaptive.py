"""How the default parameters of ``adaptive`` were chosen: random search on one half of the recorded starts.

``python tools/tune_adaptive.py [--tries N] [--seed N]`` prints the best parameters found. The other half
(``validate.half_of``) takes no part; ``validate`` judges on it. The aim is a weighted sum of how much later than with
``shared-2s`` readiness is noticed and of the median and 95th percentile of the delay, with penalties that keep the
limits at a distance: twice the CPU of ``shared-2s`` on starts under 10 s (1.75 for each single start here), 1 % of
a core on longer ones (0.9 %), 0.4 s median and 1 s p95 (0.36 and 0.9 s).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np

from analyzer.policies import registry
from analyzer.policies.kinds.adaptive import Adaptive
from analyzer.simulator.recorded import load
from analyzer.simulator.replay import Outcome, replay
from analyzer.simulator.validate import half_of
from analyzer.simulator.world import from_recorded

RANGES: dict[str, tuple[float, float]] = {
    "wait_share": (0.05, 0.3),
    "wait_min_s": (0.8, 1.5),
    "wait_max_s": (1.5, 2.5),
    "floor_s": (1.0, 1.4),
    "many_s": (0.3, 1.0),
    "late_share": (0.05, 0.5),
    "late_min_s": (0.2, 0.6),
    "late_max_s": (0.5, 1.2),
    "latency_factor": (0.0, 2.5),
    "few": (1.0, 3.99),
}
DRAWS = 24


def params_of(point: dict[str, float]) -> Adaptive:
    """Parameters, rounded as they would be written down."""
    values: dict[str, Any] = {name: round(value, 2) for name, value in point.items() if name != "few"}
    values["late_max_s"] = max(values["late_max_s"], values["late_min_s"])
    return Adaptive(few=int(point["few"]), **values)


def search(tries: int, seed: int) -> tuple[float, Adaptive]:
    """Best (loss, parameters) of ``tries`` points: a third anywhere, the rest near the best so far."""
    starts = [s for s in load() if half_of(s) == 0]
    worlds = from_recorded(starts, DRAWS * len(starts), 1)
    base = replay(registry.get("shared-2s"), worlds)
    short = np.array([s.ready[1] < 10.0 for s in starts])
    rng = np.random.default_rng(seed)
    best: dict[str, float] | None = None
    least = np.inf
    for _ in range(tries):
        point = {name: float(rng.uniform(low, high)) for name, (low, high) in RANGES.items()}
        if best is not None and rng.random() > 0.3:
            keep = {name: bool(rng.random() < 0.5) for name in RANGES}
            point = {n: best[n] if keep[n] else best[n] + 0.3 * (point[n] - best[n]) for n in RANGES}
        loss = _loss(replay(params_of(point), worlds), base, short)
        if loss < least:
            least, best = loss, point
    assert best is not None
    return float(least), params_of(best)


def _loss(outcome: Outcome, base: Outcome, short: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> float:
    shape = (len(short), DRAWS)
    cpu, base_cpu = outcome.cpu_s.reshape(shape), base.cpu_s.reshape(shape)
    ratio = cpu[short].mean(axis=1) / base_cpu[short].mean(axis=1)
    core = cpu[~short].mean(axis=1) / outcome.detected.reshape(shape)[~short].mean(axis=1)
    p50, p95 = np.quantile(outcome.delay, [0.5, 0.95])
    loss = float((outcome.detected - base.detected).mean()) + 0.3 * p50 + 0.3 * p95
    loss += 10 * max(0.0, cpu[short].mean() / base_cpu[short].mean() - 1.8)
    loss += 10 * max(0.0, p50 - 0.36) + 10 * max(0.0, p95 - 0.9) + 500 * max(0.0, float(core.max()) - 0.009)
    return float(loss + 0.5 * float((ratio > 2).mean()) + 3.0 * max(0.0, float(ratio.max()) - 1.75))


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--tries", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=5)
    options = parser.parse_args(arguments)
    loss, params = search(options.tries, options.seed)
    sys.stdout.write(f"loss {loss:.4f}\n{params}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
