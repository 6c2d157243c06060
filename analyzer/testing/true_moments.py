"""The true moments of one start: when each check turns, when the poller is let in, when /readyz is OK.

Everything follows from the order of statements in the sources and from what was measured on real servers: two hooks
wait a second before their first try; the rbac hook makes a few hundred serial requests and on an empty datastore only
creates the poller's own permission half way through them; informers are polled every 100 ms; a hook's limit is looked
at only between its tries.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, field

from analyzer.testing.release import Release
from analyzer.testing.truth import SECOND, StartPlan

HOOK = "poststarthook/"
RBAC = HOOK + "rbac/bootstrap-roles"
PRIORITY = HOOK + "scheduling/bootstrap-system-priority-classes"
FLOW = HOOK + "priority-and-fairness-config-producer"
BOOTSTRAP = HOOK + "bootstrap-controller"
IP_REPAIR = HOOK + "start-service-ip-repair-controllers"
CIDR = HOOK + "start-kubernetes-service-cidr-controller"
CRD = HOOK + "crd-informer-synced"
APIEXT = HOOK + "start-apiextensions-controllers"
REGISTRATION = HOOK + "apiservice-registration-controller"
DISCOVERY = HOOK + "apiservice-discovery-controller"
STORAGE = HOOK + "storage-readiness"
LEASE = HOOK + "start-kube-apiserver-identity-lease-controller"
PROBES = ("etcd", "etcd-readiness")
HOOK_LIMIT = 30 * SECOND
FRESH_REQUESTS, STORED_REQUESTS = 248, 125  # of the rbac hook
NEVER = 1 << 62


@dataclass(slots=True)
class DatastoreState:
    """What the datastore holds, handed from start to start of a cluster."""

    initialised: bool = False  # the CA exists: the next process is not a first one
    roles: float = 0.0  # share of the default roles and bindings that exist
    binding: bool = False  # the poller's own permission exists
    classes: bool = False
    service: bool = False
    names: set[str] = field(default_factory=set)  # hosts whose node object exists


@dataclass(slots=True)
class TrueMoments:
    """Moments in µs; ``flips`` holds each check's turns ``(at, ok)`` in order, failing before the first."""

    handler: int = NEVER  # the API handler answers through the supervisor
    serving: int = NEVER
    authorized: int = NEVER  # the poller's user may ask
    ready: int = NEVER
    flips: dict[str, list[tuple[int, bool]]] = field(default_factory=dict)
    marks: dict[str, int] = field(default_factory=dict)  # moments that get a line
    failed_tries: list[int] = field(default_factory=list)  # ends of the rbac tries that failed
    dead: int = NEVER  # a hook's limit ends the process here
    down: tuple[int, int] = (NEVER, NEVER)  # between two runs of the API server nobody listens

    def ok(self, name: str, at: int) -> bool:
        """Whether the check passes at ``at``."""
        state = False
        for when, value in self.flips[name]:
            if when > at:
                break
            state = value
        return state

    def failing(self, at: int) -> tuple[str, ...]:
        """The checks that fail at ``at``, in the order of the list."""
        return tuple(name for name in self.flips if not self.ok(name, at))

    def cleared(self, name: str, until: int) -> int | None:
        """The last turn to ok up to ``until``, if it holds then."""
        turned: int | None = None
        for when, value in self.flips[name]:
            if when <= until:
                turned = when if value else None
        return turned


def ticks(first: int, every: int, after: int) -> int:
    """The first moment of ``first + k·every`` that is not before ``after``."""
    return first if after <= first else first + -(-(after - first) // every) * every


class MomentsGenerator:
    """Draws a ``TrueMoments`` whose API server was launched at ``boot``."""

    def __init__(self, plan: StartPlan, rel: Release, rng: random.Random, stored: DatastoreState) -> None:
        self.plan, self.rel, self.rng, self.stored = plan, rel, rng, stored
        self.moments = TrueMoments()
        self.fresh_roles = stored.roles < 1.0

    def span(self, low: float, high: float) -> int:
        """A length between ``low`` and ``high`` seconds of work, stretched by the machine, in µs."""
        return round(self.rng.uniform(low, high) * self.plan.pace * SECOND)

    def request(self, count: float = 1.0) -> int:
        """So many serial requests, in µs."""
        each = 1.6e-3 * self.plan.pace + self.plan.request_ms * 1e-3
        return max(1, round(count * each * self.rng.uniform(0.85, 1.2) * SECOND))

    def extra(self, name: str) -> int:
        """Added work of a check; none where an empty datastore holds nothing that it would have to go through."""
        idle = self.fresh_roles and name in (APIEXT, DISCOVERY)
        return 0 if idle else round(self.plan.extra.get(name, 0.0) * SECOND)

    def set_ok(self, name: str, at: int) -> int:
        """The check turns ok at ``at`` (if this release has it); ``at``, stretched by a stall of the datastore."""
        if name in self.moments.flips and not self.moments.flips[name]:
            self.moments.flips[name] = [(at, True)]
        return at

    def work(self, start: int, length: int) -> int:
        """The end of work on the datastore that begins at ``start``: nothing goes on while it stalls."""
        if self.plan.stall_at_s is None:
            return start + length
        begin = self.moments.serving + round(self.plan.stall_at_s * SECOND)
        stall = round(self.plan.stall_s * SECOND)
        if start >= begin + stall or start + length <= begin:
            return start + length
        return start + length + (stall if start < begin else begin + stall - start)

    def mark(self, name: str, at: int) -> int:
        """Remember a moment that gets a line."""
        self.moments.marks[name] = at
        return at

    def run(self, boot: int) -> TrueMoments:
        """All of them."""
        moments, plan = self.moments, self.plan
        moments.flips = {name: [] for name in self.rel.checks}
        if plan.unreachable:
            return moments
        self.mark("version", boot + self.span(0.003, 0.008))
        self.mark("plugins", moments.marks["version"] + self.span(0.1, 0.3) + self.request(3))
        registered = self.mark("groups", moments.marks["plugins"] + self.span(0.4, 0.9) + self.request(60))
        moments.handler = registered + self.span(0.03, 0.25)
        if plan.product == "rke2":  # asked directly: there is no answer before it serves
            moments.handler = registered + self.span(0.3, 0.6)
        moments.serving = moments.handler + (self.span(0.25, 0.6) if plan.product == "k3s" else 500)
        for name in ("ping", "log", "shutdown"):
            self.set_ok(name, moments.handler)
        self._probes()
        self._trivial()
        self._informers()
        self._rbac()
        self._priority()
        self._rest()
        self._permission()
        if moments.dead == NEVER:
            moments.ready = max(turns[-1][0] for turns in moments.flips.values())
        return moments

    # ------------------------------------------------------------------ groups of checks

    def _probes(self) -> None:
        """etcd and etcd-readiness: fine from the start, or only after their first probe; gone while it stalls."""
        moments, rng = self.moments, self.rng
        for name in PROBES:
            if name not in moments.flips:
                continue
            begin = moments.handler
            if rng.random() < 0.3:
                begin = moments.serving + self.span(0.05, 0.5)
            if self.extra(name):
                begin = moments.serving + self.extra(name)
            turns = [(begin, True)]
            if self.plan.stall_at_s is not None:
                gone = moments.serving + round((self.plan.stall_at_s + rng.uniform(2.0, 3.0)) * SECOND)
                back = moments.serving + round(
                    (self.plan.stall_at_s + self.plan.stall_s + rng.uniform(0.1, 1.0)) * SECOND
                )
                if begin < gone < back:
                    turns += [(gone, False), (back, True)]
            moments.flips[name] = turns

    def _trivial(self) -> None:
        """Hooks that start a goroutine and return, each in its own goroutine, in random order."""
        slow = {RBAC, PRIORITY, FLOW, BOOTSTRAP, IP_REPAIR, CIDR, CRD, APIEXT, REGISTRATION, STORAGE}
        slow |= {LEASE} if self.rel.minor >= 35 else set()
        slow |= {DISCOVERY} if self.rel.minor >= 30 else set()
        self.mark("hooks", self.moments.serving + self.span(0.0003, 0.002))
        for name in self.moments.flips:
            if name.startswith(HOOK) and name not in slow:
                self.set_ok(name, self.moments.marks["hooks"] + self.span(0.0005, 0.012) + self.extra(name))

    def _synced(self, name: str, low: float = 0.05, high: float = 0.3, check: str = "") -> int:
        """An informer has its first list; a waiter that looks every 100 ms notices and prints."""
        begin = self.moments.marks["hooks"] + self.span(0.0005, 0.01)
        done = self.work(begin, self.span(low, high) + self.request(6) + (self.extra(check) if check else 0))
        self.mark(name + ".true", done)
        return self.mark(name, ticks(begin, SECOND // 10, done) + self.span(0.0001, 0.004))

    def _informers(self) -> None:
        """Everything that waits for a list to arrive."""
        moments, rng = self.moments, self.rng
        for name in ("node_authorizer", "policy", "flow", "local", "remote", "authentication", "configmaps", "rbac"):
            self._synced(name)
        last = max(moments.marks[n + ".true"] for n in ("node_authorizer", "policy", "flow", "remote", "rbac"))
        began = moments.marks["hooks"] + self.span(0.0005, 0.004)
        if "informer-sync" in moments.flips:
            done = last + self.span(0.0002, 0.08) + self.extra("informer-sync")
            moments.flips["informer-sync"] = [(moments.handler, True), (began, False), (done, True)]
        # CRDs: three waiters with tickers of their own.
        crd = self._synced("crd", check=CRD)
        truly = moments.marks["crd.true"]
        self.set_ok(CRD, truly + self.span(0.0, 0.1))
        self.set_ok(APIEXT, truly + self.span(0.002, 0.11) + self.extra(APIEXT))
        complete = self.mark("crd_complete", crd + self.span(0.001, 0.008))
        auto = self.mark("autoregister", complete + self.span(0.00002, 0.0002))
        name = "autoregister-completion"
        if self.fresh_roles and not self.stored.classes:  # nothing of the cluster is there yet
            self.set_ok(name, self.work(auto, self.span(0.02, 0.25) + self.request(35) + self.extra(name)))
        else:
            self.set_ok(name, moments.marks["local.true"] + self.span(0.001, 0.05) + self.extra(name))
        # The aggregator.
        registered = self._synced("registration", check=REGISTRATION)
        end = self.set_ok(REGISTRATION, registered + self.span(0.00005, 0.004))
        if self.rel.minor >= 30:
            began = self.mark("discovery", end + self.span(0.0001, 0.008))
            dead_api = round(self.plan.aggregated_api_s * SECOND)
            self.set_ok(DISCOVERY, began + self.span(0.0001, 0.01) + dead_api + self.extra(DISCOVERY))
        else:
            self.mark("discovery", moments.marks["hooks"] + self.span(0.001, 0.009))
        # Priority and fairness: the worker's line and the producer wait for the same lists, then it writes.
        flow = moments.marks["flow.true"] + self.span(0.0, 0.1)
        writes = self.request(24) + self.span(0.04, 0.3) if not self.stored.classes else self.span(0.001, 0.06)
        self.set_ok(FLOW, self.work(flow, writes + self.extra(FLOW)))
        if STORAGE in moments.flips:
            self.set_ok(STORAGE, max(last, moments.marks["crd.true"]) + self.span(0.01, 0.2) + self.extra(STORAGE))
        if rng.random() < 0.5:
            self.mark("lease_error", moments.marks["configmaps"] + self.span(0.01, 0.1))

    def _rbac(self) -> None:
        """The serial hook: tries on a grid of seconds, its limit looked at only between them."""
        moments, plan = self.moments, self.plan
        began = moments.marks["hooks"] + self.span(0.0002, 0.01)
        first, limit = began + SECOND, began + HOOK_LIMIT
        at, tries = first, 0
        while tries < plan.rbac_failures or plan.fate == "hook-limit":
            tries += 1
            end = self.work(at, round(plan.rbac_try_s * self.rng.uniform(0.9, 1.1) * SECOND))
            moments.failed_tries.append(end)
            self.mark(f"try{tries}", at)
            if at >= limit:  # that was the last one
                moments.dead = end + self.span(0.001, 0.01)
                return
            at = limit if end >= limit else min(ticks(first, SECOND, end + 1), limit)
            at = max(at, end)
        missing = 1.0 - self.stored.roles
        count = STORED_REQUESTS + missing * (FRESH_REQUESTS - STORED_REQUESTS)
        work = self.request(count) + self.extra(RBAC)
        self.mark("rbac_try", at)
        if self.fresh_roles:
            # 64 roles, then the 5th of 45 bindings is the poller's; its watch needs a moment more.
            lag = min(self.span(0.002, 0.08), round(work * 0.2))
            self.mark("binding", self.work(at, round(work * 0.57)) + lag)
            self.mark("roles", self.work(at, round(work * self.rng.uniform(0.87, 0.9))))
            self.mark("role_bindings", self.work(at, round(work * self.rng.uniform(0.93, 0.95))))
        self.set_ok(RBAC, self.work(at, work) + self.span(0.00005, 0.003))

    def _priority(self) -> None:
        """Two objects, also a second after serving."""
        moments = self.moments
        at = moments.marks["hooks"] + self.span(0.0002, 0.01) + SECOND + self.extra(PRIORITY)
        if not self.stored.classes:
            at = self.mark("class1", self.work(at, self.request(3)))
            at = self.mark("class2", self.work(at, self.request(2)))
        at = self.mark("classes", self.work(at, self.request(2)))
        self.set_ok(PRIORITY, at + self.span(0.00002, 0.004))

    def _rest(self) -> None:
        """Services: the default one, the ranges, and the lease of this API server."""
        moments, rel = self.moments, self.rel
        begun = moments.marks["hooks"]
        if CIDR in moments.flips:
            synced = self._synced("cidr", check=CIDR)
            if not self.stored.classes:
                self.mark("cidr_new", synced + self.span(0.0001, 0.002))
                made = self.mark("cidr_ready", self.work(synced, self.request(12) + self.span(0.05, 0.2)))
                done = self.set_ok(CIDR, self.work(made, self.request(2)))
            else:
                done = self.set_ok(CIDR, synced + self.span(0.0005, 0.02))
            repair = max(self._synced("repair", check=IP_REPAIR), done)
            self.set_ok(IP_REPAIR, ticks(begun, SECOND // 10, repair) + self.span(0.001, 0.02))
        elif IP_REPAIR in moments.flips:
            passes = self.request(8) + self.span(0.02, 0.2) + self.extra(IP_REPAIR)
            self.set_ok(IP_REPAIR, self.work(begun, passes))
        services = self._synced("services", check=BOOTSTRAP)
        at = self.mark("service_try", self.work(services, self.request(2)))
        at = self.mark("endpoints", self.work(at, self.request(2)))
        repair = self.work(at, self.request(8) + self.span(0.02, 0.2)) if rel.minor < 28 else at
        self.set_ok(BOOTSTRAP, repair + self.span(0.00002, 0.01))
        if LEASE in moments.flips and not moments.flips[LEASE]:
            begun = self.mark("old_lease", begun + self.span(0.0001, 0.005))
            self.set_ok(LEASE, self.work(begun, self.request(2) + self.span(0.05, 0.4) + self.extra(LEASE)))

    def _permission(self) -> None:
        """From when on the poller may ask: its binding exists and has arrived in the authorizer's lists."""
        moments = self.moments
        listed = moments.marks["rbac.true"]
        if self.plan.binding_removed:
            return
        if self.stored.binding:
            moments.authorized = listed
        else:
            moments.authorized = max(listed, moments.marks.get("binding", NEVER))


def latency(rng: random.Random, plan: StartPlan, quick: bool) -> int:
    """How long an answer takes, µs: milliseconds on a free machine, up to seconds on a starved one."""
    if plan.starved and rng.random() < 0.6:
        return min(round(rng.lognormvariate(math.log(0.45), 1.2) * SECOND), 20 * SECOND)
    low, high = (0.001, 0.008) if quick else (0.003, 0.05)
    return round(rng.uniform(low, high) * max(1.0, plan.pace) * SECOND)
