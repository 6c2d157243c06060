"""What is known of one start while it is generated: the plan, the moments fixed so far, and who writes its lines."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from analyzer.testing import log_wording
from analyzer.testing.line_buffer import LineBuffer
from analyzer.testing.poller import Answer
from analyzer.testing.release import Release, release
from analyzer.testing.script_after import Aftermath
from analyzer.testing.script_api import ApiServer
from analyzer.testing.script_setup import Setup
from analyzer.testing.static_pods import Pods
from analyzer.testing.true_moments import NEVER, DatastoreState, TrueMoments
from analyzer.testing.truth import SECOND, PollTruth, StartPlan


@dataclass(frozen=True, slots=True)
class Identity:
    """Who the process is on its machine."""

    pid: int
    boot_id: str
    invocation_id: str
    address: str
    ca_born: int


@dataclass(slots=True)
class StartState:
    """One start in the making."""

    plan: StartPlan
    who: Identity
    stored: DatastoreState
    wall: log_wording.Wall
    rng: random.Random
    began: int
    old_systemd: bool = False
    cut: int = NEVER  # the file is copied here: nothing later is part of the truth
    rel: Release = field(init=False)
    buffer: LineBuffer = field(init=False)
    setup: Setup = field(init=False)
    api: ApiServer = field(init=False)
    after: Aftermath = field(init=False)
    moments: TrueMoments = field(init=False)
    polls: list[PollTruth] = field(init=False)
    process: int = field(init=False)
    success: Answer | None = field(init=False)
    dies_at: int = field(init=False)
    end_in_log: bool = field(init=False)
    reason: str | None = field(init=False)
    pods: Pods = field(init=False)  # RKE2: where the API server's own lines go
    failed: bool = field(init=False)
    reached: dict[str, int] = field(default_factory=dict)  # goals beside the API server's readiness, µs

    def __post_init__(self) -> None:
        self.rel = release(self.plan.version)
        self.buffer = LineBuffer(self.wall, self.rng, self.who.pid, self.plan.product)
        shared_by_all = (self.buffer, self.plan, self.rel, self.stored, self.who.address, self.who.ca_born)
        self.setup = Setup(*shared_by_all)
        self.api = ApiServer(*shared_by_all)
        self.after = Aftermath(*shared_by_all)
        # A stream of its own: what is in the journal does not depend on what is beside it.
        rng = random.Random(f"pods/{self.who.invocation_id}")
        self.pods = Pods(self.plan, self.rel, self.stored, self.who.address, self.who.ca_born, rng)
        self.moments = TrueMoments()
        self.polls = []
        self.success = None
        self.dies_at, self.end_in_log, self.reason, self.failed = NEVER, False, None, False

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
