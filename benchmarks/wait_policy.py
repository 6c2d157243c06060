"""How ``k3slog wait`` came to its parameters of ``adaptive``, and how they do on starts that took no part.

``python benchmarks/wait_policy.py`` judges both sets of parameters on both halves of the recorded starts; with
``--tries 300`` it also repeats the search on the first half that found those of ``wait``. The aim of the search is the
delay, at no more than 0.9 % of a core of the server on any longer start, at the price of a poll over a connection that
is kept: 2.0 ms of processor time where a new connection costs 2.7 (measured; the simulator charges 2.7 to everybody).
The defaults of ``adaptive``, which ``simulate`` uses and docs/simulator.md judges, stay below twice the price of k3s'
own poller on every single start. The search itself is that of ``tools/tune_adaptive.py``, with these ranges and this
aim in place of its own.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

import numpy as np

from analyzer.policies import registry
from analyzer.policies.kinds.adaptive import KEPT_CONNECTION, Adaptive
from analyzer.policies.protocol import Policy
from analyzer.simulator.recorded import load
from analyzer.simulator.replay import Outcome
from analyzer.simulator.validate import half_of, verdict
from tools import tune_adaptive

KEPT_PRICE = 2.0 / 2.7
MOST_OF_A_CORE = 0.009

RANGES: dict[str, tuple[float, float]] = {
    "wait_share": (0.15, 0.25),
    "wait_min_s": (1.3, 1.9),
    "wait_max_s": (2.0, 2.8),
    "floor_s": (1.05, 1.35),
    "many_s": (0.5, 1.2),
    "begun": (2.0, 8.99),
    "soon_s": (0.3, 0.7),
    "late_share": (0.02, 0.1),
    "late_min_s": (0.15, 0.25),
    "late_max_s": (0.18, 0.3),
    "latency_factor": (0.0, 0.6),
    "few": (2.0, 3.99),
}


def params_of(point: dict[str, float]) -> Adaptive:
    """Parameters, rounded as they would be written down."""
    values = {name: round(value, 2) for name, value in point.items() if name not in ("few", "begun")}
    values["late_max_s"] = max(values["late_max_s"], values["late_min_s"])
    return Adaptive(few=int(point["few"]), begun=int(point["begun"]), **values)


def loss_of(outcome: Outcome, base: Outcome, short: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> float:
    """What the search makes small: the delay, and a little of the price."""
    shape = (len(short), tune_adaptive.DRAWS)
    cpu, base_cpu = outcome.cpu_s.reshape(shape), base.cpu_s.reshape(shape)
    core = KEPT_PRICE * cpu[~short].mean(axis=1) / outcome.detected.reshape(shape)[~short].mean(axis=1)
    p50, p95 = np.quantile(outcome.delay, [0.5, 0.95])
    price = float(cpu[short].mean() / base_cpu[short].mean())
    return float(p50 + 0.5 * p95 + 0.05 * price + 500 * max(0.0, float(core.max()) - MOST_OF_A_CORE))


def told(name: str, policy: Policy) -> None:
    """Print how a policy does on either half."""
    for half, what in ((0, "chosen on"), (1, "judged on")):
        found = verdict(policy, [start for start in load() if half_of(start) == half])
        sys.stdout.write(
            f"{name}, {what} {found.starts} starts: delay {found.delay_p50:.3f} s, p95 {found.delay_p95:.3f}, most"
            f" {found.delay_max:.2f}; of a core on longer starts {100 * KEPT_PRICE * found.core_mean:.2f} %, most"
            f" {100 * KEPT_PRICE * found.core_max:.2f} ({100 * found.core_max:.2f} with new connections);"
            f" polls of shared-2s x {found.cpu_ratio:.2f}, most {found.cpu_ratio_max:.2f}\n"
        )


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--tries", type=int, default=0)
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument("--draws", type=int, default=12, help="worlds for each start in the search")
    options = parser.parse_args(arguments)
    told("adaptive", registry.get("adaptive"))
    told("adaptive of wait", registry.get("adaptive", **KEPT_CONNECTION))
    if options.tries:
        tune_adaptive.DRAWS = options.draws
        tune_adaptive.RANGES, tune_adaptive._loss, tune_adaptive.params_of = RANGES, loss_of, params_of
        _, params = tune_adaptive.search(options.tries, options.seed)
        sys.stdout.write(f"{params}\n")
        told("found", params)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
