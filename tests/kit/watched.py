"""Texts that grow, replayed line by line: what was told on the way, judged by the report on the whole."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from analyzer.results import Check, Finding, Goal, Phase, Poll, Report, StartReport
from analyzer.watching.changes import Changes, Event
from analyzer.watching.reader import StartReader
from analyzer.window import Window

SLACK_S = 0.06  # by which two stamps of one moment may differ


def told(pieces: Sequence[bytes], every: int, reader: StartReader | None = None) -> tuple[list[Event], Report | None]:
    """All changes told of a text that came in its pieces, looked at after each ``every`` of them; the last report."""
    reader = reader or StartReader("<stdin>")
    changes, events = Changes(), []
    for at in range(0, len(pieces), every):
        reader.feed(b"".join(pieces[at : at + every]))
        events += changes.of(reader.report())
    reader.finish()
    report = reader.report()
    return [*events, *changes.of(report)], report


def refuted(events: Sequence[Event], report: Report | None) -> Iterator[str]:
    """What was told and is not so in the report on the whole."""
    for event in events:
        if report is None or event.start.index > len(report.starts):
            yield f"{event.event} of start {event.start.index}, which is not there"
            continue
        for words in _wrong(event, report.starts[event.start.index - 1]):
            yield f"start {event.start.index}, {event.event}: {words}"


def _wrong(event: Event, final: StartReport) -> Iterator[str]:
    for name in ("host", "pid", "version"):
        was, now = getattr(event.start, name), getattr(final, name)
        if was not in (None, now):
            yield f"{name} {was} became {now}"
    for name in ("product", "role"):
        was, now = getattr(event.start, name), getattr(final, name)
        if was not in ("unknown", now):
            yield f"{name} {was} became {now}"
    match event.part:
        case Poll():
            yield from _poll(event.part, final)
        case Check():
            yield from _check(event.part, final)
        case Goal():
            yield from _goal(event.part, final)
        case Phase():
            yield from _phase(event.part, final)
        case Finding() if event.part.id not in {finding.id for finding in final.findings}:
            yield f"{event.part.id} is gone"
    if event.event == "outcome":
        if event.start.outcome != final.outcome:
            yield f"{event.start.outcome} became {final.outcome}"
        if not _meet(event.start.ready, final.ready) or not _meet(event.start.detected, final.detected):
            yield f"ready {_shown(event.start.ready)} became {_shown(final.ready)}"
    if event.event == "end" and event.start.end.kind != final.end.kind:
        yield f"{event.start.end.kind} became {final.end.kind}"


def _poll(poll: Poll, final: StartReport) -> Iterator[str]:
    now = next((one for one in final.polls if one.line == poll.line), None)
    if now is None:
        yield f"line {poll.line} is no poll"
    elif (now.error, now.failing, now.http_status, now.at_s) != (poll.error, poll.failing, poll.http_status, poll.at_s):
        yield f"line {poll.line}: {poll.error} at {poll.at_s} became {now.error} at {now.at_s}"


def _check(check: Check, final: StartReport) -> Iterator[str]:
    now = next((one for one in final.checks if one.name == check.name), None)
    if now is None or not now.seen_failing:
        yield f"{check.name} was not seen failing"
    elif check.final == "ok" and now.final == "ok" and not _meet(check.cleared, now.cleared):
        yield f"{check.name} cleared {_shown(check.cleared)} became {_shown(now.cleared)}"
    elif check.final == "ok" and now.final == "failing":
        yield f"{check.name} is failing"


def _goal(goal: Goal, final: StartReport) -> Iterator[str]:
    now = next((one for one in final.goals if one.id == goal.id), None)
    if now is None or now.state != goal.state:
        yield f"{goal.id} {goal.state} became {now.state if now is not None else 'nothing'}"
    elif not _meet(goal.window, now.window):
        yield f"{goal.id} {_shown(goal.window)} became {_shown(now.window)}"


def _phase(phase: Phase, final: StartReport) -> Iterator[str]:
    now = next((one for one in final.phases if one.id == phase.id), None)
    if now is None:
        yield f"{phase.id} became {'+'.join(one.id for one in final.phases)}"
    elif not _meet(phase.end, now.end) or not _meet(phase.begin, now.begin):
        yield f"{phase.id} to {_shown(phase.end)} became {_shown(now.end)}"


def _meet(before: Window, then: Window) -> bool:
    lowers = [window.lower for window in (before, then) if window.lower is not None]
    uppers = [window.upper for window in (before, then) if window.upper is not None]
    return not lowers or not uppers or max(lowers) <= min(uppers) + SLACK_S


def _shown(window: Window) -> str:
    return f"{window.lower} to {window.upper}"
