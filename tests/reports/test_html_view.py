"""Words and roundings of the page: what is shown never claims more than the window."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.figures.palette import DARK, ERROR_MARKS, LIGHT
from analyzer.reports import html_view as view
from analyzer.window import Span, Window
from tests.kit import page_factory as made

SECONDS = st.floats(min_value=-50, max_value=1e6, allow_nan=False)


def _numbers(text: str) -> list[float]:
    return [float(n) for n in re.findall(r"(-?\d+\.\d+) s", text)]


@given(SECONDS, st.floats(min_value=1e-5, max_value=1e5))
def test_shown_windows_hold_the_true_ones(low: float, width: float) -> None:
    window = Window(low, low + width)
    shown = _numbers(view.window_words(window))
    assert shown[0] <= window.lower + 1e-8  # type: ignore[operator]
    assert shown[-1] >= window.upper - 1e-8  # type: ignore[operator]
    assert shown[-1] - shown[0] <= width * 1.25 + 0.2


@given(st.floats(min_value=0, max_value=1e5), st.floats(min_value=0, max_value=1e5))
def test_shown_lengths_hold_the_true_ones(low: float, more: float) -> None:
    shown = [float(n) for n in re.findall(r"\d+\.?\d*", view.span_words(Span(low, low + more)))]
    assert shown[0] <= low + 1e-8 and shown[-1] >= low + more - 1e-8


@pytest.mark.parametrize(
    ("window", "words"),
    [
        (Window(12.0, 14.1), "between 12.0 s and 14.1 s"),
        (Window(12.04, 14.06), "between 12.0 s and 14.1 s"),
        (Window(12.001, 12.049), "between 12.001 s and 12.049 s"),
        (Window(None, 14.02), "at 14.1 s at the latest"),
        (Window(12.07, None), "after 12.0 s, if at all"),
        (Window(898.0, None), "after 898.0 s (14 min 58 s), if at all"),
        (Window(3.0, 3.0), "at 3.000 s"),
        (Window(), "at a time the text does not tell"),
    ],
)
def test_windows_in_words(window: Window, words: str) -> None:
    assert view.window_words(window) == words


@pytest.mark.parametrize(
    ("span", "words"),
    [
        (None, "not known"),
        (Span(2.0, 6.1), "2.0 to 6.1 s"),
        (Span(3.0), "at least 3.0 s"),
        (Span(0.0, 0.0), "0 s"),
        (Span(0.5, 0.7), "0.50 to 0.70 s"),
    ],
)
def test_lengths_in_words(span: Span | None, words: str) -> None:
    assert view.span_words(span) == words


def test_verdicts() -> None:
    ready = view.verdict(made.base())
    assert ready[1] == "Ready"
    assert ready[2][0] == "The API became ready (/readyz turned OK) between 12.0 s and 14.1 s after the start began."
    failed = view.verdict(made.failed(1))
    assert failed[1] == "Failed before it was ready"
    assert "certainly not ready (/readyz not OK) until 8.0 s" in failed[2][0]
    agent = view.verdict(made.agent().starts[0])
    assert agent[2] == ["An agent has no API server of its own, so there is no readiness to time."]
    fragment = view.verdict(made.open_ended().starts[0])
    assert "after the first line of this fragment" in fragment[2][0]


def test_clock_is_the_logs_own() -> None:
    words = view.Words(made.stuck().starts[0])
    assert words.clock(98.5) == "11:35:00"
    assert words.clock(60 * 60 * 13) == "2025-03-02 00:33:22"
    assert view.Words(made.undated().starts[0]).clock(3.0) == ""
    assert words.clock(1e30) == ""


def test_implied_polls_share_a_row_between_printed_ones() -> None:
    start = made.stuck().starts[0]
    rows = view.start_view(start)["polls"]
    assert len(rows) == 6
    assert rows[-1]["kind"] == "444 implied"
    assert rows[-1]["at"] == "12.000 s … 898.000 s"


def _luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _contrast(one: str, other: str) -> float:
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_colours_can_be_read(theme: dict[str, str]) -> None:
    for text in ("ink", "muted", "link", "ok", "fatal", "suspect", "transient", "milestone"):
        assert _contrast(theme[text], theme["paper"]) >= 4.5, text
    for text in ("ink", "muted", "link"):
        assert _contrast(theme[text], theme["panel"]) >= 4.5, text
    assert _contrast(theme["phase-ink"], theme["phase-a"]) >= 4.5
    assert _contrast(theme["phase-ink"], theme["phase-b"]) >= 4.5
    for graphic in ("failing", "uncertain", "ok", "unseen", "gap", *(f"hue-{n}" for n in range(1, 7))):
        assert _contrast(theme[graphic], theme["paper"]) >= 3, graphic


def test_every_error_class_has_its_own_shape() -> None:
    shapes = [shape for shape, _ in ERROR_MARKS.values()]
    assert len(set(shapes)) == len(shapes)
    assert {colour for _, colour in ERROR_MARKS.values()} <= set(LIGHT) and set(LIGHT) == set(DARK)
