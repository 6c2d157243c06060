"""How often the 95 % interval of ``optimal`` (or ``--policy``) against ``shared-2s`` holds the truth, over 200 seeds.

``python benchmarks/optimal_coverage.py [--seeds N] [--draws N]`` prints the table of docs/simulator-appendix.md.

* Scenarios: the truth is the mean of 100 further seeds, whose pilots and draws took no part.
* Starts: of the packaged recordings that became ready some are taken at random for each seed, as if a person had had
  only those; the truth is again the mean over 100 further choices: a schedule of all but one, in that one.
* Pooled curves: the same of the curve of so many starts (``pool:12``).

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
from analyzer.simulator.world import Sketch, draw, from_curve, sketch_recorded
from analyzer.stats.turnbull import turnbull

QUANTITIES = ("detected_s", "requests", "server_cpu_s")
FURTHER = 100


Made = tuple[WorldMaker, int | None]  # and of how many starts the curve is


def of_scenario(name: str, _seed: int) -> Made:
    """Worlds of a scenario."""
    return scenario.load(name).draw, None


def some(count: int, seed: int) -> list[Sketch]:
    """Some recorded starts."""
    every = [sketch_recorded(start) for start in recorded.load() if start.first_poll is not None]
    chosen = np.random.default_rng((seed, 7)).choice(len(every), count, replace=False)
    return [every[i] for i in chosen]


def of_starts(count: int, seed: int) -> Made:
    """Worlds of some recorded starts."""
    return partial(draw, some(count, seed)), None


def of_curve(count: int, seed: int) -> Made:
    """Worlds of the pooled curve of some recorded starts."""
    low, high = np.array([sketch.ready for sketch in some(count, seed)]).T
    curve, machine = turnbull(np.maximum(low, 0.0), high), scenario.load("cloud-2vcpu").machine
    return lambda n, own: from_curve(curve.edges, curve.mass, 0.6, machine, n, own), count


def one(make: Callable[[int], Made], seed: int, draws: int, policy: str) -> dict[str, run.Difference]:
    """The differences of a policy for one seed."""
    worlds, rests_on = make(seed)
    options = run.Options(policies=(policy,), draws=draws, seed=seed, threads=1)
    found = run.simulate(worlds, options, source="", assumptions={}, rests_on=rests_on)
    return dict(found.policies[0].vs_shared_2s)


def coverage(name: str, make: Callable[[int], Made], seeds: int, draws: int, policy: str) -> None:
    """A row of the table for every quantity."""
    truth = [one(make, 1_000_000 + seed, draws, policy) for seed in range(FURTHER)]
    found = [one(make, seed, draws, policy) for seed in range(1, seeds + 1)]
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
        "worlds",
        nargs="*",
        default=["cloud-2vcpu", "edge-1core", "12", "pool:12"],
        help="scenarios, or how many starts",
    )
    parser.add_argument("--policy", default="optimal")
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
        kind, _, number = name.rpartition(":")
        if not number.isdigit():
            make, draws, title = partial(of_scenario, name), options.draws, name
        elif kind:
            make, draws, title = (
                partial(of_curve, int(number)),
                options.draws // 10,
                f"curve of {number} recorded starts",
            )
        else:
            make, draws, title = partial(of_starts, int(number)), options.draws // 10, f"{number} recorded starts"
        coverage(f"{title}, {options.policy}", make, options.seeds, draws, options.policy)
    return 0


def _sampling_only(sums: run._Sums, key: str, _seed: int, _rests_on: int | None) -> tuple[float, float, float]:
    tally = sums.against[key]
    half = 1.959964 * math.sqrt(tally.variance / tally.count)
    return tally.mean, tally.mean - half, tally.mean + half


if __name__ == "__main__":
    sys.exit(main())
