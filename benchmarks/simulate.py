"""A million paired draws, six policies: wall and CPU seconds of ``simulate`` per scenario.

``python benchmarks/simulate.py [--draws N] [SCENARIO …]``. The aim is under 30 s on two cores for ``cloud-2vcpu``;
slower machines have longer starts, hence more requests to replay. Exit code 1 when a named scenario takes longer.
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
import time

from analyzer.simulator import run, scenario

LIMIT_S = 30.0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("scenarios", nargs="*", default=["cloud-2vcpu"], help="default: cloud-2vcpu")
    parser.add_argument("--draws", type=int, default=1_000_000)
    options = parser.parse_args()
    failed = False
    print(f"{options.draws:,} draws, {len(run.DEFAULT_POLICIES)} policies, {os.cpu_count()} cores")
    for name in options.scenarios:
        found = scenario.load(name)
        wall, cpu = time.perf_counter(), time.process_time()
        answer = run.simulate(found.draw, run.Options(draws=options.draws), source=name, assumptions={})
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        requests = sum(p.requests.mean * p.draws for p in answer.policies if p.requests)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        rate = requests / wall / 1e6
        print(f"{name:12} {wall:6.1f} s wall {cpu:6.1f} s CPU  {rate:5.2f} M requests/s  {peak:.0f} MiB peak")
        failed |= wall > LIMIT_S
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
