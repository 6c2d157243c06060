"""Where a start ran: what runs the service, its data directory, its datastore, told by its own lines."""

from __future__ import annotations

import re
from collections.abc import Iterable

from analyzer.events.event import Mark
from analyzer.records.log_record import LogRecord
from analyzer.records.log_records import LogRecords
from analyzer.site import Datastore, Site, Supervisor
from analyzer.starts import Start

_CONTAINER_FORMATS = frozenset(("docker-json", "cri", "docker-t"))
_WINDOWS = re.compile(r"\b[A-Z]:\\{1,4}(?:var|etc|usr|k|opt)\b|%PATH%", re.IGNORECASE)
_DATA_DIR = re.compile(
    r"(?<![\w./-])(/[\w./-]{1,200}?)"
    r"/(?:server/(?:tls|db|cred|manifests|token)|agent/(?:etc|containerd|images|pod-manifests|client-ca|kubelet))\b"
)
_LOOKED_AT = 2000  # lines of a start in which its paths are looked for: the components' arguments come early


def site_of(start: Start, log_records: LogRecords) -> Site:
    """How things are called where the start ran, as far as the text says."""
    lines = start.process[:_LOOKED_AT]
    return Site(
        product=start.product,
        role=start.role,
        supervisor=_supervisor(start, lines, log_records),
        unit=(start.unit or "").removesuffix(".service"),
        data_dir=_data_dir(lines),
        datastore=datastore_of(event for event in start.events if isinstance(event, Mark)),
    )


def _supervisor(start: Start, lines: Iterable[LogRecord], log_records: LogRecords) -> Supervisor:
    if start.unit is not None:
        return "systemd"
    if start.first("supervisor_exit") is not None:
        return "openrc"
    if any(mark.id == "container_exited" for mark in start.announced) or any(
        log_records.sources[source].format in _CONTAINER_FORMATS for source in {record.source for record in lines}
    ):
        return "container"
    if start.product != "k3s" and any(_WINDOWS.search(record.message) for record in lines):
        return "windows"
    return "systemd"


def _data_dir(lines: Iterable[LogRecord]) -> str:
    """The folder that --data-dir names; empty where the usual one is used or no line shows one."""
    for record in lines:
        named = "/server/" in record.message or "/agent/" in record.message
        if named and (found := _DATA_DIR.search(record.message)) is not None:
            usual = found[1].startswith("/var/lib/rancher/")
            return "" if usual else found[1]
    return ""


def datastore_of(marks: Iterable[Mark]) -> Datastore:
    """Which datastore the start uses, as far as its lines say."""
    for mark in marks:
        if mark.id in ("etcd_starting", "temporary_etcd"):
            return "etcd"
        if mark.id == "datastore_configured" and "driver" in mark.groups:
            driver = mark.groups["driver"].lower()
            if driver not in ("database", "db"):
                return "sqlite" if driver.startswith("sqlite") else "external"
    return "unknown"
