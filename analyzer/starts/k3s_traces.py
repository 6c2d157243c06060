"""Whether lines that no identifier names are a trace of k3s or RKE2 at all."""

from __future__ import annotations

import re

from analyzer.events import chain, sequence
from analyzer.events.event import HealthBlock, Mark, Placed, PollLine, PollUnchanged, WitnessLine
from analyzer.records.log_record import LogRecord, Payload
from analyzer.starts.start import Start

_SPEAKS_OF_US = re.compile(
    r"\bk3s\b|\brke2\b|\bkube|apiserver|\b(?i:etcd)\b|preparing server|cluster-(?:cidr|init|reset)|flannel|"
    r"flag provided but not defined"
)
# Where neither banner nor identifier says whose lines they are (kubelet.log, a quoted line): paths, sockets and ports
# that only k3s and RKE2 have.
_ONLY_THEIRS = re.compile(
    r"/run/k3s/|/rancher/(?:k3s|rke2)\b|/v1-(?:k3s|rke2)/|\bkine\.sock\b|\bbuilding kine: |"
    r"\b(?:k3s|rke2)\b|\bK10\S{1,80}::|"
    r"\bsqlite3\.Error\{|"  # SQLite's error as Go prints it: no other API server has that store
    r"(?:127\.0\.0\.1|localhost|0\.0\.0\.0|\[::1?\]):(?:6443|6444|9345|1025[079])\b"
)
_LOOKED_AT = 200  # lines
# Of what k3s and RKE2 say when something fails, much could be any program's ("failed to write to …"): one of these must
# be in it.
_THEIR_THINGS = re.compile(
    r"\b(?i:k3s|rke2)\b|\bkube|(?i:api ?server)|\betcd\b|flannel|\bkine\b|/cacerts|CA cert|\bdefault routes? found|"
    r"\bnode[ -](?:ip|name|password)\b|cluster-|bootstrap data|control-plane|static pods?\b|runtime image|"
    r"agent configuration|\bglobal unicast ip\b|cgroup|[Nn]etwork [Pp]olicy|supervisor"
)
# Programs that share the journal's formats are many; in these, k3s' own words are nobody else's.
_THEIR_WORDS = frozenset({Payload.LOGRUS, Payload.PLAIN})
_OWN_WAIT = re.compile(
    r"^Waiting for (?:containerd|CRI|cri) (?:startup|connection)|"
    r"^Waiting to retrieve .{1,40} configuration; server is not|^Waiting for hostname \S{1,253} to be resolvable|"
    r"^[Ff]ailed to (?:test etcd connection|validate connection to cluster)|^Unable to watch for tunnel endpoints"
)


def is_ours(start: Start, trusted: bool) -> bool:
    """Whether a group of lines is of k3s or RKE2; ``trusted``: its identifier says so."""
    if trusted:
        return bool(start.process) or bool(start.events)
    if any(record.payload is Payload.LOGRUS and record.fields.get("called") for record in start.process):
        return True  # the command at the prompt before it started a server or an agent
    troubled = False
    for event in start.events:
        match event:
            case PollLine() | PollUnchanged() | HealthBlock() | WitnessLine():
                return True
            case Mark(kind="milestone") | Mark(id="limit_reached"):
                return True
            case Mark(id="cgroup_root" | "unclean_kubelet" | "cgroup" | "cgroup_undelegated"):
                return True  # what only a kubelet, or who checks for it, says
            case Placed(record=record) if record.payload in _THEIR_WORDS:
                return True
            case Mark(record=record) if record.payload in _THEIR_WORDS and _in_own_words(event):
                return True
            case Mark(
                kind="end", id="fatal" | "shutdown_requested" | "component_exited" | "supervisor_exit" | "job_failed"
            ):
                if any(_SPEAKS_OF_US.search(record.message) for record in start.process[:_LOOKED_AT]):
                    return True
            case Mark(kind="problem"):
                troubled = True
    if any(_is_theirs(record) for record in start.process[:_LOOKED_AT]):
        return True
    return troubled and any(
        _ONLY_THEIRS.search(f"{r.message} {r.fields.get('error', '')}") or _of_their_etcd(r)
        for r in start.process[:_LOOKED_AT]
    )


# The version that their builds of containerd and its like name, and how their logrus says that its own kubelet ended.
_THEIR_BUILD = re.compile(r"[-+](?:k3s|rke2r?)\d+\b")
_THEIR_KUBELET = re.compile(r"^[Kk]ubelet exited: ")


def _of_their_etcd(record: LogRecord) -> bool:
    """Whether etcd's client names a module of theirs as its build: ``v3@v3.5.9-k3s1/retry_interceptor.go``."""
    return record.payload is Payload.ZAP and _THEIR_BUILD.search(record.file) is not None


def _is_theirs(record: LogRecord) -> bool:
    """Whether a line is one of the messages of k3s' and RKE2's sources, about something that only they have."""
    built = _THEIR_BUILD.search(record.fields.get("version", "")) or _THEIR_KUBELET.match(record.message)
    if record.payload is Payload.LOGRUS and built:
        return True
    said = record.payload in _THEIR_WORDS and _THEIR_THINGS.search(record.message) is not None
    return said and chain.is_ours(record.message)


def _in_own_words(mark: Mark) -> bool:
    """Whether the words around a mark are those of k3s itself: its waits, and the wrappers of its failures."""
    message = mark.record.message
    if _OWN_WAIT.match(message):
        return True
    return mark.kind == "end" and bool(sequence.of_failure(message, cut=mark.record.truncated))
