"""A page for a browser, in one file."""

from analyzer.reports.format import later
from analyzer.reports.kinds import COMPARISON, FLEET, HISTORY, REPORT, SIMULATION

REPORT.add("html", later("analyzer.reports.html:render"), ".html", ".htm")
SIMULATION.add("html", later("analyzer.reports.simulation_html:render"), ".html", ".htm")
FLEET.add("html", later("analyzer.reports.fleet_html:render"), ".html", ".htm")
COMPARISON.add("html", later("analyzer.reports.comparison_html:render"), ".html", ".htm")
HISTORY.add("html", later("analyzer.reports.history_html:render"), ".html", ".htm")
