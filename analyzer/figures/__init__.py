"""Plotly figures of an analysis; plotly is imported when the first figure is asked for.

``timeline(a)``, ``blame(a)`` and ``phases(a)`` draw one start, ``starts(a)`` all of them. ``a`` is an analysis, its
log or report, or (not for ``starts``) one start of it; of several starts the last is drawn. Each returns a
``plotly.graph_objects.Figure`` and writes nothing; :mod:`analyzer.figures.export` makes files.
"""

from __future__ import annotations

from typing import Any, Protocol

from analyzer.errors import NoDataError
from analyzer.results import Report, StartReport

__all__ = ["blame", "phases", "starts", "timeline"]


class Analysed(Protocol):
    """An analysis or a log: something that holds a report."""

    @property
    def report(self) -> Report:
        """The report."""


def _report(of: Report | Analysed) -> Report:
    return of if isinstance(of, Report) else of.report


def _start(of: StartReport | Report | Analysed) -> StartReport:
    if isinstance(of, StartReport):
        return of
    found = _report(of).starts
    if not found:
        raise NoDataError("there is no start to draw")
    return found[-1]


def timeline(start: StartReport | Report | Analysed, *, all_checks: bool = False) -> Any:
    """Phases, milestones, polls and checks of one start on one time axis (seconds since ``began_at``)."""
    from analyzer.figures import draw

    return draw.timeline(_start(start), all_checks=all_checks)


def blame(start: StartReport | Report | Analysed) -> Any:
    """Which check alone held readiness up: exclusive time in seconds, certain and possible part."""
    from analyzer.figures import draw

    return draw.blame(_start(start))


def phases(start: StartReport | Report | Analysed) -> Any:
    """The time budget of one start in seconds, certain and possible part of each phase."""
    from analyzer.figures import draw

    return draw.phases(_start(start))


def starts(report: Report | Analysed) -> Any:
    """Time to ready of every start of a report as windows, seconds after each began."""
    from analyzer.figures import draw

    return draw.starts(_report(report))
