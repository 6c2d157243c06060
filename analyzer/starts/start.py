"""One start: the lines of one run of one k3s process, and what became of it. Nothing here changes once it is built."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from analyzer.events import catalogue, sequence
from analyzer.events.event import Event, HealthBlock, Mark, Placed, PollLine, WitnessLine
from analyzer.events.sequence import Place
from analyzer.records.log_record import LogRecord
from analyzer.starts import truncated_lines

Outcome = Literal["ready", "failed", "stopped", "incomplete"]
# The first of the newest minor: its backports to older minors have the same order (versions.toml).
_WITH_SHUTDOWN_REQUESTS, _WITH_PRINTED_POLLS = "v1.34.2", "v1.33.0"
_LAST_WORDS = ("fatal", "component_exited", "shutdown_requested", "panic", "usage_error")


@dataclass(frozen=True, slots=True)
class ApiRun:
    """One run of kube-apiserver's container: its lines in order, as far as its log holds them."""

    records: Sequence[LogRecord]
    events: Sequence[Event]
    begun: LogRecord | None = None  # its first words; ``None``: its log begins later
    number: int | None = None  # the container's restarts before it
    first_us: int = 0  # of its lines on the axis
    last_us: int = -1

    @property
    def version(self) -> str | None:
        """The release that the run names itself."""
        named = (event for event in self.events if isinstance(event, Mark) and event.id == "apiserver_version")
        return next((mark.groups.get("version") for mark in named), None)


@dataclass(frozen=True, eq=False)
class Start:
    """The lines of one process on one host and unit, and systemd's lines about it, in the order of the log."""

    host: str | None
    unit: str | None
    records: Sequence[LogRecord]  # of the process and of systemd about it, in order
    process: Sequence[LogRecord]  # of the process alone
    began: LogRecord | None  # the earliest stamped line that belongs to the start
    begin_seen: bool  # systemd's Starting or the banner is in the text
    events: Sequence[Event]
    pid: int | None = None
    boot_id: str | None = None
    invocation_id: str | None = None
    product: str = "unknown"
    role: str = "unknown"
    version: str | None = None
    commit: str | None = None
    followed_by: Start | None = None  # the next start of the same unit
    filtered: bool = False  # somebody chose the lines (grep): any line may be missing anywhere
    chosen: bool = False  # … and so many that a report may say so
    losses: Sequence[int] = ()  # seqs of notices about lost lines and of the lines after holes
    announced: Sequence[Mark] = ()  # what the kernel, docker and others say about its end
    api_runs: Sequence[ApiRun] = ()  # runs of RKE2's API server at that time, from its pod's logs
    pod_lines: Sequence[LogRecord] = ()  # lines of the static pods at that time
    api: ApiRun | None = None  # the one of ``api_runs`` that certainly was up when the outcome showed

    @cached_property
    def _marks(self) -> Sequence[Mark]:
        return [event for event in self.events if isinstance(event, Mark)]

    def marks(self, *ids: str) -> list[Mark]:
        """All marks of the given ids, in order."""
        return [mark for mark in self._marks if mark.id in ids]

    def first(self, *ids: str) -> Mark | None:
        """The first mark of any of the given ids."""
        return next((mark for mark in self._marks if mark.id in ids), None)

    def api_first(self, *ids: str) -> Mark | None:
        """The first mark of the given ids, of the process or else of the API server's own log."""
        of_pod = self._inside(self.api.events) if self.api is not None else ()
        return self.first(*ids) or next((m for m in of_pod if isinstance(m, Mark) and m.id in ids), None)

    @property
    def all_events(self) -> list[Event]:
        """Its own events, and those of the API server's runs at its time."""
        return [*self.events, *(event for run in self.api_runs for event in self._inside(run.events))]

    def _inside(self, events: Sequence[Event]) -> list[Event]:
        known = {id(record) for record in self.pod_lines}
        return [event for event in events if id(event.record) in known]

    @property
    def first_of_process(self) -> LogRecord | None:
        """The line that bounds the process's begin from below: its own first one, unless that may be missing."""
        own = next((r for r in self.process if r.at is not None or r.inner_at is not None), None)
        if own is None or not (self.filtered or any(seq <= own.seq for seq in self.losses)):
            return own
        begun = self.first("systemd_starting")
        return begun.record if begun is not None else own if self.first("starting") is not None else None

    def lost_between(self, after_seq: int, before_seq: int | None) -> bool:
        """Whether lines of this unit are known to be lost after one line and before another."""
        return any(after_seq < seq and (before_seq is None or seq <= before_seq) for seq in self.losses)

    @cached_property
    def _cut_width(self) -> int | None:
        return truncated_lines.cut_width(self.process)

    def is_cut(self, record: LogRecord) -> bool:
        """Whether the end of a line's words is missing."""
        return truncated_lines.is_cut(record, self._cut_width)

    @property
    def release(self) -> str | None:
        """The release; where no line names it, the first one that has the words of the text, for what holds since."""
        if self.version is not None:
            return self.version
        if self.first("shutdown_requested") is not None:
            return _WITH_SHUTDOWN_REQUESTS
        return _WITH_PRINTED_POLLS if any(isinstance(event, PollLine) for event in self.events) else None

    @cached_property
    def places(self) -> Sequence[tuple[LogRecord, Place]]:
        """Every line whose place in the start-up is known and holds for this start, in order of the log."""
        release = self.release
        found = ((event.record, place) for event in self.events for place in _places(event))
        return [(record, place) for record, place in found if place.holds(self.product, self.role, release)]

    @cached_property
    def possible_places(self) -> Sequence[tuple[LogRecord, Place]]:
        """What ``places`` would hold in some release, where no line names the release."""
        if self.release is not None:
            return self.places
        found = ((event.record, place) for event in self.events for place in _places(event))
        return [(record, place) for record, place in found if place.may_hold(self.product, self.role)]


def _places(event: Event) -> Iterator[Place]:
    match event:
        case Mark():
            if catalogue.proves_its_place(event):
                yield from sequence.of_mark(event.id)
            if event.id in _LAST_WORDS:
                yield from sequence.of_failure(event.record.message, cut=event.record.truncated)
        case WitnessLine():
            for rule in event.rules:
                yield from sequence.of_mark(rule.id)
        case Placed():
            yield from event.places
        case PollLine():
            yield from sequence.of_line(event.record)
        case HealthBlock() if any(name.startswith("poststarthook/") for name in event.failing):
            yield sequence.HOOK_FAILING
        case _:
            return


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
    by_another: bool = False  # ``detected`` comes behind the gate of another waiter: the server's own may open later
