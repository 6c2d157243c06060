"""A goal that came long after the one that the outcome speaks of."""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.analysis.episodes import goal_of
from analyzer.analysis.late_goals import late_goals
from analyzer.analysis.rule_context import RuleContext
from analyzer.analysis.rule_registry import rule
from analyzer.events.goal_rules import goals_of
from analyzer.events.products import advise
from analyzer.events.terms import phase_in_words
from analyzer.results import Finding
from analyzer.window import at_least, at_most


@rule("late_goal")
def late_goal(context: RuleContext) -> Iterator[Finding]:
    """The first goal that came much later than the default one, and what the time went to."""
    report = context.report
    found = late_goals(report)
    since = goal_of(report).window.upper
    if not found or since is None:
        return
    goal = found[0]
    about = next(rule for rule in goals_of(report.role) if rule.id == goal.id)
    program = advise("{product}", context.site)
    came = (about.words if goal.state == "reached" else about.not_words or f"{about.words} not").format(program=program)
    low, high = goal.window.lower or 0.0, goal.window.upper
    detail = f"At least {at_least(low - since)} passed between the two"
    detail += f", of which the log shows the end at {at_most(high)}." if high is not None else "; the log ends before."
    phases = [phase for phase in report.phases if phase.begin.lower is not None and phase.begin.lower >= since - 1.0]
    longest = max(phases, key=lambda phase: phase.duration_s.min, default=None)
    if longest is not None and longest.duration_s.min >= (low - since) / 2:
        detail += f" Most of it went to {phase_in_words(longest.id)}."
    came = came if came.startswith("k3s") else f"{came[:1].upper()}{came[1:]}"
    title = f"{came}{' only' if goal.state == 'reached' else ''} long after {_first(report.role)}"
    lines = [ref for ref in (goal.window.lower_ref, goal.window.upper_ref) if ref is not None]
    advice = advise(about.late_advice, context.site) if about.late_advice else None
    yield context.say("late_goal", detail, title=title, advice=advice, lines=dict.fromkeys(lines))


def _first(role: str) -> str:
    return "its node was registered" if role == "agent" else "its API server was ready"
