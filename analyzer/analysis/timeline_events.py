"""What happened in a start, in time order: the rows of its timeline."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from operator import attrgetter

from analyzer.results import Check, Poll, StartReport
from analyzer.window import Bound, Window


@dataclass(frozen=True, slots=True)
class Event:
    """A row of the timeline. ``place``: source and line; without it those of the window's ends."""

    kind: str
    id: str | None
    window: Window
    detail: str | None = ""
    printed: bool = False
    place: tuple[int, int | None] | None = None

    @property
    def where(self) -> tuple[int, int | None]:
        """Source and line."""
        return self.place or self.window.upper_ref or self.window.lower_ref or (self.window.source, None)

    @property
    def position(self) -> tuple[bool, float, float]:
        """Its place in the order."""
        lower, upper = self.window.lower, self.window.upper
        first = lower if lower is not None else upper
        return (first is None, first or 0.0, upper if upper is not None else float("inf"))


def _stamped(start: StartReport, at_s: float | None) -> Window:
    """What the stamp of a line covers."""
    if at_s is None:
        return Window()
    return Window(at_s, at_s + start.clock.precision_s, Bound.OBSERVED, Bound.OBSERVED)


def _poll_window(start: StartReport, poll: Poll) -> Window:
    if poll.at_s is None or poll.printed or poll.line is not None:
        return _stamped(start, poll.at_s)
    # A tick of the fitted grid is late by the latency of the fastest answer at least.
    return Window(poll.at_s - start.poller.grid_slack_s, poll.at_s + start.clock.precision_s, Bound.GRID, Bound.GRID)


def _check_events(start: StartReport, check: Check) -> Iterator[Event]:
    reasons = "; ".join(check.reasons)
    if check.seen_failing and check.first_seen_failing_s is not None:
        seen = Window(
            None,
            check.first_seen_failing_s + start.clock.precision_s,
            Bound.NONE,
            Bound.OBSERVED,
            None,
            check.first_seen_failing_line,
            source=check.first_seen_failing_source,
        )
        yield Event("check_failing", check.name, seen, reasons, printed=True)
    if check.cleared.lower is not None or check.cleared.upper is not None:
        yield Event("check_ok", check.name, check.cleared, reasons)


def events(start: StartReport) -> list[Event]:
    """The rows in time order."""
    return sorted(_events(start), key=attrgetter("position"))


def _events(start: StartReport) -> Iterator[Event]:
    for stone in start.milestones:
        window = _stamped(start, stone.at_s)
        yield Event("milestone", stone.id, window, stone.text, printed=True, place=(stone.source, stone.line))
    for poll in start.polls:
        detail, place = " ".join(poll.failing), (poll.source, poll.line)
        yield Event("poll", poll.error, _poll_window(start, poll), detail, poll.printed, place)
    for check in start.checks:
        yield from _check_events(start, check)
    own = [phase for phase in start.phases if phase.id != "boot"]  # before the start, and so of no event of it
    for phase in own[:1]:
        yield Event("phase_begin", phase.id, phase.begin)
    for phase in own:
        yield Event("phase_end", phase.id, phase.end)
    for kind, window in (("ready", start.ready), ("detected", start.detected)):
        if window.lower is not None or window.upper is not None:
            yield Event(kind, None, window)
    for gap in start.gaps:
        for kind, at_s in (("gap_begin", gap.begin_s), ("gap_end", gap.end_s)):
            yield Event(kind, gap.kind, _stamped(start, at_s), gap.detail, place=(gap.source, gap.line))
    end = start.end
    if end.kind != "running":
        yield Event("end", end.kind, _stamped(start, end.at_s), end.reason, printed=True, place=(end.source, end.line))
