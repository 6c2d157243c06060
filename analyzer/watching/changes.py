"""What changed from one report on a growing text to the next, each change told once.

Only what a later line cannot turn into its opposite is told: printed polls, checks seen to fail or to pass, windows
that can only get narrower, outcomes, ends. What may still go away (a finding on a start under way) is told when it is
settled.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Literal

from analyzer.results import Check, Finding, Goal, Phase, Poll, Report, StartReport
from analyzer.watching.reader import OF_SEVERAL
from analyzer.window import OPEN

EventName = Literal["start", "poll", "own_poll", "note", "check", "phase", "goal", "finding", "outcome", "end"]
# Findings on a start whose process runs that more of its text may take back.
UNSETTLED = frozenset({"healthy", "ending_words", "open_wait"})


@dataclass(frozen=True, slots=True)
class Note:
    """Something that is worth a line, and is no part of a start."""

    text: str


Part = Poll | Check | Phase | Goal | Finding | Note | None


@dataclass(frozen=True, slots=True)
class Event:
    """One change of a start, as it was told at that moment; ``part`` is what changed, where it is a part of it."""

    event: EventName
    start: StartReport
    at_s: float | None
    part: Part = None


@dataclass(slots=True)
class _Told:
    """What was told of one start."""

    who: tuple[object, ...] = ()
    polls: set[int | None] = field(default_factory=set)
    checks: dict[str, str] = field(default_factory=dict)
    phases: set[str] = field(default_factory=set)
    goals: dict[str, str] = field(default_factory=dict)
    findings: set[str] = field(default_factory=set)
    outcome: str = "incomplete"
    end: str = "running"


class Changes:
    """Shown one report after the other, it gives what is new."""

    def __init__(self) -> None:
        self._told: dict[int, _Told] = {}

    def of(self, report: Report | None, first: int = 1) -> list[Event]:
        """What this report says and none before it did, start by start, in the order of time within each.

        Nothing is told of starts before the one with the index ``first``.
        """
        starts = report.starts if report is not None else ()
        found: list[Event] = []
        for start in starts:
            if start.index < first:
                continue
            followed = start is not starts[-1]
            told = self._told.setdefault(start.index, _Told())
            new = list(_news(start, told, over=followed or start.end.kind != "running"))
            found += in_order(new)
        return found


def in_order(events: Iterable[Event]) -> list[Event]:
    """Start by start, in the order of time within each."""
    return sorted(events, key=lambda event: (event.start.index, event.event != "start", event.at_s or 0.0))


def _news(start: StartReport, told: _Told, *, over: bool) -> Iterator[Event]:
    who = (start.pid, start.product, start.role, start.version)
    if who != told.who:
        told.who = who
        yield Event("start", start, 0.0 if start.began_at is not None else None)
    yield from _polls(start, told)
    yield from _checks(start, told)
    yield from _goals(start, told)
    if start.outcome != "incomplete":
        yield from _phases(start, told, over=over)
    if over or start.outcome != "incomplete":
        yield from _findings(start, told, over=over)
    if start.outcome not in ("incomplete", told.outcome):
        told.outcome = start.outcome
        yield Event("outcome", start, start.detected.upper if start.outcome == "ready" else start.end.at_s)
    if start.end.kind not in ("running", told.end):
        told.end = start.end.kind
        yield Event("end", start, start.end.at_s)


def _polls(start: StartReport, told: _Told) -> Iterator[Event]:
    for poll in start.polls:
        if poll.printed and poll.line not in told.polls:
            told.polls.add(poll.line)
            yield Event("poll", start, poll.at_s, poll)


def _checks(start: StartReport, told: _Told) -> Iterator[Event]:
    for check in start.checks:
        before = told.checks.get(check.name)
        if not check.seen_failing or check.final in ("unseen", before):
            continue
        if before is None and check.final == "ok":  # it was not seen while it failed
            yield Event("check", start, check.first_seen_failing_s, _as_seen_failing(check))
        told.checks[check.name] = check.final
        at = check.first_seen_failing_s if check.final == "failing" else check.cleared.upper
        yield Event("check", start, at, check)


def _as_seen_failing(check: Check) -> Check:
    """The check as it was when it was seen to fail."""
    return replace(check, final="failing", cleared=OPEN)


def _phases(start: StartReport, told: _Told, *, over: bool) -> Iterator[Event]:
    """Those up to readiness; later ones are cut anew as later goals are reached."""
    until = float("inf") if over else start.detected.upper or 0.0
    for phase in start.phases:
        if phase.end.upper is not None and phase.end.upper <= until and phase.id not in told.phases:
            told.phases.add(phase.id)
            yield Event("phase", start, phase.end.upper, phase)


def _goals(start: StartReport, told: _Told) -> Iterator[Event]:
    for goal in start.goals:
        if goal.state != "unknown" and told.goals.get(goal.id) != goal.state:
            told.goals[goal.id] = goal.state
            yield Event("goal", start, goal.window.upper if goal.state == "reached" else start.end.at_s, goal)


def _findings(start: StartReport, told: _Told, *, over: bool) -> Iterator[Event]:
    for finding in start.findings:
        settled = finding.id not in OF_SEVERAL and (over or finding.id not in UNSETTLED)
        if settled and finding.id not in told.findings:
            told.findings.add(finding.id)
            yield Event("finding", start, last_moment(finding.moments), finding)


def last_moment(moments: Iterable[float | None]) -> float | None:
    """The latest of the moments that are known."""
    return max((moment for moment in moments if moment is not None), default=None)
