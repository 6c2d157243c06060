"""The timeline for trace viewers that read the Chrome trace event format (Perfetto, speedscope and others).

One process for each start, one track for each check. What is uncertain is a slice of its own ("… or not"), so that a
viewer, which knows no windows, still shows them. On a track no two slices overlap, and none ends before it begins.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from typing import Any

from analyzer.reports import wording
from analyzer.reports.format import DEFAULT, Options
from analyzer.reports.json_report import clean_text
from analyzer.reports.selection import select_starts
from analyzer.results import Check, Report, StartReport
from analyzer.window import Window

Event = dict[str, Any]


def render(report: Report, options: Options = DEFAULT) -> str:
    """The trace as JSON. Moments are microseconds since the earliest start with a date (else each start's zero)."""
    chosen = select_starts(report.starts, options.start)
    zero = min((s.began_at for s in chosen if s.began_at is not None), default=None)
    events = [event for start in chosen for event in _start_events(start, zero)]
    other = {"tool": "k3slog", "version": report.tool_version, "zero": zero.isoformat() if zero else None}
    return json.dumps({"traceEvents": events, "displayTimeUnit": "ms", "otherData": other}, ensure_ascii=True) + "\n"


class _Track:
    """One row of the viewer; keeps its slices in order and apart."""

    def __init__(self, start: StartReport, number: int, shift_us: int) -> None:
        self.start, self.number, self.shift_us = start, number, shift_us
        self._free_from: float = -math.inf

    def slice(self, name: str, category: str, begin_s: float, end_s: float, **args: Any) -> Iterator[Event]:
        begin, end = max(self._us(begin_s), self._free_from), self._us(end_s)
        if end <= begin:
            return
        self._free_from = end
        yield {
            "ph": "X", "pid": self.start.index, "tid": self.number, "ts": begin, "dur": end - begin,
            "name": clean_text(name), "cat": category, "args": args,
        }  # fmt: skip

    def instant(self, name: str, category: str, at_s: float, **args: Any) -> Event:
        return {
            "ph": "i", "s": "t", "pid": self.start.index, "tid": self.number, "ts": self._us(at_s),
            "name": clean_text(name), "cat": category, "args": args,
        }  # fmt: skip

    def _us(self, seconds: float) -> int:
        return self.shift_us + round(seconds * 1e6)


_Fill = Callable[[_Track, StartReport], Iterator[Event]]


def _start_events(start: StartReport, zero: datetime | None) -> Iterator[Event]:
    shift_us = 0
    if zero is not None and start.began_at is not None:
        shift_us = round((start.began_at - zero).total_seconds() * 1e6)
    label = ", ".join(filter(None, (f"start {start.index}: {start.outcome}", wording.place(start))))
    yield from _header("process", start.index, 0, label, start.index)
    tracks: list[tuple[str, _Fill]] = [("ready", _ready), ("phases", _phases), ("polls", _polls)]
    tracks += [("milestones", _milestones), *((check.name, partial(_check, check)) for check in start.checks)]
    for number, (name, fill) in enumerate(tracks, 1):
        yield from _header("thread", start.index, number, name, number)
        yield from fill(_Track(start, number, shift_us), start)


def _header(what: str, pid: int, tid: int, name: str, place: int) -> Iterator[Event]:
    """The name of a process or thread, and its place among them."""
    for key, value in (("name", clean_text(name)), ("sort_index", place)):
        yield {"ph": "M", "pid": pid, "tid": tid, "name": f"{what}_{key}", "args": {key: value}}


def _last_moment(start: StartReport) -> float:
    """Where an open end stops in the picture: the last moment the text speaks of."""
    known = [start.cut_at_s, start.end.at_s, start.detected.upper, start.ready.upper, start.ready.lower]
    known += [p.at_s for p in start.polls]
    return max((k for k in known if k is not None), default=0.0)


def _ready(track: _Track, start: StartReport) -> Iterator[Event]:
    last = _last_moment(start)
    lower = start.ready.lower or 0.0
    upper = last if start.ready.upper is None else start.ready.upper
    yield from track.slice("not ready", "certain", 0.0, lower)
    yield from track.slice("ready or not", "uncertain", lower, upper, **_proof(start.ready))
    yield from track.slice("ready", "certain", upper, last)


def _phases(track: _Track, start: StartReport) -> Iterator[Event]:
    last = _last_moment(start)
    for phase in start.phases:
        if phase.id == "boot":
            continue  # before the trace begins
        begin = phase.begin.upper if phase.begin.upper is not None else phase.begin.lower
        sure_end = phase.end.lower if phase.end.lower is not None else begin
        if begin is not None and sure_end is not None:
            yield from track.slice(phase.id, "certain", begin, sure_end)
        if sure_end is not None:
            edge = last if phase.end.upper is None else phase.end.upper
            yield from track.slice(f"{phase.id} or not", "uncertain", sure_end, edge, **_proof(phase.end))


def _polls(track: _Track, start: StartReport) -> Iterator[Event]:
    for poll in start.polls:
        if poll.at_s is not None:
            category = "printed" if poll.printed else "implied"
            failing = [clean_text(name) for name in poll.failing]
            yield track.instant(poll.error or "ok", category, poll.at_s, line=poll.line, failing=failing)


def _milestones(track: _Track, start: StartReport) -> Iterator[Event]:
    for milestone in start.milestones:
        if milestone.at_s is not None:
            text = clean_text(milestone.text)
            yield track.instant(milestone.id, "milestone", milestone.at_s, line=milestone.line, text=text)


def _check(check: Check, track: _Track, start: StartReport) -> Iterator[Event]:
    lower, upper, seen = check.cleared.lower, check.cleared.upper, check.first_seen_failing_s
    last = _last_moment(start)
    if lower is not None and seen is not None:
        yield from track.slice("failing", "certain", seen, lower)
    begin = lower if lower is not None else seen
    if check.failing_at_last and upper is None:
        if begin is not None:
            yield from track.slice("last seen failing", "uncertain", begin, last)
    elif lower is not None or upper is not None:
        end = last if upper is None else upper
        yield from track.slice("failing or not", "uncertain", begin or 0.0, end, **_proof(check.cleared))


def _proof(window: Window) -> dict[str, Any]:
    return {
        "lower_kind": str(window.lower_kind),
        "upper_kind": str(window.upper_kind),
        "lower_line": window.lower_line,
        "upper_line": window.upper_line,
    }
