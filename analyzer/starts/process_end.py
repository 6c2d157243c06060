"""How the process of a start ended, as far as its own lines and those of its supervisors say.

Rules of the contract and of measurements on real servers: a shutdown request with a cause is a failure even when the
process then exits with status 0; what follows a request to stop is its echo, not a failure.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass

from analyzer.events.catalogue import causes_in, unquote_once
from analyzer.events.event import Mark, PollLine
from analyzer.events.redaction import mask_secrets
from analyzer.records.log_record import LogRecord, Payload
from analyzer.starts.end_messages import END_MESSAGES, LAST_IDS, OUTLIVED_US, EndMessage, own, real
from analyzer.starts.last_activity import LastActivity, lasting
from analyzer.starts.readiness import closing_burst
from analyzer.starts.reported_ends import KILLS
from analyzer.starts.start import Start
from analyzer.starts.stop_echoes import is_echo, is_unreadable
from analyzer.starts.truncated_lines import ELLIPSIS, begins, marked

_SHUTDOWN_CAUSE = re.compile(r"^Shutdown request received: (?P<cause>.+)$", re.DOTALL)
_ROOT_IDS = ("fatal", "component_exited", "panic", "hook_failed", "limit_reached")
_DOWN_IDS = (*_ROOT_IDS, "shutdown_requested", "shutting_down", "process_exited", "systemd_failed", "supervisor_exit")
_FEW = 8  # lines of others that may come after a part's last words


@dataclass(frozen=True, slots=True)
class EndSigns:
    """The first sign that a process is going down, and the first sign that somebody asked for it."""

    first: LogRecord | None
    asked: LogRecord | None
    echoes: frozenset[int] = frozenset()  # positions of lines that only say that somebody ended the process


def _shutdown_cause(mark: Mark) -> str | None:
    match = _SHUTDOWN_CAUSE.match(mark.record.message)
    # ≥1.34.2 quotes the cause once more in some patch releases, 1.35.0 does not.
    return unquote_once(match["cause"].strip()) if match is not None else None


def signs(start: Start) -> EndSigns:
    """Looks for the first signs of an end."""
    asked = [mark.record for mark in own(start, start.marks("stop_signal", "systemd_stopping"))]
    found = [*asked, *(mark.record for mark in real(start, own(start, start.marks(*_DOWN_IDS))))]
    found.extend(mark.record for mark in start.announced if mark.id in KILLS)
    polls = (event for event in start.events if isinstance(event, PollLine))
    found.extend(poll.record for poll in polls if poll.error.error == "context_canceled")
    # A stop that the text announces later did not cause what was printed before.
    running = start.first("api_running", "k3s_running") if not asked else None
    if running is not None and (burst := closing_burst(start, running.record)) is not None:
        found.append(burst)
    fatal = (mark.record for mark in start.marks(*_ROOT_IDS))
    echoes = frozenset(record.seq for record in fatal if is_echo(start, record, record.message))
    return EndSigns(_earliest(found), _earliest(asked), echoes)


def _earliest(records: list[LogRecord]) -> LogRecord | None:
    return min(records, key=lambda record: record.seq, default=None)


def _failure(start: Start, asked: LogRecord | None) -> tuple[LogRecord | None, str | None]:
    """The root line of a failure and what it says; lines after a request to stop are echoes."""
    limit = asked.seq if asked is not None else sys.maxsize
    # Some releases log no request to stop: closing noise comes first then, and what follows it is an echo.
    closing = start.first("shutting_down")
    if closing is not None:
        limit = min(limit, closing.record.seq)
    candidates = [
        (mark.record, cause) for mark in start.marks("shutdown_requested") if (cause := _shutdown_cause(mark))
    ]
    for mark in real(start, start.marks(*_ROOT_IDS)):
        zap = mark.record.payload is Payload.ZAP  # etcd's reason is a field of its own, which the rule added
        words = mark.groups.get("cause", mark.record.message) if zap else mark.record.message
        if not is_unreadable(start, mark.record, words):
            candidates.append((mark.record, words))
    candidates = [c for c in candidates if c[0].seq < limit and not is_echo(start, *c)]
    if not candidates:
        parts = [mark.record for mark in _last_words(start) if mark.record.seq < limit]
        candidates = [(record, record.message) for record in parts]
    candidates = [c for c in candidates if not c[0].foreign]
    if not candidates:
        return None, None
    record, text = min(candidates, key=lambda c: c[0].seq)
    return record, _said(start, record, _whole(start, record, text))


def _last_words(start: Start) -> list[Mark]:
    """The bare lines of parts after which nothing shows that the process went on.

    Below the lines of a ready server a bare ``Error: …`` of an unknown cause is mostly another program's.
    """
    marks = real(start, start.marks(*LAST_IDS))
    if not marks:
        return []
    lasted = lasting(start)
    running = start.first("api_running", "k3s_running", "agent_running")
    ended = start.first("process_exited", "systemd_failed", "restart_scheduled", "supervisor_exit") is not None

    def counts(mark: Mark) -> bool:
        record = mark.record
        if mark.id == "bare_error" and running is not None and running.record.seq < record.seq:
            in_its_name = record.ident is not None and record.ident in record.raw
            return (ended or in_its_name or bool(causes_in(record.message))) and not _outlived(record, lasted)
        return not _outlived(record, lasted)

    return [mark for mark in marks if counts(mark)]


def _said(start: Start, record: LogRecord, text: str) -> str:
    """A line's words for a report; cut ones say so."""
    words = mask_secrets(text.strip())
    return marked(words) if start.is_cut(record) and ELLIPSIS not in words else words


def _whole(start: Start, record: LogRecord, text: str) -> str:
    """The words of a cut line, whole where another line of the same start repeats them."""
    if not start.is_cut(record):
        return text
    for mark in start.marks(*_ROOT_IDS, *LAST_IDS, "shutdown_requested"):
        other = mark.groups.get("cause", mark.record.message)
        if not start.is_cut(mark.record) and len(other) > len(text) and begins(text, other, least=20):
            return other
    return text


def _outlived(record: LogRecord, lasted: LastActivity) -> bool:
    """Whether further ordinary lines show that a part's last words were not the last of the process."""
    undated = record.stamp is None and lasted.last_seq > record.seq + _FEW
    return undated or lasted.outlives(record, OUTLIVED_US)


def ending(start: Start, asked: LogRecord | None) -> EndMessage:
    """How the process ended; ``asked``: the first sign that somebody asked it to."""
    failure, reason = _failure(start, asked)
    if failure is not None:
        return EndMessage("failed", failure, reason, failure)
    for told in END_MESSAGES:
        end = told(start, asked)
        if end is not None:
            return end
    # The end of a text is none of the process, and neither is another start that follows: nobody says how it ended.
    return EndMessage("running")
