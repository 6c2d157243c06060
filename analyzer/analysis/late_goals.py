"""Which goals of a start came notably later than the one its outcome speaks of, or had still not come at the end."""

from __future__ import annotations

from analyzer.analysis.episodes import goal_of
from analyzer.events.goal_rules import late
from analyzer.results import Goal, StartReport


def late_goals(start: StartReport) -> tuple[Goal, ...]:
    """The goals that certainly came much later than the default one, in the order of their windows.

    One of them that is ``not_reached`` had not come where the log ends, while the process went on: its ``lower``. The
    rule is ``[late]`` of ``goals.toml``.
    """
    first = goal_of(start)
    since = first.window.upper
    if start.outcome != "ready" or since is None:
        return ()
    told = [goal for goal in start.goals if goal.id != first.id and _counts(start, goal) and _is_late(goal, since)]
    return tuple(sorted(told, key=lambda goal: goal.window.lower or 0.0))


def _counts(start: StartReport, goal: Goal) -> bool:
    return goal.state == "reached" or (goal.state == "not_reached" and start.end.kind == "running")


def _is_late(goal: Goal, since: float) -> bool:
    low, rule = goal.window.lower, late()
    return low is not None and low >= since + rule.more_s and low >= rule.times * since
