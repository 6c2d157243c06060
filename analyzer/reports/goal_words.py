"""Goals of a start in sentences: when one was reached, and which of them came much later than the others."""

from __future__ import annotations

from typing import Literal

from analyzer.analysis.episodes import default_goal, goal_of
from analyzer.analysis.since_begin import since_begin
from analyzer.events.goal_rules import goals_of
from analyzer.events.readyz import abridge
from analyzer.events.terms import term
from analyzer.reports import wording
from analyzer.results import Goal, StartReport

GoalName = Literal["api", "ready", "started", "images", "node", "node_ready", "server"]
_ALIASES = {"ready": "api"}

_UNSEEN_S = 0.3  # less lies between a line that shows it was not ready and the end


def asked(start: StartReport, name: str | None) -> Goal | None:
    """The goal that somebody named, by default the one that the outcome speaks of; ``None``: its role has no such."""
    wanted = default_goal(start) if name is None else _ALIASES.get(name, name)
    known = {"api"} if start.observer != "k3s" else {rule.id for rule in goals_of(start.role)}
    return goal_of(start, wanted) if wanted in known else None


def comes_after_ready(start: StartReport, goal: Goal) -> bool:
    """Whether a goal is the API server's readiness, or comes only after it."""
    rule = next((rule for rule in goals_of(start.role) if rule.id == goal.id), None)
    return goal.id == "api" or (rule is not None and "api" in rule.after)


def words(start: StartReport, goal: str, *, came: bool = True) -> str:
    """That a goal was reached, or that it was not: ``the node was registered``."""
    about = term("goal", goal)
    return ((about.words if came else about.not_words) or about.meaning).format(program=wording.program(start))


def later_words(start: StartReport, goal: Goal) -> str:
    """A goal of ``late_goals`` behind the sentence on the first one."""
    since = goal_of(start).window.upper or 0.0
    later = f"{wording.at_least((goal.window.lower or 0.0) - since)} later"
    if goal.state != "reached":
        return f"{words(start, goal.id, came=False)} {later}, where the log ends"
    if not start.begin_seen:
        return f"{words(start, goal.id)} only {later} or more"
    return f"{words(start, goal.id)} only {wording.after_words(since_begin(start, goal.window))}"


def verdict(start: StartReport, name: str | None) -> str:
    """One sentence on the goal that somebody named."""
    goal = asked(start, name)
    if goal is None:
        return f"Goal {name}: {_role(start)} has no such goal."
    if goal.state == "not_reached":
        return f"Goal {goal.id}: never reached in this log."
    if goal.state == "unknown" and goal.window.upper is None:
        return f"Goal {goal.id}: the log does not show when {words(start, goal.id)}."
    return f"Goal {goal.id}: {words(start, goal.id)} {wording.window_words(goal.window)}."


def perhaps_ready(start: StartReport) -> bool:
    """Whether its API server served and may have become ready, unnoticed, before the process ended.

    k3s asks every two seconds; of killed servers some were ready for as long (measured on recordings).
    """
    served = any(milestone.id == "serving_securely" for milestone in start.milestones)
    since, ended = start.ready.lower, start.end.at_s
    return start.role != "agent" and served and (since is None or ended is None or ended - since > _UNSEEN_S)


def boot(start: StartReport) -> str:
    """What came before the unit, of the first start of a boot; else empty."""
    phase = next((phase for phase in start.phases if phase.id == "boot"), None)
    if phase is None:
        return ""
    said = {step.id: step for step in start.before}
    online, last = said.get("network_online"), said.get("ordered_after")
    told = f"The machine booted for {wording.at_least(phase.duration_s.min)} or more before systemd started the unit"
    if online is not None and online.at_s is not None:
        told += f"; the network was online {wording.about(-online.at_s)} before"
    if last is not None and last is not online and last.line != (online.line if online is not None else None):
        told += f"; the last thing done before: {abridge(last.text)}"
    return told.rstrip(".") + "."


def no_such_goal(start: StartReport, name: str) -> str:
    """Why a goal cannot be judged that the role does not have."""
    return f"{_role(start)} has no goal {name}"


def _role(start: StartReport) -> str:
    if start.observer != "k3s":
        return "a saved wait"
    return "an agent" if start.role == "agent" else "a server"
