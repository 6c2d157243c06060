"""How often the 95 % interval of ``optimal`` against ``shared-2s`` holds the truth, over 200 seeds.

``python benchmarks/optimal_coverage.py [--seeds N] [--draws N]`` prints the table of docs/simulator-appendix.md.

* Scenarios: the truth is the mean of 100 further seeds, whose pilots and draws took no part.
* Starts: of the packaged recordings that became ready some are taken at random for each seed, as if a person had had
  only those; the truth is again the mean over 100 further choices: a schedule of all but one, in that one.

``--once`` prints the interval's coverage when a single pilot is fitted and only the draws vary, as it was before.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from analyzer.simulator import fitted, recorded, run, scenario
from analyzer.simulator.run import WorldMaker
from analyzer.simulator.world import draw, sketch_recorded

QUANTITIES = ("detected_s", "requests", "server_cpu_s")
FURTHER = 100


def of_scenario(name: str, _seed: int) -> WorldMaker:
    """Worlds of a scenario."""
    return scenario.load(name).draw


def of_starts(count: int, seed: int) -> WorldMaker:
    """Worlds of some recorded starts."""
    every = [sketch_recorded(start) for start in recorded.load() if start.first_poll is not None]
    chosen = np.random.default_rng((seed, 7)).choice(len(every), count, replace=False)
    return partial(draw, [every[i] for i in chosen])


def one(make: Callable[[int], WorldMaker], seed: int, draws: int) -> dict[str, run.Difference]:
    """The differences of ``optimal`` for one seed."""
    options = run.Options(policies=("optimal",), draws=draws, seed=seed, threads=1)
    found = run.simulate(make(seed), options, source="", assumptions={})
    return dict(found.policies[0].vs_shared_2s)


def coverage(name: str, make: Callable[[int], WorldMaker], seeds: int, draws: int) -> None:
    """A row of the table for every quantity."""
    truth = [one(make, 1_000_000 + seed, draws) for seed in range(FURTHER)]
    found = [one(make, seed, draws) for seed in range(1, seeds + 1)]
    for key in QUANTITIES:
        true = float(np.mean([row[key].mean for row in truth]))
        rows = [row[key] for row in found]
        held = [r.low is not None and r.high is not None and r.low <= true <= r.high for r in rows]
        width = np.median([r.high - r.low for r in rows if r.low is not None and r.high is not None])
        share = float(np.mean(held))
        error = math.sqrt(share * (1 - share) / seeds)
        print(f"| {name} | {key} | {true:+.4f} | {width:.4f} | {share:.1%} ± {error:.1%} |", flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seeds", type=int, default=200)
    parser.add_argument("--draws", type=int, default=20_000)
    parser.add_argument(
        "worlds", nargs="*", default=["cloud-2vcpu", "edge-1core", "12"], help="scenarios, or how many starts"
    )
    parser.add_argument("--once", action="store_true", help="one pilot, its own chance left out, as before")
    options = parser.parse_args(arguments)
    run._frontier = lambda pilot: ()  # not asked for, and most of the time
    if options.once:
        fitted.PILOTS = 1
        run.spread_over_parts = lambda means: None
        run._Sums._mean = _sampling_only
    print(f"| worlds | difference of | truth | median width | held, of {options.seeds} seeds |")
    print("|---|---|---|---|---|")
    for name in options.worlds:
        if name.isdigit():
            make, draws = partial(of_starts, int(name)), options.draws // 10
            coverage(f"{name} recorded starts", make, options.seeds, draws)
        else:
            coverage(name, partial(of_scenario, name), options.seeds, options.draws)
    return 0


def _sampling_only(sums: run._Sums, key: str, _seed: int, *, interval: bool) -> tuple[float, float, float]:
    tally = sums.against[key]
    half = 1.959964 * math.sqrt(tally.variance / tally.count)
    return tally.mean, tally.mean - half, tally.mean + half


if __name__ == "__main__":
    sys.exit(main())
