"""A report reduced to what is kept of its starts: one row each, and its metrics as bounds in seconds.

Goals and ``detected`` count from ``began_at``, as the windows of the report do; phases and checks are lengths between
two moments of the start. What a start never reached, or nobody knows by when, has an infinite upper end.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache

from analyzer.analysis.episodes import default_goal, episodes, goal_of, leading
from analyzer.analysis.since_begin import least_since_begin
from analyzer.analysis.start_key import start_key
from analyzer.collection.model import CHECK, GOAL_METRICS, Bounds, InputSpec, StartRow
from analyzer.collection.reasons import reason
from analyzer.events.redaction import mask_secrets
from analyzer.events.versions import parse_version
from analyzer.results import Goal, Milestone, Phase, Report, StartReport
from analyzer.window import OPEN, Bound, Span, Window

_SERVING = "serving_securely"
_LATE_S = 1.0  # by so much the journal may have taken a line down late
# Lines that every server prints once it got there: without them the goal had not come, or the log ends before.
_EXPECTED = frozenset((("server", "api"), ("server", "started"), ("agent", "server"), ("agent", "node")))
_NO_PHASES = frozenset((*GOAL_METRICS.values(), "detected", "polling_tax", "restarts"))


def reduced(report: Report, spec: InputSpec) -> tuple[tuple[StartRow, ...], tuple[dict[str, Bounds], ...]]:
    """The starts of ``report``, which was read from ``spec``, as rows; the metrics of each in the same order.

    A metric is ``(least, most)`` in seconds, ``restarts`` a count.
    """
    tries = _tries_before(report.starts)
    rows = tuple(_row(start, spec) for start in report.starts)
    return rows, tuple(_metrics(start, tries) for start in report.starts)


def _row(start: StartReport, spec: InputSpec) -> StartRow:
    version = parse_version(start.version)
    cause = leading(start.findings)
    return StartRow(
        input=spec.name,
        index=start.index,
        key=_masked(start_key(start)),
        host=None if start.host is None else _masked(start.host),
        unit=start.unit,
        version=start.version,
        kubernetes=None if version is None else f"{version.major}.{version.minor}",
        product=start.product,
        role=start.role,
        outcome=start.outcome,
        began_at=start.began_at,
        precision_s=start.clock.precision_s,
        end=start.end.kind,
        reason=reason(start) if start.outcome == "failed" else "",
        cause="" if cause is None else cause.id,
        cause_words="" if cause is None else mask_secrets(cause.title),
        findings=tuple(dict.fromkeys((finding.id, finding.severity) for finding in start.findings)),
        line=_line(start),
        labels=spec.labels,
        pid=start.pid,
        fresh=start.fresh,
        begin_seen=start.begin_seen,
    )


_masked = lru_cache(maxsize=4096)(mask_secrets)  # a host is named often


def _line(start: StartReport) -> int | None:
    """The line by which it had what it is for, else the one of its end."""
    line = goal_of(start).window.upper_line
    return start.end.line if line is None else line


# --- metrics


def _metrics(start: StartReport, tries: Mapping[int, int]) -> dict[str, Bounds]:
    found = dict(_goals(start))
    found.update(_noticed(start))
    found.update(_phases(start.phases))
    found.update(_checks(start))
    if start.outcome == "ready":
        count = float(tries.get(start.index, 0))
        found["restarts"] = (count, count)
    return found


def _goals(start: StartReport) -> Iterator[tuple[str, Bounds]]:
    goals = {goal.id: goal for goal in start.goals}
    wanted = goal_of(start)  # counted always, whatever the log holds of it
    goals[wanted.id] = wanted
    for name, goal in goals.items():
        if name in GOAL_METRICS and (name == default_goal(start) or _says_something(start, goal)):
            yield GOAL_METRICS[name], _since_begin(start, goal.window, reached=goal.state == "reached")


def _says_something(start: StartReport, goal: Goal) -> bool:
    """Whether a goal is known to have come or not, or would have been told had it come.

    A server without a kubelet registers no node, and many releases print no line of it: nothing follows from that.
    """
    role = "agent" if start.role == "agent" else "server"
    return goal.state != "unknown" or goal.window.lower is not None or (role, goal.id) in _EXPECTED


def _since_begin(start: StartReport, window: Window, *, reached: bool = True) -> Bounds:
    """A moment as a length since the start's begin, which may be before the log's."""
    least = least_since_begin(start, window.lower or 0.0)
    if not reached or window.upper is None or start.begun_before_s is None:
        return least, math.inf
    return least, max(least, window.upper + start.begun_before_s)


def _noticed(start: StartReport) -> Iterator[tuple[str, Bounds]]:
    """When k3s noticed that an API server is ready, and how long after it was: of an agent that of its server."""
    known = start.detected.lower is not None or start.detected.upper is not None
    if start.role != "agent" or known:
        yield "detected", _since_begin(start, start.detected)
    if start.polling_tax_s is not None:
        yield "polling_tax", _span(start.polling_tax_s)
    elif start.outcome == "ready" and start.role != "agent":
        yield "polling_tax", (0.0, math.inf)  # it was noticed, and the log does not show when


def _phases(phases: Sequence[Phase]) -> dict[str, Bounds]:
    """The lengths of phases. ``node`` and some others are goals as well: there the goal has the name."""
    found: dict[str, Bounds] = {}
    for phase in phases:
        if phase.id not in _NO_PHASES:
            least, most = found.get(phase.id, (0.0, 0.0))  # one id in two places: together
            span = _span(phase.duration_s)
            found[phase.id] = (least + span[0], most + span[1])
    return found


def _span(span: Span) -> Bounds:
    least = max(0.0, span.min)
    return least, math.inf if span.max is None else max(least, span.max)


def _checks(start: StartReport) -> Iterator[tuple[str, Bounds]]:
    """Of each check: from when the API server began to serve until it had cleared.

    An agent's are those of another host's server, which may serve since long ago.
    """
    if start.role == "agent" or not start.checks:
        return
    serving = _serving(start)
    for check in start.checks:
        cleared = check.cleared
        least, most = 0.0, math.inf
        if cleared.lower is not None and serving.upper is not None:
            least = max(0.0, cleared.lower - serving.upper)
        if cleared.upper is not None and serving.lower is not None:
            most = max(least, cleared.upper - serving.lower)
        yield CHECK + check.name, (least, most)


def _serving(start: StartReport) -> Window:
    """When the API server began to serve; not before the process itself, where its begin is in the log."""
    said = next((stone for stone in start.milestones if stone.id == _SERVING), None)
    if said is None:
        began = start.begin_seen and start.observer == "k3s" and start.clock.steps == 0
        return Window(lower=0.0, lower_kind=Bound.PROCESS) if began else OPEN
    exact = next((end for end in _cuts(start.phases) if _is_of(end, said)), None)
    return exact if exact is not None else _around(said, start)


def _cuts(phases: Sequence[Phase]) -> Iterator[Window]:
    for phase in phases:
        yield phase.end
        yield phase.begin


def _is_of(cut: Window, said: Milestone) -> bool:
    return cut.lower_ref == cut.upper_ref == (said.source, said.line)


def _around(said: Milestone, start: StartReport) -> Window:
    """A line that cuts no phase: what its timestamp shows."""
    if said.at_s is None or start.clock.steps:
        return OPEN
    late = max(_LATE_S, start.clock.precision_s)
    return Window(lower=max(0.0, said.at_s - late), upper=said.at_s + late)


# --- tries


def _tries_before(starts: Sequence[StartReport]) -> dict[int, int]:
    """By index of a start: how many of its episode failed before it."""
    outcomes = {start.index: start.outcome for start in starts}
    before: dict[int, int] = {}
    for episode in episodes(starts):
        failed = 0
        for index in episode.starts:
            before[index] = failed
            failed += outcomes[index] == "failed"
    return before
