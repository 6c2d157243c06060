"""How the process of a start ended, as far as its own lines and those of its supervisors say.

Rules of the contract and of measurements on real servers: a shutdown request with a cause is a failure even when the
process then exits with status 0; what follows a request to stop is its echo, not a failure.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from analyzer.events.masking import mask_secrets
from analyzer.events.model import Mark, PollLine
from analyzer.records.goquote import unquote
from analyzer.records.model import LogRecord, Payload
from analyzer.starts import panics
from analyzer.starts.announced import KILLS
from analyzer.starts.cuts import begins, is_cut, marked
from analyzer.starts.model import Start
from analyzer.starts.readiness import closing_burst

_SHUTDOWN_CAUSE = re.compile(r"^Shutdown request received: (?P<cause>.+)$", re.DOTALL)
# Nothing fails of this by itself: somebody asked the process to end, or another component failed and says why.
# ``controllers exited`` and ``server stopped`` are what releases up to 1.22 say at fatal level when they are stopped;
# a scheduler without leader election ends so when it is told to.
_CANCELLED = re.compile(
    r"context canceled\W*$|http: Server closed\W*$|^(?:Error: )?controllers exited\W*$|"
    r"^(?:Shutdown request received: )?\W?[\w-]+ exited: finished without leader elect\W*$"
)
_CANCELLED_WORDS = ("context canceled", "http: Server closed")
# Releases up to 1.29 call a cancelled wait a timed-out one; the real time limit is 15 minutes.
_TIMED_OUT_WAIT = re.compile(
    r"ailed to wait for (?P<what>RBAC|API server to become ready|apiserver ready)\b.{0,200}?: "
    r"timed out waiting for the condition"
)
_WAITS = (
    "Tunnel watches failed to wait for ", "Kubelet failed to wait for ", "Failed to wait for RBAC",
    "failed to wait for RBAC", "Failed to wait for API server to become ready",
    "failed to wait for API server to become ready",
)  # fmt: skip
_WAIT_LIMIT_US = 890 * 1_000_000
_EXIT = re.compile(r"code=(?P<code>\w+), status=(?P<status>\d+)(?:/(?P<name>[\w-]+))?")
EndKind = Literal["running", "stopped", "failed"]
_ROOT_IDS = ("fatal", "component_exited", "panic", "hook_failed")
_LAST_IDS = ("bare_error", "child_exited")  # said by a part, often only repeated by what k3s itself says
_DOWN_IDS = (*_ROOT_IDS, "shutdown_requested", "shutting_down", "process_exited", "systemd_failed", "supervisor_exit")
_END = 1 << 62
# systemd ends the unit then, and the process answers its signal as if somebody had asked.
_LOST_PATIENCE = re.compile(r"\bstart(?:-pre|-post)? operation timed out")
_WATCHDOG = re.compile(r": Watchdog timeout")
_TAKEN = re.compile(r"killed by the OOM killer|systemd-oomd killed \d+ process")
# What failed says more than that systemd counts it, or tries no more.
_BEST_FIRST = ("Failed to schedule", "OOM killer", "systemd-oomd", "repeated too quickly", "Failed with result")
_OUTLIVED_US = 10_000_000
# How docker shows that a process was told to end (SIGINT, SIGTERM), or ended by itself in good order.
_ASKED_CODES = {"0", "130", "143"}


@dataclass(frozen=True, slots=True)
class Signs:
    """The first sign that a process is going down, and the first sign that somebody asked for it."""

    first: LogRecord | None
    asked: LogRecord | None


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
    asked = [mark.record for mark in own(start, start.marks("stop_signal", "systemd_stopping"))]
    found.extend(asked)
    found.extend(mark.record for mark in _real(start, own(start, start.marks(*_DOWN_IDS))))
    found.extend(mark.record for mark in start.announced if mark.id in KILLS)
    for event in start.events:
        if isinstance(event, PollLine) and event.error.error == "context_canceled":
            found.append(event.record)
            break
    # A stop that the text announces later did not cause what was printed before.
    running = start.first("api_running", "k3s_running") if not asked else None
    if running is not None and (burst := closing_burst(start, running.record)) is not None:
        found.append(burst)
    return Signs(_earliest(found), _earliest(asked))


def own(start: Start, marks: Iterable[Mark]) -> list[Mark]:
    """Marks without those of other programs and of units with another name, where the process's unit is known."""
    unit = _unit_of(start)
    kept: list[Mark] = []
    for mark in marks:
        theirs = mark.record.payload is Payload.SYSTEMD and unit is not None and mark.record.unit not in (None, unit)
        if not theirs and not getattr(mark.record, "foreign", False):
            kept.append(mark)
    return kept


def _unit_of(start: Start) -> str | None:
    return next((record.unit for record in start.process[:50] if record.unit is not None), None)


def _real(start: Start, marks: Iterable[Mark]) -> list[Mark]:
    """Marks of an end without those that the process certainly survived."""
    recovered = panics.survived(start)
    return [
        mark
        for mark in marks
        if mark.record.seq not in recovered and not (_may_be_survived(mark) and _went_on(start, mark.record))
    ]


def _may_be_survived(mark: Mark) -> bool:
    """Whether a line may tell of another process than the unit's main one."""
    if mark.id == "systemd_failed":
        return _TAKEN.search(mark.record.message) is not None
    return mark.id in ("fatal", *_LAST_IDS) and mark.record.payload is not Payload.KLOG


def _went_on(start: Start, record: LogRecord) -> bool:
    """Whether the same process wrote lines when it would long have been over."""
    seen = record.at or record.inner_at
    if seen is None or (record.pid is None and record.payload is not Payload.SYSTEMD):
        return False
    number = record.pid if record.payload is not Payload.SYSTEMD else start.pid
    late = seen.us + seen.precision_us + _OUTLIVED_US
    return any(
        later.pid == number
        and later.payload in (Payload.LOGRUS, Payload.KLOG)
        and later.level not in ("fatal", "panic")
        and (stamp := later.inner_at or later.at) is not None
        and stamp.us > late
        for later in reversed(start.process)
        if later.seq > record.seq
    )


def _earliest(records: list[LogRecord]) -> LogRecord | None:
    return min(records, key=lambda record: record.seq, default=None)


def is_echo(start: Start, record: LogRecord, text: str) -> bool:
    """Whether a line at fatal level only says that somebody ended the process.

    Of a cut line only its beginning is known: a wait that ended before its own limit was cancelled.
    """
    if _CANCELLED.search(text):
        return True
    timed_out = _TIMED_OUT_WAIT.search(text)
    if is_cut(start, record):
        if any(text.endswith(words[:length]) for words in _CANCELLED_WORDS for length in range(11, len(words))):
            return True
        bare = text.removeprefix("Error: ").removeprefix("Shutdown request received: ").lstrip('"')
        return any(begins(bare, wait) for wait in _WAITS) and not _after_its_limit(start, record)
    if timed_out is None or _after_its_limit(start, record):
        return False
    # Without its begin nobody knows for how long it waited; for RBAC only a cancelled server ever waits in vain.
    return start.begin_seen or timed_out["what"] == "RBAC"


def _after_its_limit(start: Start, record: LogRecord) -> bool:
    begun = next((stamp for r in start.process if (stamp := r.at or r.inner_at) is not None), None)
    seen = record.at or record.inner_at
    return begun is not None and seen is not None and seen.us - begun.us >= _WAIT_LIMIT_US


def _failure(start: Start, asked: LogRecord | None) -> tuple[LogRecord | None, str | None]:
    """The root line of a failure and what it says; lines after a request to stop are echoes."""
    limit = asked.seq if asked is not None else _END
    # Some releases log no request to stop: closing noise comes first then, and what follows it is an echo.
    closing = start.first("shutting_down")
    if closing is not None:
        limit = min(limit, closing.record.seq)
    candidates = [
        (mark.record, cause) for mark in start.marks("shutdown_requested") if (cause := _shutdown_cause(mark))
    ]
    for mark in _real(start, start.marks(*_ROOT_IDS)):
        zap = mark.record.payload is Payload.ZAP  # etcd's reason is a field of its own, which the rule added
        words = mark.groups.get("cause", mark.record.message) if zap else mark.record.message
        candidates.append((mark.record, words))
    candidates = [c for c in candidates if c[0].seq < limit and not is_echo(start, *c)]
    if not candidates:
        parts = _real(start, start.marks(*_LAST_IDS))
        candidates = [(mark.record, mark.record.message) for mark in parts if mark.record.seq < limit]
        candidates = [c for c in candidates if not getattr(c[0], "foreign", False) and not _outlived(start, c[0])]
    candidates = [c for c in candidates if not getattr(c[0], "foreign", False)]
    if not candidates:
        return None, None
    record, text = min(candidates, key=lambda c: c[0].seq)
    return record, _said(start, record, _whole(start, record, text))


def _said(start: Start, record: LogRecord, text: str) -> str:
    """A line's words for a report; cut ones say so."""
    words = mask_secrets(text.strip())
    return marked(words) if is_cut(start, record) else words


def _whole(start: Start, record: LogRecord, text: str) -> str:
    """The words of a cut line, whole where another line of the same start repeats them."""
    if not is_cut(start, record):
        return text
    for mark in start.marks(*_ROOT_IDS, *_LAST_IDS, "shutdown_requested"):
        other = mark.groups.get("cause", mark.record.message)
        if not is_cut(start, mark.record) and len(other) > len(text) and begins(text, other, least=20):
            return other
    return text


def _outlived(start: Start, record: LogRecord) -> bool:
    """Whether further ordinary lines show that a part's last words were not the last of the process."""
    seen = record.at or record.inner_at
    later = [r for r in start.process if r.seq > record.seq and r.payload in (Payload.LOGRUS, Payload.KLOG)]
    stamps = [stamp for r in later if (stamp := r.inner_at or r.at) is not None]
    if seen is None:
        return any(r.level in ("info", "") for r in later[8:])
    return any(stamp.us > seen.us + seen.precision_us + _OUTLIVED_US for stamp in stamps)


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
    for told in _WAYS:
        end = told(start, asked)
        if end is not None:
            return end
    # The end of a text is none of the process, and neither is another start that follows: nobody says how it ended.
    return Ending("running")


def _lost_patience(start: Start, asked: LogRecord | None) -> Ending | None:
    """Systemd's own limits: on the start, on one of its helpers, on signs of life."""
    for mark in own(start, start.marks("systemd_failed")):
        words = mark.record.message
        late = _LOST_PATIENCE.search(words) and start.first("api_running", "agent_running") is None
        if late or (_WATCHDOG.search(words) and (asked is None or mark.record.seq < asked.seq)):
            return Ending("failed", mark.record, words)
    return None


def _on_request(start: Start, asked: LogRecord | None) -> Ending | None:
    if asked is not None:
        killed = _killed(start, None)
        if killed is not None and killed.record is not None and killed.record.seq < asked.seq:
            return killed
        return Ending("stopped", asked, mask_secrets(asked.message))
    closing = start.first("shutting_down")
    if closing is not None and start.marks("api_running", "k3s_running"):
        return Ending("stopped", closing.record, "shut down; this release logs no request")
    return None


def _not_executed(start: Start, asked: LogRecord | None) -> Ending | None:
    """Systemd could not execute the program: the line with the reason says more than the status."""
    told = [mark for mark in (*start.announced, *own(start, start.marks("exec_failed"))) if mark.id == "exec_failed"]
    # A helper of the unit (modprobe) may be missing, and k3s runs all the same.
    told = [mark for mark in told if not any(record.seq > mark.record.seq for record in start.process)]
    if not told:
        return None
    spawning = next((mark for mark in told if "spawning" in mark.record.message), told[0])
    return Ending("failed", spawning.record, mask_secrets(spawning.groups["cause"]))


def _by_exit(start: Start, asked: LogRecord | None) -> Ending | None:
    echo = _echo(start)
    exits = own(start, start.marks("process_exited"))
    if not exits:
        return echo
    failed, words = _exit_text(exits[0])
    if echo is not None and words.startswith("exited with status 1"):
        return echo
    reset = any("cluster-reset" in r.message or "membership has been reset" in r.message for r in start.process)
    return Ending("stopped" if reset and not failed else "failed", exits[0].record, words)


def _echo(start: Start) -> Ending | None:
    marks = _real(start, start.marks("fatal", "component_exited"))
    echo = next((m.record for m in marks if is_echo(start, m.record, m.record.message)), None)
    return Ending("stopped", echo, "shut down; the text holds no request, only its echo") if echo is not None else None


def _killed(start: Start, asked: LogRecord | None) -> Ending | None:
    """The kernel's or systemd-oomd's word that they took the process."""
    told = next((mark for mark in start.announced if mark.id in KILLS), None)
    if told is None:
        return None
    return Ending("failed", told.record, mask_secrets(told.record.message)[:200])


def _by_container(start: Start, asked: LogRecord | None) -> Ending | None:
    """What docker says of the container of the process."""
    told = next((mark for mark in start.announced if mark.id == "container_exited"), None)
    if told is None:
        return None
    code = told.groups.get("code") or told.groups.get("status") or ""
    if code in _ASKED_CODES:
        return Ending("stopped", told.record, f"its container exited with code {code}")
    signal = f" (killed by signal {int(code) - 128})" if code in ("137", "134", "139") else ""
    return Ending("failed", told.record, f"its container exited with code {code}{signal}")


def _by_supervisor(start: Start, _: LogRecord | None) -> Ending | None:
    supervisor = start.first("supervisor_exit")
    if supervisor is None:
        return None
    words = supervisor.groups.get("cause") or supervisor.groups.get("rancher") or supervisor.record.message
    asked = words in ("exited with return code 0", "exited due to signal 15", "exited due to signal 2")
    return Ending("stopped" if asked else "failed", supervisor.record, words)


def _by_systemd(start: Start, asked: LogRecord | None) -> Ending | None:
    """Systemd counts the run as failed. That it tries again, or that the unit is stopped now, is no reason."""
    told = [mark.record for mark in _real(start, own(start, start.marks("systemd_failed")))]
    if not told:
        return None
    rank = {words: place for place, words in enumerate(_BEST_FIRST)}
    best = min(told, key=lambda r: min((rank[words] for words in rank if words in r.message), default=len(rank)))
    return Ending("failed", best, mask_secrets(best.message))


def _by_systemctl(start: Start, asked: LogRecord | None) -> Ending | None:
    job = start.first("job_failed")
    return Ending("failed", job.record, f"systemctl: {job.groups['cause']}") if job is not None else None


def _by_stop(start: Start, asked: LogRecord | None) -> Ending | None:
    """Stopped in good order and not tried again: a unit of k3s restarts always, unless somebody stops it."""
    stopped = [
        mark.record for mark in own(start, start.marks("systemd_stopped")) if mark.record.message[:8] == "Stopped "
    ]
    if not stopped or start.followed_by is not None or start.first("restart_scheduled") is not None:
        return None
    return Ending("stopped", stopped[0], "systemd stopped the unit; the text holds no request")


_WAYS: tuple[Callable[[Start, LogRecord | None], Ending | None], ...] = (
    _lost_patience, _on_request, _not_executed, _by_exit, _killed, _by_container, _by_supervisor, _by_systemd,
    _by_systemctl, _by_stop,
)  # fmt: skip
