"""An agent's own goal is its node: what proves that it was registered, and what that it never was.

An agent has no API server. `k3s agent is up and running` is printed only where systemd waits for it, so in docker and
k3d an agent works for months without ever saying so; and its readiness line speaks of the server it asked.
"""

from __future__ import annotations

import math
import re

from analyzer.events.event import Mark
from analyzer.events.sequence import Stage
from analyzer.events.versions import parse_version
from analyzer.records.log_record import LogRecord, Payload
from analyzer.starts.start import Outcome, Start

# The kubelet says that the API server has the node; the others come only after somebody saw it there.
NODE_IDS = ("node_registered", "node_configured", "node_reports_ready")
# An agent waits for its configuration for ever: with these words it ends only because somebody ended the wait.
_WAIT_ENDED = re.compile(r"^(?:Error: )?failed to retrieve agent configuration: ")
# These words a kubelet only has for its own start.
_KUBELET_FAILED = re.compile(r"failed to run Kubelet")
_WORK_IDS = ("containerd_ready", "kubelet_requested", "server_not_ready", "images_importing")
_NOTIFIES_SINCE = (1, 24)
_JOB_FAILED = re.compile(r"^Failed to start ")


def registration(start: Start, stop_sign: LogRecord | None) -> Mark | None:
    """The first mark that proves the node registered with the API server, whatever came after it.

    ``stop_sign`` is the first sign that the process goes down: what k3s says of itself counts only before it, what the
    kubelet was answered counts always.
    """
    proofs = [*start.marks(*NODE_IDS), *start.marks("agent_running")]
    told = notified(start)
    proofs += [told] if told is not None else []
    counted = [m for m in proofs if m.id in NODE_IDS or stop_sign is None or m.record.seq < stop_sign.seq]
    return min(counted, key=lambda mark: mark.record.seq, default=None)


def notified(start: Start) -> Mark | None:
    """systemd's ``Started`` where the unit's own word caused it: Type=notify, k3s-agent from 1.24 on, servers always.

    Not with ``--log``: k3s then forks and gives the word at once, before any of its work. What comes behind k3s' own
    word is no sign of that: many a release starts a server's containerd only then.
    """
    version = parse_version(start.version) if start.version else None
    banner = start.first("starting")
    if banner is None or version is None or (start.role == "agent" and version.kubernetes_minor < _NOTIFIES_SINCE):
        return None
    mark = next((m for m in start.marks("systemd_started") if m.record.seq > banner.record.seq), None)
    if mark is None:
        return None
    up = start.first("k3s_running", "agent_running")
    until = up.record.seq if up is not None else math.inf
    worked = any(mark.record.seq < work.record.seq < until for work in start.marks(*_WORK_IDS))
    return None if worked else mark


def never_reported(start: Start) -> bool:
    """Whether systemd fails the start job: it does so of a run that ends before the unit reported itself.

    Where it was tried too often, the words speak of the next attempt.
    """
    told = [mark.record.message for mark in start.marks("systemd_failed", "process_exited")]
    return any(map(_JOB_FAILED.search, told)) and not any("repeated too quickly" in words for words in told)


def wait_was_ended(start: Start, text: str) -> bool:
    """Whether a fatal message only says that an agent's wait for its configuration was ended from outside.

    The wait has no limit; releases that log no signal (1.34.2 on) print only this when they are stopped.
    """
    return _WAIT_ENDED.match(text) is not None and start.first("server_not_ready") is not None


def whole(start: Start, end: LogRecord | None) -> bool:
    """Whether nothing shows that lines of the process from its begin to ``end`` are missing or cut.

    The banner is read to its last word: where lines are cut so far that it is not, others say nothing any more.
    """
    if not start.begin_seen or start.commit is None or start.filtered:
        return False
    return not any(end is None or seq <= end.seq for seq in start.losses)


def put_off_to_the_end(start: Start, end: LogRecord) -> bool:
    """Whether the last that an agent said before its end is that no server gives it its configuration."""
    waits = {mark.record.seq for mark in start.marks("server_not_ready") if mark.groups.get("what") == "agent"}
    ends = {m.record.seq for m in start.marks("stop_signal", "shutdown_requested", "fatal", "process_exited")}
    said = [r for r in start.process if r.seq < end.seq and r.seq not in ends]
    return bool(said) and said[-1].seq in waits


def never_registered(start: Start, end: LogRecord, end_reason: str | None) -> bool:
    """Whether the text proves that the node was not registered before the process ended.

    That a line is missing proves little, for lines get lost without a notice. But a kubelet that registers prints
    dozens of lines: without any of them it never ran. RKE2's kubelet writes a file of its own: systemd's word that the
    unit never reported itself stands for its lines, unless the kubelet was launched.
    """
    if not whole(start, end):
        return False
    if put_off_to_the_end(start, end):
        return True
    kubelet_ran = start.first("kubelet_requested", "node_registering", "kubelet_started") is not None
    klog = any(record.payload is Payload.KLOG for record in start.process)
    further = any(place.only_after in (Stage.READY, Stage.STARTED) for _, place in start.places)
    no_sign = not kubelet_ran and not klog and not further
    if no_sign and (start.product == "k3s" or never_reported(start)):
        return True
    return _KUBELET_FAILED.search(end_reason or "") is not None


def _known_before(start: Start) -> bool:
    """Whether the node was in the cluster before: it was found there, or needed nothing before it registered."""
    registered = start.first("node_registered")
    found = (m for m in start.marks("node_configured") if "already" in m.record.message)
    as_it_was = any(registered is None or mark.record.seq < registered.record.seq for mark in found)
    return as_it_was or start.first("node_known") is not None


def agent_outcome(
    start: Start, stop_sign: LogRecord | None, end_kind: str, end: LogRecord | None, end_reason: str | None
) -> Outcome:
    """How an agent's start went, judged by its node.

    * ``ready``: the text proves that the node was registered, whatever came later;
    * ``failed``, ``stopped``: the process ended and ``never_registered``;
    * ``incomplete``: all else. Also of a node that was known before while nothing shows that the agent itself came up:
      its kubelet finds the node, and still the agent may wait for its tunnel's rights, which it says only at its end.
    """
    if registration(start, stop_sign) is not None:
        came_up = any(m.id in ("agent_running", "node_reports_ready") for m in start.marks("agent_running", *NODE_IDS))
        return "ready" if came_up or not _known_before(start) else "incomplete"
    if end_kind == "running" or end is None or not never_registered(start, end, end_reason):
        return "incomplete"
    if wait_was_ended(start, end_reason or ""):
        return "stopped"
    return "failed" if end_kind == "failed" else "stopped"
