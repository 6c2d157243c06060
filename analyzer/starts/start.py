"""One start: the lines of one run of one k3s process, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from analyzer.events.event import Event, Mark
from analyzer.events.sequence import Place
from analyzer.records.log_record import LogRecord

Outcome = Literal["ready", "failed", "stopped", "incomplete"]


@dataclass(slots=True)
class ApiRun:
    """One run of kube-apiserver's container: its lines in order, as far as its log holds them."""

    records: list[LogRecord]
    events: list[Event]
    begun: LogRecord | None = None  # its first words; ``None``: its log begins later
    number: int | None = None  # the container's restarts before it
    first_us: int = 0  # of its lines on the axis
    last_us: int = -1

    @property
    def version(self) -> str | None:
        """The release that the run names itself."""
        for event in self.events:
            if isinstance(event, Mark) and event.id == "apiserver_version":
                return event.groups.get("version")
        return None


@dataclass(slots=True)
class Start:
    """The lines of one process on one host and unit, and systemd's lines about it, in the order of the log."""

    host: str | None
    unit: str | None
    records: list[LogRecord]  # of the process and of systemd about it, in order
    process: list[LogRecord]  # of the process alone
    began: LogRecord | None  # the earliest stamped line that belongs to the start
    begin_seen: bool  # systemd's Starting or the banner is in the text
    pid: int | None = None
    boot_id: str | None = None
    invocation_id: str | None = None
    product: str = "unknown"
    role: str = "unknown"
    version: str | None = None
    commit: str | None = None
    events: list[Event] = field(default_factory=list)
    followed_by: Start | None = None  # the next start of the same unit
    systemd_in_text: bool = False  # systemd's lines about this unit are in the text at all
    picked_out: bool = False  # somebody chose the lines (grep): any line may be missing anywhere
    api_runs: list[ApiRun] = field(default_factory=list)  # runs of RKE2's API server at that time, from its pod's logs
    pod_lines: list[LogRecord] = field(default_factory=list)  # lines of the static pods at that time
    api: ApiRun | None = None  # the run that certainly was up when the start's outcome showed
    sights: tuple[tuple[LogRecord, Place], ...] | None = None  # lines whose place in the start-up is known, once asked
    losses: list[int] = field(default_factory=list)  # seqs of notices about lost lines and of the lines after holes
    announced: list[Mark] = field(default_factory=list)  # what the kernel, docker and others say about its end
    cut_width: int = (
        -1
    )  # at which its longer lines were cut; 0: nowhere; -1: not looked for yet (starts/truncated_lines.py)

    def marks(self, *ids: str) -> list[Mark]:
        """All marks of the given ids, in order."""
        return [event for event in self.events if isinstance(event, Mark) and event.id in ids]

    @property
    def first_of_process(self) -> LogRecord | None:
        """The line that bounds the process's begin from below: its own first one, unless that may be missing."""
        own = next((r for r in self.process if r.at is not None or r.inner_at is not None), None)
        if own is None or not (self.picked_out or any(seq <= own.seq for seq in self.losses)):
            return own
        begun = self.first("systemd_starting")
        return begun.record if begun is not None else own if self.first("starting") is not None else None

    def lost_between(self, after_seq: int, before_seq: int | None) -> bool:
        """Whether lines of this unit are known to be lost after one line and before another."""
        return any(after_seq < seq and (before_seq is None or seq <= before_seq) for seq in self.losses)

    def api_first(self, *ids: str) -> Mark | None:
        """The first mark of the given ids, of the process or else of the API server's own log."""
        found = self.first(*ids)
        if found is not None or self.api is None:
            return found
        marks = (event for event in self._inside(self.api.events) if isinstance(event, Mark) and event.id in ids)
        return next(marks, None)

    @property
    def all_events(self) -> list[Event]:
        """Its own events, and those of the API server's runs at its time."""
        if not self.api_runs:
            return self.events
        return [*self.events, *(event for run in self.api_runs for event in self._inside(run.events))]

    def _inside(self, events: list[Event]) -> list[Event]:
        known = {id(record) for record in self.pod_lines}
        return [event for event in events if id(event.record) in known]

    def first(self, *ids: str) -> Mark | None:
        """The first mark of any of the given ids."""
        for event in self.events:
            if isinstance(event, Mark) and event.id in ids:
                return event
        return None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a start, with the lines that decide it."""

    outcome: Outcome
    reason: str | None
    detected: LogRecord | None  # the line that only a successful poll can have caused
    stop_sign: LogRecord | None  # first sign that the process is going down: nothing after it proves readiness
    end_kind: Literal["running", "stopped", "failed"]
    end: LogRecord | None
    end_reason: str | None
    behind_gate: LogRecord | None = None  # the first line that only code behind readiness prints, mostly ``detected``
