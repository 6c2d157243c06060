"""Plotly figures of an analysis; plotly is imported when the first figure is asked for.

``timeline(start)``, ``blame(start)`` and ``phases(start)`` take one start of a report, ``starts(report)`` all of
them. Each returns a ``plotly.graph_objects.Figure`` and writes nothing; :mod:`analyzer.figures.export` makes files.
"""

from __future__ import annotations

from typing import Any

from analyzer.findings import Report, StartReport

__all__ = ["blame", "phases", "starts", "timeline"]


def timeline(start: StartReport, *, all_checks: bool = False) -> Any:
    """Phases, milestones, polls and checks of one start on one time axis (seconds since ``began_at``)."""
    from analyzer.figures import draw

    return draw.timeline(start, all_checks=all_checks)


def blame(start: StartReport) -> Any:
    """Which check alone held readiness up: exclusive time in seconds, certain and possible part."""
    from analyzer.figures import draw

    return draw.blame(start)


def phases(start: StartReport) -> Any:
    """The time budget of one start in seconds, certain and possible part of each phase."""
    from analyzer.figures import draw

    return draw.phases(start)


def starts(report: Report) -> Any:
    """Time to ready of every start of a report as windows, seconds after each began."""
    from analyzer.figures import draw

    return draw.starts(report)
