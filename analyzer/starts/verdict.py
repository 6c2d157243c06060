"""What became of a start: ready, failed, stopped or incomplete, with the line that decides it.

On evidence alone: *ready* needs a line that only code behind readiness prints; *failed* and *stopped* ("before it was
ready") need a line that shows that it was not ready, and nothing between it and the end that could hide readiness.
"""

from __future__ import annotations

import re

from analyzer.records.log_record import LogRecord, Payload
from analyzer.starts.agents import agent_outcome, never_reported
from analyzer.starts.end_messages import EndMessage
from analyzer.starts.process_end import ending, signs
from analyzer.starts.readiness import doubtful, failed_beside, last_not_ready, maybe_noticed_elsewhere, noticed
from analyzer.starts.start import Outcome, Start, Verdict

# systemd says so only of a unit that never reported itself.
_NEVER_UP = re.compile(r"start(?:-pre)? operation timed out|status=203/EXEC")
# A kubelet checks its flags before all else: its node was not registered, whatever the server beside it had reached.
_REFUSED_AT_START = ("label_refused",)
_OF_A_RUN = frozenset({Payload.LOGRUS, Payload.KLOG, Payload.ZAP})
# systemd says this of an attempt in which no process ran, or whose process it waited for in vain.
_NO_ATTEMPT = re.compile(r"^Failed to start |: Start request repeated too quickly")

_READY_LINES = ("Kube API server is now running", "k3s is up and running", "rke2 is up and running")
_EXCERPT_US, _EXCERPT_LINES = 5_000_000, 5
_TOO_SHORT_US = 2_000_000


def judge(start: Start) -> Verdict:
    """The verdict on one start."""
    down = signs(start)
    end = ending(start, down.asked)
    shown = noticed(start, down.first, down.asked, down.echoes)
    seen = shown.lines
    outcome: Outcome
    if start.role == "agent":
        outcome = agent_outcome(start, down.first, end.kind, end.record, end.reason)
        if outcome == "incomplete" and end.kind == "failed" and (_is_of_the_way(start, end) or _never_ran(start)):
            outcome = "failed"  # no node was ever asked for
    elif end.kind == "failed" and failed_beside(start, end.record, end.reason):
        outcome, seen = "failed", ()
    elif seen:
        outcome = "ready"
    elif end.kind == "running" or doubtful(start, down.asked, down.echoes) or not not_ready_at(start, end):
        outcome = "incomplete"
    else:
        outcome = end.kind
    return Verdict(
        outcome=outcome,
        reason=end.reason if outcome in ("failed", "stopped") else None,
        detected=seen[-1] if seen else None,
        stop_sign=down.first,
        end_kind=end.kind,
        end=end.record,
        end_reason=end.reason,
        behind_gate=seen[0] if seen else None,
        by_another=bool(seen) and shown.by_another,
    )


def not_ready_at(start: Start, end: EndMessage) -> bool:
    """Whether the text proves that k3s had not noticed readiness when the process ended."""
    if _shown_by_supervisor(start, end.record):
        return True
    if end.record is None:
        return False
    if any(mark.record.seq == end.record.seq for mark in start.marks(*_REFUSED_AT_START)):
        return True
    if (end.failure is not None and _is_of_the_way(start, end)) or _too_short(start, end.record):
        return True
    shown = last_not_ready(start, end.record)
    if shown is None or (end.kind == "failed" and end.failure is None and _excerpt(start, shown, end.record)):
        return False  # what others tell of the end does not say how far the process had come
    return not _may_hide(start, shown, end.record)


def _shown_by_supervisor(start: Start, end: LogRecord | None) -> bool:
    """Whether systemd's words show that the unit never reported itself, or that no process ran at all."""
    told = [mark.record.message for mark in start.marks("systemd_failed", "process_exited")]
    if any(map(_NEVER_UP.search, told)):
        return True
    if never_reported(start):
        return end is None or not maybe_noticed_elsewhere(start, end)
    ran = any(record.payload in _OF_A_RUN for record in start.process)
    helpers = [mark for mark in start.marks("prestart_failed") if "ExecStartPre=" in mark.record.message]
    none_ran = start.first("job_failed", "status_never_ran") is not None
    return not ran and (bool(helpers) or none_ran or any(map(_NO_ATTEMPT.search, told)))


def _never_ran(start: Start) -> bool:
    """Whether systemd could not execute the program, and no line of a run stands beside that."""
    ran = any(record.payload in _OF_A_RUN for record in start.process)
    return not ran and any("status=203/EXEC" in mark.record.message for mark in start.marks("process_exited"))


def _too_short(start: Start, end: LogRecord) -> bool:
    """Whether the process lived for so short a time that no API server can have become ready in it.

    Two post-start hooks make their first try a second after the API server serves, and it does not serve at once.
    """
    if not start.begin_seen or start.began is None:
        return False
    begun, ended = start.began.stamp, end.stamp
    return begun is not None and ended is not None and 0 <= ended.end_us - begun.us <= _TOO_SHORT_US


def _is_of_the_way(start: Start, end: EndMessage) -> bool:
    """Whether the message with which the process ended is only said by code in front of readiness."""
    held = [place for record, place in start.places if record is end.failure]
    limits = [p.only_before for p in held if p.only_before is not None]
    if not limits:
        return False
    # A cut message may be one that comes later; one that is only said after an earlier stage agrees with the limit.
    cut = end.failure is not None and end.failure.truncated
    agrees = (p.only_before is not None or (p.only_after is not None and p.only_after < min(limits)) for p in held)
    return not cut or all(agrees)


def _may_hide(start: Start, shown: LogRecord, end: LogRecord) -> bool:
    """Whether the line that tells of readiness may be missing between two lines.

    Because lines were lost there, because somebody chose the lines, or because the text has no line of its kind.
    """
    # A notice may come long after the lines that it counts: also one behind the end speaks of those before it.
    if start.filtered or start.lost_between(shown.seq, None):
        return True
    if any(_may_be_the_line(r) for r in start.process if shown.seq < r.seq <= end.seq):
        return True
    return not any(r.payload is Payload.LOGRUS and r.level in ("info", "") for r in start.process)


def _excerpt(start: Start, shown: LogRecord, end: LogRecord) -> bool:
    """Whether so few lines stand before so late an end that they were picked: a server writes dozens in seconds."""
    seen, ended = shown.stamp, end.stamp
    if seen is None or ended is None or ended.us - seen.us < _EXCERPT_US:
        return False
    return sum(record.payload in _OF_A_RUN for record in start.process) < _EXCERPT_LINES


def _may_be_the_line(record: LogRecord) -> bool:
    """Whether a line was cut so short that it may be the one that tells of readiness."""
    if record.payload not in (Payload.LOGRUS, Payload.PLAIN):
        return False
    words = record.message.rstrip(" .…>")
    if record.payload is Payload.LOGRUS and not words:
        return True  # cut in front of its message
    return record.truncated and any(line.startswith(words) for line in _READY_LINES)
