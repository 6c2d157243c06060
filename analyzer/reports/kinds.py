"""The kinds of things that the commands write; each knows the formats that it can be written as."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from analyzer.reports.format import Kind

if TYPE_CHECKING:
    from analyzer.comparison.model import Compared, History
    from analyzer.gate.model import GateReport
    from analyzer.reports.explain import Names
    from analyzer.reports.explain_entry import Entry
    from analyzer.reports.fleet_report import FleetReport
    from analyzer.reports.simulation_schedule import Plan
    from analyzer.results import Report
    from analyzer.simulator.run import Simulation

REPORT: Kind[Report] = Kind("report")
BLAME: Kind[Report] = Kind("table of delays")
TIMELINE: Kind[Report] = Kind("timeline", default="csv")
SIMULATION: Kind[Simulation] = Kind("simulation")
SCHEDULE: Kind[Plan] = Kind("schedule")
EXPLANATION: Kind[Sequence[Entry]] = Kind("explanation")
NAMES: Kind[Names] = Kind("list of names")
FLEET: Kind[FleetReport] = Kind("summary of many starts")
COMPARISON: Kind[Compared] = Kind("comparison")
HISTORY: Kind[History] = Kind("history")
GATE: Kind[GateReport] = Kind("verdict of limits")

EVERY: tuple[Kind[Any], ...] = (
    REPORT, BLAME, TIMELINE, SIMULATION, SCHEDULE, EXPLANATION, NAMES, FLEET, COMPARISON, HISTORY, GATE,
)  # fmt: skip
