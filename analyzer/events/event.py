"""What log lines mean: a small union of frozen types.

``match`` statements over ``Event`` end in ``assert_never``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from analyzer.events.sequence import Place
from analyzer.events.vocabulary import LazyPattern, Minor
from analyzer.records.log_record import LogRecord

Severity = Literal["transient", "suspect", "fatal"]


@dataclass(frozen=True, slots=True)
class ReadyzBody:
    """A check list. Checks in neither tuple are *unseen*, never ok, when the list was cut."""

    ok: tuple[str, ...]
    failing: tuple[str, ...]
    reasons: tuple[tuple[str, str], ...] = ()  # (check, reason) where a real reason was printed
    endpoint: str | None = None  # readyz | healthz | livez, from the trailer or klog header
    cut: bool = False  # the text ends before the trailer
    excluded: tuple[str, ...] = ()  # left out by the request (`?exclude=`): not asked, in neither tuple


@dataclass(frozen=True, slots=True)
class PollError:
    """The class of a poll's error text."""

    error: str  # id of the contract's table
    severity: Severity
    http_status: int | None = None
    body: ReadyzBody | None = None


@dataclass(frozen=True, slots=True)
class PollLine:
    """A printed poll: ``Polling for API server readiness: GET /readyz failed: <text>``."""

    record: LogRecord
    text: str  # <text>, unquoted once with the message
    error: PollError


@dataclass(frozen=True, slots=True)
class PollUnchanged:
    """``--debug`` line: the attempt is certain, its state that of the poll before."""

    record: LogRecord


@dataclass(frozen=True, slots=True)
class HealthBlock:
    """klog's own ``a,b check failed: readyz`` block (V(2)), reassembled from the lines journald made of it."""

    record: LogRecord  # the header line
    failing: tuple[str, ...]
    reasons: tuple[tuple[str, str], ...]
    endpoint: str  # readyz | healthz | livez
    complete: bool  # False when the block's begin or end lies outside the text
    stale_s: float = 0.0  # the state may be older than the line by this much (a remembered answer)


@dataclass(frozen=True, slots=True)
class WitnessRule:
    """One rule of witnesses.toml, compiled."""

    id: str
    check: str  # full check name, "ready", "poststarthook/*", or "*" for every check of /readyz
    relation: Literal["not_before", "not_after", "near"]
    source_file: str
    match: LazyPattern
    datastore: Literal["any", "fresh", "existing"] = "any"
    since: Minor = (1, 0)
    until: Minor = (9, 99)
    first_only: bool = False
    after_match: LazyPattern | None = None
    unless_after: LazyPattern | None = None
    offset_s: float = 0.0
    also_near: bool = False
    ambiguous: bool = False  # another component prints the same text
    proof: str = ""


@dataclass(frozen=True, slots=True)
class WitnessLine:
    """A line that matches the text of one or more witness rules; context conditions are judged per start."""

    record: LogRecord
    rules: tuple[WitnessRule, ...]


@dataclass(frozen=True, slots=True)
class Mark:
    """A named line: a milestone, an end, a problem or known noise, by its rule in the catalogue."""

    record: LogRecord
    id: str
    kind: Literal["milestone", "end", "problem", "noise"]
    groups: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Placed:
    """A line that nothing else names, but whose place in the start-up is known (``events/sequence.toml``)."""

    record: LogRecord
    places: tuple[Place, ...]


Event = PollLine | PollUnchanged | HealthBlock | WitnessLine | Mark | Placed
