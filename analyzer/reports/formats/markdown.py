"""Markdown, for issues and wikis."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from analyzer.reports.format import Options
from analyzer.reports.kinds import BLAME, EXPLANATION, NAMES, REPORT, SIMULATION

if TYPE_CHECKING:
    from analyzer.reports.explain import Entry, Names
    from analyzer.results import Report
    from analyzer.simulator.run import Simulation


@REPORT.format("markdown", ".md")
def report(report: Report, options: Options) -> str:
    """What was read and every start found in it."""
    from analyzer.reports import markdown

    return markdown.render(report, options)


@BLAME.format("markdown", ".md")
def table(report: Report, options: Options) -> str:
    """What delayed readiness, the most first."""
    from analyzer.reports import blame

    return blame.markdown(report, options)


@SIMULATION.format("markdown", ".md")
def simulation(simulation: Simulation, options: Options) -> str:
    """Other ways of polling, replayed."""
    from analyzer.reports.simulation import render_markdown

    return render_markdown(simulation, options)


@EXPLANATION.format("markdown", ".md")
def explanation(entries: Sequence[Entry], options: Options) -> str:
    """What names mean."""
    from analyzer.reports import explain_views

    return explain_views.markdown(entries, options)


@NAMES.format("markdown", ".md")
def names(names: Names, options: Options) -> str:
    """Every name that can be explained."""
    from analyzer.reports import explain_views

    return explain_views.markdown_listing(names, options)
