from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.events.goal_rules import goal_ids
from analyzer.figures.palette import PHASE_WORDS
from analyzer.reports import wording
from analyzer.window import Span, Window


@pytest.mark.parametrize(
    ("lower", "upper", "sentence", "cell"),
    [
        (12.0, 14.1, "between 12.0 and 14.1 s", "12.0–14.1"),
        (12.04, 14.02, "between 12.0 and 14.1 s", "12.0–14.1"),
        (14.05, 14.06, "between 14.05 and 14.06 s", "14.05–14.06"),
        (14.0501, 14.0502, "between 14.050 and 14.051 s", "14.050–14.051"),
        (0.7, 0.7, "at 0.700 s", "0.700"),
        (None, 14.02, "by 14.1 s", "≤ 14.1"),
        (12.09, None, "after 12.0 s", "> 12.0"),
        (None, None, "at an unknown moment", "?"),
        (-0.04, 1.0, "between -0.1 and 1.0 s", "-0.1–1.0"),
    ],
)
def test_windows_in_words(lower: float | None, upper: float | None, sentence: str, cell: str) -> None:
    assert wording.window_words(Window(lower, upper)) == sentence
    assert wording.window_range(Window(lower, upper)) == cell


@given(st.floats(0, 1e5, allow_nan=False), st.floats(0, 1e3, allow_nan=False))
def test_what_is_told_is_never_narrower_than_what_is_known(lower: float, length: float) -> None:
    upper = lower + length
    told = [float(n) for n in re.findall(r"\d+(?:\.\d+)?", wording.window_range(Window(lower, upper)))]
    assert told[0] <= lower + 1e-8
    assert told[-1] >= upper - 1e-8
    assert told[-1] - told[0] <= length + 0.2


@pytest.mark.parametrize(
    ("span", "sentence", "cell"),
    [
        (Span(2.0, 6.1), "2.0 to 6.1 s", "2.0–6.1"),
        (Span(0.0, 2.0288), "up to 2.1 s", "≤ 2.1"),
        (Span(2.0, None), "at least 2.0 s", "≥ 2.0"),
        (Span(0.0, 0.0), "0.000 s", "0"),
        (Span(0.0, None), "at least 0.0 s", "?"),
        (None, "an unknown time", "?"),
    ],
)
def test_lengths_in_words(span: Span | None, sentence: str, cell: str) -> None:
    assert wording.span_words(span) == sentence
    assert wording.span_range(span) == cell


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(3.94, "3.9 s"), (119.9, "119.9 s"), (400, "6 min 40 s"), (3900, "65 min 00 s"), (7260, "2 h 01 min")],
)
def test_long_times_get_minutes_and_hours(seconds: float, told: str) -> None:
    assert wording.about(seconds) == told


def test_times_show_the_zone_of_the_log_once_and_utc_on_request() -> None:
    moment = datetime(2025, 3, 1, 6, 3, 22, 480_000, tzinfo=timezone(-timedelta(hours=3, minutes=30)))
    assert wording.clock_time(moment, 1e-6) == "2025-03-01 06:03:22.480"
    assert wording.clock_time(moment, 1.0) == "2025-03-01 06:03:22"
    assert wording.offset(moment) == "UTC-03:30"
    assert wording.clock_time(moment, 1.0, utc=True) == "2025-03-01 09:33:22"
    assert wording.offset(moment, utc=True) == wording.offset(moment.astimezone(UTC)) == "UTC"


def test_a_phase_that_no_line_divides_is_told_as_several() -> None:
    assert wording.phase_meaning("polling_tax", "this wait") == "until this wait notices"
    several = "datastore+certificates+apiserver_boot"
    assert wording.phase_meaning(several) == "datastore, certificates or apiserver_boot: no line divides them"
    assert wording.phase_label(several) == "datastore+…"
    assert wording.phase_label("apiserver_boot") == "apiserver_boot"


def test_every_error_class_and_phase_of_the_schema_has_a_meaning() -> None:
    import json

    from analyzer.reports.schema import schema_text

    start = json.loads(schema_text())["$defs"]["start"]["properties"]
    assert set(wording.ERROR_MEANING) == set(start["errors"]["items"]["properties"]["error"]["enum"])
    phase = start["phases"]["items"]["properties"]
    assert set(wording.PHASE_MEANING) == set(phase["may_be"]["items"]["enum"]) == set(PHASE_WORDS)
    assert all(re.match(phase["id"]["pattern"], name) for name in (*wording.PHASE_MEANING, "datastore+hooks"))
    assert not re.match(phase["id"]["pattern"], "datastore+")
    assert set(wording.GOAL_MEANING) == set(start["goals"]["items"]["properties"]["id"]["enum"]) == set(goal_ids())
    assert set(wording.OUTCOME_GLYPH) == set(start["outcome"]["enum"])
    assert set(wording.GAP_MEANING) == set(start["gaps"]["items"]["properties"]["kind"]["enum"])
