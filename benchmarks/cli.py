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
SAMPLE = ROOT / "sample_logs" / "slow-rbac-one-core.short.txt"


def long_journal(folder: Path) -> Path:
    """A short-iso journal of ``LINES`` lines: real starts one after the other."""
    lines: list[bytes] = []
    for recording in sorted(RECORDED.glob("132*.export.gz")):
        lines += carrier_bytes(recording, "iso").splitlines(True)
    path = folder / "journal.txt"
    path.write_bytes(b"".join(sorted(lines[:LINES], key=lambda line: line[:25])))
    return path


FURTHER = """
import sys, time
from analyzer import analyze
analyze(sys.argv[1])
spent = time.process_time()
for _ in range(10):
    analyze(sys.argv[1])
print((time.process_time() - spent) / 10)
"""


def timed(command: list[str], runs: int) -> tuple[float, float, float, float]:
    """Best and median wall-clock seconds of ``runs`` runs, least processor time, most memory (MB)."""
    walls, cpus, most = [], [], 0.0
    for _ in range(runs):
        began = time.perf_counter()
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as running:
            _, status, used = os.wait4(running.pid, 0)
            running.returncode = os.waitstatus_to_exitcode(status)
        walls.append(time.perf_counter() - began)
        cpus.append(used.ru_utime + used.ru_stime)
        most = max(most, used.ru_maxrss / 1024)
        if running.returncode:
            raise SystemExit(f"{' '.join(command)} ended with {running.returncode}")
    return min(walls), statistics.median(walls), min(cpus), most


def further(path: Path, runs: int) -> float:
    """The least processor time of a further analysis in a process that made one."""
    command = [sys.executable, "-c", FURTHER, str(path)]
    return min(float(subprocess.run(command, capture_output=True, check=True).stdout) for _ in range(runs))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=7)
    runs = parser.parse_args().runs
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # or every run compiles the package anew
    os.environ["PYTHONPATH"] = str(ROOT)
    with tempfile.TemporaryDirectory() as work:
        folder = Path(work)
        journal = long_journal(folder)
        packed = folder / "journal.txt.gz"
        packed.write_bytes(gzip.compress(journal.read_bytes()))
        page = str(folder / "page.html")
        rows: list[tuple[str, str, list[str]]] = [
            ("python -c pass (for comparison)", "", [sys.executable, "-c", "pass"]),
            ("k3slog --help", "0.15", [*K3SLOG, "--help"]),
            ("k3slog --version", "0.15", [*K3SLOG, "--version"]),
            ("analyze, a small log", "0.30", [*K3SLOG, "analyze", str(SAMPLE)]),
            ("analyze --format json, a small log", "0.30", [*K3SLOG, "analyze", str(SAMPLE), "--format", "json"]),
            (f"analyze, {LINES} lines", "1.5", [*K3SLOG, "analyze", str(journal)]),
            (f"analyze, {LINES} lines, gz", "1.5", [*K3SLOG, "analyze", str(packed)]),
            (f"analyze --format json, {LINES} lines", "1.5", [*K3SLOG, "analyze", str(journal), "--format", "json"]),
            (f"analyze --html, {LINES} lines", "", [*K3SLOG, "analyze", str(journal), "--html", page, "--force"]),
        ]
        print(f"{'what':<40} {'best s':>8} {'median s':>9} {'cpu s':>7} {'MB':>6} {'cpu target s':>13}")
        for name, target, command in rows:
            best, median, cpu, most = timed(command, runs)
            print(f"{name:<40} {best:>8.3f} {median:>9.3f} {cpu:>7.3f} {most:>6.1f} {target:>13}")
        least = further(SAMPLE, runs)
        print(f"{'each further input of one process':<40} {'':>18} {least:>7.3f} {'':>6} {'0.03':>13}")


if __name__ == "__main__":
    main()
