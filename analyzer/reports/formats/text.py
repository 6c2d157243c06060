"""Plain text, for terminals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from analyzer.reports.format import Options
from analyzer.reports.kinds import BLAME, EXPLANATION, NAMES, REPORT, SCHEDULE, SIMULATION

if TYPE_CHECKING:
    from analyzer.reports.explain import Entry, Names
    from analyzer.reports.simulation_schedule import Plan
    from analyzer.results import Report
    from analyzer.simulator.run import Simulation


@REPORT.format("text", ".txt")
def report(report: Report, options: Options) -> str:
    """What was read and every start found in it."""
    from analyzer.reports import text

    return text.render(report, options)


@BLAME.format("text", ".txt")
def table(report: Report, options: Options) -> str:
    """What delayed readiness, the most first."""
    from analyzer.reports import blame

    return blame.text(report, options)


@SIMULATION.format("text", ".txt")
def simulation(simulation: Simulation, options: Options) -> str:
    """Other ways of polling, replayed."""
    from analyzer.reports.simulation import render_text

    return render_text(simulation, options)


@SCHEDULE.format("text", ".txt")
def schedule(plan: Plan, options: Options) -> str:
    """When it is best to look."""
    from analyzer.reports.simulation_schedule import render_text

    return render_text(plan, options)


@EXPLANATION.format("text", ".txt")
def explanation(entries: Sequence[Entry], options: Options) -> str:
    """What names mean."""
    from analyzer.reports import explain_views

    return explain_views.text(entries, options)


@NAMES.format("text", ".txt")
def names(names: Names, options: Options) -> str:
    """Every name that can be explained."""
    from analyzer.reports import explain_views

    return explain_views.listing(names, options)
