"""Errors of unknown words that a start which is not ready says again and again: told, though not explained."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from analyzer.analysis.rule_context import RuleContext, count, times
from analyzer.analysis.rule_registry import EVERY, rule
from analyzer.analysis.unsettled import lines_told, words_of
from analyzer.events.event import PollLine
from analyzer.events.redaction import mask_secrets
from analyzer.records.grouping import grouped
from analyzer.records.log_record import LogRecord, Payload
from analyzer.results import Finding
from analyzer.window import at_least

_BAD = frozenset(("error", "fatal"))
_OFTEN = 2
_SHOWN = 300


@rule("repeated_error", after=(EVERY,))
def repeated_error(context: RuleContext, known: Sequence[Finding]) -> Iterator[Finding]:
    """Lines of the program itself at error level that no finding tells of, the most frequent first.

    One error alone may be anything; the same one at least twice is what the start did not get past, or keeps meeting.
    """
    if not context.never_ready:
        return
    groups = [records for _, records in _unexplained(context, known) if len(records) >= _OFTEN]
    if not groups:
        return
    groups.sort(key=lambda records: (-len(records), records[0].seq))
    records, others = groups[0], groups[1:]
    length = context.apart(records[0], records[-1]) or 0.0
    over = f" over at least {at_least(length)}" if length >= 1.0 else ""
    detail = f"Said {times(records)}{over}: {_words(records[-1])}."
    if others:
        detail += (
            f" {count(len(others), 'other error is', 'other errors are')} repeated as well: {_words(others[0][-1])}."
        )
    yield context.say("repeated_error", detail, [*records, *(one[-1] for one in others)])


def _unexplained(context: RuleContext, known: Sequence[Finding]) -> list[tuple[str, tuple[LogRecord, ...]]]:
    told = lines_told(known)
    seen = {mark.record.seq for mark in context.marks}
    seen |= {event.record.seq for event in context.studied.start.events if isinstance(event, PollLine)}
    unknown = (
        (words_of(record), record)
        for record in context.studied.start.process
        if record.level in _BAD
        and record.payload is Payload.LOGRUS
        and record.seq not in seen
        and (record.source, record.line) not in told
    )
    return list(grouped(unknown).items())


def _words(record: LogRecord) -> str:
    return mask_secrets(record.with_error)[:_SHOWN].rstrip(". ")
