"""Result types of an analysis: frozen, without logic, field for field what the JSON contract names.

Every ``*_s`` is a float in seconds since ``began_at`` of its start, or a length in seconds. Every ``line`` is
1-based in ``Report.sources[source]``. Lists are tuples and never ``None``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Literal

from analyzer.events.event import Severity as Severity
from analyzer.records.log_record import SourceInfo
from analyzer.site import NOWHERE, Site
from analyzer.starts.start import Outcome as Outcome
from analyzer.window import OPEN, SourceIndex, Span, Window

FindingSeverity = Literal["info", "warning", "critical"]
Certainty = Literal["certain", "possible", "none"]
LastBlocker = Literal["certain", "possible", "no"]
CheckState = Literal["ok", "failing", "unseen"]
GoalState = Literal["reached", "not_reached", "unknown"]
EpisodeOutcome = Literal["ready", "failed", "stopped", "ongoing"]


@dataclass(frozen=True, slots=True)
class ClockNote:
    """What the start's times rest on."""

    basis: str = "journal"  # monotonic | journal | logrus | klog | elapsed
    precision_s: float = 1.0
    utc_offset: str | None = None
    year_from: str = "none"  # stamp | logrus | etcd | certificate | none
    steps: int = 0


@dataclass(frozen=True, slots=True)
class End:
    """What became of the process."""

    kind: Literal["running", "stopped", "failed"] = "running"
    at_s: float | None = None
    line: int | None = None
    reason: str | None = None
    source: SourceIndex = 0


@dataclass(frozen=True, slots=True)
class PollerNote:
    """The poller of this release and what was fitted to its printed lines."""

    kind: str = "unknown"  # shared-2s | legacy-4x1s | legacy-30s | unknown
    interval_s: float | None = None
    prints_polls: bool | None = None
    printed: int = 0
    implied: int = 0
    grid_rms_s: float | None = None
    grid_phase_s: float | None = None  # a tick of the fitted grid, seconds since began_at
    grid_slack_s: float = 0.05  # by how much its ticks may be late


@dataclass(frozen=True, slots=True)
class Poll:
    """One attempt; ``error`` is ``None`` only in the last row, the success."""

    at_s: float | None
    printed: bool
    error: str | None
    severity: Severity | None = None
    http_status: int | None = None
    failing: tuple[str, ...] = ()
    unseen: tuple[str, ...] = ()
    cut: bool = False
    line: int | None = None
    source: SourceIndex = 0
    text: str = ""  # the error text as printed (digits kept), secrets masked
    ok: tuple[str, ...] = ()  # checks the list shows as passing


@dataclass(frozen=True, slots=True)
class ErrorCount:
    """All polls of one error class."""

    error: str
    severity: Severity
    polls: int
    first_s: float | None
    last_s: float | None

    @classmethod
    def of(cls, polls: Iterable[Poll]) -> tuple[ErrorCount, ...]:
        """Attempts by error class, in order of first sight; printed and implied together."""
        groups: dict[str, list[Poll]] = {}
        for poll in polls:
            if poll.error is not None:
                groups.setdefault(poll.error, []).append(poll)
        counts = []
        for error, members in groups.items():
            times = [p.at_s for p in members if p.at_s is not None]
            severity = members[0].severity or "suspect"
            counts.append(cls(error, severity, len(members), min(times, default=None), max(times, default=None)))
        return tuple(counts)


@dataclass(frozen=True, slots=True)
class Milestone:
    """A named line of the start."""

    id: str
    at_s: float | None
    line: int
    text: str
    source: SourceIndex = 0


@dataclass(frozen=True, slots=True)
class Phase:
    """One piece of the time budget, named for what it waits for: its end.

    ``boot``, the machine's own, stands before the start and ends where that begins. Time that no line divides is one
    phase: its ``id`` joins the ids of all that it may be with ``+``, and ``may_be`` lists them (of an ordinary phase,
    its own id alone).
    """

    id: str
    begin: Window
    end: Window
    duration_s: Span
    may_be: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Goal:
    """Something a start is for: when it was reached, as far as the text says.

    ``not_reached``: the process ended without it, or the text proves that it had not come; else ``unknown``.
    """

    id: str  # api | started | images | node | node_ready | server
    window: Window
    state: GoalState


@dataclass(frozen=True, slots=True)
class Check:
    """One readyz check of which the text says anything."""

    name: str
    final: CheckState
    seen_failing: bool
    cleared: Window = OPEN
    estimate_s: float | None = None
    estimate_basis: str | None = None
    exclusive_s: Span | None = None
    saving_s: Span | None = None
    last_blocker: LastBlocker = "possible"
    reasons: tuple[str, ...] = ()
    # For drawing: the last moment it was certainly failing, and the first at which it was certainly ok.
    failing_until_s: float | None = None
    first_seen_failing_s: float | None = None
    first_seen_failing_line: int | None = None
    first_seen_failing_source: SourceIndex = 0

    @property
    def failing_at_last(self) -> bool:
        """Whether the last sight of it showed it failing; that is older than the end where ``final`` is unseen."""
        return self.seen_failing and self.final != "ok"

    @property
    def first_seen_failing_ref(self) -> tuple[int, int] | None:
        """``(source, line)`` of the first poll that named it as failing."""
        line = self.first_seen_failing_line
        return None if line is None else (self.first_seen_failing_source, line)


@dataclass(frozen=True, slots=True)
class Bottleneck:
    """Which check made readiness late."""

    checks: tuple[str, ...] = ()  # likeliest first; the sentence names that one first
    certainty: Certainty = "none"
    sentence: str = ""


@dataclass(frozen=True, slots=True)
class ChainLink:
    """One step on the way to readiness: a check, or what checks wait for (``root`` of ``checks.toml``, or a goal).

    ``waited_for`` is the name of the step before it; ``cleared`` is open where nothing tells when it was over.
    """

    name: str
    kind: Literal["check", "root", "goal"]
    waited_for: str | None
    cleared: Window
    why: str


@dataclass(frozen=True, slots=True)
class BlameChain:
    """What readiness waited for, the earliest first: ``links`` are certain to have come in this order.

    ``last``: the checks that may have been last (of a start that was never ready: that failed when last seen, or that
    the reason of its end names), as sure as ``certainty`` says; where they are several, ``links`` are only those that
    all of them wait for. ``root``: the link to look at. ``root_saving_s``: how much earlier readiness could have been
    had it been quick; ``None`` where nothing bounds that. ``also_failing``: beside a check that the reason names.
    """

    last: tuple[str, ...]
    certainty: Certainty
    links: tuple[ChainLink, ...]
    root: str | None = None
    root_saving_s: Span | None = None
    in_reason: bool = False
    also_failing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """One observation with its evidence and what to do about it."""

    id: str
    severity: FindingSeverity
    title: str
    detail: str
    advice: str
    lines: tuple[int, ...] = ()
    source: SourceIndex = 0
    moments: tuple[float | None, ...] = field(default=(), compare=False)  # of ``lines``, to draw them; in no output


@dataclass(frozen=True, slots=True)
class Gap:
    """A stretch in which the log is silent or lost lines."""

    begin_s: float
    end_s: float
    kind: Literal["silent", "lost", "boot", "clock_step"]
    line: int | None = None
    source: SourceIndex = 0
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Usual:
    """Measured starts of the same kind: half of them were ready after ``from_s`` to ``to_s``, the middle half.

    Only 5 of 100 took longer than ``late_s``. ``kind`` says in words which starts.
    """

    kind: str
    starts: int
    from_s: float
    to_s: float
    late_s: float


@dataclass(frozen=True, slots=True)
class LinkMessage:
    """A line whose counterpart another host logs (``events/links.toml``), written between ``low_s`` and ``high_s``."""

    id: str
    key: tuple[str, ...]  # what is the same on both sides
    to: str  # address of the other host; empty: not in the line
    of: str  # name of the other host
    low_s: float
    high_s: float
    line: int
    source: SourceIndex = 0


@dataclass(frozen=True, slots=True)
class LinkWait:
    """A stretch in which a host says that it waits for another one; it was over between ``last_s`` and ``over_s``."""

    id: str  # of events/links.toml, or quorum
    target: str  # address (of several with spaces between them) or member of etcd; empty: the server that it asks
    first_s: float
    last_s: float
    over_s: float | None
    lines: tuple[int, ...]
    source: SourceIndex = 0


@dataclass(frozen=True, slots=True)
class Links:
    """What the log of a start says of its host and of others."""

    names: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    members: tuple[str, ...] = ()  # its own ids in etcd
    asks: tuple[str, ...] = ()  # servers that it asks, the one that it was given first
    peers: tuple[str, ...] = ()  # addresses of members of etcd, its own among them
    issuers: tuple[str, ...] = ()  # CAs of its cluster, with the second in which they were made
    messages: tuple[LinkMessage, ...] = ()
    waits: tuple[LinkWait, ...] = ()


NO_LINKS = Links()


@dataclass(frozen=True, slots=True)
class Told:
    """What a report that was read back says of a start although it no longer holds what that was worked out from."""

    key: str  # empty: to be worked out again, names in it having changed
    chain: BlameChain | None


_OF_THE_API = frozenset(
    ("apiserver_requested", "apiserver_version", "apiserver_waiting", "serving_securely", "api_running")
)


@dataclass(frozen=True, slots=True, kw_only=True)
class StartReport:
    """One start of one k3s process on one host and unit; the JSON has the fields in this order."""

    index: int
    host: str | None
    unit: str | None
    pid: int | None
    boot_id: str | None
    invocation_id: str | None
    product: str
    role: str
    version: str | None
    commit: str | None
    began_at: datetime | None
    ended_at: datetime | None
    begin_seen: bool
    clock: ClockNote
    outcome: Outcome
    outcome_reason: str | None
    end: End
    ready: Window
    detected: Window
    polling_tax_s: Span | None
    poller: PollerNote
    polls: tuple[Poll, ...]
    errors: tuple[ErrorCount, ...]
    milestones: tuple[Milestone, ...]
    goals: tuple[Goal, ...] = ()
    phases: tuple[Phase, ...]
    checks: tuple[Check, ...]
    bottleneck: Bottleneck
    findings: tuple[Finding, ...]
    # Beyond the contract: between serving and ready, time in which exactly one check was failing and time in which
    # several were; the two and the whole obey alone + shared = whole (a law the tests check).
    hooks_alone_s: Span | None = None
    hooks_shared_s: Span | None = None
    gaps: tuple[Gap, ...] = ()
    # What the kernel and systemd said before the unit was started, of the first start of a boot: before ``began_at``.
    before: tuple[Milestone, ...] = ()
    cut_at_s: float | None = None  # time of the last line of the start
    # How long before ``began_at`` it may have begun at most: 0 where its begin is in the text, ``None``: not known.
    begun_before_s: float | None = None
    # Whether this process made the cluster, with an empty datastore; ``None``: the log does not tell.
    fresh: bool | None = None
    began_local: str | None = None  # its local time as printed, where the log does not say in which zone it is
    observer: Literal["k3s", "wait"] = "k3s"  # who polled and noticed: k3s itself, or ``k3slog wait`` from outside
    source: SourceIndex = 0
    usual: Usual | None = None  # how long such starts usually take until they are ready
    site: Site = NOWHERE  # how things are called where it ran; in no output
    links: Links = NO_LINKS  # to other hosts; in no output but by ``clusters``
    told: Told | None = None  # of a start of a report that was read back

    @property
    def shows_no_api(self) -> bool:
        """It failed, and nothing in the text is of its API server or of a wait for one: nobody asked for checks."""
        return self.outcome == "failed" and not self.polls and not any(one.id in _OF_THE_API for one in self.milestones)


@dataclass(frozen=True, slots=True)
class Cause:
    """What an episode's time was lost to: a finding of one of its starts, in a sentence."""

    start: int  # index of the start
    finding: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Episode:
    """Consecutive starts of one unit on one host, until it stays up or is asked to stop.

    ``ready``: the last try reached its goal and stayed up (or the log does not show otherwise); ``failed``: the process
    of the last try ended by itself; ``stopped``: on request before the goal; ``ongoing``: the log ends first.
    ``took_s``: from the start of the first try to the goal of the last; where that was not reached, as long as the log
    shows.
    """

    index: int
    host: str | None
    unit: str | None
    starts: tuple[int, ...]
    began_at: datetime | None
    outcome: EpisodeOutcome
    tries: int
    took_s: Span | None
    cause: Cause | None = None


@dataclass(frozen=True, slots=True)
class Awaited:
    """Whom a host waited for; ``host`` is ``None`` where the logs do not show who that is."""

    host: str | None
    goal: str  # a goal of that host, or etcd: its member of etcd is up


@dataclass(frozen=True, slots=True)
class Waited:
    """One wait of a host for another one.

    ``window`` holds the moment at which the wait was over, in seconds since ``Cluster.began_at``, on the clock of the
    first server; its ends are as far apart as the clocks may be where ``clock_offsets`` has the host.
    """

    host: str
    waited_for: Awaited
    window: Window
    lines: tuple[int, ...]
    source: SourceIndex = 0
    start: int = 0  # index of the start that waited, the last one of several
    waited_s: Span | None = None  # on the clock of the host that waited
    address: str = ""  # that it asked; of several, of which any would have done, with spaces between them


@dataclass(frozen=True, slots=True)
class ClusterCause:
    """Where the waiting began: a start on the host that the others waited for, and what was wrong with it."""

    host: str
    start: int
    finding: str | None  # ``None``: nothing was wrong that its log shows


@dataclass(frozen=True, slots=True)
class ClockOffset:
    """By how much the clock of ``host`` is ahead of the one of ``against``; ``None``: not bounded from this side."""

    host: str
    against: str
    lower_s: float | None
    upper_s: float | None


@dataclass(frozen=True, slots=True)
class Cluster:
    """Hosts that belong together, by what their logs say of each other.

    A host without an entry in ``clock_offsets``: its clock was not compared with the first server's.
    """

    hosts: tuple[str, ...]
    servers: tuple[str, ...]
    agents: tuple[str, ...]
    story: tuple[Waited, ...] = ()
    first_cause: ClusterCause | None = None
    clock_offsets: tuple[ClockOffset, ...] = ()
    began_at: datetime | None = None  # of the first start on the first server
    starts: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class ToldOfAll:
    """What a report that was read back says of its starts together."""

    episodes: tuple[Episode, ...]
    clusters: tuple[Cluster, ...]


@dataclass(frozen=True, slots=True)
class LedgerCounts:
    """What became of every line."""

    lines: int = 0
    used: int = 0
    ignored: int = 0
    malformed: int = 0
    truncated: int = 0
    lossy: int = 0
    reasons: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))

    def __add__(self, other: LedgerCounts) -> LedgerCounts:
        return LedgerCounts(
            self.lines + other.lines,
            self.used + other.used,
            self.ignored + other.ignored,
            self.malformed + other.malformed,
            self.truncated + other.truncated,
            self.lossy + other.lossy,
            MappingProxyType(Counter(self.reasons) + Counter(other.reasons)),
        )


@dataclass(frozen=True, slots=True)
class Report:
    """The whole answer: what was read and every start found in it."""

    tool_version: str
    sources: tuple[SourceInfo, ...]
    ledger: LedgerCounts
    starts: tuple[StartReport, ...]
    # (source, sentence): what a reader should know of an input, such as that it ran backwards and was turned round
    notes: tuple[tuple[int, str], ...] = ()
    # (source, line) → the text of every line that some number in the report names; not part of the JSON.
    evidence: Mapping[tuple[int, int], str] = field(default_factory=lambda: MappingProxyType({}))
    told: ToldOfAll | None = None  # of a report that was read back
