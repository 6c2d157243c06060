"""Times the command line as a person feels it: a new process each time, the best and the median of several.

    python benchmarks/cli.py [--runs N]

Prints figures and the targets beside them; judges nothing (a loaded machine is not a slower program).
"""

from __future__ import annotations

import argparse
import gzip
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.kit.score_recorded import RECORDED, carrier_bytes  # noqa: E402  (needs the path above)

K3SLOG = [sys.executable, "-m", "analyzer.cli.main"]
LINES = 2000


def long_journal(folder: Path) -> Path:
    """A short-iso journal of ``LINES`` lines: real starts one after the other."""
    lines: list[bytes] = []
    for recording in sorted(RECORDED.glob("132*.export.gz")):
        lines += carrier_bytes(recording, "iso").splitlines(True)
    path = folder / "journal.txt"
    path.write_bytes(b"".join(sorted(lines[:LINES], key=lambda line: line[:25])))
    return path


def timed(command: list[str], runs: int) -> tuple[float, float, float]:
    """Best and median wall-clock seconds of ``runs`` runs, and the least processor time of one."""
    walls, cpus = [], []
    for _ in range(runs):
        spent, began = os.times(), time.perf_counter()
        ran = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False)
        walls.append(time.perf_counter() - began)
        now = os.times()
        cpus.append(now.children_user + now.children_system - spent.children_user - spent.children_system)
        if ran.returncode:
            raise SystemExit(f"{' '.join(command)} ended with {ran.returncode}: {ran.stderr.decode()}")
    return min(walls), statistics.median(walls), min(cpus)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=7)
    runs = parser.parse_args().runs
    with tempfile.TemporaryDirectory() as work:
        folder = Path(work)
        journal = long_journal(folder)
        packed = folder / "journal.txt.gz"
        packed.write_bytes(gzip.compress(journal.read_bytes()))
        page = str(folder / "page.html")
        rows: list[tuple[str, str, list[str]]] = [
            ("python -c pass (for comparison)", "", [sys.executable, "-c", "pass"]),
            ("k3slog --help", "0.3", [*K3SLOG, "--help"]),
            ("k3slog --version", "", [*K3SLOG, "--version"]),
            (f"analyze, {LINES} lines", "1.5", [*K3SLOG, "analyze", str(journal)]),
            (f"analyze, {LINES} lines, gz", "1.5", [*K3SLOG, "analyze", str(packed)]),
            (f"analyze --format json, {LINES} lines", "1.5", [*K3SLOG, "analyze", str(journal), "--format", "json"]),
            (f"analyze --html, {LINES} lines", "", [*K3SLOG, "analyze", str(journal), "--html", page, "--force"]),
        ]
        print(f"{'what':<40} {'best s':>8} {'median s':>9} {'cpu s':>7} {'target s':>9}")
        for name, target, command in rows:
            best, median, cpu = timed(command, runs)
            print(f"{name:<40} {best:>8.3f} {median:>9.3f} {cpu:>7.2f} {target:>9}")


if __name__ == "__main__":
    main()
