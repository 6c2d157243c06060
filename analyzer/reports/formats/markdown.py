"""Markdown, for issues and wikis."""

from analyzer.reports.format import later
from analyzer.reports.kinds import BLAME, COMPARISON, EXPLANATION, FLEET, GATE, HISTORY, NAMES, REPORT, SIMULATION

REPORT.add("markdown", later("analyzer.reports.markdown:render"), ".md")
BLAME.add("markdown", later("analyzer.reports.blame:markdown"), ".md")
SIMULATION.add("markdown", later("analyzer.reports.simulation:render_markdown"), ".md")
EXPLANATION.add("markdown", later("analyzer.reports.explain_views:markdown"), ".md")
NAMES.add("markdown", later("analyzer.reports.explain_views:markdown_listing"), ".md")
FLEET.add("markdown", later("analyzer.reports.fleet_markdown:render"), ".md")
COMPARISON.add("markdown", later("analyzer.reports.comparison_markdown:render"), ".md")
HISTORY.add("markdown", later("analyzer.reports.history_markdown:render"), ".md")
GATE.add("markdown", later("analyzer.reports.gate_markdown:render"), ".md")
