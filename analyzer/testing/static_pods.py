"""The static pods of an RKE2 server: the logs of its API server's containers and of etcd, which no journal holds.

Each run of kube-apiserver has a log of its own (``N.log``). A container that dies is started again; what was asked of
it meanwhile is refused, and its hooks begin anew.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

from analyzer.testing import log_wording
from analyzer.testing.line_buffer import LineBuffer
from analyzer.testing.release import Release
from analyzer.testing.script_api import ApiServer
from analyzer.testing.true_moments import NEVER, RBAC, DatastoreState, MomentsGenerator, TrueMoments
from analyzer.testing.truth import SECOND, Line, StartPlan

_UTC = log_wording.Wall()  # containers know no other zone
_LATER = ("helmcharts.helm.cattle.io", "jobs.batch", "addons.k3s.cattle.io", "deployments.apps", "daemonsets.apps")


@dataclass(frozen=True, slots=True)
class PodLog:
    """The log of one container of a static pod."""

    what: str  # kube-apiserver | etcd
    host: str
    uid: str
    number: int  # restarts of the container before it
    lines: tuple[Line, ...]

    @property
    def path(self) -> str:
        """Where it lies below ``/var/log/pods``."""
        return f"kube-system_{self.what}-{self.host}_{self.uid}/{self.what}/{self.number}.log"

    def cri(self, offset_min: int = 0) -> bytes:
        """As the container runtime writes it, in the node's zone."""
        wall = log_wording.Wall(offset_min)
        end = "Z" if offset_min == 0 else wall.colon()
        rows = []
        for line in self.lines:
            us = line.at_us + 20 + line.at_us % 131  # read from the pipe a moment later
            rows.append(f"{wall.at(us):%Y-%m-%dT%H:%M:%S.%f}{us % 997:03d}{end} stderr F {line.text}\n")
        return "".join(rows).encode()

    def plain(self) -> bytes:
        """As ``kubectl logs`` prints it."""
        return "".join(f"{line.text}\n" for line in self.lines).encode()


class Pods:
    """The pods of one start: who writes into which container's log."""

    def __init__(
        self, plan: StartPlan, rel: Release, stored: DatastoreState, address: str, ca_born: int, rng: random.Random
    ) -> None:
        self._plan, self._rel, self._stored, self._rng = plan, rel, stored, rng
        self._shared = (plan, rel, stored, address, ca_born)
        self.runs: list[tuple[int, LineBuffer, ApiServer]] = []  # begin, log, writer
        self._etcd = LineBuffer(_UTC, rng, 1, "etcd")

    def write(self, boot: int, moments: TrueMoments, dies_at_s: float | None) -> TrueMoments:
        """Write the runs of an API server that was launched at ``boot``; what its clients see of all of them."""
        self._run(boot, moments)
        if dies_at_s is None:
            return moments
        died = moments.marks["version"] + round(dies_at_s * SECOND)
        self.runs[-1][1].end = died
        again = died + self._rng.randint(1 * SECOND, 12 * SECOND)
        second = MomentsGenerator(self._plan, self._rel, self._rng, self._left(moments, died)).run(again)
        self._run(again, second)
        return _one_after_the_other(moments, died, second)

    def _run(self, boot: int, moments: TrueMoments) -> None:
        buffer = LineBuffer(_UTC, self._rng, 1, "kube-apiserver")
        api = ApiServer(buffer, *self._shared)
        self.runs.append((boot, buffer, api))
        api.boot(moments)
        api.serve(moments)
        api.hooks(moments)
        ApiServer(self._etcd, *self._shared).slowness(moments)

    def _left(self, moments: TrueMoments, died: int) -> DatastoreState:
        """What the first run had written when it died."""
        done = moments.cleared(RBAC, died) is not None
        return replace(
            self._stored,
            roles=1.0 if done else self._stored.roles,
            binding=self._stored.binding or moments.marks.get("binding", NEVER) < died,
            classes=self._stored.classes or moments.marks.get("classes", NEVER) < died,
        )

    def api_at(self, at: int) -> ApiServer:
        """The writer of the run that is up at a moment."""
        return next((api for boot, _, api in reversed(self.runs) if boot <= at), self.runs[0][2])

    def after(self, moments: TrueMoments, noticed: int) -> None:
        """What follows readiness: the server's own service, and the objects that RKE2's controllers make."""
        _, buffer, api = self.runs[-1]
        if moments.ready != NEVER:
            api.service_after(moments)
        at = noticed
        for number, kind in enumerate(_LATER):
            at += self._rng.randint(200_000, 3_000_000)
            buffer.klog(at, "controller.go:615", f"quota admission added evaluator for: {kind}")
            if number == 0:
                buffer.klog(at + 900, "handler.go:286", "Adding GroupVersion helm.cattle.io v1 to ResourceManager")

    def logs(self, uid: str, first_number: int) -> list[PodLog]:
        """The logs, the containers counted from ``first_number``."""
        host = self._plan.host
        made = [
            PodLog("kube-apiserver", host, uid, first_number + number, tuple(buffer.lines()))
            for number, (_, buffer, _) in enumerate(self.runs)
        ]
        lines = tuple(self._etcd.lines())
        return made + ([PodLog("etcd", host, uid, first_number, lines)] if lines else [])


def _one_after_the_other(first: TrueMoments, died: int, second: TrueMoments) -> TrueMoments:
    """What a client sees of two runs: the first until it died, nobody, then the second."""
    serves = second.handler
    for name, turns in second.flips.items():
        earlier = [turn for turn in first.flips[name] if turn[0] < died]
        second.flips[name] = [*earlier, (died, False), *turns]
    if first.handler < died:
        second.handler, second.down = first.handler, (died, serves)
        if first.authorized < died:
            second.authorized = first.authorized
    return second
