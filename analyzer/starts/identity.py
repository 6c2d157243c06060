"""Which product, role and release a start is of: from the banner, else from the words that only one of them has."""

from __future__ import annotations

import re
from collections import defaultdict

from analyzer.records.log_record import LogRecord, Payload
from analyzer.starts.start import Start
from analyzer.starts.truncated_lines import is_cut, readable

# A unit or identifier of k3s or RKE2, and the supervisor of OpenRC with the child that it names.
FAMILY = re.compile(r"^(k3s|rke2)(?:[-_@.][\w.@-]+)?$")
OPENRC = "supervise-daemon"
CHILD = re.compile(r"/(k3s|rke2)(?:[, ]|$)")
# A server with an API server of its own asks itself, an agent its load balancer.
_BALANCED = re.compile(r"^Running load balancer |https://127\.0\.0\.1:6444/(?:v1-(?:k3s|rke2)/|cacerts)")
# Paths that name the product, where neither banner nor identifier does; /run/k3s is RKE2's as well.
_NAMES_PRODUCT = re.compile(
    r"/v1-(k3s|rke2)/|/var/lib/rancher/(k3s|rke2)/|unix://(k)ine\.sock|^(Pod for \S+ (?:is|not) synced)|"
    r"\b(rke2)-(?:agent-load-balancer|supervisor|cert-monitor|etcd|controller|(?:client|server)-ca)\b"
)
_DESCRIBED = re.compile(r"Rancher Kubernetes Engine v2(?: \((server|agent)\))?|Lightweight Kubernetes()")
_SERVER_SIGNS = (
    "certificates", "client_ca_generated",
    "api_running", "serving_securely", "apiserver_requested", "apiserver_version", "datastore_ready",
    "datastore_waiting", "datastore_configured", "etcd_starting", "temporary_etcd", "controllers_requested",
    "k3s_running",
)  # fmt: skip


def identify(start: Start) -> None:
    """Product, role, version: from the banner, else from klog's ``Version:`` and the unit's name."""
    banner = start.first("starting")
    if banner is not None:
        start.product = banner.groups.get("product", "unknown")
        start.version = banner.groups.get("version")
        start.commit = banner.groups.get("commit")
        start.role = banner.groups.get("role") or "server"
        if is_cut(start, banner.record):  # a version or commit that touches the cut is not whole
            start.version = _whole_word(banner.record, start.version)
            start.commit = _whole_word(banner.record, start.commit)
    else:
        version = start.first("apiserver_version")
        start.version = version.groups.get("version") if version is not None else None
        if version is not None and is_cut(start, version.record):
            start.version = _whole_word(version.record, start.version)
    job = start.first("job_failed")
    if job is not None and start.unit is None:
        start.unit = job.groups["unit"]
    idents = defaultdict(int)  # type: defaultdict[str, int]
    for record in start.records[:50]:
        for name in (record.unit or start.unit, record.ident):
            match = FAMILY.match((name or "").removesuffix(".service"))
            if match:
                idents[match.group(1)] += 1
                if start.role == "unknown" and "agent" in (name or ""):
                    start.role = "agent"
                elif start.role == "unknown" and "server" in (name or ""):
                    start.role = "server"
    if start.product == "unknown" and idents:
        start.product = max(idents, key=lambda name: idents[name])
    for record in start.records[:50]:
        described = _DESCRIBED.search(record.message) if record.payload is Payload.SYSTEMD else None
        if described is not None and start.product == "unknown":
            start.product = "rke2" if described[0].startswith("Rancher") else "k3s"
            if start.role == "unknown" and described[1]:
                start.role = described[1]
    if start.product == "unknown" and start.version:
        start.product = "rke2" if "rke2" in start.version else "k3s" if "k3s" in start.version else "unknown"
    if start.product == "unknown":
        start.product = _product_by_paths(start)
    running = start.first("k3s_running", "agent_running")
    if start.product == "unknown" and (exited := start.first("supervisor_exit")) is not None:
        start.product = "k3s" if "rancher" in exited.groups else "unknown"  # its container runs k3s
    if start.product == "unknown" and running is not None:
        start.product = "rke2" if "rke2" in running.record.message else "k3s"
    if start.role == "unknown":
        if start.first(*_SERVER_SIGNS) or any(
            m.groups.get("component") for m in start.marks("pod_synced", "pod_not_synced")
        ):
            start.role = "server"
        elif start.first("agent_running") or any(_BALANCED.search(record.message) for record in start.process[:50]):
            start.role = "agent"
    if start.role == "unknown":
        start.role = _role_by_unit(start)


def _whole_word(record: LogRecord, word: str | None) -> str | None:
    """A word of a cut line, unless the cut may have gone through it."""
    return None if word is None or readable(record.message).endswith(readable(word)) else word


def _role_by_unit(start: Start) -> str:
    """Of systemd's words alone: the installer calls a server's unit ``k3s``, an agent's ``k3s-agent``."""
    name = (start.unit or "").removesuffix(".service")
    told = start.first("status_active", "status_activating", "status_ended") is not None
    return "server" if name == "k3s" and (told or not start.process) else "unknown"


def _product_by_paths(start: Start) -> str:
    for record in start.records[:200]:
        child = CHILD.search(record.message) if record.ident == OPENRC else None
        if child is not None:
            return child[1]
        found = _NAMES_PRODUCT.search(f"{record.message} {record.fields.get('url', '')}")
        if found is not None:
            return "rke2" if "rke2" in found.groups() or found[4] else "k3s"
    return "unknown"
