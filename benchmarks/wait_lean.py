"""How lean ``k3slog wait`` starts, waits and ends, measured against a server that replays a recorded start.

``python benchmarks/wait_lean.py [--runs N]``: launch to the first request, processor time of a wait of 20 s, ready
answer to exit, and what is loaded. The numbers of docs/wait.md.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from tests.live.double import Pki
from tests.live.replayed import Replayed, Timeline, readyz, status_body

HEAVY = (
    "numpy",
    "pandas",
    "yaml",
    "httpx",
    "rich",
    "analyzer.results",
    "analyzer.events.vocabulary",
    "analyzer.records",
)


@dataclass(frozen=True)
class Run:
    """One wait. ``first_s``: launch to first request; ``end_s``: ready answer sent to the exit of the process."""

    first_s: float
    end_s: float
    cpu_s: float
    requests: int


def start_of(ready_s: float) -> Timeline:
    """503 for the first third, then lists in which one check after the other clears."""
    checks = {f"poststarthook/{n:02d}": ready_s / 3 + 0.02 * n for n in range(24)}
    checks["poststarthook/scheduling/bootstrap-system-priority-classes"] = ready_s * 0.6
    checks["poststarthook/rbac/bootstrap-roles"] = ready_s

    def answers(_path: str, at_s: float) -> tuple[int, str, str]:
        return status_body(503, "apiserver not ready") if at_s < ready_s / 3 else readyz(checks, at_s)

    return Timeline(((0.0, float("inf")),), answers, ready_s, checks)


def run(pki: Pki, ready_s: float, *options: str) -> Run:
    """One wait for a server that gets ready after ``ready_s``."""
    with tempfile.TemporaryDirectory() as folder, Replayed(pki, start_of(ready_s)) as server:
        config = pki.kubeconfig(Path(folder, "k3s.yaml"), server.url)
        command = [sys.executable, "-m", "analyzer.cli.main", "wait", "--kubeconfig", str(config), *options]
        time.sleep(0.1)
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        server.begin()
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        ended_s = server.now_s()
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        assert done.returncode == 0, done.stderr
        cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        return Run(server.requests[0].at_s, ended_s - server.requests[-1].at_s, cpu_s, len(server.requests))


def bare_s() -> float:
    """What the same machine takes to start and end a Python that does nothing: the scale of the rest."""
    began = time.monotonic()
    subprocess.run([sys.executable, "-c", "pass"], check=True)
    return time.monotonic() - began


def loaded(pki: Pki) -> list[str]:
    """Which of the heavy modules a wait that saw a server ready has loaded."""
    with tempfile.TemporaryDirectory() as folder, Replayed(pki, start_of(0.1)) as server:
        config = pki.kubeconfig(Path(folder, "k3s.yaml"), server.url)
        command = [sys.executable, "-X", "importtime", "-m", "analyzer.cli.main", "wait", "--kubeconfig", str(config)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    names = {line.rsplit("|", 1)[1].strip() for line in done.stderr.splitlines() if line.startswith("import time:")}
    return [name for name in HEAVY if name in names]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--long", type=int, default=2, help="waits of 20 s")
    given = parser.parse_args()
    pki = Pki()
    run(pki, 0.1)  # compiled files
    short = [run(pki, 1.0) for _ in range(given.runs)]
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores; {given.runs} short waits, {given.long} of 20 s")
    told = {
        "a Python that does nothing, launch to exit": [bare_s() for _ in range(given.runs)],
        "launch to first request": [r.first_s for r in short],
        "ready answer to exit": [r.end_s for r in short],
        "processor time of a wait of 1 s": [r.cpu_s for r in short],
    }
    if given.long:
        long = [run(pki, 20.0) for _ in range(given.long)]
        told["processor time of a wait of 20 s"] = [r.cpu_s for r in long]
        print(f"requests in 20 s: {[r.requests for r in long]}")
    for what, values in told.items():
        print(f"{what}: median {statistics.median(values):.3f} s, least {min(values):.3f}, most {max(values):.3f}")
    print(f"heavy modules loaded: {loaded(pki) or 'none'} (of {', '.join(HEAVY)})")


if __name__ == "__main__":
    main()
