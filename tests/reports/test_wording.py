from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, strategies as st

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
        (12.09, None, "after 12.0 s, if at all", "> 12.0"),
        (None, None, "at an unknown moment", "?"),
        (-0.04, 1.0, "between -0.1 and 1.0 s", "-0.1–1.0"),
    ],
)
def test_windows_in_words(lower: float | None, upper: float | None, sentence: str, cell: str) -> None:
    assert wording.window_words(Window(lower, upper)) == sentence
    assert wording.window_range(Window(lower, upper)) == cell


@given(st.floats(-50, 1e6, allow_nan=False), st.floats(0, 1e5, allow_nan=False))
def test_what_is_told_of_a_window_is_never_narrower_than_what_is_known(lower: float, length: float) -> None:
    upper = lower + length
    for words in (wording.window_range(Window(lower, upper)), wording.window_words(Window(lower, upper))):
        told = [float(n) for n in re.findall(r"-?\d+\.\d+", words)]
        assert told[0] <= lower + 1e-7
        assert told[-1] >= upper - 1e-7
        assert told[-1] - told[0] <= length * 1.25 + 0.2


@given(st.floats(0, 1e5, allow_nan=False), st.floats(0, 1e5, allow_nan=False))
def test_what_is_told_of_a_length_is_never_narrower_than_what_is_known(least: float, more: float) -> None:
    told = [float(n) for n in re.findall(r"\d+\.?\d*", wording.span_words(Span(least, least + more)))]
    assert told[0] <= least + 1e-7 or len(told) == 1
    assert told[-1] >= least + more - 1e-7


@pytest.mark.parametrize("seconds", [3.96, 3.91, 119.97, 120.6, 6399.5, 7199.9, 7230.0, 86_399.0])
def test_limits_in_words_are_rounded_away_from_what_is_known(seconds: float) -> None:
    assert _seconds(wording.at_least(seconds)) <= seconds <= _seconds(wording.at_most(seconds))


def _seconds(words: str) -> float:
    units = {"h": 3600.0, "min": 60.0, "s": 1.0}
    return sum(float(number) * units[unit] for number, unit in re.findall(r"([\d.]+) (h|min|s)", words))


@pytest.mark.parametrize(
    ("span", "sentence", "cell"),
    [
        (Span(2.0, 6.1), "2.0 to 6.1 s", "2.0–6.1"),
        (Span(0.0, 2.0288), "up to 2.1 s", "≤ 2.1"),
        (Span(2.0, None), "at least 2.0 s", "≥ 2.0"),
        (Span(0.0, 0.0), "0 s", "0"),
        (Span(0.0, None), "at least 0.0 s", "?"),
        (None, "not known", "?"),
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
