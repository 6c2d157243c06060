from __future__ import annotations

import math
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest

import analyzer
from analyzer import frames
from analyzer.collection import tables
from analyzer.collection.model import InputRow, InputSpec
from tests.kit.made_reports import crash_loop, hostile_start, ready_start, report_of
from tests.kit.saved_rows import result_of

ROOT = Path(__file__).resolve().parents[2]
LABELS = (("ring", "canary"), ("site", "höhe"))


def read(stream: bytes) -> pa.Table:
    return pa.ipc.open_stream(stream).read_all()


def test_every_stream_has_the_schema_of_its_table_whatever_is_in_it() -> None:
    for report in (report_of(), report_of(ready_start()), crash_loop(3), report_of(hostile_start())):
        for labels in ((), LABELS):
            made = result_of(report, "a.log", labels=labels).tables
            assert set(made) == set(tables.TABLES) - {"inputs"}
            names = tuple(name for name, _ in labels)
            for name, stream in made.items():
                assert read(stream).schema == tables.schema_of(name, names, partition=True)


def test_rows_say_what_the_frames_say_and_where_they_come_from() -> None:
    report = crash_loop(3)
    made = {name: read(stream) for name, stream in result_of(report, "a.log", labels=LABELS).tables.items()}
    for name in ("starts", "checks", "phases", "polls", "findings"):
        frame = frames.rows(name, report)
        assert made[name].num_rows == len(frame) > 0
        for column in frames.TABLES[name].names:
            assert made[name][column].to_pylist() == [row[column] for row in frame], (name, column)
        assert set(made[name]["input"].to_pylist()) == {"a.log"}
        assert set(made[name]["label_ring"].to_pylist()) == {"canary"}
        assert set(made[name]["kubernetes"].to_pylist()) == {"1.33"}


def test_a_start_has_its_goals_its_cause_and_its_findings() -> None:
    start = ready_start()
    [row] = read(result_of(report_of(start), "a.log").tables["starts"]).to_pylist()
    for goal in start.goals:
        if goal.id != "api":
            assert (row[f"{goal.id}_lower_s"], row[f"{goal.id}_upper_s"]) == (goal.window.lower, goal.window.upper)
    assert row["cause"] == start.findings[0].id and row["cause_words"] == start.findings[0].title
    assert row["findings"] == [f"{finding.severity}:{finding.id}" for finding in start.findings]
    assert row["reason"] is None and row["line"] == start.ready.upper_line


def test_metrics_have_a_row_each_and_an_open_end_is_missing() -> None:
    result = result_of(crash_loop(2), "a.log")
    rows = read(result.tables["metrics"]).to_pylist()
    told = {(row["start"], row["metric"]): (row["min"], math.inf if row["max"] is None else row["max"]) for row in rows}
    given = {(s.index, name): bounds for s, own in zip(result.starts, result.metrics) for name, bounds in own.items()}  # noqa: B905
    assert told == given and any(math.isinf(most) for _, most in given.values())


def test_a_check_says_how_long_after_serving_it_cleared() -> None:
    result = result_of(report_of(ready_start()), "a.log")
    for row in read(result.tables["checks"]).to_pylist():
        least, most = result.metrics[0][f"check:{row['check']}"]
        assert (row["since_serving_min_s"], row["since_serving_max_s"]) == (least, None if math.isinf(most) else most)


def test_only_starts_with_a_row_are_kept() -> None:
    report, whole = crash_loop(3), result_of(crash_loop(3), "a.log")
    made = tables.streams(report, whole.spec, whole.starts[1:], whole.metrics[1:])
    assert set(read(made["polls"])["start"].to_pylist()) <= {row.index for row in whole.starts[1:]}
    assert read(made["starts"])["start"].to_pylist() == [row.index for row in whole.starts[1:]]


def test_half_a_character_is_replaced() -> None:
    start = replace(ready_start(), unit="k3s\ud800", host="a\udcff")
    [row] = read(result_of(report_of(start), "bad\udcff.log").tables["starts"]).to_pylist()
    assert (row["unit"], row["host"], row["input"]) == ("k3s?", "a?", "bad?.log")


@pytest.mark.parametrize(
    ("kubernetes", "folder"),
    [("1.33", "1.33"), (None, "unknown"), ("../..", "unknown"), ("1.33/x", "unknown"), ("1.33\n", "unknown")],
)
def test_a_folder_is_named_for_a_minor_alone(kubernetes: str | None, folder: str) -> None:
    assert tables.partition_of(kubernetes) == folder


def test_the_row_of_an_input_says_why_it_could_not_be_read() -> None:
    rows = [InputRow("a", 1, 2, 3), InputRow("b", 0, 0, 0, "it is damaged", "unreadable")]
    made = tables.input_table(rows, [(("ring", "x"),), ()], ("ring",)).to_pylist()
    assert [row["error"] for row in made] == [None, "it is damaged"]
    assert [row["label_ring"] for row in made] == ["x", None]


def test_the_rows_of_a_usual_report_are_made_in_ten_milliseconds() -> None:
    report = analyzer.analyze(analyzer.load(ROOT / "sample_logs/healthy-sqlite.short.txt")).report
    result = result_of(report, "a.log")
    spec = InputSpec("a.log", ("a.log",), labels=LABELS)
    took = []
    for _ in range(10):
        begun = time.process_time()
        tables.streams(report, spec, result.starts, result.metrics)
        took.append(time.process_time() - begun)
    assert min(took) < 0.010


def test_the_docs_are_current_and_nothing_heavy_is_loaded_for_them() -> None:
    code = "from analyzer.collection.tables import *; import sys; print(markdown(), end=''); " + (
        "assert not {'pandas', 'pyarrow'} & set(sys.modules)"
    )
    made = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8", check=True, cwd=ROOT)
    assert (ROOT / "docs" / "fleet-tables.md").read_text(encoding="utf-8") == made.stdout
