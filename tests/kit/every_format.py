"""Everything that the commands write, from the registry of formats: a new format is covered without a word here."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import replace
from importlib.util import find_spec
from typing import Any

from analyzer import figures, frames
from analyzer.comparison.model import Compared, History
from analyzer.gate.model import GateReport
from analyzer.reports.explain import Entry, Section
from analyzer.reports.fleet_report import FleetReport
from analyzer.reports.format import Format, Kind, Options
from analyzer.reports.gate_github import commands
from analyzer.reports.kinds import (
    BLAME,
    COMPARISON,
    EVERY,
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
from analyzer.reports.simulation_schedule import Observed, Plan
from analyzer.results import Report
from analyzer.simulator.herd import Herd, HerdResult, Range
from analyzer.simulator.run import Ceiling, Difference, Point, PolicyResult, Simulation, Stat
from analyzer.simulator.schedule import Costs, Schedule
from tests.kit import made_comparison, made_fleets, made_gate

WIDE = Options(start="all", width=400)


def everything(report: Report) -> dict[str, str]:
    """The report in every format of every kind that is made from one."""
    made = {}
    for kind in (REPORT, BLAME, TIMELINE):
        for one in kind.formats():
            for options in _ways(one):
                made[f"{kind.name} as {one.name}, {options.table}"] = _readable(one, report, options)
    return made


def every_fleet_format(report: FleetReport) -> dict[str, str]:
    """The summary of many starts in every format."""
    return {f"{FLEET.name} as {one.name}": _readable(one, report, WIDE) for one in fleet_formats()}


def every_comparison_format(subject: Compared | History) -> dict[str, str]:
    """A comparison or a history in every format."""
    kind: Kind[Any] = COMPARISON if isinstance(subject, Compared) else HISTORY
    return {f"{kind.name} as {one.name}": _readable(one, subject, WIDE) for one in kind.formats()}


def every_gate_format(report: GateReport) -> dict[str, str]:
    """The verdict of limits in every format, and what a workflow of GitHub is told."""
    made = {f"{GATE.name} as {one.name}": _readable(one, report, WIDE) for one in GATE.formats()}
    return made | {"annotations": commands(report)}


def fleet_formats() -> list[Format[FleetReport]]:
    """Every format of a summary whose renderer is there."""
    there = find_spec("analyzer.reports.fleet_html") is not None
    return [one for one in FLEET.formats() if there or one.name != "html"]


def every_kind(report: Report, hostile: str) -> Iterator[tuple[str, Format[Any], str]]:
    """Kind, format and text of everything that can be written, where every name is ``hostile``."""
    stat = Stat(1.0, 1.0, 2.0, 3.0, 0.5)
    policy = PolicyResult(hostile, 10, 1, stat, stat, stat, stat, stat, stat, stat)
    versus = {"detected_s": Difference(1.0, 0.5, 1.5, 0.1, 2.0)}
    shared = replace(policy, policy="shared-2s", vs_shared_2s=versus)
    simulation = Simulation(
        1, 10, hostile, {"machine": hostile, hostile: [hostile]}, (policy, shared), (Point(2.0, 1.0),),
        Ceiling(0.0, 1.0, 2.0, hostile), stat, stat, stat,
        Herd(9, 2.0, 4, (HerdResult(hostile, 4, 1, *[Range(1.0, 1.0, 2.0, 3.0)] * 7),)),
    )  # fmt: skip
    plan = Plan(Schedule((1.0, 2.0), 3.0, 2.0, 1.0, 4.0), hostile, Costs(1.0, 1.0), None, Observed(2, 1, None))
    entry = Entry("check", hostile, hostile, (Section("The line", (hostile,)), Section("More", (hostile,))))
    subjects = {
        REPORT: report, BLAME: report, TIMELINE: report, SIMULATION: simulation, SCHEDULE: plan,
        EXPLANATION: [entry], NAMES: {"check": (hostile,)}, FLEET: made_fleets.hostile(hostile),
        COMPARISON: made_comparison.hostile(hostile), HISTORY: made_comparison.hostile_history(hostile),
        GATE: made_gate.hostile(hostile),
    }  # fmt: skip
    assert set(subjects) == set(EVERY), "a new kind needs a subject here"
    for kind in EVERY:
        for one in fleet_formats() if kind is FLEET else kind.formats():
            for options in _ways(one):
                yield kind.name, one, _readable(one, subjects[kind], options)


def _ways(one: Format[Any]) -> list[Options]:
    if one.name != "csv":
        return [WIDE]
    return [replace(WIDE, table=table) for table in frames.TABLES]


def _readable(one: Format[Any], subject: Any, options: Options) -> str:
    if one.name in ("png", "svg"):  # needs a browser; what it draws is in the figure
        return "".join(figures.timeline(start).to_json() for start in subject.starts)
    made = one.render(subject, options)
    if isinstance(made, str):
        return made
    if one.name == "parquet":
        import pandas

        return str(pandas.read_parquet(io.BytesIO(made)).to_csv())
    return made.decode("latin-1")
