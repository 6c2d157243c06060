"""Plain text, for terminals."""

from analyzer.reports.format import later
from analyzer.reports.kinds import (
    BLAME,
    COMPARISON,
    EXPLANATION,
    FLEET,
    GATE,
    HISTORY,
    NAMES,
    REPORT,
    SCHEDULE,
    SIMULATION,
)

REPORT.add("text", later("analyzer.reports.text:render"), ".txt")
BLAME.add("text", later("analyzer.reports.blame:text"), ".txt")
SIMULATION.add("text", later("analyzer.reports.simulation:render_text"), ".txt")
SCHEDULE.add("text", later("analyzer.reports.simulation_schedule:render_text"), ".txt")
EXPLANATION.add("text", later("analyzer.reports.explain_views:text"), ".txt")
NAMES.add("text", later("analyzer.reports.explain_views:listing"), ".txt")
FLEET.add("text", later("analyzer.reports.fleet_text:render"), ".txt")
COMPARISON.add("text", later("analyzer.reports.comparison_text:render"), ".txt")
HISTORY.add("text", later("analyzer.reports.history_text:render"), ".txt")
GATE.add("text", later("analyzer.reports.gate_text:render"), ".txt")
