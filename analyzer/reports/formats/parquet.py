"""Parquet, for pandas and its like."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analyzer.reports.format import Options
from analyzer.reports.kinds import TIMELINE

if TYPE_CHECKING:
    from analyzer.results import Report


@TIMELINE.format("parquet", ".parquet", binary=True)
def timeline(report: Report, options: Options) -> bytes:
    """Everything in time order."""
    from analyzer.reports.tables import parquet

    return parquet(report, "timeline", options)
