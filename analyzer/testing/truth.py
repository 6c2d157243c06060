"""What a generated journal is made from (``Scenario``, ``StartPlan``) and the truth about it (``Truth``).

Times of plans are float seconds, times of truths are whole µs since 1970 in UTC. ``Truth.as_dict`` gives the object
that is written as ``truth.json``::

    {"schema": "k3slog.truth", "seed": 7, "scenario": "healthy-sqlite", "story": "…",
     "text_from_us": null, "text_to_us": null,          # the file holds only lines of this span; null: not cut
     "starts": [{
        "began_us", "exec_us",                          # systemd's Starting; the process begins
        "host", "unit", "pid", "version", "product", "role", "boot_id", "invocation_id",
        "outcome",                                      # ready | failed | stopped | incomplete
        "end_in_log",                                   # the process's own lines tell of its end
        "detection_in_log",                             # a line that only follows the success is in the text
        "reason_has",                                   # text that the reason of a failure must contain, or null
        "serving_us",                                   # "Serving securely" of the API server that is polled, or null
        "ready_us",                                     # /readyz turned OK and stayed so (until noticed); null: never
        "detected_us",                                  # the successful answer was read; null: never
        "poller", "interval_us",                        # shared-2s | legacy-4x1s | legacy-30s
        "polls": [{"departed_us", "answered_us", "http_status", "error", "failing", "shown_failing", "cut", "printed"}],
        "checks": {name: {"ok_us"}},                    # last turn to ok before ready; null: never
        "end": {"kind", "at_us"},                       # running | stopped | failed
        "goals": {goal: at_us}}]}                       # those of its role; null: not reached by the end of the journal

``polls`` are the attempts of the server's own waiter in time order, the success (``error`` null) last; ``failing`` is
what failed when the answer was made, ``shown_failing`` what of it a body cut at 2048 bytes still shows. ``printed``
says that a line with the attempt's error is in the text (the ``status unchanged`` lines of ``--debug`` do not count).
A file that is cut at its end is a journal copied at that moment: nothing later has happened in its truth.
For agents and RKE2, ``serving_us``, ``ready_us`` and ``checks`` speak of the API server that they poll, whose own
lines are not in this journal.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Literal

Outcome = Literal["ready", "failed", "stopped", "incomplete"]
EndKind = Literal["running", "stopped", "failed"]
Role = Literal["server", "agent"]
Store = Literal["sqlite", "etcd", "external"]
Fate = Literal["run", "stop", "kill", "hook-limit", "bad-flag", "bad-token", "port-taken", "limit", "fatal"]
SECOND = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class StartPlan:
    """One start of one process: which release, on what machine, and what becomes of it. Seconds unless named."""

    version: str = "v1.33.4+k3s1"
    commit: str = "148243c4"
    product: Literal["k3s", "rke2"] = "k3s"
    role: Role = "server"
    host: str = "node-a"
    store: Store = "sqlite"
    fresh: bool = True
    node: bool = True  # with kubelet and container runtime
    pace: float = 1.0  # 1: a free core; 2.5: a quarter of one; 6: an eighth
    request_ms: float = 0.2  # the datastore's own part of a request
    starved: bool = False  # slow answers, late journal stamps
    debug: bool = False  # --debug: unchanged polls are logged too
    verbose: bool = False  # -v 2: the API server logs its failing health answers
    extra: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))  # check → added seconds of work
    rbac_failures: int = 0  # tries of the rbac hook that fail before one succeeds
    rbac_try_s: float = 4.0  # length of a failing try
    aggregated_api_s: float = 0.0  # the discovery round waits for a dead API this long
    images_s: float = 0.0  # the import of the images directory takes so long
    hooks_s: float = 0.0  # servers: a start-up hook of k3s keeps it from being up for so long after readiness
    node_ready_s: float = 0.0  # the kubelet says that its node is ready so long after it was registered; 0: it does not
    stall_at_s: float | None = None  # the datastore stops answering so long after serving …
    stall_s: float = 0.0  # … for so long
    datastore_late_s: float = 0.0  # the datastore answers so much later
    unreachable: bool = False  # the datastore never answers: the API server is never installed
    binding_removed: bool = False  # the poller is refused for ever
    extract_s: float = 0.0  # unpacking the data folder before the banner
    server_late_s: float = 0.0  # agents: how long their server does not answer
    join: bool = False  # etcd: joins a cluster that exists
    fate: Fate = "run"
    fate_at_s: float = 0.0  # stop, kill: so long after the process began
    last_words: str = ""  # fate "fatal": the cause, in whose words it ends (``last_words.py``)
    cancel_prints_ready: bool = False  # on a stop before ready, releases that close the channel say "now running"
    api_dies_at_s: float | None = None  # RKE2: its API server's container dies so long after its first words
    run_s: float = 6.0  # lines go on so long after ready
    gap_s: float = 5.0  # to the next start of this host
    reboot: bool = False  # the machine was rebooted before this start
    restarted: int = 0  # systemd's restart counter, 0: not an automatic restart

    def __post_init__(self) -> None:
        if (self.fate == "fatal") != bool(self.last_words):
            raise ValueError("last_words and the fate fatal go together")
        if self.pace <= 0 or self.request_ms < 0:
            raise ValueError("pace must be positive and request_ms not negative")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A journal: starts in order (those of one host one after another), the clock, and where the file is cut."""

    name: str
    story: str = ""
    starts: tuple[StartPlan, ...] = (StartPlan(),)
    begin: datetime = datetime(2026, 3, 1, 6, 3, 22, tzinfo=UTC)
    utc_offset_min: int = 0
    zone: str = "UTC"  # as short-full prints it
    old_systemd: bool = False  # wording before systemd 252
    host_offset_s: float = 7.0  # each further host begins so much later
    cut_before_s: float | None = None  # the file lacks what came before, seconds after begin
    cut_after_s: float | None = None  # the file was copied then


@dataclass(frozen=True, slots=True)
class PollTruth:
    """One attempt; ``error`` is the contract's id, ``None`` for the success."""

    departed_us: int
    answered_us: int
    http_status: int | None
    error: str | None
    failing: tuple[str, ...] = ()
    shown_failing: tuple[str, ...] = ()
    cut: bool = False
    printed: bool = False


@dataclass(frozen=True, slots=True)
class CheckTruth:
    """When the check turned ok for the last time before ready; ``None``: never."""

    ok_us: int | None


@dataclass(frozen=True, slots=True)
class EndTruth:
    """What became of the process."""

    kind: EndKind = "running"
    at_us: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StartTruth:
    """All that is true about one start; see the module's docstring."""

    began_us: int
    exec_us: int
    host: str
    unit: str
    pid: int
    version: str
    product: str
    role: str
    boot_id: str
    invocation_id: str
    outcome: Outcome
    end_in_log: bool
    detection_in_log: bool
    reason_has: str | None
    serving_us: int | None
    ready_us: int | None
    detected_us: int | None
    poller: str
    interval_us: int
    polls: tuple[PollTruth, ...]
    checks: Mapping[str, CheckTruth]
    end: EndTruth
    goals: Mapping[str, int | None] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class Truth:
    """The truth of a whole journal."""

    seed: int
    scenario: str
    story: str
    starts: tuple[StartTruth, ...]
    text_from_us: int | None = None
    text_to_us: int | None = None

    def as_dict(self) -> dict[str, Any]:
        """The object that is written as ``truth.json``."""
        out: dict[str, Any] = {"schema": "k3slog.truth", "seed": self.seed, "scenario": self.scenario}
        out |= {"story": self.story, "text_from_us": self.text_from_us, "text_to_us": self.text_to_us}
        out["starts"] = [asdict(start) for start in self.starts]
        return out


@dataclass(frozen=True, slots=True)
class Line:
    """What one process wrote at ``at_us`` (one line, already rendered); ``ident`` as in ``SYSLOG_IDENTIFIER``."""

    at_us: int
    text: str
    ident: str
    pid: int
    priority: int = 6
    fields: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class Entry:
    """A journal entry: a line with journald's stamps and identity."""

    realtime_us: int
    monotonic_us: int
    host: str
    unit: str
    boot_id: str
    invocation_id: str
    line: Line
