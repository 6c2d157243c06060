"""How the default parameters of ``adaptive`` are chosen: random search on one half of the recorded starts.

``python benchmarks/wait_tune.py [--tries N] [--seed N]`` prints the best parameters found, and how they do on the half
that took no part (``validate.half_of``). The aim is the delay: its median at most 0.15 s, its 95th percentile at most
0.5 s, with penalties that keep the limits at a distance: on starts under 10 s twice the processor time of ``shared-2s``
(1.75 for each single start here), on longer ones 1 % of a core (0.9 %). The search itself is that of
``tools/tune_adaptive.py``, with these ranges and this aim in place of its own.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

import numpy as np

from analyzer.policies import registry
from analyzer.policies.kinds.adaptive import Adaptive
from analyzer.simulator.recorded import load
from analyzer.simulator.replay import Outcome
from analyzer.simulator.validate import half_of, verdict
from tools import tune_adaptive

#: Around what a search over wider ranges had found.
RANGES: dict[str, tuple[float, float]] = {
    "wait_share": (0.12, 0.25),
    "wait_min_s": (1.4, 1.9),
    "wait_max_s": (2.0, 2.8),
    "floor_s": (1.1, 1.4),
    "many_s": (0.7, 1.3),
    "begun": (2.0, 6.99),
    "soon_s": (0.4, 0.8),
    "late_share": (0.01, 0.08),
    "late_min_s": (0.18, 0.28),
    "late_max_s": (0.22, 0.28),
    "latency_factor": (0.0, 0.6),
    "few": (1.0, 2.99),
}


def params_of(point: dict[str, float]) -> Adaptive:
    """Parameters, rounded as they would be written down."""
    values = {name: round(value, 2) for name, value in point.items() if name not in ("few", "begun")}
    values["late_max_s"] = max(values["late_max_s"], values["late_min_s"])
    return Adaptive(few=int(point["few"]), begun=int(point["begun"]), **values)


def loss_of(outcome: Outcome, base: Outcome, short: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> float:
    """What the search makes small."""
    shape = (len(short), tune_adaptive.DRAWS)
    cpu, base_cpu = outcome.cpu_s.reshape(shape), base.cpu_s.reshape(shape)
    ratio = cpu[short].mean(axis=1) / base_cpu[short].mean(axis=1)
    core = cpu[~short].mean(axis=1) / outcome.detected.reshape(shape)[~short].mean(axis=1)
    p50, p95 = np.quantile(outcome.delay, [0.5, 0.95])
    loss = float(outcome.delay.mean()) + p50 + 0.5 * p95
    loss += 20 * max(0.0, p50 - 0.14) + 10 * max(0.0, p95 - 0.47) + 500 * max(0.0, float(core.max()) - 0.009)
    return float(loss + 3.0 * max(0.0, float(ratio.max()) - 1.75) + 1.0 * float((ratio > 1.85).mean()))


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--tries", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument("--draws", type=int, default=8, help="worlds for each start")
    options = parser.parse_args(arguments)
    tune_adaptive.DRAWS = options.draws
    tune_adaptive.RANGES, tune_adaptive._loss, tune_adaptive.params_of = RANGES, loss_of, params_of
    loss, params = tune_adaptive.search(options.tries, options.seed)
    sys.stdout.write(f"loss {loss:.4f}\n{params}\n")
    for half, name in ((0, "chosen on"), (1, "judged on")):
        starts = [start for start in load() if half_of(start) == half]
        for policy in (registry.get("adaptive"), params):
            sys.stdout.write(f"{name}: {verdict(policy, starts)}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
