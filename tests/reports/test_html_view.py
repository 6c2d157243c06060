"""Words and roundings of the page: what is shown never claims more than the window."""

from __future__ import annotations

import pytest

from analyzer.figures.palette import DARK, LIGHT
from analyzer.reports import html_view as view
from tests.kit import page_factory as made


def test_verdicts() -> None:
    ready = view.verdict(made.base())
    assert ready[1] == "Ready"
    assert (
        ready[2][0]
        == "The API became ready (/readyz turned OK) between 12.0 and 14.1 s after the timestamp of its beginning."
    )
    failed = view.verdict(made.failed(1))
    assert failed[1] == "Failed before it was seen ready"
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
