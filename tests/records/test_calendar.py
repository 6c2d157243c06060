"""Stamps at the ends of the calendar are damage: no time, and no error in any table."""

from __future__ import annotations

from pathlib import Path

import pytest

import analyzer
from analyzer.reports import json_report
from analyzer.timebase import parse_iso

ENDS = ["9999-12-31T23:59:59+14:00", "9999-12-31T23:59:59.999999999-14:00", "0001-01-01T00:00:00Z"]


@pytest.mark.parametrize("stamp", ENDS)
def test_the_ends_of_the_calendar_are_no_time(stamp: str) -> None:
    assert parse_iso(stamp) is None
    assert parse_iso("1970-01-01T00:00:00Z") is not None and parse_iso("2900-01-01T00:00:00Z") is not None


@pytest.mark.parametrize("stamp", ENDS)
@pytest.mark.parametrize("row", ['time="{}" level=info msg="{}"', "{} node-a k3s[12]: {}", "INFO[{}] {}"])
def test_no_table_breaks_on_one(stamp: str, row: str, tmp_path: Path) -> None:
    text = [row.format(stamp, "Starting k3s v1.33.4+k3s1 (148243c4)"), "[-]informer-sync failed: not finished"]
    path = tmp_path / "damaged.txt"
    path.write_text("\n".join([*text, row.format("2026-03-01T06:03:22Z", "k3s is up and running")]) + "\n")
    found = analyzer.analyze(path)
    assert json_report.report_object(found.report)
    for frame in (found.starts, found.timeline, found.checks, found.polls, found.phases):
        assert frame is not None
