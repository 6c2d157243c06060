"""CSV, for spreadsheets and scripts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analyzer.reports.format import Options
from analyzer.reports.kinds import BLAME, REPORT, SIMULATION, TIMELINE

if TYPE_CHECKING:
    from analyzer.results import Report
    from analyzer.simulator.run import Simulation


@REPORT.format("csv", ".csv")
def report(report: Report, options: Options) -> str:
    """What was read and every start found in it."""
    from analyzer.reports import csv_report

    return csv_report.render(report, options)


@BLAME.format("csv", ".csv")
def table(report: Report, options: Options) -> str:
    """What delayed readiness, the most first."""
    from analyzer.reports import blame

    return blame.table(report, options)


@TIMELINE.format("csv", ".csv")
def timeline(report: Report, options: Options) -> str:
    """Everything in time order."""
    from dataclasses import replace

    from analyzer.reports.csv_report import render

    return render(report, replace(options, table="timeline"))


@SIMULATION.format("csv", ".csv")
def simulation(simulation: Simulation, options: Options) -> str:
    """Other ways of polling, replayed."""
    from analyzer.reports.simulation import render_csv

    return render_csv(simulation, options)
