"""The timeline of the last of the chosen starts as a picture."""

from __future__ import annotations

from analyzer import figures
from analyzer.errors import NoDataError
from analyzer.figures.export import image_bytes
from analyzer.reports.format import Options
from analyzer.reports.selection import select_starts
from analyzer.results import Report


def png(report: Report, options: Options) -> bytes:
    """Pixels."""
    return _picture(report, options, "png")


def svg(report: Report, options: Options) -> bytes:
    """Vectors."""
    return _picture(report, options, "svg")


def _picture(report: Report, options: Options, kind: str) -> bytes:
    shown = select_starts(report.starts, options.start)
    if not shown:
        raise NoDataError("there is no start to draw")
    return image_bytes(figures.timeline(shown[-1]), kind)
