"""Where a start ran: what runs the service, its data directory, its datastore, told by its own lines."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from analyzer.analysis.behind_balancer import behind_balancer
from analyzer.events.event import Mark
from analyzer.records.log_record import LogRecord, Payload
from analyzer.records.log_records import LogRecords
from analyzer.site import Datastore, Site, Supervisor
from analyzer.starts import Start

_CONTAINER_FORMATS = frozenset(("docker-json", "cri", "docker-t"))
_STAMP_ALONE = "short-iso"  # how a text is read whose lines begin with a stamp of RFC 3339: journalctl's, docker's
_OPENRCS_FILE = re.compile(r"^/var/log/(?:k3s|rke2)(?:-[\w-]{1,40})?\.log(?:\.\d{1,3})?(?:\.gz)?$")
# What people paste around a log of OpenRC's service: its command and the answer, its supervisor in a list of processes.
_OPENRC = re.compile(
    r"(?:^|[\s/#$])rc-service (?:-\w{1,9} ){0,3}(?:k3s|rke2)\b|\bsupervise-daemon (?:k3s|rke2)\b|"
    r"^(?: ?\* )?(?:status: (?:stopped|started|starting|crashed)$|(?:Starting|Stopping) (?:k3s|rke2)[\w-]{0,20} \.\.\.)"
)
_AROUND = 100  # lines before a start and behind it
# The process's own files on Windows: of its data directory and of its runtime. Go says %PATH% there, and only there.
_WINDOWS = re.compile(
    r"\b[A-Z]:(?:\\{1,4}[\w .-]{1,80}){0,8}?"
    r"\\{1,4}(?:rancher\\{1,4}rke2|agent\\{1,4}(?:etc|containerd|images|pod-manifests))\b"
    r"|executable file not found in %PATH%",
    re.IGNORECASE,
)
# What it keeps below its data directory; a token's file and snapshots may lie anywhere.
_DATA_DIR = re.compile(
    r"(?<![\w./-])(/[\w./-]{1,200}?)"
    r"/(?:server/(?:tls|db(?!/snapshots)|cred|manifests)|agent/(?:etc|containerd|images|pod-manifests|client-ca|kubelet))\b"
)
_USUAL = frozenset(("/var/lib/rancher/k3s", "/var/lib/rancher/rke2"))
# What only an etcd inside the process, or beside it as RKE2's pod, writes into its log; kine and etcd's client do not.
_OF_ITS_ETCD = frozenset(
    ("etcd_starting", "temporary_etcd", "etcd_slow_apply", "etcd_slow_fsync", "etcd_overloaded", "etcd_election")
)
_LOOKED_AT = 2000  # lines of a start in which its paths are looked for: the components' arguments come early


def site_of(start: Start, log_records: LogRecords) -> Site:
    """How things are called where the start ran, as far as the text says."""
    lines = start.process[:_LOOKED_AT]
    balancer, servers = behind_balancer(start, lines)
    return Site(
        product=start.product,
        role=start.role,
        supervisor=_supervisor(start, lines, log_records),
        unit=(start.unit or "").removesuffix(".service"),
        data_dir="" if (data_dir := _data_dir(lines)) in _USUAL else data_dir,
        datastore=datastore_of(event for event in start.events if isinstance(event, Mark)),
        balancer=balancer,
        servers=servers,
    )


def _supervisor(start: Start, lines: Sequence[LogRecord], log_records: LogRecords) -> Supervisor:
    if start.unit is not None:
        return "systemd"
    exited = start.first("supervisor_exit")
    if exited is not None and "rancher" in exited.groups:
        return "container"  # Rancher's own image runs k3s inside
    if start.first("supervisor_exit") is not None or _is_openrcs_file(lines, log_records):
        return "openrc"
    if any(mark.id == "container_exited" for mark in start.announced) or _of_a_container(lines, log_records):
        return "container"
    if _is_shown_by_openrc(start, log_records):
        return "openrc"
    return "windows" if _is_windows(start, lines) else "systemd"


def _is_openrcs_file(lines: Sequence[LogRecord], log_records: LogRecords) -> bool:
    """Whether the text is the file into which the service that the installer makes for OpenRC writes."""
    paths = {log_records.sources[record.source].path for record in lines}
    return bool(paths) and all(map(_OPENRCS_FILE.search, paths)) and not any(record.ident for record in lines)


def _is_shown_by_openrc(start: Start, log_records: LogRecords) -> bool:
    """Whether lines that are no log, around a start of nobody's unit, are of OpenRC's commands for the service."""
    if any(record.ident for record in start.process) or not start.records:
        return False
    first, last = start.records[0].seq, start.records[-1].seq
    around = log_records.records[max(0, first - _AROUND) : last + 1 + _AROUND]
    shown = (r for r in around if r.payload not in (Payload.LOGRUS, Payload.KLOG, Payload.ZAP))
    return any(_OPENRC.search(record.raw) for record in shown)


def _of_a_container(lines: Sequence[LogRecord], log_records: LogRecords) -> bool:
    """Whether what collects a container's output wrote the text down.

    ``docker logs --timestamps`` puts a stamp before each line and nothing else; journalctl a host and a name as well.
    """
    formats = {log_records.sources[source].format for source in {record.source for record in lines}}
    if formats & _CONTAINER_FORMATS:
        return True
    return formats == {_STAMP_ALONE} and not any(record.ident or record.host or record.unit for record in lines)


def _is_windows(start: Start, lines: Sequence[LogRecord]) -> bool:
    """Whether the process has its own files on Windows: agents of RKE2 alone run there.

    One that has them below Unix' root speaks of another machine.
    """
    if start.product == "k3s" or start.role == "server":
        return False
    return any(_WINDOWS.search(record.message) for record in lines) and not _data_dir(lines)


def _data_dir(lines: Iterable[LogRecord]) -> str:
    """The folder that the process keeps its files in; empty where no line shows one."""
    named = (r.message for r in lines if "/server/" in r.message or "/agent/" in r.message)
    found = next(filter(None, map(_DATA_DIR.search, named)), None)
    return found[1] if found is not None else ""


def datastore_of(marks: Iterable[Mark]) -> Datastore:
    """Which datastore the start uses, as far as its lines say."""
    for mark in marks:
        if mark.id in _OF_ITS_ETCD:
            return "etcd"
        if mark.id == "datastore_configured" and "driver" in mark.groups:
            driver = mark.groups["driver"].lower()
            if driver not in ("database", "db"):
                return "sqlite" if driver.startswith("sqlite") else "external"
    return "unknown"
