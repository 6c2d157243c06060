"""Plays one start: fixes every true moment, asks as the poller would, and writes the lines that follow."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from analyzer.testing import phrasing
from analyzer.testing.model import (
    SECOND,
    CheckTruth,
    EndKind,
    EndTruth,
    Line,
    Outcome,
    PollTruth,
    StartPlan,
    StartTruth,
)
from analyzer.testing.polling import TOTAL_LIMIT, Answer, Asking, legacy, shared
from analyzer.testing.release import Release, release
from analyzer.testing.script_after import Aftermath, hook_failure
from analyzer.testing.script_api import ApiServer
from analyzer.testing.script_setup import Setup
from analyzer.testing.tape import Tape
from analyzer.testing.world import BOOTSTRAP, NEVER, Making, Stored, World

BAD_FLAG = "unknown flag: --enable-admission-plugin"
PORT_TAKEN = (
    "failed to create listener: failed to listen on 127.0.0.1:6444: "
    "listen tcp 127.0.0.1:6444: bind: address already in use"
)
BAD_TOKEN = "bootstrap data already found and encrypted with different token"
HEALTH_LIMIT = 80  # blocks of the API server's own loop, which asks ten times a second


@dataclass(frozen=True, slots=True)
class Identity:
    """Who the process is on its machine."""

    pid: int
    boot_id: str
    invocation_id: str
    address: str
    ca_born: int


@dataclass(frozen=True, slots=True)
class Played:
    """Lines of one start, its truth, and when it was over (the last line's moment)."""

    lines: tuple[Line, ...]
    truth: StartTruth
    over_us: int


@dataclass(slots=True)
class Player:
    """One start in the making; ``run`` does everything."""

    plan: StartPlan
    who: Identity
    stored: Stored
    wall: phrasing.Wall
    rng: random.Random
    began: int
    old_systemd: bool = False
    cut: int = NEVER  # the file is copied here: nothing later is part of the truth
    rel: Release = field(init=False)
    tape: Tape = field(init=False)
    setup: Setup = field(init=False)
    api: ApiServer = field(init=False)
    after: Aftermath = field(init=False)
    world: World = field(init=False)
    polls: list[PollTruth] = field(init=False)
    process: int = field(init=False)
    success: Answer | None = field(init=False)
    doom: int = field(init=False)
    end_in_log: bool = field(init=False)
    reason: str | None = field(init=False)
    failed: bool = field(init=False)

    def __post_init__(self) -> None:
        self.rel = release(self.plan.version)
        self.tape = Tape(self.wall, self.rng, self.who.pid, self.plan.product)
        shared_by_all = (self.tape, self.plan, self.rel, self.stored, self.who.address, self.who.ca_born)
        self.setup = Setup(*shared_by_all)
        self.api = ApiServer(*shared_by_all)
        self.after = Aftermath(*shared_by_all)
        self.world = World()
        self.polls = []
        self.success = None
        self.doom, self.end_in_log, self.reason, self.failed = NEVER, False, None, False

    # ------------------------------------------------------------------ small helpers

    @property
    def unit(self) -> str:
        """The unit's name."""
        if self.plan.product == "rke2":
            return f"rke2-{self.plan.role}.service"
        return "k3s-agent.service" if self.plan.role == "agent" else "k3s.service"

    @property
    def described(self) -> str:
        """The unit in systemd's sentences."""
        text = "Lightweight Kubernetes"
        if self.plan.product == "rke2":
            text = f"Rancher Kubernetes Engine v2 ({self.plan.role})"
        return text if self.old_systemd else f"{self.unit} - {text}"

    def span(self, low: float, high: float) -> int:
        """A length between two numbers of seconds on this machine, µs."""
        return round(self.rng.uniform(low, high) * self.plan.pace * SECOND)

    # ------------------------------------------------------------------ the whole start

    def run(self) -> Played:
        """Play it."""
        plan, tape = self.plan, self.tape
        tape.systemd(self.began, "starting", f"Starting {self.described}...")
        if plan.product == "k3s" and self.rng.random() < 0.6:
            text = "+ /usr/bin/systemctl is-enabled --quiet nm-cloud-setup.service"
            tape.other(self.began + 4000, "sh", self.who.pid - 3, text)
        self.process = self.began + self.rng.randint(12_000, 60_000)
        if plan.fate in ("stop", "kill") and plan.fate_at_s:
            self.doom = self.process + round(plan.fate_at_s * SECOND)
        banner = self.process + self.span(0.05, 0.12) + round(plan.extract_s * SECOND)
        self.setup.banner(banner)
        if plan.role == "agent":
            self._agent(banner)
        elif plan.product == "rke2":
            self._rke2(banner)
        else:
            self._server(banner)
        over = self._finish()
        return Played(tuple(tape.lines()), self._truth(), over)

    # ------------------------------------------------------------------ a k3s server

    def _server(self, banner: int) -> None:
        plan, rel = self.plan, self.rel
        at = self.setup.datastore(banner + 900)
        if plan.fate == "bad-token":
            self._fatal_before(at + 6000)
            return
        at = self.setup.certificates(at + self.span(0.003, 0.02))
        listening = self.setup.supervisor(at + self.span(0.03, 0.3))
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
            self.setup.etcd_fails(begun, min(self.doom, at + TOTAL_LIMIT))
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
            self.doom = min(self.doom, begin + TOTAL_LIMIT)
        at = self._runtime(configured + 500) if plan.node else configured + 500
        store = self._store_ready(at)
        launched = self.setup.launch(max(at, begin) + self.rng.randint(3_000, 90_000))
        dead = self._fatal_launch(launched) or store == NEVER
        boot = NEVER if dead else max(store, launched)
        self._make(boot)
        self._poll_shared(Asking(self.world, plan, self.rel, self.rng, listening), begin)
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
        self._poll_legacy(Asking(self.world, plan, self.rel, self.rng, listening), begin, says="API server")
        self._after()

    def _runtime(self, at: int) -> int:
        return self.setup.runtime(at)

    def _make(self, boot: int) -> None:
        """Draw the API server's course and write its lines."""
        plan = self.plan
        if boot == NEVER:
            self.world.flips = {name: [] for name in self.rel.checks}
            return
        making = Making(plan, self.rel, self.rng, self.stored)
        self.world = world = making.run(boot)
        if world.dead != NEVER:
            self.doom = min(self.doom, world.dead)
        if self.rel.tries_service and not self.stored.service and plan.pace < 1.5 and self.rng.random() < 0.25:
            world.marks["service_early"] = world.marks["service_try"]
        if plan.product != "k3s" or plan.role != "server":
            return
        self.api.boot(world)
        self.api.serve(world)
        self.api.hooks(world)
        if plan.verbose:
            self._own_loop()

    def _own_loop(self) -> None:
        """The API server asks itself every 100 ms once its services are set up, and logs what fails."""
        turned = self.world.flips[BOOTSTRAP]
        if not turned:
            return
        at, shown = turned[0][0] + self.rng.randint(1000, 9000), 0
        while shown < HEALTH_LIMIT and at < min(self.world.ready, self.doom):
            failing = self.world.failing(at)
            if failing:
                self.api.health(at + self.rng.randint(30, 400), failing)
                shown += 1
            at += SECOND // 10

    # ------------------------------------------------------------------ asking

    def _poll_shared(self, asking: Asking, begin: int) -> None:
        """The new era's poller; ends in the success, at a doom, or at its limit of 15 minutes."""
        until = min(self.doom, begin + TOTAL_LIMIT)
        last = "API server not polled"
        head = "Polling for API server readiness: GET /readyz failed: "
        for answer in shared(asking, begin, until):
            if answer.text is None:
                self.success = answer
            elif answer.text != last:
                self.tape.log(answer.answered, head + answer.text)
            elif self.plan.debug:
                self.tape.log(answer.answered, head + "status unchanged", "debug")
            printed = answer.text is not None and answer.text != last
            self.polls.append(answer.truth(printed))
            self._block(answer)
            last = answer.text or last
        if self.success is None and until == begin + TOTAL_LIMIT:
            self._give_up(until, last)

    def _poll_legacy(self, asking: Asking, begin: int, says: str = "") -> None:
        """The old era's waiter: a line per round, nothing per attempt."""
        until = self.doom if self.doom != NEVER else begin + 2 * TOTAL_LIMIT
        for at, answers in legacy(asking, begin, until):
            if says:
                self.tape.log(at, f"Waiting for {says} to become available")
            for answer in answers:
                if answer.text is None:
                    self.success = answer
                self.polls.append(answer.truth(False))
                self._block(answer)

    def _block(self, answer: Answer) -> None:
        """The API server's own line about a failing answer."""
        if self.plan.verbose and answer.failing and self.plan.role == "server" and answer.seen_at is not None:
            self.api.health(answer.seen_at + self.rng.randint(20, 90), answer.failing)

    # ------------------------------------------------------------------ RKE2 and agents

    def _rke2(self, banner: int) -> None:
        """Components are static pods: their lines are elsewhere, polling begins when the pod is there."""
        plan, tape = self.plan, self.tape
        tape.log(banner - 300, "not running in CIS mode", "warning")
        at = self.setup.datastore(banner + 900) if plan.store == "etcd" else banner + 900
        at = self.setup.certificates(at + self.span(0.01, 0.05))
        listening = self.setup.supervisor(at + self.span(0.05, 0.3))
        configured = listening + self.span(0.5, 1.5)
        self.setup.agent_config(listening + 3000, configured)
        at = self._runtime(configured + 500)
        at = tape.soon(at, 2.0 * plan.pace, 6.0 * plan.pace)
        tape.log(at, "Pod for etcd not synced (pod sandbox not found), retrying")
        pod = at + self.span(3.0, 9.0)
        self.setup.run(
            pod - self.span(0.5, 1.5),
            "Pod for etcd is synced",
            "Connection to etcd is ready",
            "ETCD server is now running",
        )
        again = at + 20 * SECOND
        while again < pod + SECOND:
            tape.log(again, "Pod for kube-apiserver not synced (pod sandbox not found), retrying")
            again += 20 * SECOND
        seen = pod + self.rng.randint(400_000, 2_500_000)
        self._make(pod)
        tape.log(seen, "Pod for kube-apiserver is synced")
        begin = seen + self.rng.randint(500, 3000)
        if plan.fate == "limit" or plan.binding_removed:
            self.doom = min(self.doom, begin + TOTAL_LIMIT)
        asking = Asking(self.world, plan, self.rel, self.rng, listening)
        if self.rel.shared:
            self._poll_shared(asking, begin)
        else:
            self._poll_legacy(asking, begin, says="API server")
        self.stored.initialised = True
        self._after()

    def _agent(self, banner: int) -> None:
        """An agent asks another machine's API server through its own load balancer."""
        plan, tape, rel = self.plan, self.tape, self.rel
        product, server = plan.product, "192.0.2.10"
        port = 9345 if product == "rke2" else 6443
        at = tape.soon(banner)
        balancer = f"{product}-agent-load-balancer"
        tape.log(at, f"Running load balancer {balancer} 127.0.0.1:6444 -> [{server}:{port}] [default: {server}:{port}]")
        late = round(plan.server_late_s * SECOND)
        listening = self.process + late if late else self.process - 600 * SECOND
        again = at + self.rng.randint(3000, 20000)
        while again < min(listening, self.doom):
            cause = 'failed to get CA certs: Get "https://127.0.0.1:6444/cacerts": '
            own = self.rng.randint(33000, 60999)
            broken = f"read tcp 127.0.0.1:{own}->127.0.0.1:6444: read: connection reset by peer"
            cause += self.rng.choice(("EOF", broken))
            if rel.shared:
                cause = f"Failed to validate connection to cluster at https://{server}:{port}: {cause}"
            tape.log(again, cause, "error")
            again += 2 * SECOND + self.rng.randint(500, 6000)
        at = max(at, listening + self.rng.randint(100_000, 1_900_000) if late else 0)
        if late:
            url = f"https://127.0.0.1:6444/v1-{product}/readyz: 500 Internal Server Error"
            tape.log(at, f"Waiting to retrieve agent configuration; server is not ready: {url}")
        configured = at + self.span(0.3, 0.8)
        self.setup.agent_config(at + 2000, configured)
        self._make(listening + self.span(0.2, 0.5))
        asking = Asking(self.world, plan, rel, self.rng, listening, port=6444)
        begin = configured + self.rng.randint(300, 900)
        self._runtime(configured + 4000)
        if rel.shared:
            self._poll_shared(asking, begin)
        else:
            self._poll_legacy(asking, begin)
        if self.success is None:
            return
        at = self.after.kubelet(self.success.answered) if product == "k3s" else self.success.answered
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
        plan, world = self.plan, self.world
        if world.ready != NEVER and world.ready < self.doom and plan.product == "k3s":
            self.api.service_after(world)
        if self.success is None:
            return
        at = self.after.gated(self.success.answered + self.rng.randint(60, 900))
        self._started(at)
        if plan.node and plan.product == "k3s":
            kubelet = at + (self.span(0.0, 0.9) if not self.rel.shared else 3000)
            self.after.kubelet(kubelet)
            self.stored.names.add(plan.host)

    def _started(self, at: int) -> None:
        if at < self.doom:
            self.tape.systemd(at + self.rng.randint(200, 900), "started", f"Started {self.described}.")

    # ------------------------------------------------------------------ ends

    def _fatal_before(self, at: int) -> None:
        """The server cannot be prepared: the token is another one."""
        self.world.flips = {name: [] for name in self.rel.checks}
        chain = f"failed to bootstrap cluster data: {BAD_TOKEN}" if self.rel.minor >= 32 else BAD_TOKEN
        text = (
            f"preparing server: {chain}" if self.rel.minor >= 32 else f"starting kubernetes: preparing server: {chain}"
        )
        if self.rel.exit_zero:
            self.tape.log(at - 20, "Shutdown request received")
        self.tape.log(at, text, "fatal")
        self._die(at, BAD_TOKEN, status=1)

    def _fatal_launch(self, at: int) -> bool:
        """The API server ends as soon as it begins."""
        causes = {"bad-flag": BAD_FLAG, "port-taken": PORT_TAKEN}
        cause = causes.get(self.plan.fate)
        if cause is None:
            return False
        at += self.rng.randint(400, 3000)
        self.tape.raw(at, f"Error: {cause}")
        if not self.rel.exit_zero:
            level = "fatal" if self.rel.minor <= 28 else "error"
            self.tape.log(at + 6, f"apiserver exited: {cause}", level)
        else:
            quoted = (
                phrasing.go_quote(f"apiserver exited: {cause}")
                if self.rel.quotes_cause
                else f"apiserver exited: {cause}"
            )
            self.tape.log(at + 6, f"Shutdown request received: {quoted}", "error")
            text = f"Polling for API server readiness: GET /readyz failed: {phrasing.canceled(6443)}"
            self.tape.log(at + 260, text)
            self.polls.append(PollTruth(at + 5, at + 260, None, "context_canceled", printed=True))
            self.tape.log(at + 300, "Closing database connections...")
        self._die(at + 400, cause, status=0 if self.rel.exit_zero else 1)
        return True

    def _give_up(self, at: int, last: str) -> None:
        """Fifteen minutes are over."""
        glue = "\n" if self.rel.joins_with_newline else ", "
        cause = f"ait for API server to become ready: context deadline exceeded{glue}{last}"
        if not self.rel.exit_zero:
            self.tape.log(at, f"Failed to w{cause}", "fatal")
        else:
            text = f"failed to w{cause}"
            quoted = phrasing.go_quote(text) if self.rel.quotes_cause else text
            self.tape.log(at, f"Shutdown request received: {quoted}", "error")
            if self.plan.store == "etcd":
                self.tape.log(at + 1100, "Stopping etcd server...")
                self.tape.log(at + 1600, "etcd exited: server is stopping", "error")
        self._die(at + 1700, "to become ready: context deadline exceeded", status=0 if self.rel.exit_zero else 1)

    def _die(self, at: int, reason: str, *, status: int) -> None:
        """The process ends by itself; systemd notices."""
        self.doom = self.tape.end = at
        self.reason, self.failed, self.end_in_log = reason, True, True
        at += self.rng.randint(3000, 20_000)
        if status == 0:
            started = any(
                line.fields.get("MESSAGE_ID") == "39f53479d3a045ac8e11786248231fbf" for _, _, line in self.tape.rows
            )
            if started:
                self._succeeded(at)
            else:
                self.tape.systemd(at, "failed", f"{self.unit}: Failed with result 'protocol'.", 4)
            return
        name = {1: "FAILURE", 2: "INVALIDARGUMENT"}[status]
        text = f"{self.unit}: Main process exited, code=exited, status={status}/{name}"
        self.tape.systemd(at, "exited", text, 5, EXIT_CODE="exited", EXIT_STATUS=str(status))
        self.tape.systemd(at + 90, "failed", f"{self.unit}: Failed with result 'exit-code'.", 4)

    def _succeeded(self, at: int) -> None:
        words = "Succeeded." if self.old_systemd else "Deactivated successfully."
        self.tape.systemd(at, "succeeded", f"{self.unit}: {words}")

    def _finish(self) -> int:
        """Whatever ends the start, or the end of the recording; the moment after which the next may begin."""
        plan, tape = self.plan, self.tape
        noticed = self.success.answered if self.success is not None else None
        if plan.fate in ("stop", "kill") and not plan.fate_at_s:
            after = noticed if noticed is not None else self.process
            self.doom = after + round(plan.run_s * SECOND)
        if plan.fate == "hook-limit" and self.world.dead != NEVER and self.doom == self.world.dead:
            text, reason = hook_failure()
            last = self.after.panic(self.world.dead, text)
            self._die(last, reason, status=2)
            return last
        if plan.fate == "kill":
            tape.end = self.doom
            self.failed = True
            at = self.doom + self.rng.randint(300, 9000)
            text = f"{self.unit}: Main process exited, code=killed, status=9/KILL"
            tape.systemd(at, "exited", text, 5, EXIT_CODE="killed", EXIT_STATUS="9")
            tape.systemd(at + 80, "failed", f"{self.unit}: Failed with result 'signal'.", 4)
            return at
        if plan.fate == "stop":
            return self._stop(before_ready=noticed is None or noticed > self.doom)
        if self.failed:
            return self.doom
        last = noticed if noticed is not None else self.process + 60 * SECOND
        tape.end = min(tape.end, last + round(plan.run_s * SECOND))
        return tape.end

    def _stop(self, *, before_ready: bool) -> int:
        """Somebody asked systemd to stop it."""
        tape, at = self.tape, self.doom
        tape.systemd(at, "stopping", f"Stopping {self.described}...")
        told = at + self.rng.randint(200, 3000)
        tape.end = told
        # Nothing of the normal course is said any more: only the noise of going down.
        kept = tape.lines()
        tape.rows = [(line.at_us, number, line) for number, line in enumerate(kept)]
        tape.end = NEVER
        self.end_in_log = self.rel.says_signal
        self.after.closing(told, before_ready=before_ready)
        if before_ready and self.plan.cancel_prints_ready and self.rel.cancel_closes and self.plan.role == "server":
            self.setup.run(told + 2000, "Kube API server is now running", f"{self.plan.product} is up and running")
        over = at + self.rng.randint(60_000, 900_000)
        self._succeeded(over)
        tape.systemd(over + 900, "stopped", f"Stopped {self.described}.")
        return over + 1000

    # ------------------------------------------------------------------ the truth

    def _truth(self) -> StartTruth:
        plan, world, cut = self.plan, self.world, self.cut
        success = self.success if self.success is not None and self.success.answered <= min(cut, self.doom) else None
        seen = success.seen_at if success is not None else None
        until = min(cut, self.doom, seen if seen is not None else NEVER)
        turned = {name: world.cleared(name, until) for name in world.flips}
        values = [when for when in turned.values() if when is not None]
        ready = max(values) if values and len(values) == len(turned) else None
        over = self.doom != NEVER and self.doom <= cut
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
            reason_has=self.reason if over and outcome == "failed" else None,
            serving_us=world.serving if world.serving <= until else None,
            ready_us=ready,
            detected_us=success.answered if success is not None else None,
            poller=self.rel.kind,
            interval_us=self.rel.interval_us,
            polls=tuple(
                sorted((p for p in self.polls if p.answered_us <= min(cut, self.doom)), key=lambda p: p.answered_us)
            ),
            checks={name: CheckTruth(when) for name, when in turned.items()},
            end=EndTruth(kind, self.doom if over else None),
        )

    def remember(self) -> None:
        """Put into the datastore what this start wrote before it ended."""
        world, stored = self.world, self.stored
        end = min(self.doom, self.tape.end)
        if world.serving > end:
            return
        if world.cleared("poststarthook/rbac/bootstrap-roles", end) is not None:
            stored.roles, stored.binding = 1.0, True
        elif world.failed_tries or world.marks.get("rbac_try", NEVER) < end:
            stored.roles = min(0.95, stored.roles + 0.3)
            stored.binding = stored.binding or stored.roles > 0.57 or world.marks.get("binding", NEVER) < end
        if world.marks.get("classes", NEVER) < end:
            stored.classes = True
        if world.marks.get("service_early", NEVER) < end or world.ready < end - SECOND:
            stored.service = True
