"""CSV, for spreadsheets and scripts."""

from analyzer.reports.format import later
from analyzer.reports.kinds import BLAME, FLEET, REPORT, SIMULATION, TIMELINE

REPORT.add("csv", later("analyzer.reports.csv_report:render"), ".csv")
BLAME.add("csv", later("analyzer.reports.blame:table"), ".csv")
TIMELINE.add("csv", later("analyzer.reports.csv_report:timeline"), ".csv")
SIMULATION.add("csv", later("analyzer.reports.simulation:render_csv"), ".csv")
FLEET.add("csv", later("analyzer.reports.fleet_csv:render"), ".csv")
