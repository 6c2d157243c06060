"""A Chrome trace, for Perfetto and other viewers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analyzer.reports.format import Options
from analyzer.reports.kinds import TIMELINE

if TYPE_CHECKING:
    from analyzer.results import Report


@TIMELINE.format("trace", ".trace.json")
def timeline(report: Report, options: Options) -> str:
    """Everything in time order."""
    from analyzer.reports import chrome_trace

    return chrome_trace.render(report, options)
