"""What the machine did before it started the unit: its boot, by the kernel's and systemd's own lines.

Only of the first start of a boot, and only where the machine was not up already: a service that somebody starts days
later did not wait for the boot. How long the kernel was at work before its first line is not known.
"""

from __future__ import annotations

import bisect
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache

from analyzer.analysis.line_times import LineTimes
from analyzer.events.redaction import mask_secrets
from analyzer.events.vocabulary import load
from analyzer.records.log_record import LogRecord, Payload
from analyzer.records.log_records import LogRecords
from analyzer.results import Milestone, Phase
from analyzer.starts.identity import FAMILY
from analyzer.starts.start import Start
from analyzer.timebase import SECOND
from analyzer.window import Bound, Span, Window

BOOT = "boot"
_LOOKED_AT = 100_000  # lines before a start
_WALL_CLOCK_S = 3600.0  # longer boots are believed to a monotonic clock alone: others are set during a boot
_TEXT = 200


@dataclass(frozen=True, slots=True)
class _Rule:
    id: str
    payload: Payload
    match: re.Pattern[str]
    begins: bool
    over: bool


@cache
def _rules() -> tuple[_Rule, ...]:
    return tuple(
        _Rule(raw["id"], Payload(raw["payload"]), re.compile(raw["match"]), raw.get("begins", False), "over" in raw)
        for raw in load("phases.toml")["before"]
    )


def _matching(record: LogRecord) -> list[_Rule]:
    if record.payload not in (Payload.KERNEL, Payload.SYSTEMD):
        return []
    text = record.message[:_TEXT]
    return [rule for rule in _rules() if rule.payload is record.payload and rule.match.match(text) is not None]


@dataclass
class _Before:
    """The lines of a boot before one start, the last of each kind, read backwards."""

    found: dict[str, LogRecord] = field(default_factory=dict)
    begun: LogRecord | None = None

    def read(self, records: Iterator[LogRecord], start: Start) -> None:
        """Up to the begin of the boot; ``begun`` stays ``None`` where the start is not the first one after it."""
        for record in records:
            if _of_an_earlier_start(record, start):
                return
            for rule in _matching(record):
                if rule.over:
                    return
                self.found.setdefault(rule.id, record)
                if rule.begins:
                    self.begun = record
                    return
            if record.lost_before:
                return  # perhaps the line that says that the machine was up


def before_unit(
    start: Start, line_times: LineTimes, log_records: LogRecords, phases: list[Phase]
) -> tuple[list[Phase], tuple[Milestone, ...]]:
    """The phase ``boot``, which ends where the start begins, and what the machine said in it; empty where unknown."""
    began, zero = start.began, line_times.zero_us
    if began is None or zero is None or not phases or start.first("systemd_starting") is None or not start.begin_seen:
        return [], ()
    before = _Before()
    before.read(_backwards(start, log_records, began), start)
    begun = before.begun
    stamp = begun.at if begun is not None else None
    if begun is None or stamp is None:
        return [], ()
    stepped = any(begun.seq < step.seq <= began.seq for step in log_records.steps)
    monotonic = began.clock.basis == "monotonic"
    if begun.absolute != began.absolute or (stepped and not monotonic):
        return [], ()
    latest = (stamp.end_us - zero) / SECOND
    if latest > 0 or (not monotonic and latest < -_WALL_CLOCK_S):
        return [], ()
    begin = Window(None, latest, Bound.NONE, Bound.OBSERVED, None, begun.line, source=begun.source)
    end = phases[0].begin
    length = Span(max(0.0, (end.lower or 0.0) - latest), None)
    steps = sorted(before.found.items(), key=lambda item: item[1].seq)
    told = (
        Milestone(name, min(0.0, (r.at.us - zero) / SECOND), r.line, mask_secrets(r.message)[:_TEXT], r.source)
        for name, r in steps
        if r.at is not None
    )
    return [Phase(BOOT, begin, end, length, (BOOT,))], tuple(told)


def _backwards(start: Start, log_records: LogRecords, began: LogRecord) -> Iterator[LogRecord]:
    """The lines of the host and the boot before its begin, the last first."""
    records = log_records.records
    if log_records.pods:
        return  # in an order of their own
    at = bisect.bisect_left(records, began.seq, key=lambda record: record.seq)
    for index in range(at - 1, max(-1, at - 1 - _LOOKED_AT), -1):
        record = records[index]
        if not _same_boot(record, began):
            return
        if record.host == start.host or record.host is None:
            yield record


def _same_boot(one: LogRecord, other: LogRecord) -> bool:
    return (one.boot_id, one.boot_seq) == (other.boot_id, other.boot_seq)


def _of_an_earlier_start(record: LogRecord, start: Start) -> bool:
    if record.payload is Payload.SYSTEMD:
        return record.unit is not None and record.unit == start.unit
    return record.payload is not Payload.KERNEL and record.ident is not None and FAMILY.match(record.ident) is not None
