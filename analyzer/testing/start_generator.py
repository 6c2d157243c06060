"""Generates one start: fixes every true moment, asks as the poller would, and writes the lines that follow."""

from __future__ import annotations

from dataclasses import dataclass

from analyzer.testing.poller import TOTAL_LIMIT, Answer, Asking, legacy, shared
from analyzer.testing.start_ends import Endings
from analyzer.testing.true_moments import BOOTSTRAP, NEVER, MomentsGenerator
from analyzer.testing.truth import (
    SECOND,
    CheckTruth,
    EndKind,
    EndTruth,
    Line,
    Outcome,
    StartTruth,
)

HEALTH_LIMIT = 80  # blocks of the API server's own loop, which asks ten times a second


@dataclass(frozen=True, slots=True)
class GeneratedStart:
    """Lines of one start, its truth, and when it was over (the last line's moment)."""

    lines: tuple[Line, ...]
    truth: StartTruth
    over_us: int


class StartGenerator(Endings):
    """One start in the making; ``run`` does everything."""

    __slots__ = ()

    # ------------------------------------------------------------------ the whole start

    def run(self) -> GeneratedStart:
        """Generate it."""
        plan, buffer = self.plan, self.buffer
        buffer.systemd(self.began, "starting", f"Starting {self.described}...")
        if plan.product == "k3s" and self.rng.random() < 0.6:
            text = "+ /usr/bin/systemctl is-enabled --quiet nm-cloud-setup.service"
            buffer.other(self.began + 4000, "sh", self.who.pid - 3, text)
        self.process = self.began + self.rng.randint(12_000, 60_000)
        if plan.fate in ("stop", "kill") and plan.fate_at_s:
            self.dies_at = self.process + round(plan.fate_at_s * SECOND)
        banner = self.process + self.span(0.05, 0.12) + round(plan.extract_s * SECOND)
        if not self._fatal_words(banner, "usage"):
            self._after_banner(banner)
        over = self._finish()
        return GeneratedStart(tuple(buffer.lines()), self._truth(), over)

    def _after_banner(self, banner: int) -> None:
        plan = self.plan
        self.setup.banner(banner)
        if plan.role == "agent":
            self._agent(banner)
        elif plan.product == "rke2":
            self._rke2(banner)
        else:
            self._server(banner)

    # ------------------------------------------------------------------ a k3s server

    def _server(self, banner: int) -> None:
        plan, rel = self.plan, self.rel
        at = self.setup.datastore(banner + 900)
        if plan.fate == "bad-token":
            self._fatal_before(at + 6000)
            return
        if self._fatal_words(at + 6000, "prepare"):
            return
        at = self.setup.certificates(at + self.span(0.003, 0.02))
        listening = self.setup.supervisor(at + self.span(0.03, 0.3))
        if self._fatal_words(listening + 90_000, "crash"):
            return
        configured = listening + self.span(0.4, 1.2)
        if rel.shared:
            self.setup.agent_config(listening + 3000, configured)
            self._new_order(listening, configured)
        else:
            self.setup.agent_config(listening + self.span(0.6, 1.0), listening + self.span(1.2, 2.4))
            self._old_order(listening)
        self.stored.initialised = True

    def _store_ready(self, at: int) -> int:
        """When the API server can go: the datastore answers."""
        plan = self.plan
        if plan.store != "etcd":
            if self.rel.shared:
                self.setup.run(at, "Connection to etcd is ready", "ETCD server is now running", step=0.0001)
            return at + 300
        begun = self.setup.etcd_before(at)
        if plan.unreachable:
            self.setup.etcd_fails(begun, min(self.dies_at, at + TOTAL_LIMIT))
            return NEVER
        ready = begun + self.span(0.9, 1.3) + (self.span(1.0, 4.0) if plan.join else 0)
        ready += round(plan.datastore_late_s * SECOND)
        if plan.datastore_late_s > 6:
            self.setup.etcd_fails(begun, ready - SECOND)
        self.setup.etcd_after(ready)
        if self.rel.shared:
            self.setup.run(ready, "ETCD server is now running", step=0.0001)
        return ready + 400

    def _new_order(self, listening: int, configured: int) -> None:
        """Polling begins with the agent's configuration, before the API server is launched."""
        plan = self.plan
        begin = configured + self.rng.randint(300, 900)
        if plan.fate == "limit" or plan.unreachable or plan.binding_removed:
            self.dies_at = min(self.dies_at, begin + TOTAL_LIMIT)
        at = self._runtime(configured + 500) if plan.node else configured + 500
        store = self._store_ready(at)
        launched = self.setup.launch(max(at, begin) + self.rng.randint(3_000, 90_000))
        dead = self._fatal_launch(launched) or store == NEVER
        boot = NEVER if dead else max(store, launched)
        self._make(boot)
        self._poll_shared(Asking(self.moments, plan, self.rel, self.rng, listening), begin)
        self._after()

    def _old_order(self, listening: int) -> None:
        """The server's parts first, the agent's beside them; the waiter begins beside the API server."""
        plan = self.plan
        store = self._store_ready(listening + self.span(0.01, 0.05))
        launched = self.setup.launch(store + self.span(0.02, 0.2))
        if plan.node:
            self._runtime(launched + self.span(1.5, 2.5))
        boot = NEVER if self._fatal_launch(launched) else launched
        self._make(boot)
        begin = boot + self.span(0.01, 0.02) if boot != NEVER else launched + 5000
        self._poll_legacy(Asking(self.moments, plan, self.rel, self.rng, listening), begin, says="API server")
        self._after()

    def _runtime(self, at: int) -> int:
        self.reached["images"] = at = self.setup.runtime(at)
        return at

    def _make(self, boot: int) -> None:
        """Draw the API server's moments and write its lines."""
        plan = self.plan
        if boot == NEVER:
            self.moments.flips = {name: [] for name in self.rel.checks}
            return
        generator = MomentsGenerator(plan, self.rel, self.rng, self.stored)
        self.moments = moments = generator.run(boot)
        self._fatal_serving()
        if moments.dead != NEVER:
            self.dies_at = min(self.dies_at, moments.dead)
        if self.rel.tries_service and not self.stored.service and plan.pace < 1.5 and self.rng.random() < 0.25:
            moments.marks["service_early"] = moments.marks["service_try"]
        if plan.product == "rke2" and plan.role == "server":
            self.moments = self.pods.write(boot, moments, plan.api_dies_at_s)
        if plan.product != "k3s" or plan.role != "server":
            return
        self.api.boot(moments)
        self.api.serve(moments)
        self.api.hooks(moments)
        self.api.slowness(moments)
        if plan.verbose:
            self._own_loop()

    def _own_loop(self) -> None:
        """The API server asks itself every 100 ms once its services are set up, and logs what fails."""
        turned = self.moments.flips[BOOTSTRAP]
        if not turned:
            return
        at, shown = turned[0][0] + self.rng.randint(1000, 9000), 0
        while shown < HEALTH_LIMIT and at < min(self.moments.ready, self.dies_at):
            failing = self.moments.failing(at)
            if failing:
                self.api.health(at + self.rng.randint(30, 400), failing)
                shown += 1
            at += SECOND // 10

    # ------------------------------------------------------------------ asking

    def _poll_shared(self, asking: Asking, begin: int) -> None:
        """The new era's poller; ends in the success, at a dies_at, or at its limit of 15 minutes."""
        until = min(self.dies_at, begin + TOTAL_LIMIT)
        last = "API server not polled"
        head = "Polling for API server readiness: GET /readyz failed: "
        for answer in shared(asking, begin, until):
            if answer.text is None:
                self.success = answer
            elif answer.text != last:
                self.buffer.log(answer.answered, head + answer.text)
            elif self.plan.debug:
                self.buffer.log(answer.answered, head + "status unchanged", "debug")
            printed = answer.text is not None and answer.text != last
            self.polls.append(answer.truth(printed))
            self._block(answer)
            last = answer.text or last
        if self.success is None and until == begin + TOTAL_LIMIT:
            self._give_up(until, last)

    def _poll_legacy(self, asking: Asking, begin: int, says: str = "") -> None:
        """The old era's waiter: a line per round, nothing per attempt."""
        until = self.dies_at if self.dies_at != NEVER else begin + 2 * TOTAL_LIMIT
        for at, answers in legacy(asking, begin, until):
            if says:
                self.buffer.log(at, f"Waiting for {says} to become available")
            for answer in answers:
                if answer.text is None:
                    self.success = answer
                self.polls.append(answer.truth(False))
                self._block(answer)

    def _block(self, answer: Answer) -> None:
        """The API server's own line about a failing answer."""
        if self.plan.verbose and answer.failing and self.plan.role == "server" and answer.seen_at is not None:
            at = answer.seen_at + self.rng.randint(20, 90)
            api = self.pods.api_at(at) if self.plan.product == "rke2" else self.api
            api.health(at, answer.failing)

    # ------------------------------------------------------------------ RKE2 and agents

    def _rke2(self, banner: int) -> None:
        """Components are static pods: their lines are elsewhere, polling begins when the pod is there."""
        plan, buffer = self.plan, self.buffer
        buffer.log(banner - 300, "not running in CIS mode", "warning")
        at = self.setup.datastore(banner + 900) if plan.store == "etcd" else banner + 900
        at = self.setup.certificates(at + self.span(0.01, 0.05))
        listening = self.setup.supervisor(at + self.span(0.05, 0.3))
        configured = listening + self.span(0.5, 1.5)
        self.setup.agent_config(listening + 3000, configured)
        at = self._runtime(configured + 500)
        at = buffer.soon(at, 2.0 * plan.pace, 6.0 * plan.pace)
        buffer.log(at, "Pod for etcd not synced (pod sandbox not found), retrying")
        pod = at + self.span(3.0, 9.0)
        self.setup.run(
            pod - self.span(0.5, 1.5),
            "Pod for etcd is synced",
            "Connection to etcd is ready",
            *(
                ["ETCD server is now running"] if self.rel.shared else []
            ),  # before, it came behind the API server's line
        )
        again = at + 20 * SECOND
        while again < pod + SECOND:
            buffer.log(again, "Pod for kube-apiserver not synced (pod sandbox not found), retrying")
            again += 20 * SECOND
        seen = pod + self.rng.randint(400_000, 2_500_000)
        self._make(pod)
        buffer.log(seen, "Pod for kube-apiserver is synced")
        begin = seen + self.rng.randint(500, 3000)
        if plan.fate == "limit" or plan.binding_removed:
            self.dies_at = min(self.dies_at, begin + TOTAL_LIMIT)
        asking = Asking(self.moments, plan, self.rel, self.rng, listening)
        if self.rel.shared:
            self._poll_shared(asking, begin)
        else:
            self._poll_legacy(asking, begin, says="API server")
        self.stored.initialised = True
        self._after()

    def _agent(self, banner: int) -> None:
        """An agent asks another machine's API server through its own load balancer."""
        plan, buffer, rel = self.plan, self.buffer, self.rel
        product, server = plan.product, "192.0.2.10"
        port = 9345 if product == "rke2" else 6443
        at = buffer.soon(banner)
        balancer = f"{product}-agent-load-balancer"
        buffer.log(
            at, f"Running load balancer {balancer} 127.0.0.1:6444 -> [{server}:{port}] [default: {server}:{port}]"
        )
        late = round(plan.server_late_s * SECOND)
        listening = self.process + late if late else self.process - 600 * SECOND
        again = at + self.rng.randint(3000, 20000)
        while again < min(listening, self.dies_at):
            cause = 'failed to get CA certs: Get "https://127.0.0.1:6444/cacerts": '
            own = self.rng.randint(33000, 60999)
            broken = f"read tcp 127.0.0.1:{own}->127.0.0.1:6444: read: connection reset by peer"
            cause += self.rng.choice(("EOF", broken))
            if rel.shared:
                cause = f"Failed to validate connection to cluster at https://{server}:{port}: {cause}"
            buffer.log(again, cause, "error")
            again += 2 * SECOND + self.rng.randint(500, 6000)
        at = max(at, listening + self.rng.randint(100_000, 1_900_000) if late else 0)
        if late:
            url = f"https://127.0.0.1:6444/v1-{product}/readyz: 500 Internal Server Error"
            buffer.log(at, f"Waiting to retrieve agent configuration; server is not ready: {url}")
        configured = at + self.span(0.3, 0.8)
        self.setup.agent_config(at + 2000, configured)
        self._make(listening + self.span(0.2, 0.5))
        asking = Asking(self.moments, plan, rel, self.rng, listening, port=6444)
        begin = configured + self.rng.randint(300, 900)
        imported = self._runtime(configured + 4000)
        if rel.shared:
            self._poll_shared(asking, begin)
        else:
            self._poll_legacy(asking, begin)
        if self.success is None:
            return
        asked = max(self.success.answered, imported) if plan.images_s else self.success.answered
        at = self._kubelet(asked) if product == "k3s" else self._kubelet_elsewhere(asked)
        at = self.setup.run(
            at + self.span(0.05, 0.3),
            "Starting flannel with backend vxlan"
            if product == "k3s"
            else "Tunnel authorizer set Kubelet Port 0.0.0.0:10250",
            f"{product} agent is up and running",
            step=0.3,
        )
        self._started(at)

    # ------------------------------------------------------------------ after the success

    def _after(self) -> None:
        """The lines that waited for readiness; the datastore now holds what the hooks wrote."""
        plan, moments = self.plan, self.moments
        if moments.ready != NEVER and moments.ready < self.dies_at and plan.product == "k3s":
            self.api.service_after(moments)
        if self.success is None:
            return
        if plan.product == "rke2" and plan.role == "server":
            self.pods.after(moments, self.success.answered)
        at = self.after.gated(self.success.answered + self.rng.randint(60, 900))
        self._started(at)
        if plan.node and plan.product == "k3s":
            kubelet = at + (self.span(0.0, 0.9) if not self.rel.shared else 3000)
            self._kubelet(kubelet)
            self.stored.names.add(plan.host)

    def _kubelet_elsewhere(self, at: int) -> int:
        """An RKE2 agent's kubelet has a log of its own; the agent waits for the node's object all the same."""
        self.reached["node"] = done = at + self.span(0.05, 0.3)
        return done

    def _kubelet(self, at: int) -> int:
        self.reached["node"] = done = self.after.kubelet(at)
        if self.plan.node_ready_s:
            self.reached["node_ready"] = done + round(self.plan.node_ready_s * SECOND) + 20_000  # its patch is answered
        return done

    def _started(self, at: int) -> None:
        self.reached["started"] = at
        if at < self.dies_at:
            self.buffer.systemd(at + self.rng.randint(200, 900), "started", f"Started {self.described}.")

    # ------------------------------------------------------------------ the truth

    def _truth(self) -> StartTruth:
        plan, moments, cut = self.plan, self.moments, self.cut
        success = self.success if self.success is not None and self.success.answered <= min(cut, self.dies_at) else None
        seen = success.seen_at if success is not None else None
        until = min(cut, self.dies_at, seen if seen is not None else NEVER)
        turned = {name: moments.cleared(name, until) for name in moments.flips}
        values = [when for when in turned.values() if when is not None]
        ready = max(values) if values and len(values) == len(turned) else None
        over = self.dies_at != NEVER and self.dies_at <= cut
        kind: EndKind = "running" if not over else "failed" if self.failed else "stopped"
        outcome: Outcome = "ready" if success is not None else "incomplete" if kind == "running" else kind
        return StartTruth(
            began_us=self.began,
            exec_us=self.process,
            host=plan.host,
            unit=self.unit,
            pid=self.who.pid,
            version=plan.version,
            product=plan.product,
            role=plan.role,
            boot_id=self.who.boot_id,
            invocation_id=self.who.invocation_id,
            outcome=outcome,
            end_in_log=self.end_in_log and over,
            detection_in_log=success is not None,
            reason_has=self.reason if over and outcome == "failed" else None,
            serving_us=moments.serving if moments.serving <= until else None,
            ready_us=ready,
            detected_us=success.answered if success is not None else None,
            poller=self.rel.kind,
            interval_us=self.rel.interval_us,
            polls=tuple(
                sorted((p for p in self.polls if p.answered_us <= min(cut, self.dies_at)), key=lambda p: p.answered_us)
            ),
            checks={name: CheckTruth(when) for name, when in turned.items()},
            end=EndTruth(kind, self.dies_at if over else None),
            goals=self._goals(ready),
        )

    def _goals(self, ready: int | None) -> dict[str, int | None]:
        """When each goal of the role was reached before its end and before the journal was copied."""
        agent, last = self.plan.role == "agent", min(self.cut, self.dies_at)
        came = {name: self.reached.get(name) for name in ("images", "node", "node_ready", "started")}
        reached = {name: at if at is not None and at <= last else None for name, at in came.items()}
        return {"server" if agent else "api": ready, **reached}

    def remember(self) -> None:
        """Put into the datastore what this start wrote before it ended."""
        moments, stored = self.moments, self.stored
        end = min(self.dies_at, self.buffer.end)
        if moments.serving > end:
            return
        if moments.cleared("poststarthook/rbac/bootstrap-roles", end) is not None:
            stored.roles, stored.binding = 1.0, True
        elif moments.failed_tries or moments.marks.get("rbac_try", NEVER) < end:
            stored.roles = min(0.95, stored.roles + 0.3)
            stored.binding = stored.binding or stored.roles > 0.57 or moments.marks.get("binding", NEVER) < end
        if moments.marks.get("classes", NEVER) < end:
            stored.classes = True
        if moments.marks.get("service_early", NEVER) < end or moments.ready < end - SECOND:
            stored.service = True
