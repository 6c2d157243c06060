"""An agent's own goal is its node: what proves that it was registered, and what that it never was.

An agent has no API server. `k3s agent is up and running` is printed only where systemd waits for it, so in docker and
k3d an agent works for months without ever saying so; and its readiness line speaks of the server it asked.
"""

from __future__ import annotations

import re

from analyzer.events.model import Mark
from analyzer.events.versions import parse_version
from analyzer.records.model import LogRecord, Payload
from analyzer.starts.model import Outcome, Start

# The kubelet says that the API server has the node; the others come only after somebody saw it there.
NODE_IDS = ("node_registered", "node_configured", "node_reports_ready")
# An agent waits for its configuration for ever: with these words it ends only because somebody ended the wait.
_WAIT_ENDED = re.compile(r"^(?:Error: )?failed to retrieve agent configuration: ")
_WORK_IDS = ("containerd_ready", "kubelet_requested", "server_not_ready", "images_importing")
_NOTIFIES_SINCE = (1, 24)


def registration(start: Start, stop_sign: LogRecord | None) -> Mark | None:
    """The first mark that proves the node registered with the API server, whatever came after it.

    ``stop_sign`` is the first sign that the process goes down: what k3s says of itself counts only before it, what the
    kubelet was answered counts always.
    """
    limit = stop_sign.seq if stop_sign is not None else None
    proofs = [*start.marks(*NODE_IDS), *start.marks("agent_running")]
    told = notified(start)
    proofs += [told] if told is not None else []
    counted = [m for m in proofs if m.id in NODE_IDS or limit is None or m.record.seq < limit]
    return min(counted, key=lambda mark: mark.record.seq, default=None)


def notified(start: Start) -> Mark | None:
    """systemd's ``Started`` where the unit's own word caused it: Type=notify, k3s-agent from 1.24 on, servers always.

    Not with ``--log``: k3s then forks and gives the word at once, before any of its work.
    """
    version = parse_version(start.version) if start.version else None
    banner = start.first("starting")
    if banner is None or version is None:
        return None
    if start.role == "agent" and version.kubernetes_minor < _NOTIFIES_SINCE:
        return None
    mark = next((m for m in start.marks("systemd_started") if m.record.seq > banner.record.seq), None)
    if mark is None or any(work.record.seq > mark.record.seq for work in start.marks(*_WORK_IDS)):
        return None
    return mark


def wait_was_ended(start: Start, text: str) -> bool:
    """Whether a fatal message only says that an agent's wait for its configuration was ended from outside.

    The wait has no limit; releases that log no signal (1.34.2 on) print only this when they are stopped.
    """
    return _WAIT_ENDED.match(text) is not None and start.first("server_not_ready") is not None


def whole(start: Start, end: LogRecord | None) -> bool:
    """Whether every line of the process from its begin to ``end`` is in the text, the kubelet's among them."""
    if not start.begin_seen or start.picked_out:
        return False
    if any(end is None or seq <= end.seq for seq in start.losses):
        return False
    if start.first("kubelet_requested") is None:
        return True  # it never came to its kubelet
    return start.product == "k3s" and any(r.payload is Payload.KLOG for r in start.process)


def agent_outcome(
    start: Start, stop_sign: LogRecord | None, end_kind: str, end: LogRecord | None, end_reason: str | None
) -> tuple[Outcome, LogRecord | None]:
    """How an agent's start went, judged by its node, and the line that proves its registration.

    * ``ready``: the text proves that the node was registered, whatever came later;
    * ``failed``, ``stopped``: the process ended, its whole text is there, and the node was never registered;
    * ``incomplete``: all else. Also of a node that was known before, when the agent's last words are that it was still
      waiting for its tunnel's rights: its kubelet had found the node, the agent itself had not come up.
    """
    proof = registration(start, stop_sign)
    if proof is not None:
        came_up = any(m.id in ("agent_running", "node_reports_ready") for m in start.marks("agent_running", *NODE_IDS))
        if not came_up and start.first("node_known") is not None and start.first("tunnel_unauthorized") is not None:
            return "incomplete", None
        return "ready", proof.record
    if end_kind == "running" or end is None or not whole(start, end):
        return "incomplete", None
    if wait_was_ended(start, end_reason or ""):
        return "stopped", None
    return ("failed" if end_kind == "failed" else "stopped"), None
