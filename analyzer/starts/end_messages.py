"""What is said of an end where the process itself names no failure: requests, systemd, the kernel, docker, the shell.

Each way looks at one kind of witness; the first that has something to say counts.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from analyzer.events.event import Mark
from analyzer.events.exit_codes import ExitCode, exit_code, meaning
from analyzer.events.redaction import mask_secrets
from analyzer.records.log_record import LogRecord, Payload
from analyzer.starts import panics
from analyzer.starts.last_activity import LastActivity, lasting
from analyzer.starts.reported_ends import KILLS
from analyzer.starts.start import Start
from analyzer.starts.stop_echoes import is_echo

EndKind = Literal["running", "stopped", "failed"]
LAST_IDS = ("bare_error", "child_exited", "usage_error")  # said by a part, often only repeated by what k3s itself says
# systemd ends the unit then, and the process answers its signal as if somebody had asked.
_LOST_PATIENCE = re.compile(r"\bstart(?:-pre|-post)? operation timed out")
_WATCHDOG = re.compile(r": Watchdog timeout")
_TAKEN = re.compile(r"killed by the OOM killer|systemd-oomd killed \d+ process")
# What failed says more than that systemd counts it, or tries no more.
_BEST_FIRST = ("Failed to schedule", "OOM killer", "systemd-oomd", "repeated too quickly", "Failed with result")
_AT_ONCE_US = 2_000_000  # systemd tells of an exit at once
OUTLIVED_US = 10_000_000
# How docker shows that a process was told to end (SIGINT, SIGTERM), or ended by itself in good order.
_ASKED_CODES = {"0", "130", "143"}


@dataclass(frozen=True, slots=True)
class EndMessage:
    """How a process ended: the deciding line and its words; ``running``: the text does not say that it did."""

    kind: EndKind
    record: LogRecord | None = None
    reason: str | None = None
    failure: LogRecord | None = None  # the process's own line that says why, where there is one


def own(start: Start, marks: Iterable[Mark]) -> list[Mark]:
    """Marks without those of other programs and of units with another name, where the process's unit is known."""
    unit = next((record.unit for record in start.process[:50] if record.unit is not None), None)
    known = [mark for mark in marks if not mark.record.foreign]
    if unit is None:
        return known
    return [m for m in known if m.record.payload is not Payload.SYSTEMD or m.record.unit in (None, unit)]


def real(start: Start, marks: Iterable[Mark]) -> list[Mark]:
    """Marks of an end without those that the process certainly survived."""
    marks = list(marks)
    recovered = panics.survived(start)
    lasted = lasting(start) if any(_may_be_survived(mark) for mark in marks) else None
    return [
        mark
        for mark in marks
        if mark.record.seq not in recovered
        and not (lasted is not None and _may_be_survived(mark) and _went_on(start, mark.record, lasted))
        and not _tried_again(start, mark)
    ]


def _tried_again(start: Start, mark: Mark) -> bool:
    """Whether a part ended that RKE2 runs again five seconds later: on Windows its kube-proxy and its containerd.

    On Linux its kube-proxy is a pod, and containerd ends the process with it, as in k3s.
    """
    if mark.id != "component_exited" or start.product != "rke2" or mark.record.level != "error":
        return False
    part = mark.groups["component"]
    if part == "kube-proxy":
        return True
    again = f"Running {part} "
    return part == "containerd" and any(r.seq > mark.record.seq and r.message.startswith(again) for r in start.process)


def _may_be_survived(mark: Mark) -> bool:
    """Whether a line may tell of another process than the unit's main one, or of a part alone."""
    if mark.id == "systemd_failed":
        return _TAKEN.search(mark.record.message) is not None
    if mark.id == "component_exited":
        # At error level only since 1.36, where the process goes on without it (k3s pkg/executor/embed/etcd); before, it
        # was fatal.
        return mark.groups["component"] == "etcd" and mark.record.level == "error"
    return mark.id in ("fatal", *LAST_IDS) and mark.record.payload is not Payload.KLOG


def _went_on(start: Start, record: LogRecord, lasted: LastActivity) -> bool:
    """Whether the same process wrote lines when it would long have been over."""
    of_systemd = record.payload is Payload.SYSTEMD
    numbers = {None if of_systemd else record.pid, start.pid} - {None}
    named = bool(numbers) and (of_systemd or record.pid is not None)
    return named and lasted.outlives(record, OUTLIVED_US, *numbers)


def _exit_text(mark: Mark) -> ExitCode:
    """Whether systemd's exit line tells of a failure, and its words."""
    return exit_code(mark.record.message) or ExitCode(True, mark.record.message)


def _lost_patience(start: Start, asked: LogRecord | None) -> EndMessage | None:
    """Systemd's own limits: on the start, on one of its helpers, on signs of life."""
    for mark in own(start, start.marks("systemd_failed")):
        words = mark.record.message
        late = _LOST_PATIENCE.search(words) and start.first("api_running", "agent_running") is None
        if late or (_WATCHDOG.search(words) and (asked is None or mark.record.seq < asked.seq)):
            return EndMessage("failed", mark.record, words)
    return None


def _on_request(start: Start, asked: LogRecord | None) -> EndMessage | None:
    if asked is not None:
        killed = _killed(start, None)
        if killed is not None and killed.record is not None and killed.record.seq < asked.seq:
            return killed
        return EndMessage("stopped", asked, mask_secrets(asked.message))
    closing = start.first("shutting_down")
    if closing is not None and start.marks("api_running", "k3s_running"):
        return EndMessage("stopped", closing.record, "shut down; this release logs no request")
    return None


def _not_executed(start: Start, asked: LogRecord | None) -> EndMessage | None:
    """Systemd could not execute the program: the line with the reason says more than the status."""
    told = [mark for mark in (*start.announced, *own(start, start.marks("exec_failed"))) if mark.id == "exec_failed"]
    # A helper of the unit (modprobe) may be missing, and k3s runs all the same.
    last = start.process[-1].seq if start.process else -1
    told = [mark for mark in told if mark.record.seq > last]
    if not told:
        return None
    spawning = next((mark for mark in told if "spawning" in mark.record.message), told[0])
    return EndMessage("failed", spawning.record, mask_secrets(spawning.groups["cause"]))


def _by_exit(start: Start, asked: LogRecord | None) -> EndMessage | None:
    echo = _echo(start)
    exits = own(start, start.marks("process_exited"))
    if not exits or _may_be_another_s(start, exits[0].record):
        return echo
    failed, words = _exit_text(exits[0])
    if echo is not None and words.startswith("exited with status 1"):
        return echo
    reset = any("cluster-reset" in r.message or "membership has been reset" in r.message for r in start.process)
    return EndMessage("stopped" if reset and not failed else "failed", exits[0].record, words)


def _may_be_another_s(start: Start, told: LogRecord) -> bool:
    """Whether systemd may speak of a later process: it names none, and of chosen lines that one may have none."""
    last = next((r.at for r in reversed(start.process) if r.seq < told.seq and r.at is not None), None)
    return start.filtered and last is not None and told.at is not None and told.at.us - last.us > _AT_ONCE_US


def _echo(start: Start) -> EndMessage | None:
    marks = real(start, start.marks("fatal", "component_exited"))
    echo = next((m.record for m in marks if is_echo(start, m.record, m.record.message)), None)
    return (
        EndMessage("stopped", echo, "shut down; the log holds no request, only its echo") if echo is not None else None
    )


def _killed(start: Start, asked: LogRecord | None) -> EndMessage | None:
    """The kernel's or systemd-oomd's word that they took the process."""
    told = next((mark for mark in start.announced if mark.id in KILLS), None)
    if told is None:
        return None
    return EndMessage("failed", told.record, mask_secrets(told.record.message)[:200])


def _by_container(start: Start, asked: LogRecord | None) -> EndMessage | None:
    """What docker says of the container of the process."""
    told = next((mark for mark in start.announced if mark.id == "container_exited"), None)
    if told is None:
        return None
    code = told.groups.get("code") or told.groups.get("status") or ""
    if code in _ASKED_CODES:
        return EndMessage("stopped", told.record, f"its container exited with code {code}")
    signal = f" (killed by signal {int(code) - 128})" if code in ("137", "134", "139") else ""
    return EndMessage("failed", told.record, f"its container exited with code {code}{signal}")


def _by_shell(start: Start, _: LogRecord | None) -> EndMessage | None:
    """What the shell says below the lines of a program that ran in it."""
    told = next((mark for mark in start.announced if mark.id == "shell_told"), None)
    if told is None:
        return None
    words = told.groups["cause"].lower()
    return EndMessage("failed", told.record, "killed by signal 9 (the shell says so)" if words == "killed" else words)


def _by_supervisor(start: Start, _: LogRecord | None) -> EndMessage | None:
    supervisor = start.first("supervisor_exit")
    if supervisor is None:
        return None
    words = supervisor.groups.get("cause") or supervisor.groups.get("rancher") or supervisor.record.message
    asked = words in ("exited with return code 0", "exited due to signal 15", "exited due to signal 2")
    return EndMessage("stopped" if asked else "failed", supervisor.record, words)


def _by_systemd(start: Start, asked: LogRecord | None) -> EndMessage | None:
    """Systemd counts the run as failed. That it tries again, or that the unit is stopped now, is no reason."""
    told = [mark.record for mark in real(start, own(start, start.marks("systemd_failed")))]
    if not told:
        return None
    rank = {words: place for place, words in enumerate(_BEST_FIRST)}
    best = min(told, key=lambda r: min((rank[words] for words in rank if words in r.message), default=len(rank)))
    return EndMessage("failed", best, mask_secrets(best.message))


def _by_systemctl(start: Start, asked: LogRecord | None) -> EndMessage | None:
    job = start.first("job_failed")
    return EndMessage("failed", job.record, f"systemctl: {job.groups['cause']}") if job is not None else None


def _by_stop(start: Start, asked: LogRecord | None) -> EndMessage | None:
    """Stopped in good order and not tried again: a unit of k3s restarts always, unless somebody stops it."""
    stopped = [
        mark.record for mark in own(start, start.marks("systemd_stopped")) if mark.record.message[:8] == "Stopped "
    ]
    if not stopped or start.followed_by is not None or start.first("restart_scheduled") is not None:
        return None
    return EndMessage("stopped", stopped[0], "systemd stopped the unit; the log holds no request")


def _by_status(start: Start, asked: LogRecord | None) -> EndMessage | None:
    """systemctl status: the last run is over, how its main process ended, and what systemd thinks of it."""
    told = start.first("status_ended")
    if told is None:
        return None
    kind: EndKind = "stopped" if told.groups.get("state") in ("inactive", "deactivating") else "failed"
    exited = start.first("status_exited", "status_never_ran")
    # The result of systemd's own making (a time limit, no memory) says more than the signal that it sent.
    if kind == "failed" and exited is not None and meaning(told.record.message) is None:
        failed, words = _exit_text(exited)
        if failed:
            return EndMessage(kind, exited.record, words)
    return EndMessage(kind, told.record, told.record.message)


def _by_reset(start: Start, asked: LogRecord | None) -> EndMessage | None:
    """A cluster reset ends on purpose when it is done."""
    done = start.first("cluster_reset_done")
    return EndMessage("stopped", done.record, mask_secrets(done.record.message)) if done is not None else None


END_MESSAGES: tuple[Callable[[Start, LogRecord | None], EndMessage | None], ...] = (
    _lost_patience, _on_request, _not_executed, _by_exit, _killed, _by_container, _by_shell, _by_supervisor,
    _by_systemd, _by_systemctl, _by_status, _by_stop, _by_reset,
)  # fmt: skip
