"""What became of a start: ready, failed, stopped or incomplete, with the line that decides it.

Rules of the contract and of measurements on real servers: a shutdown request with a cause is a failure even when
the process then exits with status 0; whatever is printed after the first sign of a shutdown proves no readiness
(some releases close the readiness channel on cancellation, too) and is an echo, not a failure.
"""

from __future__ import annotations

import re
from typing import Literal

from analyzer.events.masking import mask_secrets
from analyzer.events.model import HealthBlock, Mark, PollLine
from analyzer.events.versions import parse_version, ready_line_on_cancel
from analyzer.records.goquote import unquote
from analyzer.records.model import LogRecord, Payload
from analyzer.starts.model import Start, Verdict

_SHUTDOWN_CAUSE = re.compile(r"^Shutdown request received: (?P<cause>.+)$", re.DOTALL)
# Printed only while a process goes down (measured: within 0.2 s of its end).
_CLOSING = re.compile(
    r"^TTL events watch channel closed|^Shutting down kubernetes service endpoint reconciler|Cleaning up lease on exit|"
    r"^Closing database connections|http: Server closed|server is stopping"
)
# k3s's own datastore goes down with it; only beside a line of readiness it says when (measured on 1.35).
_KINE_CLOSING = re.compile(r"^Waiting up to \S+ for graceful shutdown of Kine GRPC server")
# Printed by others that wait for the same channel.
_GATED = re.compile(
    r"^Waiting for (?:cloud-controller-manager privileges|untainted node)|^Creating k3s-supervisor event broadcaster$"
)
_ECHO = re.compile(rf"context canceled|{_CLOSING.pattern}")
# Nothing fails of this by itself: somebody asked the process to end, or another component failed and says why.
# ``controllers exited`` and ``server stopped`` are what releases up to 1.22 say at fatal level when they are stopped.
_CANCELLED = re.compile(r"context canceled\W*$|http: Server closed\W*$|^(?:Error: )?controllers exited\W*$")
# Releases up to 1.29 call a cancelled wait a timed-out one; the real time limit is 15 minutes.
_CANCELLED_WAIT = re.compile(r"failed to wait for RBAC: timed out waiting for the condition\W*$")
_WAIT_LIMIT_US = 890 * 1_000_000
_BURST_US = 1_000_000
_AFTER_READY = re.compile(r"leaderelection lost|lost master|leader election lost")
_EXIT = re.compile(r"code=(?P<code>\w+), status=(?P<status>\d+)(?:/(?P<name>[\w-]+))?")
_FIRST_ATTEMPT = re.compile(
    r'Unable to perform initial Kubernetes service initialization: namespaces "default" not found$|'
    r"Error removing old endpoints from kubernetes service|Found stale data, removed previous endpoints"
)
_SECOND_ATTEMPT = re.compile(
    r'Resetting endpoints for master service "kubernetes" to |"allocated clusterIPs" service="default/kubernetes" '
)
EndKind = Literal["running", "stopped", "failed"]
_ROOT_IDS = ("fatal", "component_exited", "panic", "hook_failed")
_DOWN_IDS = (*_ROOT_IDS, "shutdown_requested", "shutting_down", "process_exited", "systemd_failed", "supervisor_exit")
# What only a process does that is still starting: without any of it a fragment does not say when its end came.
_STARTING_IDS = (
    "starting", "systemd_starting", "extracting", "certificates", "client_ca_generated", "datastore_configured",
    "datastore_waiting", "datastore_ready", "temporary_etcd", "etcd_starting", "apiserver_requested",
    "apiserver_version", "serving_securely", "apiserver_waiting", "pod_not_synced", "server_not_ready",
    "containerd_ready", "kubelet_started", "agent_starting", "controllers_requested",
)  # fmt: skip
# Of these, what can only come while the API server is not ready.
_NOT_READY_IDS = (
    "starting", "systemd_starting", "extracting", "apiserver_requested", "apiserver_version", "serving_securely",
    "apiserver_waiting",
)  # fmt: skip
_FIRST_WORK = re.compile(r"perform initial |PostStartHook|starting (?:kubernetes|tls server)|preparing server")
_TIMED_OUT = re.compile(r": start operation timed out")
_START_FAILED = re.compile(r"^Failed to start |: Start request repeated too quickly|: start operation timed out")


def judge(start: Start) -> Verdict:
    """The verdict on one start."""
    position = {id(record): i for i, record in enumerate(start.records)}
    stop_sign, asked = _signs(start, position)
    failure, reason = _failure(start, position, asked)
    detected = _detection(start, position, stop_sign)
    end_kind, end, end_reason = _end(start, position, asked, failure, reason)
    if detected is not None:
        return Verdict("ready", None, detected, stop_sign, end_kind, end, end_reason)
    if end_kind == "running" or (not start.begin_seen and not _ended_while_starting(start, failure, end_reason or "")):
        # A fragment that ends with what only a ready server can lose, or shows nothing of a start, does not say how
        # the start went.
        return Verdict("incomplete", None, None, stop_sign, end_kind, end, end_reason)
    if _may_have_been_ready(start, position, end, failure, end_reason or ""):
        return Verdict("incomplete", None, None, stop_sign, end_kind, end, end_reason)
    return Verdict(end_kind, end_reason, None, stop_sign, end_kind, end, end_reason)


def _may_have_been_ready(
    start: Start, position: dict[int, int], end: LogRecord | None, failure: LogRecord | None, words: str
) -> bool:
    """Whether the line that tells of readiness may be among lines that were lost before the end.

    A fatal message of k3s itself is about the start, whatever is lost; a stop, a kill or a crash can come at any time.
    """
    if end is None or not (start.losses or start.picked_out):
        return False
    if failure is not None and not any(mark.record is failure for mark in start.marks("panic")):
        return False
    if any(_START_FAILED.search(mark.record.message) for mark in start.marks("systemd_failed")):
        return False
    running = start.first("api_running", "k3s_running")
    if running is not None and any(seq <= running.record.seq for seq in start.losses):
        return True  # what tells a stop's own line from that of readiness may be missing
    signs = [event.record for event in start.events if isinstance(event, PollLine | HealthBlock)]
    signs += [mark.record for mark in start.marks(*_NOT_READY_IDS)]
    before = [record.seq for record in signs if position[id(record)] < position[id(end)]]
    return start.picked_out or start.lost_between(max(before, default=-1), end.seq)


def _ended_while_starting(start: Start, failure: LogRecord | None, words: str) -> bool:
    if _AFTER_READY.search(words):
        return False
    if start.first(*_STARTING_IDS) is not None or any(isinstance(e, PollLine | HealthBlock) for e in start.events):
        return True
    if start.first("job_failed") is not None:
        return True
    if any(_START_FAILED.search(mark.record.message) for mark in start.marks("systemd_failed")):
        return True
    # A message of k3s or of a component is nearly always about the start; a crash or a kill can come at any time.
    return failure is not None and (
        _FIRST_WORK.search(words) is not None or not any(mark.record is failure for mark in start.marks("panic"))
    )


def _shutdown_cause(mark: Mark) -> str | None:
    match = _SHUTDOWN_CAUSE.match(mark.record.message)
    if match is None:
        return None
    cause = match.group("cause").strip()
    # ≥1.34.2 quotes the cause once more in some patch releases, 1.35.0 does not.
    return unquote(cause[1:-1]) if len(cause) > 1 and cause.startswith('"') and cause.endswith('"') else cause


def _signs(start: Start, position: dict[int, int]) -> tuple[LogRecord | None, LogRecord | None]:
    """The first sign of going down, and the first sign that somebody asked for it."""
    signs: list[LogRecord] = []
    asked: list[LogRecord] = []
    for mark in start.marks("stop_signal", "systemd_stopping"):
        signs.append(mark.record)
        asked.append(mark.record)
    signs.extend(mark.record for mark in start.marks(*_DOWN_IDS))
    for event in start.events:
        if isinstance(event, PollLine) and event.error.error == "context_canceled":
            signs.append(event.record)
            break
    # A stop that the text announces later did not cause what was printed before.
    running = start.first("api_running", "k3s_running") if not asked else None
    if running is not None and (burst := _closing_burst(start, position, running.record)) is not None:
        signs.append(burst)
    first = min(signs, key=lambda r: position[id(r)], default=None)
    return first, min(asked, key=lambda r: position[id(r)], default=None)


def _detection(start: Start, position: dict[int, int], stop_sign: LogRecord | None) -> LogRecord | None:
    """The line that only code behind a successful poll prints, unless a stop had begun before it."""
    limit = position[id(stop_sign)] if stop_sign is not None else len(start.records)
    ids = ("agent_running",) if start.role == "agent" else ("api_running",)
    for mark in start.marks(*ids):
        if position[id(mark.record)] < limit:
            return None if _last_words(start, mark.record) else mark.record
    if start.role == "agent":
        return _agent_notified(start, position, limit)
    # Fragments often hold only the last of the lines; a server without an API server of its own prints it too.
    for mark in start.marks("k3s_running"):
        if position[id(mark.record)] < limit and not _own_api_missing(start):
            return mark.record
    for mark in start.marks("agent_running"):
        if position[id(mark.record)] < limit and start.role == "unknown":
            return mark.record
    return None


def _last_words(start: Start, record: LogRecord) -> bool:
    """Whether, in a text of chosen lines, the line may be what some releases print when they are stopped.

    Another process follows, nothing of this one comes more than a second later, and no line of a stop was chosen.
    """
    if (
        not start.picked_out
        or start.followed_by is None
        or start.first("process_exited", "systemd_stopped") is not None
    ):
        return False
    if start.version is not None and ready_line_on_cancel(start.version) is False:
        return False
    seen, last = record.at or record.inner_at, start.process[-1].at or start.process[-1].inner_at
    return seen is not None and last is not None and last.us <= seen.us + _BURST_US


def _agent_notified(start: Start, position: dict[int, int], limit: int) -> LogRecord | None:
    """Where an agent's own line is missing: systemd's ``Started``, which it causes from 1.24 on (Type=notify).

    Before that it is printed at once and says nothing; the node's registration is the sign then.
    """
    version = parse_version(start.version) if start.version else None
    banner = start.first("starting")
    if version is None or banner is None:
        return None
    notifies = (version.major, version.minor) >= (1, 24)
    for mark in start.marks("systemd_started" if notifies else "node_registered"):
        if position[id(banner.record)] < position[id(mark.record)] < limit:
            return mark.record
    return None


def _own_api_missing(start: Start) -> bool:
    """A whole start of a server that never launched an API server: its ``up and running`` is no /readyz."""
    return (
        start.begin_seen and start.first("apiserver_requested", "serving_securely") is None and start.product == "k3s"
    )


def _closing_burst(start: Start, position: dict[int, int], record: LogRecord) -> LogRecord | None:
    """The first line of an unannounced stop that made ``now running`` appear; ``None``: it was readiness.

    Releases up to 1.34.1 close the readiness channel on cancellation, too, and some of them log no request to stop.
    Then only closing noise and echoes of a cancellation surround it.
    """
    at = position[id(record)]
    if start.version is not None and ready_line_on_cancel(start.version) is False:
        return None
    if _proven_ready(start, position, at):
        return None
    before = [r for r in start.process if position[id(r)] < at][-8:]
    rest = [r for r in start.process if position[id(r)] > at]
    if not _is_closing(start, record, before, rest):
        return None
    return next((r for r in before if _CLOSING.search(r.message) or _GATED.search(r.message)), record)


def _proven_ready(start: Start, position: dict[int, int], at: int) -> bool:
    """Whether the API server's own loop behind an in-process /readyz had written its service before a line.

    Only after its first attempt was over (``events/witnesses.toml``, kubernetes-service-allocated and its kin).
    """
    over = False
    for record in start.process:
        if position[id(record)] >= at:
            return False
        over = over or bool(_FIRST_ATTEMPT.match(record.message))
        if over and _SECOND_ATTEMPT.match(record.message):
            return True
    return False


def _is_closing(start: Start, record: LogRecord, before: list[LogRecord], rest: list[LogRecord]) -> bool:
    serving = start.first("serving_securely")
    if serving is not None and _within_a_second(serving.record, record):
        return True
    if any(_KINE_CLOSING.search(r.message) and not _lived_on(record, [r]) for r in rest[:8]):
        return True
    if len(rest) > 60:
        return False
    whole = start.begin_seen and start.role == "server" and start.product == "k3s"
    exits = [mark.record for mark in start.marks("process_exited")]
    if (start.losses or start.picked_out) and _lived_on(record, [*rest, *exits]):
        whole = False  # that it serves may be among the lines that are missing
    if whole and serving is None and any(r.payload is Payload.KLOG for r in start.process):
        return True  # the server's own components write, and its API server never said that it serves
    return any(_CLOSING.search(r.message) for r in before[-3:]) or any(_ECHO.search(r.message) for r in rest[:8])


def _lived_on(record: LogRecord, later: list[LogRecord]) -> bool:
    """Whether a later line came when a stop would long have been over."""
    seen = record.at or record.inner_at
    stamps = [stamp for r in later if (stamp := r.at or r.inner_at) is not None]
    return seen is not None and any(stamp.us > seen.us + seen.precision_us + _BURST_US for stamp in stamps)


def _within_a_second(serving: LogRecord, record: LogRecord) -> bool:
    """Whether a line came sooner than 1.0 s after the server began to serve: two hooks take longer than that.

    The roles and priority-class hooks make their first try one second after it (kubernetes, 1.24 to 1.35).
    """
    begun, seen = serving.inner_at, record.at or record.inner_at
    return begun is not None and seen is not None and seen.us + seen.precision_us < begun.us + 1_000_000


def is_echo(start: Start, record: LogRecord, text: str) -> bool:
    """Whether a line at fatal level only says that somebody ended the process."""
    if _CANCELLED.search(text):
        return True
    if not _CANCELLED_WAIT.search(text):
        return False
    begun = next((stamp for r in start.process if (stamp := r.at or r.inner_at) is not None), None)
    seen = record.at or record.inner_at
    return begun is None or seen is None or seen.us - begun.us < _WAIT_LIMIT_US


def _failure(start: Start, position: dict[int, int], asked: LogRecord | None) -> tuple[LogRecord | None, str | None]:
    """The root line of a failure and what it says; lines after a request to stop are echoes."""
    limit = position[id(asked)] if asked is not None else len(start.records)
    # Some releases log no request to stop: closing noise comes first then, and what follows it is an echo.
    closing = start.first("shutting_down")
    if closing is not None:
        limit = min(limit, position[id(closing.record)])
    candidates: list[tuple[int, LogRecord, str]] = []
    for mark in start.marks("shutdown_requested"):
        cause = _shutdown_cause(mark)
        if cause is not None:
            candidates.append((position[id(mark.record)], mark.record, cause))
    for mark in start.marks(*_ROOT_IDS):
        zap = mark.record.payload is Payload.ZAP  # etcd's reason is a field of its own, which the rule added
        text = mark.groups.get("cause", mark.record.message) if zap else mark.record.message
        candidates.append((position[id(mark.record)], mark.record, text))
    candidates = [c for c in candidates if c[0] < limit and not is_echo(start, c[1], c[2])]
    if not candidates:
        for mark in start.marks("bare_error"):
            if position[id(mark.record)] < limit:
                candidates.append((position[id(mark.record)], mark.record, mark.record.message))
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


def _end(
    start: Start, position: dict[int, int], asked: LogRecord | None, failure: LogRecord | None, reason: str | None
) -> tuple[EndKind, LogRecord | None, str | None]:
    """How the process ended: the deciding line and its words; ``running`` when the text does not say."""
    if failure is not None:
        return "failed", failure, reason
    # systemd sends its signal after that line, and the process answers as if somebody had asked.
    late = next((m.record for m in start.marks("systemd_failed") if _TIMED_OUT.search(m.record.message)), None)
    if late is not None and start.first("api_running", "agent_running") is None:
        return "failed", late, late.message
    if asked is not None:
        return "stopped", asked, mask_secrets(asked.message)
    closing = start.first("shutting_down")
    if closing is not None and start.marks("api_running", "k3s_running"):
        return "stopped", closing.record, "shut down; this release logs no request"
    echo = next((m.record for m in start.marks("fatal") if is_echo(start, m.record, m.record.message)), None)
    exits = start.marks("process_exited")
    if exits:
        failed, words = _exit_text(exits[0])
        if echo is not None and words.startswith("exited with status 1"):
            return "stopped", echo, "shut down; the text holds no request, only its echo"
        reset = any("cluster-reset" in r.message or "membership has been reset" in r.message for r in start.process)
        return ("stopped" if reset and not failed else "failed"), exits[0].record, words
    if echo is not None:
        return "stopped", echo, "shut down; the text holds no request, only its echo"
    supervisor = start.first("supervisor_exit")
    if supervisor is not None:
        words = supervisor.groups.get("cause") or supervisor.groups.get("rancher") or supervisor.record.message
        return "failed", supervisor.record, words
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
        return "failed", others[0].record, mask_secrets(others[0].record.message)
    job = start.first("job_failed")
    if job is not None:
        return "failed", job.record, f"systemctl: {job.groups['cause']}"
    follower = start.followed_by
    if follower is not None and start.systemd_in_text and follower.first("systemd_starting") is not None:
        # systemd starts a unit only after its process is gone; nobody asked it to go.
        last = start.process[-1] if start.process else None
        if last is not None and _picked_out(start, last, follower):
            return "running", None, None
        return "failed", last, None
    return "running", None, None
