"""A log in several files: every line that a report names is in the source that it names."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import analyzer
from analyzer.window import Bound, Evidence, Window

SAMPLE = Path(__file__).parents[2] / "sample_logs" / "slow-rbac-one-core.short.txt"
SOURCES = {"lower_line": lambda w: w["source"], "upper_line": lambda w: w.get("upper_source", w["source"])}


def places(part: Any) -> Iterator[tuple[int, int]]:
    """Every (source, line) in a JSON report."""
    if isinstance(part, list):
        for item in part:
            yield from places(item)
    elif isinstance(part, dict):
        for name, source in SOURCES.items():
            if part.get(name) is not None:
                yield source(part), part[name]
        if isinstance(part.get("line"), int):
            yield part["source"], part["line"]
        for item in part.values():
            yield from places(item)


@pytest.mark.parametrize("cut", [40, 90, 120, 152, 153, 155])
@pytest.mark.parametrize("newest_first", [False, True])
def test_lines_are_named_with_the_file_they_are_in(tmp_path: Path, cut: int, newest_first: bool) -> None:
    lines = SAMPLE.read_text(encoding="utf-8").splitlines(keepends=True)
    older, newer = tmp_path / "k3s.log.1", tmp_path / "k3s.log"
    older.write_text("".join(lines[:cut]), encoding="utf-8")
    newer.write_text("".join(lines[cut:]), encoding="utf-8")
    paths = [newer, older] if newest_first else [older, newer]
    whole = json.loads(analyzer.analyze(SAMPLE).to_json())["starts"]
    split = json.loads(analyzer.analyze(paths).to_json())["starts"]
    texts = [path.read_text(encoding="utf-8").splitlines() for path in paths]
    found = [texts[source][line - 1] for source, line in places(split)]
    expected = [lines[line - 1].rstrip("\n") for _, line in places(whole)]
    assert len(found) > 100
    assert sorted(found) == sorted(expected)
    # A finding names the lines of one source.
    for finding in (f for start in split for f in start["findings"]):
        (same,) = (f for start in whole for f in start["findings"] if f["id"] == finding["id"])
        told = {texts[finding["source"]][line - 1] for line in finding["lines"]}
        assert told <= {lines[line - 1].rstrip("\n") for line in same["lines"]}
        assert bool(told) == bool(same["lines"])


def test_each_end_of_a_window_keeps_its_source() -> None:
    low, high = Evidence(1.0, Bound.OBSERVED, 7, 0), Evidence(2.0, Bound.WITNESS, 3, 1, "rule")
    for window in (Window().after(low).before(high), Window().before(high).after(low)):
        assert (window.lower_ref, window.upper_ref) == ((0, 7), (1, 3))
        assert (window.lower_evidence, window.upper_evidence) == (low, high)
        assert window.refs == ((0, 7), (1, 3))
        assert window.unbounded().refs == ((0, 7),)
    tick = Evidence(1.5, Bound.GRID)
    assert Window().after(low).before(high).after(tick).refs == ((1, 3),)
    assert Window().before(high).after(tick).refs == ((1, 3),)
