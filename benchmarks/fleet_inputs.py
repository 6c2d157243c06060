"""What one input of a collection costs: ``python benchmarks/fleet_inputs.py [N] [--jobs J …] [--profile]``.

Writes ``N`` generated journals of 50 to 500 kB (all releases, roles and ends of the generator; export, JSON, text with
and without fractions of a second; a tenth of them packed) into a temporary folder and reduces each to rows: first in
this process, then with the engine and so many workers. Processor time is that of the process and of its workers.
"""

from __future__ import annotations

import argparse
import cProfile
import gzip
import os
import pstats
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from analyzer.collection import engine
from analyzer.collection.model import InputSpec
from analyzer.collection.work import InputResult, WorkOptions, one
from analyzer.testing import generate, random_scenario

TARGET_S = 0.06
SIZES = range(50_000, 500_001)
CARRIERS = ("export", "short-iso-precise", "json", "short")


def journals(count: int) -> Iterator[bytes]:
    """Journals of a size that nodes' have; the same ones each time."""
    seed = made = 0
    while made < count:
        seed += 1
        scenario = random_scenario(seed)
        if scenario.starts[0].role == "server" and seed % 3 == 0:  # a node that was started some more times
            first = replace(scenario.starts[0], fate="stop", unreachable=False, binding_removed=False, last_words="")
            scenario = replace(scenario, starts=(first,) * 3 + scenario.starts)
        journal = generate(scenario, seed).render(CARRIERS[seed % len(CARRIERS)])
        if len(journal) in SIZES:
            made += 1
            yield journal


def write(folder: Path, count: int) -> list[InputSpec]:
    """The inputs of ``count`` journals in ``folder``."""
    specs = []
    for number, journal in enumerate(journals(count)):
        packed = number % 10 == 0
        path = folder / f"node-{number:04}{'.gz' if packed else ''}"
        path.write_bytes(gzip.compress(journal) if packed else journal)
        specs.append(InputSpec(str(path), (str(path),), path.stat().st_size))
    return specs


def processor_s() -> float:
    """Of this process and of all workers that have ended."""
    return sum(
        used.ru_utime + used.ru_stime
        for used in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    )


def told(what: str, results: list[InputResult], wall_s: float, cpu_s: float) -> None:
    """One line of figures."""
    starts = sum(result.row.starts for result in results)
    bad = sum(bool(result.row.error) for result in results)
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{what:<22} {wall_s:>7.2f} s wall {cpu_s:>7.2f} s processor {cpu_s / len(results):>7.4f} s each"
        f" {starts:>6} starts {bad:>3} bad {most:>6.0f} MB"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("count", nargs="?", type=int, default=200)
    parser.add_argument("--jobs", type=int, nargs="*", default=[1, 2])
    parser.add_argument("--profile", action="store_true", help="only in this process, and what takes the time")
    given = parser.parse_args()
    options = WorkOptions()
    with tempfile.TemporaryDirectory() as home:
        specs = write(Path(home), given.count)
        sizes = [Path(spec.name).stat().st_size for spec in specs]
        print(f"{len(specs)} journals, {sum(sizes) / 1e6:.1f} MB, target {TARGET_S} s each; {os.cpu_count()} cores")
        one(specs[0], options)  # what the vocabulary takes to load is no matter of an input
        profile = cProfile.Profile()
        began, spent = time.perf_counter(), time.process_time()
        if given.profile:
            profile.enable()
        alone = [one(spec, options) for spec in specs]
        profile.disable()
        told("in this process", alone, time.perf_counter() - began, time.process_time() - spent)
        if given.profile:
            pstats.Stats(profile).sort_stats("tottime").print_stats(45)
            return
        for jobs in given.jobs:
            began, spent = time.perf_counter(), processor_s()
            results = list(engine.run(specs, options, lambda jobs=jobs: engine.processes(jobs, options), jobs))
            told(f"{jobs} worker{'s' if jobs > 1 else ''}", results, time.perf_counter() - began, processor_s() - spent)
            assert results == alone


if __name__ == "__main__":
    main()
