"""Two observers of one start: what its log proves and what own polls of its API server prove, cut with each other.

A proof of either holds, so what both prove together is the intersection of their windows. An empty one says that one of
them speaks of something else (another server answers at that address, the clock was set): then nothing is narrowed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from analyzer.analysis.start_report import tax_of
from analyzer.live.observed_polls import ObservedPoll, ObservedWait
from analyzer.live.readiness import Seen, proves_gone, ready_window, serves
from analyzer.live.wait_report import start_report
from analyzer.results import Bottleneck, Check, Goal, Phase, Report, StartReport
from analyzer.watching.changes import Event
from analyzer.window import OPEN, Span, Window

_NO_MATTER = datetime.fromtimestamp(0, UTC)  # moments count from the begin of the start


@dataclass(frozen=True, slots=True)
class Fused:
    """A window of both observers; that of the log alone where they do not ``agree``."""

    window: Window
    agree: bool = True


@dataclass(frozen=True, slots=True)
class FusedStart:
    """A start with the windows of both observers. ``polls``: how many of the own polls count for it.

    ``own``: what these alone say of readiness. ``agree``: the two can both be right about that.
    """

    start: StartReport
    own: Window = OPEN
    polls: int = 0
    agree: bool = True

    @property
    def saw_ready(self) -> bool:
        """Whether an own poll was answered that it is ready."""
        return self.own.upper is not None


@dataclass(frozen=True, slots=True)
class Shown:
    """A report with the windows of both observers, and what is new since the last look."""

    report: Report | None
    news: tuple[Event, ...] = ()


def both(log: Window, own: Window) -> Fused:
    """The intersection."""
    window = log
    if own.lower_evidence is not None:
        window = window.after(own.lower_evidence)
    if own.upper_evidence is not None:
        window = window.before(own.upper_evidence)
    return Fused(log, agree=False) if window.contradicts_itself else Fused(window)


def fused(log: Window, observations: Sequence[ObservedPoll]) -> Fused:
    """The window of readiness by a log and by own polls, whose times count from the same moment as the window's."""
    return both(log, ready_window(Seen.of(_wait(observations))))


def counted(polls: Sequence[ObservedPoll], start: StartReport, until_s: float = float("inf")) -> list[ObservedPoll]:
    """Of polls, in the order of their answers, those that its process answered, or nobody yet.

    They left when it had certainly begun, and were answered before it ended, or the next one began (``until_s``). Where
    an API server that had served is gone, whatever answers later is another process. Those of a watch that began only
    after it was ready say nothing of that: it may be not ready again.
    """
    begun = start.clock.precision_s if start.begin_seen else 0.0
    ended = until_s if start.end.kind == "running" or start.end.at_s is None else min(until_s, start.end.at_s)
    found: list[ObservedPoll] = []
    served = False
    for poll in polls:
        if poll.departed_s < begun or poll.answered_s > ended:
            continue
        if served and proves_gone(poll):
            break
        served = served or serves(poll)
        found.append(poll)
        if poll.error is None:
            break
    late = bool(found) and start.ready.upper is not None and found[0].departed_s > start.ready.upper
    return [] if late else found


def fused_start(start: StartReport, polls: Sequence[ObservedPoll], until_s: float = float("inf")) -> FusedStart:
    """The start with what own polls add to it; ``polls`` count from its ``began_at``."""
    mine = counted(polls, start, until_s)
    if not mine or start.began_at is None or start.role == "agent":
        return FusedStart(start)
    own = start_report(_wait(mine, start.began_at))
    ready = both(start.ready, own.ready)
    if not ready.agree:
        return FusedStart(start, own.ready, len(mine), agree=False)
    tax = tax_of(ready.window, start.detected)
    shown = replace(
        start,
        ready=ready.window,
        polling_tax_s=tax,
        goals=tuple(_goal(goal, ready.window, own.ready) for goal in start.goals),
        phases=tuple(_phase(phase, start.ready, ready.window, tax) for phase in start.phases),
        checks=_checks(start, own),
    )
    return FusedStart(_with_last(shown, own.bottleneck), own.ready, len(mine))


def _wait(polls: Sequence[ObservedPoll], began_at: datetime = _NO_MATTER) -> ObservedWait:
    """Polls as a wait that began with the start."""
    done = any(poll.error is None for poll in polls)
    return ObservedWait("", "", began_at, tuple(polls), "ready" if done else "interrupted")


def _goal(goal: Goal, ready: Window, own: Window) -> Goal:
    """The goal *api*, reached as soon as one of the two saw it."""
    if goal.id != "api":
        return goal
    return replace(goal, window=ready, state="reached" if own.upper is not None else goal.state)


def _phase(phase: Phase, before: Window, ready: Window, tax: Span | None) -> Phase:
    """A phase that readiness ends or begins."""
    if phase.id == "polling_tax" and tax is not None:
        return replace(phase, begin=ready, duration_s=tax)
    if phase.end != before:
        return phase
    least = 0.0 if ready.lower is None or phase.begin.upper is None else ready.lower - phase.begin.upper
    most = None if ready.upper is None or phase.begin.lower is None else max(0.0, ready.upper - phase.begin.lower)
    limits = [limit for limit in (phase.duration_s.max, most) if limit is not None]
    return replace(phase, end=ready, duration_s=Span(max(phase.duration_s.min, least), min(limits, default=None)))


def _checks(start: StartReport, own: StartReport) -> tuple[Check, ...]:
    """The checks of the log with narrower windows, then those that only own polls saw failing."""
    seen = {check.name: check for check in own.checks}
    mine = tuple(_check(check, seen[check.name]) if check.name in seen else check for check in start.checks)
    names = {check.name for check in start.checks}
    return mine + tuple(check for check in own.checks if check.seen_failing and check.name not in names)


def _with_last(start: StartReport, own: Bottleneck) -> StartReport:
    """The check that own polls saw failing alone in the last list was the last, where the log could not tell."""
    if own.certainty != "certain" or start.bottleneck.certainty == "certain":
        return start
    checks = tuple(replace(c, last_blocker="certain" if c.name in own.checks else "no") for c in start.checks)
    return replace(start, bottleneck=own, checks=checks)


def _check(log: Check, own: Check) -> Check:
    """A check of both: passing as soon as one of the two saw that it does for good."""
    cleared = both(log.cleared, own.cleared)
    if not cleared.agree:
        return log
    known = [s for s in (log.first_seen_failing_s, own.first_seen_failing_s) if s is not None]
    until = [s for s in (log.failing_until_s, own.failing_until_s) if s is not None]
    failing = own.final == "failing" and log.final == "unseen"
    return replace(
        log,
        cleared=cleared.window,
        final=own.final if own.final == "ok" or failing else log.final,
        seen_failing=log.seen_failing or own.seen_failing,
        first_seen_failing_s=min(known, default=None),
        failing_until_s=max(until, default=None),
    )
