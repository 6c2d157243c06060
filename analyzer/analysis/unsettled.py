"""What forbids to say that all is well: a wait that is open at the end of the text, alarming lines of unknown words."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from analyzer.analysis.normal_lines import just_launched
from analyzer.analysis.rule_context import RuleContext
from analyzer.events.event import HealthBlock, Mark, PollLine, PollUnchanged
from analyzer.events.open_waits import WaitLine
from analyzer.records.log_record import LogRecord, Payload
from analyzer.results import Finding
from analyzer.starts.panics import of_a_dump

_AT_END_S = 3.0  # a wait that is said each second or two is still there when the text ends so soon after
_AT_END_LINES = 3  # the same without times
_ADDRESS = "://"
_LASTING_S = 60.0
_OFTEN = 5
_CROSSED = 2  # lines behind readiness of a wait that readiness should have ended
_TOLD = (Mark, PollLine, PollUnchanged, HealthBlock)
_WORST = frozenset(("fatal", "panic"))
_PASSING = re.compile(r"0x[0-9a-f]+|[0-9a-f]{12,}|\d+")  # what differs from one line to the next in the same words


@dataclass(frozen=True, slots=True)
class OpenWait:
    """A wait that was not over when the text ended; ``behind``: readiness should have ended it, and did not."""

    what: str
    records: Sequence[LogRecord]
    behind: bool = False


def open_waits(context: RuleContext) -> list[OpenWait]:
    """The known waits of which the text shows no end, their lines in order.

    Of a process that was stopped, those of a ready server: there a stop is what people do about them.
    """
    stopped = context.report.end.kind == "stopped" and not context.never_ready
    open_ended = context.report.end.kind == "running" or stopped
    if not context.studied.start.process or not open_ended or context.report.observer == "wait":
        return []
    soon = {mark.record.seq for mark in just_launched(context)}
    found = (_open_wait(context, wait, said) for wait, said in context.waits)
    return [
        wait
        for wait in found
        if wait.records
        and (wait.behind or not stopped)
        and not soon.issuperset(r.seq for r in wait.records)
        and _at_the_end(context, wait.records)
    ]


def waits_behind_readiness(context: RuleContext) -> frozenset[int]:
    """The lines (seq) of open waits that a ready API server did not end: something here keeps the node back."""
    return frozenset(record.seq for wait in open_waits(context) if wait.behind for record in wait.records)


def _open_wait(context: RuleContext, wait: WaitLine, said: Sequence[LogRecord]) -> OpenWait:
    """A wait with those of its lines that readiness did not end.

    Of a wait that readiness should end, one line may just have crossed it, and what a server is asked it answers soon:
    it goes on where a line names no address, or where it lasts.
    """
    noticed = context.studied.verdict.detected
    if noticed is None:
        return OpenWait(wait.what, said)
    later = [record for record in said if record.seq > noticed.seq]
    if _lasts(context, later):
        return OpenWait(wait.what, later, behind=True)
    if not wait.until_ready:
        return OpenWait(wait.what, said)
    of_its_own = [record for record in later if _ADDRESS not in record.message]
    return OpenWait(wait.what, of_its_own if len(of_its_own) >= _CROSSED else [], behind=True)


def _lasts(context: RuleContext, said: Sequence[LogRecord]) -> bool:
    """Whether a wait is said for longer than any part of a start takes."""
    return len(said) > _CROSSED and (context.apart(said[0], said[-1]) or 0.0) >= _LASTING_S


def _at_the_end(context: RuleContext, said: Sequence[LogRecord]) -> bool:
    """Whether the text ends before the next line of the wait would have to stand in it."""
    last, process, stop = said[-1], context.studied.start.process, context.studied.verdict.stop_sign
    rest = context.apart(last, process[-1] if stop is None else stop)
    if rest is None:
        return any(record.seq == last.seq for record in process[-_AT_END_LINES:])
    pause = context.apart(said[0], last) or 0.0
    return rest <= max(_AT_END_S, 2 * pause / max(1, len(said) - 1))


def unknown_alarms(context: RuleContext, known: Sequence[Finding]) -> list[LogRecord]:
    """Alarming lines that are neither known nor told: fatal ones and dumps, and errors.

    A whole start that became ready shows by that that its errors were overcome: healthy recordings print some.
    """
    told_of = lines_told(known)
    start, report = context.studied.start, context.report
    known_seqs = {event.record.seq for event in start.events if isinstance(event, _TOLD)}
    told = {words_of(r) for r in start.process if r.seq in known_seqs or (r.source, r.line) in told_of}
    arrived = report.outcome == "ready" and all(goal.state == "reached" for goal in report.goals)
    whole = report.outcome == "ready" and (report.begin_seen or arrived)
    dumped = any(finding.id in ("crashed", "panic_survived") for finding in known)
    stop = context.studied.verdict.stop_sign
    return [
        record
        for record in start.process
        if _is_alarming(record, whole=whole, dumped=dumped)
        and record.seq not in known_seqs
        and (stop is None or record.seq < stop.seq)
        and words_of(record) not in told
    ]


def _is_alarming(record: LogRecord, *, whole: bool, dumped: bool) -> bool:
    if record.level in _WORST:
        return True
    if record.payload is Payload.PANIC or (record.payload is Payload.PLAIN and of_a_dump(record)):
        return not dumped
    return record.level == "error" and not whole


def lasting_errors(context: RuleContext) -> list[LogRecord]:
    """The error that comes again and again behind readiness until the text ends; not one of a single pod."""
    noticed, stop = context.studied.verdict.detected, context.studied.verdict.stop_sign
    if noticed is None or stop is not None:
        return []
    found: dict[str, list[LogRecord]] = {}
    for record in context.studied.start.process:
        if record.seq > noticed.seq and record.level == "error" and "pod" not in record.fields:
            found.setdefault(words_of(record), []).append(record)
    long = [said for said in found.values() if len(said) >= _OFTEN and _lasts(context, said)]
    return max((said for said in long if _at_the_end(context, said)), key=len, default=[])


def lines_told(known: Sequence[Finding]) -> frozenset[tuple[int, int]]:
    """(source, line) of the lines that findings name."""
    return frozenset((finding.source, line) for finding in known for line in finding.lines)


def words_of(record: LogRecord) -> str:
    """A message without numbers, ports and hashes: the same for each line of a kind."""
    return _PASSING.sub("0", record.message)
