"""Pooled windows of readiness by carrier: how many miss what a watcher saw, and how wide they are.

``python benchmarks/pooled_windows.py [DIR…]`` over folders of ``NAME.export.gz`` + ``NAME.truth.json`` (default: the
recordings of the tests). Each start's window counts from when polling could begin; its truth is the watcher's, from the
moment at which the journal took that same line down. Exit code 1 when a window misses by more than the watcher's slack.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from analyzer.api import analyze
from analyzer.results import StartReport
from analyzer.simulator.analysed_starts import windows
from analyzer.simulator.world import polling_began
from tests.kit.score_recorded import CARRIERS, SLACK_S, Truth, put_carrier, recordings, truth_path


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folders", nargs="*", type=Path)
    options = parser.parse_args()
    found: dict[str, list[tuple[float, float]]] = {carrier: [] for carrier in CARRIERS}
    with tempfile.TemporaryDirectory() as folder:
        for recording in recordings(*options.folders):
            _measure(recording, Path(folder), found)
    print("| carrier | starts | miss | by at most, s | median width, s |\n|---|---|---|---|---|")
    for carrier, rows in found.items():
        misses = [miss for miss, _ in rows if miss > SLACK_S]
        width = statistics.median(width for _, width in rows) if rows else 0.0
        print(f"| {carrier} | {len(rows)} | {len(misses)} | {max(misses, default=0.0):.2f} | {width:.2f} |")
    return int(any(miss > SLACK_S for rows in found.values() for miss, _ in rows))


def _measure(recording: Path, folder: Path, found: dict[str, list[tuple[float, float]]]) -> None:
    """Adds (miss, width) of each start, in seconds, of every carrier of one recording."""
    truth, zeros = json.loads(truth_path(recording).read_text()), None
    for carrier in CARRIERS:
        path = put_carrier(recording, carrier, folder)
        starts = analyze(path).report.starts
        path.unlink()
        if carrier == "export":
            zeros = [_absolute_zero(start) for start in starts]
        if zeros is not None and len(starts) == len(truth["starts"]) == len(zeros):
            found[carrier] += _judged(starts, truth, zeros)


def _judged(starts: tuple[StartReport, ...], truth: Truth, zeros: list[float | None]) -> Iterator[tuple[float, float]]:
    for start, told, zero in zip(starts, truth["starts"], zeros, strict=True):
        seen = told["detected_line_rt"]
        ups = [u for u in told.get("ready", ()) if u["to"] == "ready" and (seen is None or u["after"] <= seen)]
        low, high = windows([start])
        if zero is None or told["outcome"] != "ready" or not ups or not len(low) or start.ready.upper is None:
            continue
        after, by = ups[-1]["after"] / 1e6 - zero, ups[-1]["by"] / 1e6 - zero
        yield max(0.0, low[0] - by, after - high[0]), high[0] - low[0]


def _absolute_zero(start: StartReport) -> float | None:
    """When polling could begin, in seconds since 1970, by the stamps of the finest carrier."""
    zero = polling_began(start)
    return None if start.began_at is None or zero is None else start.began_at.timestamp() + zero


if __name__ == "__main__":
    sys.exit(main())
