"""Whether the API server that answered the polls is this node's own.

A server with its own API server asks that one: its agent part runs without load balancer (k3s ``pkg/cli/server``:
``DisableLoadBalancer = !DisableAPIServer``), also when it joins others. An agent, and a server with
``--disable-apiserver``, ask through their local load balancer, which may pass each request to another server.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from analyzer.events.event import WitnessRule
from analyzer.records.log_record import LogRecord, Payload
from analyzer.starts.start import Start, Verdict

# The balancer of the agent part. The one for etcd clients ("etcd-server-load-balancer") carries no polls.
_BALANCER = re.compile(r"load balancer (?:k3s|rke2)-(?:api-server-)?agent-load-balancer\b")
_TARGETS = re.compile(r"-> \[(?P<servers>[^\]]{0,1000})\]")
_JOINED = re.compile(
    r"^(?:Starting etcd to join cluster with members \[|Adding member \S+ to etcd cluster|Promoted learner )"
)
_TUNNEL = re.compile(r"^wss://(?P<host>\[[^\]]+\]|[^:/]+)")
_MASTERS = re.compile(r'^Resetting endpoints for master service "kubernetes" to \[(?P<servers>[^\]]*)\]')
_LOOPBACK = frozenset({"127.0.0.1", "[::1]", "localhost"})
# Files whose witness lines come from k3s' own poll; the others speak of the API server in this process.
_POLLED = frozenset({"k3s", "controllermanager.go", "server.go"})
_MAX = 4

Answered = Literal["own", "other"]


@dataclass(frozen=True, slots=True)
class AnsweringServer:
    """Who answers this node's polls, and the lines that show other servers in the cluster."""

    answered: Answered
    balanced: tuple[LogRecord, ...] = ()  # lines of the local load balancer
    several: tuple[LogRecord, ...] = ()  # lines that name another server of the cluster

    def holds(self, rule: WitnessRule) -> bool:
        """Whether a rule's bound may be used.

        Where another server answers, a line of an API server in this process says nothing about the answers, and a
        poll that succeeded nothing about this process: only the lines behind k3s' own poll bound readiness. The rules
        for an empty datastore assume that this server alone fills it.
        """
        if rule.datastore == "fresh" and self.several:
            return False
        return self.answered == "own" or (rule.relation == "not_after" and rule.source_file in _POLLED)


def answering_server(start: Start, verdict: Verdict) -> AnsweringServer:
    """Looks for other servers in the lines up to readiness (or all of them, when it was never noticed)."""
    limit = verdict.detected.seq if verdict.detected is not None else None
    lines = [r for r in start.process if limit is None or r.seq <= limit]
    balanced = [r for r in lines if _BALANCER.search(r.message)]
    several = [r for r in lines if _names_another(r)]
    several += _tunnels(lines, start.role == "server" and not balanced)
    several.sort(key=lambda record: record.seq)
    answered: Answered = "other" if start.role == "agent" or balanced else "own"
    return AnsweringServer(answered, tuple(balanced[:_MAX]), tuple(several[:_MAX]))


def _names_another(record: LogRecord) -> bool:
    if record.payload is Payload.ZAP:
        fields = record.fields
        if record.message == "added member":
            return fields.get("added-peer-id") not in (None, fields.get("local-member-id"))
        return record.message == "added remote peer"
    if _BALANCER.search(record.message):
        return _count(_TARGETS.search(record.message)) > 1
    return _JOINED.match(record.message) is not None or _count(_MASTERS.match(record.message)) > 1


def _tunnels(lines: Iterable[LogRecord], serves: bool) -> list[LogRecord]:
    """Tunnels to other machines that show several servers.

    A server has one to each of the others. An agent has one to each server, so one alone is its only server.
    """
    remote: dict[str, LogRecord] = {}
    for record in lines:
        found = _TUNNEL.match(record.fields.get("url", "")) if record.message == "Connecting to proxy" else None
        if found is not None and found["host"] not in _LOOPBACK:
            remote.setdefault(found["host"], record)
    return list(remote.values()) if serves or len(remote) > 1 else []


def _count(found: re.Match[str] | None) -> int:
    return len(set(found["servers"].split())) if found is not None else 0


def evidence(found: AnsweringServer) -> Iterable[LogRecord]:
    """The lines to show for it, in order."""
    return sorted({r.seq: r for r in (*found.balanced, *found.several)}.values(), key=lambda r: r.seq)
