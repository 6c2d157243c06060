from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from analyzer.reports import chrome_trace, tables
from analyzer.results import Report
from analyzer.window import Bound, Window
from tests.kit.made_reports import crash_loop, failed_start, fragment, hostile_start, ready_start, report_of

REPORTS = [report_of(ready_start()), crash_loop(3), report_of(fragment()), report_of(hostile_start()), report_of()]


def slices(report: Report) -> dict[tuple[int, int], list[dict[str, Any]]]:
    found = defaultdict(list)
    for event in json.loads(chrome_trace.render(report))["traceEvents"]:
        if event["ph"] == "X":
            found[event["pid"], event["tid"]].append(event)
    return found


@pytest.mark.parametrize("report", REPORTS)
def test_slices_never_overlap_and_never_end_before_they_begin(report: Report) -> None:
    for track in slices(report).values():
        for event in track:
            assert isinstance(event["ts"], int) and event["dur"] > 0
        for one, following in pairwise(track):
            assert one["ts"] + one["dur"] <= following["ts"]


def test_the_uncertain_part_is_a_slice_of_its_own_and_exactly_the_window() -> None:
    events = json.loads(chrome_trace.render(report_of(ready_start())))["traceEvents"]
    names = {e["tid"]: e["args"]["name"] for e in events if e["name"] == "thread_name"}
    (check,) = [t for t, name in names.items() if name.endswith("bootstrap-roles")]
    made = [(e["name"], e["cat"], e["ts"], e["ts"] + e["dur"]) for e in events if e["ph"] == "X" and e["tid"] == check]
    assert made == [
        ("failing", "certain", 8_050_000, 12_031_200),
        ("failing or not", "uncertain", 12_031_200, 14_051_800),
    ]


def test_every_check_has_one_track_and_every_start_one_process() -> None:
    events = json.loads(chrome_trace.render(crash_loop(2)))["traceEvents"]
    tracks = [(e["pid"], e["args"]["name"]) for e in events if e["name"] == "thread_name"]
    assert len(tracks) == len(set(tracks))
    assert {e["pid"] for e in events} == {1, 2, 3}


def test_starts_lie_apart_by_their_dates() -> None:
    firsts = {pid: track[0]["ts"] for (pid, tid), track in slices(crash_loop(2)).items() if tid == 1}
    assert firsts == {1: 0, 2: 8_000_000, 3: 16_000_000}


def test_a_window_that_contradicts_itself_breaks_nothing() -> None:
    start = failed_start(ready=Window(9.0, 3.0, Bound.GRID, Bound.OBSERVED))
    for track in slices(report_of(start)).values():
        assert all(e["dur"] > 0 for e in track)


def test_timeline_rows_as_json_have_no_naive_times_and_no_nan() -> None:
    report = report_of(ready_start(), fragment(index=2))
    rows = json.loads(tables.json_timeline(report))
    assert len(rows) > 20
    times = [row["time_lower"] for row in rows if row["time_lower"] is not None]
    assert times and all(t.endswith("+00:00") for t in times)
    assert all(row["t_lower_s"] is None or isinstance(row["t_lower_s"], float) for row in rows)
    assert json.loads(tables.json_timeline(replace(report, starts=()))) == []


def test_parquet_comes_back_as_the_same_table_or_says_what_to_install() -> None:
    import io

    from analyzer import frames
    from analyzer.errors import OutputError

    report = report_of(ready_start())
    try:
        import pyarrow  # noqa: F401
    except ImportError:
        with pytest.raises(OutputError, match="Parquet") as caught:
            tables.parquet_timeline(report)
        assert "k3slog[parquet]" in caught.value.hint
    else:
        import pandas as pd

        back = pd.read_parquet(io.BytesIO(tables.parquet_timeline(report)))
        assert list(back.columns) == frames.TIMELINE.names
        assert len(back) == len(frames.timeline(report))
