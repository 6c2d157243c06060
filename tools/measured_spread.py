#!/usr/bin/env python3
"""Prints the tables [spread] and [[kind]] of ``analyzer/events/measured.toml`` from recordings of real starts.

    python tools/measured_spread.py DIR…

Of every start that became ready and whose begin is in the text: how long after the begin it was ready, and how long
after ``Serving securely`` each check passed. Of a window its middle counts. Slow starts made on purpose are among them.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from math import inf
from pathlib import Path

import analyzer
from analyzer.analysis.usual import boot_s
from analyzer.results import StartReport
from analyzer.window import Window

SHARES = (0.05, 0.25, 0.5, 0.75, 0.9, 0.95, 1.0)
LEAST = 20  # starts
# Datastore, limits of the API server's boot in seconds, and what such a start is called.
KINDS = (
    ("sqlite", 0.0, 3.5, "on SQLite with a whole core"),
    ("sqlite", 3.5, 8.0, "on SQLite with less than a core"),
    ("sqlite", 8.0, inf, "on SQLite with a small part of a core"),
    ("sqlite", 0.0, inf, "on SQLite"),
    ("etcd", 0.0, inf, "on embedded etcd"),
    ("", 0.0, inf, "on any datastore"),
)


def _middle(window: Window) -> float | None:
    return None if window.lower is None or window.upper is None else (window.lower + window.upper) / 2


def _kinds(starts: Sequence[StartReport]) -> Iterator[str]:
    for datastore, low, high, words in KINDS:
        of_kind = [start for start in starts if datastore in ("", start.site.datastore)]
        boots = [boot_s(start) for start in of_kind]
        every = low == 0 and high == inf
        pairs = zip(of_kind, boots, strict=True)
        chosen = [start for start, boot in pairs if every or (boot is not None and low <= boot < high)]
        lengths = sorted(length for start in chosen if (length := _middle(start.ready)) is not None)
        if len(lengths) >= LEAST:
            limits = (f"boot_from_s = {low}\n" if low else "") + (f"boot_below_s = {high}\n" if high != inf else "")
            head = f'[[kind]]\nwords = "{words}"\ndatastore = "{datastore}"'
            yield f"{head}\n{limits}starts = {len(lengths)}\ns = {_marks(lengths)}"


def _marks(lengths: Sequence[float]) -> list[float]:
    return [round(lengths[min(len(lengths) - 1, int(share * len(lengths)))], 1) for share in SHARES]


def _counts(start: StartReport) -> bool:
    return start.outcome == "ready" and start.begin_seen and start.role != "agent"


def _lengths(start: StartReport) -> Iterator[tuple[str, float]]:
    serving = next((one.at_s for one in start.milestones if one.id == "serving_securely"), None)
    if (ready := _middle(start.ready)) is not None:
        yield "ready", ready
    for check in start.checks:
        if serving is not None and check.seen_failing and (passed := _middle(check.cleared)) is not None:
            yield check.name, max(0.0, passed - serving)


def main(folders: list[str]) -> None:
    paths = sorted(path for folder in folders for path in Path(folder).glob("*.export.gz"))
    starts = [start for path in paths for start in analyzer.load(str(path)).report.starts if _counts(start)]
    found: dict[str, list[float]] = defaultdict(list)
    for start in starts:
        for name, length in _lengths(start):
            found[name].append(length)
    print("[spread]")
    for name, lengths in sorted(found.items(), key=lambda one: -len(one[1])):
        lengths.sort()
        if len(lengths) >= LEAST:
            print(f'"{name}" = {{ starts = {len(lengths)}, s = {_marks(lengths)} }}')
    print(*_kinds(starts), sep="\n\n")


if __name__ == "__main__":
    main(sys.argv[1:])
