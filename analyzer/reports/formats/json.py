"""JSON, for programs."""

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
    TIMELINE,
)

REPORT.add("json", later("analyzer.reports.json_report:render"), ".json")
BLAME.add("json", later("analyzer.reports.blame:json_text"), ".json")
TIMELINE.add("json", later("analyzer.reports.tables:json_timeline"), ".json")
SIMULATION.add("json", later("analyzer.reports.simulation:render_json"), ".json")
SCHEDULE.add("json", later("analyzer.reports.simulation_schedule:render_json"), ".json")
EXPLANATION.add("json", later("analyzer.reports.explain_views:json_text"), ".json")
NAMES.add("json", later("analyzer.reports.explain_views:json_listing"), ".json")
FLEET.add("json", later("analyzer.reports.fleet_json:render"), ".json")
COMPARISON.add("json", later("analyzer.reports.comparison_json:render"), ".json")
HISTORY.add("json", later("analyzer.reports.comparison_json:render_history"), ".json")
GATE.add("json", later("analyzer.reports.gate_json:render"), ".json")
