"""JSON, for programs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from analyzer.reports.format import Options
from analyzer.reports.kinds import BLAME, EXPLANATION, NAMES, REPORT, SCHEDULE, SIMULATION, TIMELINE

if TYPE_CHECKING:
    from analyzer.reports.explain import Entry, Names
    from analyzer.reports.simulation_schedule import Plan
    from analyzer.results import Report
    from analyzer.simulator.run import Simulation


@REPORT.format("json", ".json")
def report(report: Report, options: Options) -> str:
    """What was read and every start found in it."""
    from analyzer.reports import json_report

    return json_report.render(report, options)


@BLAME.format("json", ".json")
def table(report: Report, options: Options) -> str:
    """What delayed readiness, the most first."""
    from analyzer.reports import blame

    return blame.json_text(report, options)


@TIMELINE.format("json", ".json")
def timeline(report: Report, options: Options) -> str:
    """Everything in time order."""
    from analyzer.reports.tables import json_rows

    return json_rows(report, "timeline", options)


@SIMULATION.format("json", ".json")
def simulation(simulation: Simulation, options: Options) -> str:
    """Other ways of polling, replayed."""
    from analyzer.reports.simulation import render_json

    return render_json(simulation, options)


@SCHEDULE.format("json", ".json")
def schedule(plan: Plan, options: Options) -> str:
    """When it is best to look."""
    from analyzer.reports.simulation_schedule import render_json

    return render_json(plan, options)


@EXPLANATION.format("json", ".json")
def explanation(entries: Sequence[Entry], options: Options) -> str:
    """What names mean."""
    from analyzer.reports import explain_views

    return explain_views.json_text(entries, options)


@NAMES.format("json", ".json")
def names(names: Names, options: Options) -> str:
    """Every name that can be explained."""
    from analyzer.reports import explain_views

    return explain_views.json_listing(names, options)
