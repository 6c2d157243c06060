"""Recorded and generated starts on the page: every window read back from the browser is the analysis's window."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import analyzer
from analyzer.errors import NoDataError
from analyzer.records.log_record import SourceInfo
from analyzer.results import LedgerCounts, Report
from analyzer.testing import generate, random_scenario
from tests.browser.test_html_in_browser import close_to, expected_windows, text_problems

pytestmark = pytest.mark.browser

RECORDINGS = sorted((Path(__file__).parents[1] / "data" / "recorded").glob("*.export.gz"))


def test_there_are_recordings() -> None:
    assert len(RECORDINGS) >= 10


@pytest.mark.parametrize("path", RECORDINGS, ids=lambda p: p.name.split(".")[0])
def test_windows_on_the_page_are_the_analysis(opened: Any, path: Path) -> None:
    report = analyzer.analyze(analyzer.load(path)).report
    assert report.starts
    shown = opened(report, "#all=1")
    for start in report.starts:
        if len(report.starts) > 1:
            shown.page.select_option("#pick", str(start.index))
        close_to(shown.windows(), expected_windows(start, all_checks=True))
        told = shown.page.inner_text("article.start section.verdict")
        assert start.bottleneck.sentence in told
        assert (start.version or "version not in the log") in told
    assert text_problems(shown.page) == []
    shown.page.set_viewport_size({"width": 390, "height": 844})
    shown.page.wait_for_function("() => document.getElementById('timeline').clientWidth < 390")
    shown.page.wait_for_timeout(400)  # the redraw waits until resizing stops
    assert text_problems(shown.page) == []
    assert shown.page.evaluate("() => document.documentElement.scrollWidth - window.innerWidth") <= 0


def _generated(seeds: range) -> Report:
    """The starts of many generated journals in one report, numbered through."""
    starts = []
    for seed in seeds:
        journal = generate(random_scenario(seed), seed)
        try:
            report = analyzer.analyze(analyzer.load(stdin=io.BytesIO(journal.render("export")))).report
        except NoDataError:
            continue
        starts += report.starts
    assert starts
    numbered = tuple(replace(start, index=i) for i, start in enumerate(starts, start=1))
    return Report("test", (SourceInfo("generated", "export", 0, 0),), LedgerCounts(0, 0, 0, 0, 0, 0), numbered)


@pytest.mark.parametrize("first", range(0, 200, 25))
def test_windows_of_generated_starts_are_the_analysis(opened: Any, first: int) -> None:
    report = _generated(range(first, first + 25))
    shown = opened(report, "#all=1")
    for start in report.starts:
        shown.page.select_option("#pick", str(start.index))
        close_to(shown.windows(), expected_windows(start, all_checks=True))
