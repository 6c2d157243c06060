#!/usr/bin/env python3
"""Prints the tables [spread] of ``analyzer/events/measured.toml`` from recordings of real starts.

    python tools/measured_spread.py DIR…

Of every start that became ready and whose begin is in the text: how long after the begin it was ready, and how long
after ``Serving securely`` each check passed. Of a window its middle counts. Slow starts made on purpose are among them.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import analyzer
from analyzer.results import StartReport
from analyzer.window import Window

SHARES = (0.05, 0.25, 0.5, 0.75, 0.9, 0.95, 1.0)
LEAST = 20  # starts


def _middle(window: Window) -> float | None:
    return None if window.lower is None or window.upper is None else (window.lower + window.upper) / 2


def _lengths(start: StartReport) -> Iterator[tuple[str, float]]:
    serving = next((one.at_s for one in start.milestones if one.id == "serving_securely"), None)
    if start.outcome != "ready" or not start.begin_seen or start.role == "agent":
        return
    if (ready := _middle(start.ready)) is not None:
        yield "ready", ready
    for check in start.checks:
        if serving is not None and check.seen_failing and (passed := _middle(check.cleared)) is not None:
            yield check.name, max(0.0, passed - serving)


def main(folders: list[str]) -> None:
    found: dict[str, list[float]] = defaultdict(list)
    for path in sorted(path for folder in folders for path in Path(folder).glob("*.export.gz")):
        for start in analyzer.load(str(path)).report.starts:
            for name, length in _lengths(start):
                found[name].append(length)
    print("[spread]")
    for name, lengths in sorted(found.items(), key=lambda one: -len(one[1])):
        lengths.sort()
        if len(lengths) >= LEAST:
            marks = [round(lengths[min(len(lengths) - 1, int(share * len(lengths)))], 1) for share in SHARES]
            print(f'"{name}" = {{ starts = {len(lengths)}, s = {marks} }}')


if __name__ == "__main__":
    main(sys.argv[1:])
