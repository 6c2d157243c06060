"""The reason that a line just before an end tells, where the end itself tells none.

Errors come from many parts at once, so that the nearest one is no reason by that. It must speak of the same thing as
the end (an image, an address, a file, a flag), come from the same step (the same known layer, the same component), be
what an empty value was taken from, or be the one loop of tries that the end gives up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from analyzer.analysis.normal_lines import normal_marks
from analyzer.analysis.rule_context import RuleContext
from analyzer.analysis.same_thing import Things, things
from analyzer.events import before_ends, chain
from analyzer.events.chain import Chain, ErrorClass
from analyzer.records.log_record import LogRecord, Payload

LOUD = frozenset(("warning", "error", "fatal", "panic"))
_NEAR_S = 30.0
_NEAR = 40  # lines
_LOOP = 2  # tries that make a loop
_TELLING = 16  # characters of a layer that two messages share by no chance
_ANY_PART = frozenset(("any",))


@dataclass(frozen=True, slots=True)
class Reason:
    """The line that tells it, the class of its error, and what that is about."""

    record: LogRecord
    error: ErrorClass
    target: str


@dataclass(frozen=True, slots=True)
class _Line:
    record: LogRecord
    read: Chain
    about: Things
    error: ErrorClass

    @property
    def reason(self) -> Reason:
        return Reason(self.record, self.error, self.read.target)


def reason_before(context: RuleContext, text: str, step: str = "") -> Reason | None:
    """The reason that a line before the end with these words tells; ``step``: the line that says what was going on."""
    end = context.studied.verdict.end
    if end is None:
        return None
    read, sources = chain.read(text, context.report.product), before_ends.sources_of_empty(text)
    if not sources and not before_ends.is_generic(read):
        return None
    before = _near(context, end)
    lines = _loud(context, before)
    if sources:
        # Such a line stands right before it: the value was asked for, and used.
        return next((r.reason for r in lines[-1:] if any(one.search(_words(r)) for one in sources)), None)
    about = things(f"{text} {step}")
    for line in reversed(lines):
        if _same(read, about, line) and not _went_on(before, line):
            return line.reason
    return _given_up(read, about, lines)


def _words(line: _Line) -> str:
    return line.record.with_error


def _near(context: RuleContext, end: LogRecord) -> list[LogRecord]:
    before = [record for record in context.studied.start.process if record.seq < end.seq][-_NEAR:]
    return [r for r in before if (apart := context.apart(r, end)) is None or apart <= _NEAR_S]


def _loud(context: RuleContext, before: Sequence[LogRecord]) -> list[_Line]:
    """The lines that name a class of errors, without the usual noise."""
    noise = {mark.record.seq for mark in normal_marks(context)}
    found = []
    for record in before:
        if record.level in LOUD and record.seq not in noise:
            read = chain.read(record.with_error, context.report.product)
            if read.error is not None and before_ends.is_a_reason(read.error, named=True):
                found.append(_Line(record, read, things(record.with_error), read.error))
    return found


def _same(read: Chain, about: Things, line: _Line) -> bool:
    """Whether a line speaks of the same thing as the end, or comes from the same step."""
    named = about.share(line.about)
    if not before_ends.is_a_reason(line.error, named=named and read.error is None):
        return False
    if named:
        return True
    return _same_step(read, line) and not about.differ(line.about)


def _same_step(read: Chain, line: _Line) -> bool:
    component = before_ends.component_of(read.text)
    if component and component == before_ends.component_of(line.read.text):
        return line.record.level != "warning"
    return bool(_steps(read) & _steps(line.read))


def _steps(read: Chain) -> frozenset[str]:
    told = (link.layer for link in read.links)
    return frozenset(one.text[0] for one in told if len(one.text[0]) >= _TELLING and one.part not in _ANY_PART)


def _went_on(before: Sequence[LogRecord], line: _Line) -> bool:
    """Whether a quiet line behind it speaks of the same thing: what failed was passed."""
    after = [r for r in before if r.seq > line.record.seq and r.level not in LOUD]
    return any(line.about and things(r.message).share(line.about) for r in after)


def _given_up(read: Chain, about: Things, lines: Sequence[_Line]) -> Reason | None:
    """The loop of tries that an end in vain gives up: the only one there is, with one error to its last try.

    Only of an end that waited, and that names nothing of its own; anything else that went wrong may be why as well.
    """
    if read.error is None or read.error.id != "timeout" or about:
        return None
    lines = [line for line in lines if before_ends.is_a_reason(line.error, named=False)]
    loops = [line for line in lines if line.record.payload is Payload.LOGRUS and _is_tried_again(line.read)]
    kinds = {(line.read.links[0].layer.text[0], line.error.id) for line in loops}
    if len(kinds) != 1 or len(loops) < _LOOP or len(lines) > len(loops):
        return None
    return loops[-1].reason


def _is_tried_again(read: Chain) -> bool:
    return read.leads and read.links[0].layer.own and read.links[0].layer.ends == "retried"
