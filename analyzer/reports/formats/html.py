"""A page for a browser, in one file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analyzer.reports.format import Options
from analyzer.reports.kinds import REPORT, SIMULATION

if TYPE_CHECKING:
    from analyzer.results import Report
    from analyzer.simulator.run import Simulation


@REPORT.format("html", ".html", ".htm")
def report(report: Report, options: Options) -> str:
    """What was read and every start found in it."""
    from analyzer.reports import html

    return html.render(report, options)


@SIMULATION.format("html", ".html", ".htm")
def simulation(simulation: Simulation, options: Options) -> str:
    """Other ways of polling, replayed."""
    from analyzer.reports.simulation_html import render

    return render(simulation, options)
