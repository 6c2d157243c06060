"""Asks the API for the goals beyond readiness, and keeps the window of each."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import urlsplit

from analyzer.live.answers import visible
from analyzer.live.goals import (
    Look,
    Object,
    System,
    at,
    documents,
    is_ours,
    node_ready,
    registered,
    server_time,
    system_ready,
)
from analyzer.live.observed_polls import Answer, GoalId, GoalSeen
from analyzer.live.prober import Prober

#: Pause between two looks: a share of the time they have taken so far, between these.
PAUSE_MIN_S = 0.5
PAUSE_MAX_S = 2.0
_SHARE = 0.05
#: A list is read in pages; more than this many of them, or of bytes in one, is no cluster to wait for.
_PAGE = 500
_PAGES = 20
BODY_LIMIT = 16 << 20

_NODES = "/api/v1/nodes"
_LEASES = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"
_KUBE_SYSTEM = {
    "deployments": "/apis/apps/v1/namespaces/kube-system/deployments",
    "daemonsets": "/apis/apps/v1/namespaces/kube-system/daemonsets",
    "jobs": "/apis/batch/v1/namespaces/kube-system/jobs",
    "pods": "/api/v1/namespaces/kube-system/pods?labelSelector=tier%3Dcontrol-plane",
    "charts": "/apis/helm.cattle.io/v1/namespaces/kube-system/helmcharts",
    "addons": "/apis/k3s.cattle.io/v1/namespaces/kube-system/addons",
}
_OPTIONAL = frozenset({"charts", "addons"})  # kinds of k3s and RKE2 that other clusters do not know


class _NoAnswer(Exception):
    """The API did not say; ``args[0]`` has the words."""


@dataclass(frozen=True, slots=True)
class _Listed:
    items: Sequence[Object]
    now: datetime | None  # the server's own clock


def pause_s(since_s: float) -> float:
    """Pause after looking for ``since_s`` seconds."""
    return min(max(_SHARE * since_s, PAUSE_MIN_S), PAUSE_MAX_S)


def own_name(server: str) -> str | None:
    """The name of this machine's node where ``server`` is this machine; ``None``: it is another one."""
    host = urlsplit(server).hostname or ""
    return socket.gethostname().lower() if host == "localhost" or is_ours(host) else None


class GoalPolls:
    """The goals that are left; ``look`` asks for the next of them."""

    def __init__(self, prober: Prober, goals: Sequence[GoalId]) -> None:
        self._prober = prober
        self._name = own_name(prober.server)
        self.seen: dict[GoalId, GoalSeen] = {goal: GoalSeen(goal) for goal in goals if goal != "api"}

    @property
    def left(self) -> tuple[GoalId, ...]:
        """Goals not reached yet."""
        return tuple(goal for goal in self.seen if self.seen[goal].upper_s is None)

    async def look(self, goal: GoalId, limit_s: float) -> Look | None:
        """One look; ``None`` when the API did not say. The text of ``seen`` is the last one in any case."""
        try:
            found = await self._ask(goal, limit_s)
        except _NoAnswer as problem:
            self.seen[goal] = replace(self.seen[goal], text=visible(str(problem)))
            return None
        return found

    def note(self, goal: GoalId, look: Look, departed_s: float, answered_s: float) -> GoalSeen:
        """Take in a look."""
        text = visible(look.text)
        before = self.seen[goal]
        if look.yes:
            self.seen[goal] = replace(before, upper_s=answered_s, text=text)
        else:
            self.seen[goal] = replace(before, lower_s=departed_s, text=text)
        return self.seen[goal]

    async def _ask(self, goal: GoalId, limit_s: float) -> Look:
        if goal == "node":
            return registered((await self._list(_NODES, limit_s)).items, self._name)
        if goal == "node_ready":
            nodes = await self._list(_NODES, limit_s)
            if not registered(nodes.items, self._name).yes:
                return node_ready(nodes.items, self._name, (), None)
            leases = await self._list(_LEASES, limit_s)
            return node_ready(nodes.items, self._name, leases.items, leases.now)
        found = {kind: await self._list(path, limit_s, kind in _OPTIONAL) for kind, path in _KUBE_SYSTEM.items()}
        return system_ready(System(**{kind: each.items for kind, each in found.items()}), found["deployments"].now)

    async def _list(self, path: str, limit_s: float, optional: bool = False) -> _Listed:
        items: list[Object] = []
        onward = ""
        for _ in range(_PAGES):
            ask = f"{path}{'&' if '?' in path else '?'}limit={_PAGE}{onward}"
            reply = await self._prober.get(ask, limit_s, BODY_LIMIT)
            if isinstance(reply, Answer):
                raise _NoAnswer(reply.text or str(reply.error))
            if reply.status == 404 and optional:
                return _Listed((), server_time(reply.headers))
            if reply.status != 200 or reply.cut:
                raise _NoAnswer("its list is too long" if reply.cut else f"status {reply.status}: {path}")
            document, found = documents(reply.body)
            if found is None:
                raise _NoAnswer(f"the answer to {path} is not a list")
            items += found
            more = at(document, "metadata", "continue")
            if not (isinstance(more, str) and more and more.isascii() and more.isprintable()):
                return _Listed(items, server_time(reply.headers))
            onward = f"&continue={_quoted(more)}"
        raise _NoAnswer("its list is too long")


def _quoted(text: str) -> str:
    from urllib.parse import quote

    return quote(text, safe="")
