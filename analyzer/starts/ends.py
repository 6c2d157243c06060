"""How the process of a start ended, as far as its own lines and those of its supervisors say.

Rules of the contract and of measurements on real servers: a shutdown request with a cause is a failure even when the
process then exits with status 0; what follows a request to stop is its echo, not a failure.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from analyzer.events.masking import mask_secrets
from analyzer.events.model import Mark, PollLine
from analyzer.records.goquote import unquote
from analyzer.records.model import LogRecord, Payload
from analyzer.starts.model import Start
from analyzer.starts.readiness import closing_burst

_SHUTDOWN_CAUSE = re.compile(r"^Shutdown request received: (?P<cause>.+)$", re.DOTALL)
# Nothing fails of this by itself: somebody asked the process to end, or another component failed and says why.
# ``controllers exited`` and ``server stopped`` are what releases up to 1.22 say at fatal level when they are stopped.
_CANCELLED = re.compile(r"context canceled\W*$|http: Server closed\W*$|^(?:Error: )?controllers exited\W*$")
# Releases up to 1.29 call a cancelled wait a timed-out one; the real time limit is 15 minutes.
_CANCELLED_WAIT = re.compile(r"failed to wait for RBAC: timed out waiting for the condition\W*$")
_WAIT_LIMIT_US = 890 * 1_000_000
_EXIT = re.compile(r"code=(?P<code>\w+), status=(?P<status>\d+)(?:/(?P<name>[\w-]+))?")
EndKind = Literal["running", "stopped", "failed"]
_ROOT_IDS = ("fatal", "component_exited", "panic", "hook_failed")
_DOWN_IDS = (*_ROOT_IDS, "shutdown_requested", "shutting_down", "process_exited", "systemd_failed", "supervisor_exit")
_END = 1 << 62
_TIMED_OUT = re.compile(r": start operation timed out")


@dataclass(frozen=True, slots=True)
class Signs:
    """The first sign that a process is going down, and the first sign that somebody asked for it."""

    first: LogRecord | None
    asked: LogRecord | None
    echoes: frozenset[int] = frozenset()  # positions of lines that only say that somebody ended the process


@dataclass(frozen=True, slots=True)
class Ending:
    """How a process ended: the deciding line and its words; ``running``: the text does not say that it did."""

    kind: EndKind
    record: LogRecord | None = None
    reason: str | None = None
    failure: LogRecord | None = None  # the process's own line that says why, where there is one


def _shutdown_cause(mark: Mark) -> str | None:
    match = _SHUTDOWN_CAUSE.match(mark.record.message)
    if match is None:
        return None
    cause = match.group("cause").strip()
    # ≥1.34.2 quotes the cause once more in some patch releases, 1.35.0 does not.
    return unquote(cause[1:-1]) if len(cause) > 1 and cause.startswith('"') and cause.endswith('"') else cause


def signs(start: Start) -> Signs:
    """Looks for the first signs of an end."""
    found: list[LogRecord] = []
    asked = [mark.record for mark in start.marks("stop_signal", "systemd_stopping")]
    found.extend(asked)
    found.extend(mark.record for mark in start.marks(*_DOWN_IDS))
    for event in start.events:
        if isinstance(event, PollLine) and event.error.error == "context_canceled":
            found.append(event.record)
            break
    # A stop that the text announces later did not cause what was printed before.
    running = start.first("api_running", "k3s_running") if not asked else None
    if running is not None and (burst := closing_burst(start, running.record)) is not None:
        found.append(burst)
    fatal = (mark.record for mark in start.marks(*_ROOT_IDS))
    echoes = frozenset(record.seq for record in fatal if is_echo(start, record, record.message))
    return Signs(_earliest(found), _earliest(asked), echoes)


def _earliest(records: list[LogRecord]) -> LogRecord | None:
    return min(records, key=lambda record: record.seq, default=None)


def is_echo(start: Start, record: LogRecord, text: str) -> bool:
    """Whether a line at fatal level only says that somebody ended the process."""
    if _CANCELLED.search(text):
        return True
    if not _CANCELLED_WAIT.search(text):
        return False
    begun = next((stamp for r in start.process if (stamp := r.at or r.inner_at) is not None), None)
    seen = record.at or record.inner_at
    return begun is None or seen is None or seen.us - begun.us < _WAIT_LIMIT_US


def _failure(start: Start, asked: LogRecord | None) -> tuple[LogRecord | None, str | None]:
    """The root line of a failure and what it says; lines after a request to stop are echoes."""
    limit = asked.seq if asked is not None else _END
    # Some releases log no request to stop: closing noise comes first then, and what follows it is an echo.
    closing = start.first("shutting_down")
    if closing is not None:
        limit = min(limit, closing.record.seq)
    candidates: list[tuple[int, LogRecord, str]] = []
    for mark in start.marks("shutdown_requested"):
        cause = _shutdown_cause(mark)
        if cause is not None:
            candidates.append((mark.record.seq, mark.record, cause))
    for mark in start.marks(*_ROOT_IDS):
        zap = mark.record.payload is Payload.ZAP  # etcd's reason is a field of its own, which the rule added
        text = mark.groups.get("cause", mark.record.message) if zap else mark.record.message
        candidates.append((mark.record.seq, mark.record, text))
    candidates = [c for c in candidates if c[0] < limit and not is_echo(start, c[1], c[2])]
    if not candidates:
        for mark in start.marks("bare_error"):
            if mark.record.seq < limit:
                candidates.append((mark.record.seq, mark.record, mark.record.message))
    if not candidates:
        return None, None
    _, record, text = min(candidates, key=lambda c: c[0])
    return record, mask_secrets(text.strip())


def _picked_out(start: Start, last: LogRecord, follower: Start) -> bool:
    """Whether the lines on a process's end were left out: within one boot systemd always says something about it.

    (Between two boots it does not when the power fails.)
    """
    begun = follower.first("systemd_starting")
    if begun is None or (begun.record.boot_id, begun.record.boot_seq) != (last.boot_id, last.boot_seq):
        return False
    between = (*start.records, *follower.records)
    told = [r for r in between if r.payload is Payload.SYSTEMD and last.seq < r.seq < begun.record.seq]
    return not told


def _exit_text(mark: Mark) -> tuple[bool, str]:
    """Whether systemd's exit line tells of a failure, and its words."""
    match = _EXIT.search(mark.record.message)
    if match is None:
        return True, mark.record.message
    failed = match["code"] != "exited" or match["status"] != "0"
    name = f" ({match['name']})" if match["name"] else ""
    what = "killed by signal" if match["code"] in ("killed", "dumped") else "exited with status"
    return failed, f"{what} {match['status']}{name}"


def ending(start: Start, asked: LogRecord | None) -> Ending:
    """How the process ended; ``asked``: the first sign that somebody asked it to."""
    failure, reason = _failure(start, asked)
    if failure is not None:
        return Ending("failed", failure, reason, failure)
    return _told_by_others(start, asked)


def _told_by_others(start: Start, asked: LogRecord | None) -> Ending:
    # systemd sends its signal after that line, and the process answers as if somebody had asked.
    late = next((m.record for m in start.marks("systemd_failed") if _TIMED_OUT.search(m.record.message)), None)
    if late is not None and start.first("api_running", "agent_running") is None:
        return Ending("failed", late, late.message)
    if asked is not None:
        return Ending("stopped", asked, mask_secrets(asked.message))
    closing = start.first("shutting_down")
    if closing is not None and start.marks("api_running", "k3s_running"):
        return Ending("stopped", closing.record, "shut down; this release logs no request")
    echo = next((m.record for m in start.marks("fatal") if is_echo(start, m.record, m.record.message)), None)
    exits = start.marks("process_exited")
    if exits:
        failed, words = _exit_text(exits[0])
        if echo is not None and words.startswith("exited with status 1"):
            return Ending("stopped", echo, "shut down; the text holds no request, only its echo")
        reset = any("cluster-reset" in r.message or "membership has been reset" in r.message for r in start.process)
        return Ending("stopped" if reset and not failed else "failed", exits[0].record, words)
    if echo is not None:
        return Ending("stopped", echo, "shut down; the text holds no request, only its echo")
    supervisor = start.first("supervisor_exit")
    if supervisor is not None:
        words = supervisor.groups.get("cause") or supervisor.groups.get("rancher") or supervisor.record.message
        return Ending("failed", supervisor.record, words)
    # What failed says more than that systemd tries again.
    others = sorted(
        start.marks("systemd_failed", "restart_scheduled", "systemd_stopped"),
        key=lambda mark: (
            "Failed to schedule" not in mark.record.message,
            "Failed with result" not in mark.record.message,
            mark.id != "systemd_failed",
        ),
    )
    if others:
        return Ending("failed", others[0].record, mask_secrets(others[0].record.message))
    job = start.first("job_failed")
    if job is not None:
        return Ending("failed", job.record, f"systemctl: {job.groups['cause']}")
    follower = start.followed_by
    if follower is not None and start.systemd_in_text and follower.first("systemd_starting") is not None:
        # systemd starts a unit only after its process is gone; nobody asked it to go.
        last = start.process[-1] if start.process else None
        if last is not None and _picked_out(start, last, follower):
            return Ending("running")
        return Ending("failed", last)
    return Ending("running")
