"""The timeline of one start as a picture; needs the optional renderer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analyzer.reports.format import Options
from analyzer.reports.kinds import REPORT

if TYPE_CHECKING:
    from analyzer.results import Report


@REPORT.format("png", ".png", binary=True)
def png(report: Report, options: Options) -> bytes:
    """Pixels."""
    return _picture(report, options, "png")


@REPORT.format("svg", ".svg", binary=True)
def svg(report: Report, options: Options) -> bytes:
    """Vectors."""
    return _picture(report, options, "svg")


def _picture(report: Report, options: Options, kind: str) -> bytes:
    from analyzer import figures
    from analyzer.errors import NoDataError
    from analyzer.figures.export import image_bytes
    from analyzer.reports.selection import select_starts

    shown = select_starts(report.starts, options.start)
    if not shown:
        raise NoDataError("there is no start to draw")
    return image_bytes(figures.timeline(shown[-1]), kind)
