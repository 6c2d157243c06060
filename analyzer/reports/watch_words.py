"""What a watch says in words: one line for each change, and how it ended."""

from __future__ import annotations

from analyzer.errors import printable
from analyzer.events.check_info import HOOK
from analyzer.events.readyz import abridge
from analyzer.events.terms import phase_in_words
from analyzer.reports import goal_words, narrative, wording
from analyzer.results import Check, Finding, Goal, Phase, Poll, StartReport
from analyzer.watching.changes import Event, Note
from analyzer.watching.fusing import FusedStart
from analyzer.watching.judge import Ending

_NAMED = 3  # checks by name


def is_news(event: Event) -> bool:
    """Whether a change is worth a line: goals that were missed are in the sentence on the outcome."""
    match event.part:
        case Goal():
            return event.part.state == "reached"
        case Finding():
            return event.part.severity != "info"
    return True


def line(event: Event) -> str:
    """One change: when, counted from the begin of its start, and what."""
    when = f"{event.at_s:.1f} s" if event.at_s is not None else ""
    return printable(f"{when:>9}  {words(event)}")


def words(event: Event) -> str:
    """What changed."""
    start = event.start
    match event.part:
        case Poll():
            whose = "Own poll" if event.event == "own_poll" else "The API server was asked"
            return f"{whose}: {answer(event.part)}"
        case Note():
            return wording.capital(event.part.text)
        case Check():
            return _check(event.part)
        case Goal():
            return goal_words.verdict(start, event.part.id)
        case Phase():
            return f"{wording.capital(phase_in_words(event.part.id))} took {wording.long_words(event.part.duration_s)}"
        case Finding():
            return f"Finding: {event.part.title}"
    match event.event:
        case "start":
            where = f" ({place})" if (place := wording.place(start)) else ""
            pid = f", pid {start.pid}" if start.pid is not None else ""
            return f"Start {start.index}: {wording.what(start)}{where}{pid}"
        case "outcome":
            return narrative.verdict(start)[0]
    how = "was stopped" if start.end.kind == "stopped" else "ended by itself"
    return f"The process {how}" + (f": {abridge(start.end.reason)}" if start.end.reason else "")


def answer(poll: Poll) -> str:
    """The answer that a poll got."""
    if poll.error is None:
        return "ready"
    if poll.failing:
        named = [name.removeprefix(HOOK) for name in poll.failing]
        return f"{wording.plural(len(named), 'check')} failing: {short_list(named)}"
    status = f" ({poll.http_status})" if poll.http_status is not None else ""
    return f"{poll.error.replace('_', ' ')}{status}"


def short_list(names: list[str]) -> str:
    """The first names, and how many more there are."""
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more


def _check(check: Check) -> str:
    name = check.name.removeprefix(HOOK)
    if check.final == "failing":
        return f"Check {name} is failing"
    return f"Check {name} passes, {wording.window_words(check.cleared)}"


def own_polls(one: FusedStart | None) -> str:
    """What own polls add to what the log says of a start, in one line."""
    if one is None or not one.polls:
        return "With own polls: none of them tells more of this start than its log."
    start = one.start
    if not one.agree:
        log, own = wording.window_words(start.ready), wording.window_words(one.own)
        return f"Own polls and the log disagree: ready {own} by own polls, {log} by the log."
    if start.ready.upper is None:
        low = start.ready.lower
        return f"With own polls: {'not seen ready' if low is None else f'not ready at {wording.at_least(low)}'}."
    when = wording.after_words(start.ready) if start.begin_seen else wording.window_words(start.ready)
    return f"With own polls: ready {when}; {own_tax(start)}."


def own_tax(start: StartReport) -> str:
    """How much later k3s noticed readiness itself."""
    if start.detected.upper is None:
        return f"{wording.program(start)} has not noticed it in this log"
    return f"{wording.program(start)} noticed {wording.span_words(start.polling_tax_s)} later"


def last_words(ending: Ending) -> str:
    """How the watch ended, in one line."""
    goal, start = ending.goal, ending.start
    if ending.verdict == "reached" and start is not None:
        if goal == "end":
            return f"start {start.index}: its process is gone"
        return f"start {start.index}: {goal_words.words(start, goal)}"
    where = f"start {start.index}: " if start is not None else ""
    aim = f"goal {goal} not reached: " if goal and goal != "end" else ""
    return f"{where}{aim}{ending.why}"
