from __future__ import annotations

import dataclasses
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies as st

from analyzer.reports import json_report
from analyzer.reports.format import Options
from analyzer.results import StartReport
from analyzer.window import Bound, Span, Window
from tests.analysis.test_clusters import late_server
from tests.kit import many_hosts
from tests.kit.made_reports import HOSTILE, crash_loop, failed_start, fragment, hostile_start, ready_start, report_of


@pytest.mark.parametrize(
    "start",
    [ready_start(), failed_start(), fragment(), hostile_start()],
    ids=["ready", "failed", "fragment", "hostile"],
)
def test_every_kind_of_start_obeys_the_schema(start: StartReport, validate: Any) -> None:
    validate(json.loads(json_report.render(report_of(start))))


def test_a_report_without_starts_and_one_with_many_obey_the_schema(validate: Any) -> None:
    validate(json.loads(json_report.render(report_of())))
    validate(json.loads(json_report.render(crash_loop(60))))


def test_the_schema_refuses_null_lists_missing_fields_and_unknown_words(validate: Any) -> None:
    from jsonschema import ValidationError

    good = json.loads(json_report.render(report_of(ready_start())))
    for spoil in (
        lambda d: d["starts"][0].update(polls=None),
        lambda d: d["starts"][0].pop("bottleneck"),
        lambda d: d["starts"][0].update(outcome="fine"),
        lambda d: d["starts"][0]["ready"].update(lower=None),  # an open end cannot rest on a grid
        lambda d: d.update(schema_version=2),
    ):
        bad = json.loads(json.dumps(good))
        spoil(bad)
        with pytest.raises(ValidationError):
            validate(bad)


def test_episodes_and_clusters_are_told_of_the_whole_input_whichever_start_is_chosen(
    tmp_path: Path, validate: Any
) -> None:
    report = many_hosts.report_of(tmp_path, late_server(0.4))
    data = json.loads(json_report.render(report, Options(start="1")))
    validate(data)
    assert [start["index"] for start in data["starts"]] == [1]
    assert [episode["starts"] for episode in data["episodes"]] == [[1], [2]]
    [cluster] = data["clusters"]
    assert set(cluster) >= {"hosts", "servers", "agents", "story", "first_cause", "clock_offsets"}
    assert cluster["story"][0]["waited_for"] == {"host": "cp-1", "goal": "api"}
    assert json.loads(json_report.render(report_of()))["clusters"] == []


def test_every_field_of_the_result_types_is_written() -> None:
    data = json_report.report_object(report_of(ready_start()))
    start = data["starts"][0]
    told = {f.name for f in dataclasses.fields(StartReport)} - {"site", "links", "told"}  # of no reader's concern
    assert set(start) == {*told, "key", "chain"}
    for name, of_type in (("polls", ready_start().polls[0]), ("phases", ready_start().phases[0])):
        drawn_only = {"text", "ok"}
        assert set(start[name][0]) == {f.name for f in dataclasses.fields(of_type)} - drawn_only


def test_windows_carry_kind_and_line_and_a_witness_only_where_there_is_one() -> None:
    checks = json_report.report_object(report_of(ready_start()))["starts"][0]["checks"]
    assert checks[0]["cleared"] == {
        "lower": 12.0312, "upper": 14.0518, "lower_kind": "grid", "upper_kind": "observed",
        "lower_line": None, "upper_line": 61, "source": 0,
    }  # fmt: skip
    assert checks[1]["cleared"]["upper_witness"] == "priority-classes"
    assert "lower_witness" not in checks[1]["cleared"]


def test_an_open_end_has_no_proof() -> None:
    half = Window(1.0, None, Bound.OBSERVED, Bound.WITNESS, 3, 4, None, "some-rule")
    assert json_report.window_object(half) == {
        "lower": 1.0, "upper": None, "lower_kind": "observed", "upper_kind": "none",
        "lower_line": 3, "upper_line": None, "source": 0,
    }  # fmt: skip


@given(st.floats(-1e6, 1e9, allow_nan=False), st.floats(0, 1e6, allow_nan=False))
def test_rounding_never_narrows_a_window(lower: float, length: float) -> None:
    upper = lower + length
    written = json_report.window_object(Window(lower, upper, Bound.GRID, Bound.GRID))
    assert written["lower"] <= lower
    assert written["upper"] >= upper
    assert written["lower"] >= lower - 2e-6 - abs(lower) * 1e-15
    span = json_report.span_object(Span(length, length))
    assert span["min"] <= length <= span["max"]


def test_values_that_are_whole_microseconds_stay_as_they_are() -> None:
    for micros in (0, 1, 333_333, 1_100_000, 2_100_000, 14_051_800, 3_599_999_999, 86_399_999_999):
        written = json_report.window_object(Window(micros / 1e6, micros / 1e6, Bound.GRID, Bound.GRID))
        assert written["lower"] == written["upper"] == micros / 1e6


def test_infinite_ends_become_open_ones() -> None:
    assert json_report.rounded_up(float("inf")) is None
    assert json_report.rounded_down(float("nan")) is None


def test_text_is_ascii_and_comes_back_unchanged() -> None:
    text = json_report.render(report_of(hostile_start()))
    assert text.isascii()
    assert "\x1b" not in text and "\x07" not in text
    assert json.loads(text)["starts"][0]["host"] == HOSTILE


def test_bytes_that_were_no_text_do_not_break_other_readers() -> None:
    text = json_report.render(report_of(ready_start(host="n\udcffx")))
    assert json.loads(text)["starts"][0]["host"] == "n?x"


def test_utc_moves_the_stamps_and_nothing_else() -> None:
    from datetime import datetime, timedelta, timezone

    local = datetime(2025, 3, 1, 7, 3, 22, 500000, tzinfo=timezone(timedelta(hours=1)))
    report = report_of(ready_start(began_at=local))
    here = json_report.report_object(report)["starts"][0]
    there = json_report.report_object(report, Options(utc=True))["starts"][0]
    assert here["began_at"] == "2025-03-01T07:03:22.500000+01:00"
    assert there["began_at"] == "2025-03-01T06:03:22.500000+00:00"
    assert {**here, "began_at": None} == {**there, "began_at": None}


def test_selected_starts_keep_their_index() -> None:
    report = crash_loop(3)
    data = json.loads(json_report.render(report, Options(start="3")))
    assert [s["index"] for s in data["starts"]] == [3]


def test_negative_zero_is_zero() -> None:
    assert str(json_report.rounded(-0.0)) == "0.0"
    assert json_report.render(report_of(replace(ready_start(), cut_at_s=-0.0))).count("-0.0") == 0
