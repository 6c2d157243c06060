"""JUnit's XML, for CI."""

from analyzer.reports.format import later
from analyzer.reports.kinds import GATE

GATE.add("junit", later("analyzer.reports.gate_junit:render"), ".xml")
