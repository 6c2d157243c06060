"""How long a hundred thousand starts take to be read back from a saved fleet, and from JSON reports.

``python benchmarks/fleet_merge.py [STARTS]`` prints seconds and megabytes. The dataset is made up, with values that
do not repeat; each reading runs in a process of its own.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from analyzer.api import analyze, load
from analyzer.collection import tables
from analyzer.collection.model import InputRow, InputSpec
from analyzer.collection.store import Store
from analyzer.collection.work import InputResult
from analyzer.reports import json_report

METRICS = 40
CHUNK = 500  # inputs whose rows are made together
LABELS = (("ring", "a"), ("site", "b"))
REPORTS = 2000
LOG = Path(__file__).parents[1] / "sample_logs" / "healthy-sqlite.short.txt"


def saved(folder: Path, count: int) -> None:
    """A dataset of ``count`` inputs with one start each."""
    drawn = np.random.default_rng(1)
    with Store(folder, labels=[name for name, _ in LABELS]) as store:
        for first in range(0, count, CHUNK):
            numbers = range(first, min(first + CHUNK, count))
            made = _streams(numbers, drawn)
            for number in numbers:  # the rows of a chunk come with its first input
                name = _name(number)
                spec = InputSpec(name, (name,), 200_000, 10**18, LABELS)
                store.append(InputResult(spec, InputRow(name, 200_000, 10**18, 1), tables=made))
                made = {}
        store.commit()


def _name(number: int) -> str:
    return f"collected/site-{number % 40}/node-{number:06}/k3s.export.gz"


def _streams(numbers: range, drawn: np.random.Generator) -> dict[str, bytes]:
    count = len(numbers)
    starts: dict[str, Any] = {
        "input": [_name(number) for number in numbers],
        "start": [1] * count,
        "key": [f"node-{number:06}/{number:012x}" for number in numbers],
        "host": [f"node-{number:06}" for number in numbers],
        "unit": ["k3s"] * count,
        "version": [f"v1.{30 + number % 6}.4+k3s1" for number in numbers],
        "product": ["k3s"] * count,
        "role": ["server"] * count,
        "outcome": ["ready"] * count,
        "began_at": (10**15 + drawn.integers(0, 10**12, count)).tolist(),
        "end": ["running"] * count,
        "precision_s": [1e-6] * count,
        "cause": ["slow_disk"] * count,
        "cause_words": ["The disk was slow"] * count,
        "findings": [["warning:slow_disk", "info:sqlite", f"info:note_{number % 50}"] for number in numbers],
        "line": list(numbers),
        "label_ring": ["a"] * count,
        "label_site": [f"site-{number % 40}" for number in numbers],
        "kubernetes": [f"1.{30 + number % 6}" for number in numbers],
    }
    least = drawn.random(count * METRICS) * 20
    metrics = {name: [value for value in starts[name] for _ in range(METRICS)] for name in ("input", "start", "key")}
    metrics["kubernetes"] = [value for value in starts["kubernetes"] for _ in range(METRICS)]
    metrics |= {"metric": [f"check:poststarthook/metric-{n}" for n in range(METRICS)] * count}
    metrics |= {"min": least, "max": least + drawn.random(count * METRICS)}
    return {"starts": _stream("starts", starts, count), "metrics": _stream("metrics", metrics, count * METRICS)}


def _stream(table: str, columns: dict[str, Any], count: int) -> bytes:
    schema = tables.schema_of(table, tuple(name for name, _ in LABELS), partition=True)
    arrays = [pa.array(columns[f.name], f.type) if f.name in columns else pa.nulls(count, f.type) for f in schema]
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, schema) as writer:
        writer.write_batch(pa.RecordBatch.from_arrays(arrays, schema=schema))
    return bytes(sink.getvalue())


def measured(what: str, code: str, *arguments: str) -> None:
    """Run ``code`` in a process of its own and print what it took."""
    # Not getrusage: it counts what the parent held when the process was made.
    tail = (
        "\nfor line in open('/proc/self/status'):\n    if line.startswith('VmHWM'): print(int(line.split()[1]) // 1024)"
    )
    begun = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", code + tail, *arguments], check=True, capture_output=True, text=True)
    print(f"{what:<44} {time.perf_counter() - begun:8.1f} s {done.stdout.split()[-1]:>6} MB")


def main() -> None:
    """Make the data, measure, print."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        begun = time.perf_counter()
        saved(folder / "saved", count)
        size = sum(path.stat().st_size for path in (folder / "saved").rglob("*.parquet")) >> 20
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        print(f"{f'{count} starts written, {size} MB':<44} {time.perf_counter() - begun:8.1f} s {most:>6} MB")
        read = "import sys; from analyzer.collection.read_saved import read_saved; c = read_saved(sys.argv[1])"
        measured(f"{count} starts, {METRICS} metrics each, read", read, str(folder / "saved"))
        (folder / "report.json").write_text(json_report.render(analyze(load(LOG)).report))
        code = f"import sys, analyzer; [analyzer.load_report(sys.argv[1]) for _ in range({REPORTS})]"
        measured(f"{REPORTS} JSON reports read, one process", code, str(folder / "report.json"))


if __name__ == "__main__":
    main()
