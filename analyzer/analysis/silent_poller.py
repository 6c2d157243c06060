"""The tick before the successful one, of pollers that print no polls.

Up to 1.32.3 k3s asks in silence, once a second in rounds of 30 s, and prints ``Waiting for API server to become
available`` when a round begins (``waitForAPIServerInBackground`` in ``pkg/daemons/control/server.go``): first the line,
then the first request, then a ticker that starts when that one was answered. So the k-th request after it leaves no
earlier than k seconds after the line, and a success that was printed right after a whole second tells which k it was.
Measured: in 71 of 84 starts of such releases the success came within 0.1 s after a tick; no bound missed the truth.

The evidence and its limits are those of the contract's grid rule.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from analyzer.analysis.line_times import LineTimes
from analyzer.analysis.polls import PHASE_SLACK_S, exact
from analyzer.events.versions import poller_for
from analyzer.records.log_record import LogRecord
from analyzer.starts.start import Start, Verdict

ROUND = "Waiting for API server to become available"
NOTICED = "Kube API server is now running"
_INTERVAL_S, _ROUND_S = 1.0, 30.0
# Narrower than the contract's tenth: one phase alone is less evidence than several printed polls that agree, and 66 of
# the 71 locked starts came within 0.02 s, whatever their CPU.
_LOCKED_S = 0.03


@dataclass(frozen=True, slots=True)
class Ticks:
    """Lower bounds, in seconds since the start's begin, of when the last two requests left."""

    failed_s: float
    success_s: float


def last_ticks(start: Start, verdict: Verdict, line_times: LineTimes) -> Ticks | None:
    """When the last failing and the successful request left, where the log can tell."""
    noticed = verdict.detected
    if noticed is None or not noticed.message.startswith(NOTICED) or start.filtered:
        return None
    if poller_for(start.version).kind != "legacy-4x1s" or not exact(noticed, line_times):
        return None
    success = line_times.point(noticed)
    rounds = [r for r in start.process if r.seq < noticed.seq and r.message == ROUND]
    if success is None or not rounds:
        return None
    # Several callers may wait side by side, each with its own phase: every round that can still run must agree.
    begun = [line_times.point(r) if exact(r, line_times) else None for r in rounds]
    running = [at for at in begun if at is None or success - at <= _ROUND_S + _INTERVAL_S]
    phases = [at for at in running if at is not None]
    if not phases or len(phases) < len(running) or _doubtful(start.process, rounds[-1], noticed, line_times, start):
        return None
    locked = all((success - at) % _INTERVAL_S <= _LOCKED_S for at in phases)
    latest = max(phases)
    count = int((success - latest) // _INTERVAL_S)
    if count < 1 or not locked:
        return None  # the first request of a round: the one before is of another phase
    written = line_times.latest(noticed)  # logrus' own second may say that the line was written before that tick
    if written is None or written <= latest + count * _INTERVAL_S:
        return None
    slack = PHASE_SLACK_S + line_times.lag_s(latest)
    tick = latest + count * _INTERVAL_S - slack
    return Ticks(tick - _INTERVAL_S, tick)


def _doubtful(
    process: Sequence[LogRecord], begun: LogRecord, noticed: LogRecord, line_times: LineTimes, start: Start
) -> bool:
    """Whether lines were lost since the round began, or nothing was printed for two intervals before the success."""
    between = [r for r in process if begun.seq < r.seq < noticed.seq]
    if start.lost_between(begun.seq, noticed.seq) or any(r.gap_before for r in (*between, noticed)):
        return True
    at, last = line_times.point(noticed), line_times.point(between[-1] if between else begun)
    return at is None or last is None or at - last > 2 * _INTERVAL_S
