"""How narrow a window of readiness can be at all: what is reported beside what no reading of the lines can beat.

``python benchmarks/ready_bound.py [DIR…]`` over folders of ``NAME.export.gz`` + ``NAME.truth.json`` (default: the
recordings of the tests). The bound knows the truth: it ends at the first line of any kind behind readiness, and begins
at the last one before it, or one interval of the poller before the success, as if every poll were known to be on time.
"""

from __future__ import annotations

import argparse
import gzip
import json
import statistics
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from analyzer.events.versions import poller_for
from analyzer.results import StartReport
from tests.kit.score_recorded import read_export, recordings, report_of, truth_path

_STARVED = 30  # % of a core at most
Widths = tuple[float, float]  # reported, best possible; in seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folders", nargs="*", type=Path)
    groups: dict[str, list[Widths]] = defaultdict(list)
    for recording in recordings(*parser.parse_args().folders):
        for names, widths in _starts(recording):
            for name in names:
                groups[name].append(widths)
    print("| starts | count | median | p90 | best median | best p90 |\n|---|---|---|---|---|---|")
    for name, rows in sorted(groups.items()):
        cells = (f"{place(part):.2f}" for part in zip(*rows, strict=True) for place in (statistics.median, _p90))
        print(f"| {name} | {len(rows)} | {' | '.join(cells)} |")


def _p90(widths: Sequence[float]) -> float:
    return sorted(widths)[int(0.9 * len(widths))]


def _starts(recording: Path) -> Iterator[tuple[list[str], Widths]]:
    """Each start that became ready: the groups it belongs to, and its widths."""
    truth = json.loads(truth_path(recording).read_text())
    starts = report_of(recording, "export").starts
    if truth.get("role") == "agent" or len(starts) != len(truth["starts"]):
        return
    stamps = [int(row["__REALTIME_TIMESTAMP"]) / 1e6 for row in read_export(gzip.decompress(recording.read_bytes()))]
    for start, told in zip(starts, truth["starts"], strict=True):
        noticed, window = told["detected_line_rt"], start.ready
        ups = [up for up in told["ready"] if up["to"] == "ready" and (noticed is None or up["after"] <= noticed)]
        if told["outcome"] == "ready" and noticed and ups and window.upper is not None and window.lower is not None:
            width = window.upper - window.lower
            limit = told.get("cpu_pct") or 100
            kind = "first" if start.fresh else "restart"
            groups = ["all", kind, truth["k3s"][1:5], f"{truth['k3s'][1:5]}, {kind}"]
            yield [*groups, *(["up to 30 % of a core"] if limit <= _STARVED else [])], (
                width, min(width, _best(start, told, ups[-1], stamps)),
            )  # fmt: skip


def _best(start: StartReport, told: dict[str, Any], up: dict[str, Any], stamps: Sequence[float]) -> float:
    moment, noticed = (up["after"] + up["by"]) / 2e6, told["detected_line_rt"] / 1e6
    own = [at for at in stamps if told["exec_rt"] / 1e6 - 0.1 <= at <= told["end_rt"] / 1e6 + 1.0]
    high = min(at for at in own if at >= moment)
    polled = min(high, noticed) - (poller_for(start.version).interval_s or 2.0)
    before = [at for at in own if at <= moment]
    return high - max([*before[-1:], *([polled] if polled <= moment else [])])


if __name__ == "__main__":
    main()
