"""The goals beyond readiness: the node, and the pods of kube-system, as the API tells them.

Pure functions over what the API answered; who asks, and when, is ``goal_polls``. Answers are data from a stranger:
whatever is not of the documented shape is *no*, with words for it, and never an error.

* ``node``: this machine's node is registered. It is the one of this machine's name, or one with an address that is this
  machine's. For a server elsewhere there is no such node: then any node will do, and for ``node_ready`` all must be.
* ``node_ready``: its condition *Ready* is true, and its lease was renewed lately: after a restart the API repeats what
  the kubelet said before, until the lease is found to be old.
* ``system``: what the cluster's own addons brought is there and ready: every Deployment and DaemonSet of kube-system,
  the job of every HelmChart, and mirrored static pods (RKE2). The addons come one after the other, so nothing counts
  before the newest object is some seconds old.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

#: Kubernetes' own node-monitor-grace-period: a lease older than that is one of a kubelet that went silent.
LEASE_S = 40.0
#: No object of kube-system may be younger than that: others may follow it.
SETTLED_S = 5.0
_SHOWN = 4

Object = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Look:
    """What one look at a goal showed: whether it is reached, and what is there or missing in a few words."""

    yes: bool
    text: str


def documents(body: str) -> tuple[Any, list[Object] | None]:
    """An answer and the objects of its list; ``None`` when it is no list."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return None, None
    items = document.get("items") if isinstance(document, dict) else None
    whole = isinstance(items, list) and all(isinstance(item, dict) for item in items)
    return document, items if whole else None


def server_time(headers: Mapping[str, str]) -> datetime | None:
    """The server's own clock, from its ``Date``: the wall clock of this machine may be another."""
    from email.utils import parsedate_to_datetime

    try:
        moment = parsedate_to_datetime(headers["date"])
    except (KeyError, TypeError, ValueError):
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def at(thing: Any, *path: str) -> Any:
    """What lies under ``path``, ``None`` where anything on the way is of another shape."""
    for key in path:
        if not isinstance(thing, dict):
            return None
        thing = thing.get(key)
    return thing


def name_of(thing: Object) -> str:
    """Its name, fit to be shown."""
    name = at(thing, "metadata", "name")
    return name if isinstance(name, str) and 0 < len(name) <= 253 and name.isprintable() else "?"


# --- nodes


def own_nodes(nodes: Sequence[Object], name: str | None) -> list[Object]:
    """The nodes that count. ``name``: this machine's; ``None``: the server is elsewhere, all of them count."""
    if name is None:
        return list(nodes)
    return [node for node in nodes if name_of(node) == name or any(map(is_ours, _addresses(node)))]


def registered(nodes: Sequence[Object], name: str | None) -> Look:
    """Whether the node is registered."""
    own = own_nodes(nodes, name)
    if own:
        return Look(True, _few([name_of(node) for node in own]))
    others = f", but {_few([name_of(node) for node in nodes])}" if nodes else ""
    return Look(False, "no node yet" if name is None else f"no node {name} yet{others}")


def node_ready(nodes: Sequence[Object], name: str | None, leases: Sequence[Object], now: datetime | None) -> Look:
    """Whether the node is Ready. ``now`` is the server's own clock, ``None``: it did not say."""
    own = own_nodes(nodes, name)
    if not own:
        return registered(nodes, name)
    renewed = {name_of(lease): _moment(at(lease, "spec", "renewTime")) for lease in leases}
    missing = []
    for node in own:
        ready = next((c for c in _list(at(node, "status", "conditions")) if at(c, "type") == "Ready"), None)
        since = renewed.get(name_of(node))
        if at(ready, "status") != "True":
            why = at(ready, "reason")
            missing.append(f"{name_of(node)} is not Ready{f' ({_shown(why)})' if isinstance(why, str) and why else ''}")
        elif since is not None and now is not None and (now - since).total_seconds() > LEASE_S:
            missing.append(f"the kubelet of {name_of(node)} has not reported since the API server came back")
    return Look(not missing, _few(missing) if missing else _few([name_of(node) for node in own]))


def _addresses(node: Object) -> Iterator[str]:
    for address in _list(at(node, "status", "addresses")):
        text = at(address, "address")
        if at(address, "type") in ("InternalIP", "ExternalIP") and isinstance(text, str) and len(text) < 64:
            yield text


@lru_cache(maxsize=256)
def is_ours(address: str) -> bool:
    """Whether an address is one of this machine: only then can a socket be bound to it."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as one:
            one.bind((address, 0))
    except (OSError, ValueError, UnicodeError):
        return False
    return address not in ("0.0.0.0", "::")


# --- kube-system


@dataclass(frozen=True, slots=True)
class System:
    """The objects of kube-system. ``charts`` and ``addons`` are empty where the cluster knows no such kinds."""

    deployments: Sequence[Object] = ()
    daemonsets: Sequence[Object] = ()
    jobs: Sequence[Object] = ()
    pods: Sequence[Object] = ()
    charts: Sequence[Object] = ()
    addons: Sequence[Object] = ()


def system_ready(system: System, now: datetime | None) -> Look:
    """Whether all that the addons brought is ready."""
    if not (system.deployments or system.daemonsets):
        return Look(False, "nothing in kube-system yet")
    charts = {name_of(chart): at(chart, "status", "jobName") for chart in system.charts}
    wanted = {job if isinstance(job, str) and job else f"helm-install-{chart}" for chart, job in charts.items()}
    jobs = {name_of(job): job for job in system.jobs}
    missing = [
        *(name_of(one) for one in system.deployments if not _deployed(one)),
        *(name_of(one) for one in system.daemonsets if not _everywhere(one)),
        *(name_of(one) for one in system.pods if _mirrored(one) and not _pod_ready(one)),
        # A job that is done may be gone already, and the chart names it all the same.
        *(job for job in sorted(wanted) if job in jobs and not _done(jobs[job])),
        *(chart for chart, job in charts.items() if not job),
        *(name for name, job in jobs.items() if _of_helm(job) and name not in wanted and not _done(job)),
    ]
    if missing:
        return Look(False, f"not ready: {_few(missing)}")
    young = _young(system, now)
    if young:
        return Look(False, f"{young} is new, more may follow")
    ready = [*map(name_of, system.deployments), *map(name_of, system.daemonsets)]
    return Look(True, _few(ready))


def _young(system: System, now: datetime | None) -> str:
    if now is None:
        return ""
    kinds = (system.deployments, system.daemonsets, system.charts, system.addons)
    for thing in (thing for kind in kinds for thing in kind):
        made = _moment(at(thing, "metadata", "creationTimestamp"))
        if made is not None and 0 <= (now - made).total_seconds() < SETTLED_S:
            return name_of(thing)
    return ""


def _deployed(one: Object) -> bool:
    wanted = at(one, "spec", "replicas")
    status = at(one, "status")
    wanted = 1 if wanted is None else wanted
    if not _current(one) or not isinstance(wanted, int):
        return False
    return all(_count(status, key) >= wanted for key in ("updatedReplicas", "readyReplicas", "availableReplicas"))


def _everywhere(one: Object) -> bool:
    status = at(one, "status")
    wanted = _count(status, "desiredNumberScheduled")
    return _current(one) and all(_count(status, key) >= wanted for key in ("updatedNumberScheduled", "numberReady"))


def _current(one: Object) -> bool:
    """Whether the status speaks of the spec as it is now."""
    generation = at(one, "metadata", "generation")
    seen = at(one, "status", "observedGeneration")
    return isinstance(seen, int) and (not isinstance(generation, int) or seen >= generation)


def _done(job: Object) -> bool:
    conditions = _list(at(job, "status", "conditions"))
    complete = any(at(c, "type") == "Complete" and at(c, "status") == "True" for c in conditions)
    return complete or _count(at(job, "status"), "succeeded") >= 1


def _of_helm(job: Object) -> bool:
    return any(at(owner, "kind") == "HelmChart" for owner in _list(at(job, "metadata", "ownerReferences")))


def _mirrored(pod: Object) -> bool:
    return at(pod, "metadata", "annotations", "kubernetes.io/config.mirror") is not None


def _pod_ready(pod: Object) -> bool:
    conditions = _list(at(pod, "status", "conditions"))
    return any(at(c, "type") == "Ready" and at(c, "status") == "True" for c in conditions)


# --- small things


def _list(thing: Any) -> list[Any]:
    return thing if isinstance(thing, list) else []


def _count(status: Any, key: str) -> int:
    value = at(status, key)
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def _moment(text: Any) -> datetime | None:
    if not isinstance(text, str):
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _shown(text: str) -> str:
    return text[:60] if text.isprintable() else "?"


def _few(names: Sequence[str]) -> str:
    names = list(dict.fromkeys(names))
    return ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")
