"""Logs of RKE2's static pods: kube-apiserver and etcd, told by where their file lies.

RKE2 runs its control plane as static pods, whose logs are not in the unit's journal. The kubelet writes them to
``/var/log/pods/NAMESPACE_POD_UID/CONTAINER/N.log`` (N counts the container's restarts), with links in
``/var/log/containers``; Rancher's log collector keeps ``podlogs/NAMESPACE-POD[-previous]``. A static pod is named after
its container and its node, so the path says whose log it is; the lines themselves do not.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_NODE = r"(?P<node>[a-z0-9](?:[a-z0-9.-]{0,250}[a-z0-9])?)"
_WHAT = r"(?P<what>kube-apiserver|etcd)"
_FORMS = (
    re.compile(
        rf"(?:^|/)kube-system_{_WHAT}-{_NODE}_[0-9a-f-]{{8,64}}/(?P=what)/(?P<number>\d{{1,6}})\.log(?:[.-]\S*)?$"
    ),
    re.compile(rf"(?:^|/){_WHAT}-{_NODE}_kube-system_(?P=what)-[0-9a-f]{{64}}\.log$"),
    re.compile(rf"(?:^|/)podlogs/kube-system-{_WHAT}-{_NODE}$"),
)
_SYSTEM_POD = re.compile(
    r"(?:^|/)kube-system_[^/]{1,400}/[^/]{1,400}/\d+\.log(?:[.-]\S*)?$"
    r"|_kube-system_[^/]{1,400}-[0-9a-f]{64}\.log$"
)
_PREVIOUS = "-previous"
OTHER_POD = "log of a pod that tells nothing about starts"


@dataclass(frozen=True, slots=True)
class Pod:
    """Whose log a file is. ``number`` counts the container's restarts before it, ``None`` where the path does not."""

    what: str  # kube-apiserver | etcd
    node: str
    number: int | None = None


def pod_of(path: str) -> Pod | None:
    """The static pod that a file is the log of, ``None`` when its path does not say so."""
    path = path.replace("\\", "/")
    for form in _FORMS:
        match = form.search(path)
        if match is not None:
            number = match.groupdict().get("number")
            node = match["node"].removesuffix(_PREVIOUS)
            return Pod(match["what"], node, int(number) if number is not None else None)
    return None


def other_pod(path: str) -> bool:
    """Whether a file is the log of another pod of the cluster itself (coredns, helm jobs …)."""
    return pod_of(path) is None and _SYSTEM_POD.search(path) is not None
