"""Finding rules: what a maintainer would say about a start, with evidence and advice."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from analyzer.findings import Finding, StartReport
from analyzer.records.book import LogBook

if TYPE_CHECKING:
    from analyzer.analysis.build import Studied


def diagnose(studied: Studied, book: LogBook) -> tuple[Finding, ...]:
    """Findings on one start, most severe first."""
    return ()


def across_starts(reports: Sequence[StartReport]) -> list[StartReport]:
    """Adds findings that need more than one start (a crash loop)."""
    return list(reports)
