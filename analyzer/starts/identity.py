"""Which product, role and release a start is of: from the banner, else from the words that only one of them has."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

from analyzer.events.event import Mark
from analyzer.events.products import only_rke2_says
from analyzer.records.log_record import Payload
from analyzer.starts.start import Start
from analyzer.starts.truncated_lines import readable

# A unit or identifier of k3s or RKE2, and the supervisor of OpenRC with the child that it names.
FAMILY = re.compile(r"^(k3s|rke2)(?:[-_@.][\w.@-]+)?$")
OPENRC = "supervise-daemon"
CHILD = re.compile(r"/(k3s|rke2)(?:[, ]|$)")
# A server with an API server of its own asks itself, an agent its load balancer.
_BALANCED = re.compile(r"^Running load balancer |https://127\.0\.0\.1:6444/(?:v1-(?:k3s|rke2)/|cacerts)")
# Paths that name the product, where neither banner nor identifier does; /run/k3s is RKE2's as well.
_NAMES_PRODUCT = re.compile(
    r"/v1-(k3s|rke2)/|/var/lib/rancher/(k3s|rke2)/|unix://(k)ine\.sock|"
    r"\b(rke2)-(?:agent-load-balancer|supervisor|cert-monitor|etcd|controller|(?:client|server)-ca)\b"
)
DESCRIBED = re.compile(r"Rancher Kubernetes Engine v2(?: \((server|agent)\))?|Lightweight Kubernetes()")
# The head of the help that a usage error prints.
_HELP = re.compile(r"^ {0,9}(?:k3s|rke2) (server|agent)(?: - Run | \[OPTIONS\])")
_SERVER_SIGNS = (
    "certificates", "client_ca_generated",
    "api_running", "serving_securely", "apiserver_requested", "apiserver_version", "datastore_ready",
    "datastore_waiting", "datastore_configured", "etcd_starting", "temporary_etcd", "controllers_requested",
    "k3s_running",
)  # fmt: skip


_HEAD = 50  # lines in which the names are looked for


def identified(start: Start) -> Start:
    """The start with its product, role, version and unit: from the banner, else from what only one of them says."""
    banner = start.first("starting")
    version = _whole_word(start, banner or start.first("apiserver_version"), "version")
    job = start.first("job_failed")
    start = replace(start, unit=job.groups["unit"] if job is not None and start.unit is None else start.unit)
    return replace(
        start,
        product=next(filter(None, _products(start, banner, version)), "unknown"),
        role=next(filter(None, _roles(start, banner)), "unknown"),
        version=version,
        commit=_whole_word(start, banner, "commit"),
    )


_SPOILT = re.compile(r"[\\^<>*`]")


def _whole_word(start: Start, mark: Mark | None, group: str) -> str | None:
    """A word of a line, unless the line was cut and the cut may have gone through it."""
    word = mark.groups.get(group) if mark is not None else None
    if word is not None and _SPOILT.search(word):
        return None  # an editor or a pager wrote into it
    if mark is None or word is None or not start.is_cut(mark.record):
        return word
    return None if readable(mark.record.message).endswith(readable(word)) else word


def _products(start: Start, banner: Mark | None, version: str | None) -> Iterator[str | None]:
    """What each sign says of the product, the surest first."""
    if banner is not None:
        yield banner.groups.get("product")
    families = Counter(match[1] for name in _names(start) if (match := FAMILY.match(name.removesuffix(".service"))))
    yield max(families, key=families.__getitem__, default=None)
    yield next(("rke2" if hit[0].startswith("Rancher") else "k3s" for hit in _descriptions(start)), None)
    yield next((product for product in ("rke2", "k3s") if product in (version or "")), None)
    yield _product_by_paths(start)
    called = _called(start)
    yield called[0] if called is not None else None
    exited = start.first("supervisor_exit")
    if exited is not None and "rancher" in exited.groups:
        yield "k3s"  # its container runs k3s
    running = start.first("k3s_running", "agent_running")
    if running is not None:
        yield "rke2" if "rke2" in running.record.message else "k3s"


def _roles(start: Start, banner: Mark | None) -> Iterator[str | None]:
    """What each sign says of the role, the surest first."""
    if banner is not None:
        yield banner.groups.get("role") or "server"
    for name in _names(start):
        if FAMILY.match(name.removesuffix(".service")):
            yield next((role for role in ("agent", "server") if role in name), None)
    yield next((hit[1] for hit in _descriptions(start)), None)
    called = _called(start)
    yield called[1] if called is not None else None
    synced = start.marks("pod_synced", "pod_not_synced")
    if start.first(*_SERVER_SIGNS) or any(mark.groups.get("component") for mark in synced):
        yield "server"
    yield next((hit[1] for record in start.process[:_HEAD] if (hit := _HELP.match(record.message))), None)
    if start.first("agent_running") or any(_BALANCED.search(record.message) for record in start.process[:_HEAD]):
        yield "agent"
    # Of systemd's words alone: the installer calls a server's unit ``k3s``, an agent's ``k3s-agent``.
    told = start.first("status_active", "status_activating", "status_ended")
    if (start.unit or "").removesuffix(".service") == "k3s" and (told or not start.process):
        yield "server"


def _names(start: Start) -> Iterator[str]:
    """Units and identifiers of the first lines."""
    for record in start.records[:_HEAD]:
        yield from filter(None, (record.unit or start.unit, record.ident))


def _called(start: Start) -> tuple[str, str] | None:
    """Product and role of the command at the prompt before the first lines, where it stands in the text."""
    called = next((said for record in start.process[:_HEAD] if (said := record.fields.get("called"))), "")
    product, _, role = called.partition(" ")
    return (product, role) if role else None


def _descriptions(start: Start) -> Iterator[re.Match[str]]:
    """What systemd calls the unit in the first lines."""
    told = (record.message for record in start.records[:_HEAD] if record.payload is Payload.SYSTEMD)
    return filter(None, map(DESCRIBED.search, told))


def _product_by_paths(start: Start) -> str | None:
    for record in start.records[:200]:
        child = CHILD.search(record.message) if record.ident == OPENRC else None
        if child is not None:
            return child[1]
        found = _NAMES_PRODUCT.search(
            f"{record.message} {record.fields.get('url', '')} {record.fields.get('error', '')}"
        )
        if found is not None:
            return "rke2" if "rke2" in found.groups() else "k3s"
        if only_rke2_says(record.message):
            return "rke2"
    return None
