"""Logs of RKE2's static pods beside a journal: whose lines they are, and whether both stand on one clock."""

from __future__ import annotations

from collections.abc import Sequence

from analyzer.records.draft import Draft, Outer, Tally
from analyzer.timebase import SECOND

_Source = tuple[Tally, list[Draft]]


def name_hosts(sources: Sequence[_Source]) -> None:
    """Give a pod's lines the host that the other sources call its node: the same name, or its first label.

    A bundle holds the pods of all servers of the cluster, so its own host says nothing about them.
    """
    hosts = {d.host for tally, drafts in sources if tally.pod is None for d in drafts if d.host is not None}
    for tally, drafts in sources:
        if tally.pod is None:
            continue
        node = tally.pod.node
        same = [host for host in hosts if host.lower() == node]
        short = [host for host in hosts if _label(host) == _label(node) and "." in host + node and "." not in host]
        short += [host for host in hosts if host.lower().startswith(f"{node}.")]
        found = same or short
        host = found[0] if len(found) == 1 else node
        for draft in drafts:
            draft.host = host


def _label(host: str) -> str:
    return host.lower().partition(".")[0]


def skews(sources: Sequence[_Source]) -> dict[tuple[str | None, str | None], int]:
    """Per host and boot by how much the axis differs at most from the realtime stamps, in µs.

    Where only the program's own whole seconds pin a monotonic text to the wall clock, that may be a second.
    """
    found: dict[tuple[str | None, str | None], int] = {}
    for _, drafts in sources:
        for draft in drafts:
            if draft.at is not None and draft.rt is not None and draft.outer is not Outer.NONE and not draft.follows:
                key = (draft.host, draft.boot_id)
                apart = SECOND if draft.outer is Outer.MONO else abs(draft.at.us - draft.rt)
                found[key] = max(apart, found.get(key, 0))
    return found
