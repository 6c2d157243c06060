"""The few lines in which a wait says what it saw; everything else is ``--full``, or the report in JSON.

Made of the polls alone: the reports of the house take longer to load than many a start takes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import groupby

from analyzer.errors import printable
from analyzer.live.ending import ending_of
from analyzer.live.observed_polls import GoalSeen, ObservedPoll, ObservedWait
from analyzer.live.readiness import Seen, ready_window, suspects
from analyzer.window import Window

#: At most so many lines.
LINES = 12
_COURSE = 6  # lines of the course of events
_WIDTH = 110


def summary_of(wait: ObservedWait) -> str:
    """At most ``LINES`` lines of text, each with its newline."""
    seen = Seen.of(wait)
    head = _ready(seen) if seen.success is not None else _not_ready(wait)
    if seen.success is not None and wait.verdict != "ready":
        head.append(_unfinished(wait))
    goals = [_goal(goal) for goal in wait.goals if goal.id != "api"]
    course = _course(wait)
    lines = [*head, *goals, *course[: max(0, LINES - len(head) - len(goals))]]
    return "".join(f"{_fitted(printable(line))}\n" for line in lines)


def _fitted(line: str) -> str:
    return line if len(line) <= 4 * _WIDTH else line[: 4 * _WIDTH - 1] + "…"


def _ready(seen: Seen) -> list[str]:
    assert seen.success is not None
    window = ready_window(seen)
    late = "" if window.lower is None else f"; noticed at most {_up(seen.success.answered_s - window.lower)} s later"
    return [f"The server was ready {_after(window)}{late}.", _last_to_clear(seen)]


def _last_to_clear(seen: Seen) -> str:
    if len(seen.polls) == 1:
        return "The first answer said ready already."
    last = seen.last_list
    if last is None:
        return "Which check was the last to clear was not seen: no list of failing checks came."
    names, certain = suspects(seen, list(dict.fromkeys((*last.failing, *last.ok))))
    if certain:
        return f"{names[0]} was the last check to clear."
    return f"The last check to clear was one of: {_names(names)}."


def _names(names: Sequence[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def _not_ready(wait: ObservedWait) -> list[str]:
    end = ending_of(wait)
    how = {
        "timed_out": f"Gave up after {wait.end_s or 0.0:.1f} s",
        "interrupted": f"Interrupted after {wait.end_s or 0.0:.1f} s",
        "fatal": f"Stopped after {wait.end_s or 0.0:.1f} s",
    }.get(wait.verdict or "", "Ended")
    if wait.verdict == "fatal":
        what = "" if end.kind == "denied" else "it cannot become ready as it is, "
        lines = [f"{how}: {what}{wait.reason}.", end.sentence if end.kind == "denied" and not wait.locked_out else ""]
    else:
        lines = [f"{how}{', not ready' if end.not_ready else ''}. {end.sentence}"]
    return [line for line in (*lines, end.advice_of(wait)) if line]


def _unfinished(wait: ObservedWait) -> str:
    """The API was ready, and something that was asked for beyond it was not."""
    how = {"timed_out": "Gave up", "interrupted": "Interrupted"}.get(wait.verdict or "", "Ended")
    return f"{how} after {wait.end_s or 0.0:.1f} s: {wait.reason}."


_GOALS = {"node": "node registered", "node_ready": "node Ready", "system": "system pods ready"}


def _goal(goal: GoalSeen) -> str:
    what = _GOALS.get(goal.id, goal.id)
    if goal.upper_s is None:
        since = "" if goal.lower_s is None else f", not yet after {_down(goal.lower_s)} s"
        return f"  {what}: not seen{since}{f' ({goal.text})' if goal.text else ''}"
    window = Window(goal.lower_s, goal.upper_s)
    return f"  {what} {_after(window)}{f' ({goal.text})' if goal.text else ''}"


def _course(wait: ObservedWait) -> list[str]:
    """What the answers were, one line for each stretch of like ones."""
    groups = [(words, list(polls)) for words, polls in groupby(wait.polls, key=_words)]
    lines = [
        f"  {polls[0].answered_s:7.1f} s  {words}" + (f" ({len(polls)} polls)" if len(polls) > 1 else "")
        for words, polls in groups
    ]
    if len(lines) > _COURSE:
        left = len(lines) - _COURSE + 1
        lines = [*lines[:2], f"        …    {left} more changes", *lines[-(_COURSE - 3) :]]
    return lines


def _words(poll: ObservedPoll) -> str:
    if poll.error is None:
        return "ready"
    if poll.failing:
        few = f": {', '.join(poll.failing)}" if len(poll.failing) <= 2 else ""
        return f"{len(poll.failing)} of {len(poll.failing) + len(poll.ok)} checks failing{few}"
    return poll.text or str(poll.error)


def _after(window: Window) -> str:
    """``after 4.8 to 5.3 s``, ends rounded outwards."""
    assert window.upper is not None
    if window.lower is None:
        return f"by {_up(window.upper)} s"
    return f"after {_down(window.lower)} to {_up(window.upper)} s"


def _down(seconds: float) -> str:
    return f"{math.floor(seconds * 100) / 100:.2f}"


def _up(seconds: float) -> str:
    return f"{math.ceil(seconds * 100 - 1e-6) / 100:.2f}"  # of floats: 1.1 is a little more than 1.1
