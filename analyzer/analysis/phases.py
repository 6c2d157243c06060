"""The time budget: cut points that the text holds, in order, and each phase named for what it waits for."""

from __future__ import annotations

from analyzer.analysis.clocked import Clocked
from analyzer.events.model import HealthBlock, PollLine
from analyzer.findings import Phase
from analyzer.records.model import LogRecord
from analyzer.starts.model import Start, Verdict
from analyzer.window import Bound, Span, Window

# (phase, milestone that ends it); hooks and polling_tax end with windows of their own.
_CUTS = (
    ("extract", "starting"),
    ("datastore", "datastore_ready"),
    ("certificates", "apiserver_requested"),
    ("apiserver_boot", "serving_securely"),
    ("hooks", "ready"),
    ("polling_tax", "detected"),
    ("node", "node_registered"),
)
_PHASES = tuple(phase for phase, _ in _CUTS)


def budget(start: Start, verdict: Verdict, clocked: Clocked, ready: Window, detected: Window) -> list[Phase]:
    """Phases of a start without gaps or overlaps: each begins where the one before it ends.

    A cut that is missing or out of order is skipped; its time belongs to the next phase. A start that never got
    further ends with the phase it was in, its end open from above.
    """
    if start.began is None or clocked.zero_us is None:
        return []
    line, source = start.began.line, start.began.source
    begin = Window(0.0, clocked.precision_s, Bound.OBSERVED, Bound.OBSERVED, line, line, source=source)
    phases: list[Phase] = []
    if not start.begin_seen:
        # The phase that the text begins in was under way already: how long is unknown.
        begin = Window(None, clocked.precision_s, Bound.NONE, Bound.PROCESS, None, line, source=source)
    reached = 0
    for position, (phase, cut) in enumerate(_CUTS):
        if cut == "ready":
            end = ready
        elif cut == "detected":
            end = detected
        else:
            mark = start.api_first(cut) if cut == "serving_securely" else start.first(cut)
            end = _window(mark.record, clocked) if mark is not None else Window()
        before = begin.lower_evidence
        if cut in ("ready", "detected") and end.lower is None and before is not None:
            # Nothing bounds it from below but the cut before it: how the two phases share the time is not known.
            end = end.from_below(before)
        if end.upper is None or end.lower is None or not _follows(begin, end):
            continue
        if cut == "node_registered" and verdict.detected is None:
            continue
        phases.append(Phase(phase, begin, end, _length(begin, end)))
        begin, reached = end, position + 1
    reached = max(reached, _at_least(start))
    if verdict.detected is None and (start.begin_seen or reached):
        last = verdict.end or (start.process[-1] if start.process else None)
        alive = clocked.earliest(last) if last is not None else None
        if last is not None and alive is not None and alive >= (begin.lower or 0.0) and reached < len(_CUTS):
            open_end = Window(alive, None, Bound.PROCESS, Bound.NONE, last.line, source=last.source)
            phases.append(Phase(_waiting_for(start, reached), begin, open_end, _length(begin, open_end)))
    return phases


def _at_least(start: Start) -> int:
    """How far a start had certainly come by what its polls were answered, whatever cuts the text lacks."""
    errors = {event.error.error for event in start.events if isinstance(event, PollLine)}
    if errors & {"readyz_failing", "forbidden"} or any(isinstance(e, HealthBlock) for e in start.events):
        return _PHASES.index("hooks")
    if start.role == "agent":
        return _PHASES.index("hooks") if start.first("starting") is not None else 0  # it has no server's phases
    return _PHASES.index("apiserver_boot") if "service_unavailable" in errors else 0


def _waiting_for(start: Start, reached: int) -> str:
    """The phase that never ended: the first whose cut the text does not hold."""
    for phase, cut in _CUTS[reached:]:
        if cut in ("ready", "detected") or start.first(cut) is None:
            return phase
    return "hooks"


def _window(record: LogRecord, clocked: Clocked) -> Window:
    low, high = clocked.earliest(record), clocked.latest(record)
    if low is None or high is None:
        return Window()
    return Window(low, high, Bound.OBSERVED, Bound.OBSERVED, record.line, record.line, source=record.source)


def _follows(begin: Window, end: Window) -> bool:
    return (
        end.upper is not None
        and end.upper >= (begin.lower or 0.0)
        and (end.lower is None or end.lower >= (begin.lower or 0.0))
    )


def _length(begin: Window, end: Window) -> Span:
    low = max(0.0, (end.lower or 0.0) - (begin.upper or 0.0))
    high = None if end.upper is None or begin.lower is None else max(0.0, end.upper - begin.lower)
    return Span(low, high)
