"""What a start that is not ready tries again and again: by the layers of the message, whatever it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from analyzer.analysis.normal_lines import asked, is_normal
from analyzer.analysis.rule_context import RuleContext, times
from analyzer.analysis.rule_registry import rule
from analyzer.analysis.shared_facts import asks_itself
from analyzer.analysis.unsettled import waits_behind_readiness
from analyzer.events import chain
from analyzer.events.causes import UNNAMED, advice_for, cause_of, problem
from analyzer.events.chain import Chain
from analyzer.events.event import Mark, PollLine
from analyzer.events.products import Filled, advise, advise_on
from analyzer.events.redaction import mask_secrets
from analyzer.records.log_record import LogRecord, Payload
from analyzer.results import Finding
from analyzer.window import at_least

_SOON_S = 15.0  # for how long an error that does not heal may be said
_OFTEN = 3
_LONG_S = 120.0
_OVER_S, _PAUSES = 60.0, 3  # so long after its last line, and so many of its pauses, something is not tried any more
_SHOWN = 300
_TOLD_ELSEWHERE = ("datastore_waiting", "pod_not_synced", "server_not_ready", "apiserver_waiting")


@dataclass(slots=True)
class _Wait:
    """Lines of one kind; ``read`` is the last of them."""

    read: Chain
    records: list[LogRecord] = field(default_factory=list)


@rule("tried_again")
def tried_again(context: RuleContext) -> Iterator[Finding]:
    """The wait that lasted longest: one that does not heal by itself before all others.

    Of a server that was ready, only what keeps its own agent back.
    """
    behind = waits_behind_readiness(context)
    if not (context.never_ready or behind) or (context.last_words and _says_why(context)):
        return
    waits = [wait for wait in _waits(context) if _lasts(context, wait) and _goes_on(context, wait)]
    waits = [wait for wait in waits if context.never_ready or wait.records[-1].seq in behind]
    waits.sort(key=lambda wait: (_heals(wait.read), -_length(context, wait), -len(wait.records)))
    if waits:
        yield _told(context, waits[0], waits[1:])


def _says_why(context: RuleContext) -> bool:
    """Whether the words of the end name a cause that is not merely that something else was late."""
    cause = cause_of(context.last_words, context.report.product, ended=True)
    read = chain.read(context.last_words, context.report.product)
    return cause is not None and (read.error is None or not read.error.symptom)


def _waits(context: RuleContext) -> list[_Wait]:
    named = {mark.record.seq for mark in context.starting if mark.kind == "problem"}
    named |= {mark.record.seq for mark in context.starting if mark.kind == "noise" and is_normal(context, mark)}
    named |= {event.record.seq for event in context.studied.start.events if isinstance(event, PollLine)}
    elsewhere = {mark.record.seq for mark in context.of(*_TOLD_ELSEWHERE, before_ready=False)}
    stop = context.studied.verdict.stop_sign
    found: dict[tuple[str, str, str], _Wait] = {}
    for record in context.studied.start.process:
        if stop is not None and record.seq > stop.seq:
            break
        if record.seq in named or not chain.begins_with(record.message, "retried"):
            continue
        read = chain.read(_words(record), context.report.product)
        if not _is_retried(read):
            continue
        if record.seq not in elsewhere or (_says_more(read) and not asks_itself(context, record)):
            key = (read.links[-1].layer.text[0], read.error.id if read.error is not None else "", asked(record))
            wait = found.setdefault(key, _Wait(read))
            wait.read = read
            wait.records.append(record)
    return list(found.values())


def _words(record: LogRecord) -> str:
    error = record.fields.get("error", "") if record.payload in (Payload.ZAP, Payload.LOGRUS) else ""
    return f"{record.message.rstrip('.')}: {error}" if error else record.message


def _is_retried(read: Chain) -> bool:
    outer, inner = read.outermost, read.innermost
    if outer is None or inner is None or outer.ends != "retried":
        return False
    return problem(inner.problem) is None  # those have rules of their own


def _says_more(read: Chain) -> bool:
    """Whether there is more in the line than that something does not answer yet: an error that does not heal, or a
    reason that is itself a state to wait for."""
    inner = read.links[-1].layer
    told = inner.advice or inner.patience
    return not _heals(read) or (len(read.links) > 1 and inner.ends == "retried" and bool(told))


def _heals(read: Chain) -> bool:
    """Whether the error inside may be over by itself: it only says that something else is late."""
    return read.error is None or read.error.symptom


def _length(context: RuleContext, wait: _Wait) -> float:
    if len(wait.records) < 2:
        return 0.0
    return context.apart(wait.records[0], wait.records[-1]) or 0.0


def _lasts(context: RuleContext, wait: _Wait) -> bool:
    """Longer than a start takes; who shows only the middle of a wait, or no times, has waited."""
    length, often = _length(context, wait), len(wait.records)
    middle = not context.report.begin_seen or context.at(wait.records[-1]) is None
    if _says_more(wait.read) and (_is_last_word(context, wait) or (middle and _is_told_elsewhere(context, wait))):
        return True
    if often >= _OFTEN and middle:
        return True
    return length >= chain.usual_s(wait.read) if _heals(wait.read) else often >= _OFTEN and length >= _SOON_S


def _goes_on(context: RuleContext, wait: _Wait) -> bool:
    """Whether it may still be tried where a text ends that goes on: what heals is over long after its last line."""
    if context.report.end.kind != "running" or not _heals(wait.read):
        return True
    since = context.apart(wait.records[-1], context.studied.start.process[-1]) or 0.0
    pause = _length(context, wait) / (len(wait.records) - 1) if len(wait.records) > 1 else 0.0
    return since <= max(_OVER_S, _PAUSES * pause)


def _is_told_elsewhere(context: RuleContext, wait: _Wait) -> bool:
    """Whether its lines would be told as a wait without the reason that they give."""
    return any(mark.record.seq == wait.records[-1].seq for mark in context.of(*_TOLD_ELSEWHERE))


def _is_last_word(context: RuleContext, wait: _Wait) -> bool:
    """Whether a start that has gone on for long says it last."""
    report, last = context.report, context.studied.start.process[-1]
    return (report.cut_at_s or 0.0) >= _LONG_S and wait.records[-1].seq == last.seq and report.end.kind == "running"


def _told(context: RuleContext, wait: _Wait, others: Sequence[_Wait]) -> Finding:
    cause = cause_of(wait.read.text, context.report.product)
    assert cause is not None or wait.read.links
    said = mask_secrets(wait.records[-1].message)[:_SHOWN].rstrip(".")
    length = _length(context, wait)
    over = f" over at least {at_least(length)}" if length >= 1.0 else ""
    detail = f"Said {times(wait.records)}{over}: {said}. {advise(wait.read.means, context.site)}".rstrip()
    if others:
        titles = (_title(context, other.read) for other in others[:_OFTEN])
        detail += f" Tried again as well: {'; '.join(titles)}."
    advice = advice_for(cause, context.site) if cause is not None else None
    if advice is not None and (address := asked(wait.records[-1])):
        advice = Filled(advice.replace(UNNAMED, mask_secrets(address)))
    return context.say("tried_again", detail, wait.records, title=_title(context, wait.read), advice=advice)


def _title(context: RuleContext, read: Chain) -> str:
    title = mask_secrets(read.title or read.links[-1].layer.text[0])
    return advise_on(title, mask_secrets(read.target) or UNNAMED, context.site)


def told_by(findings: Sequence[Finding], marks: Sequence[Mark]) -> bool:
    """Whether one of some findings tells of the last of some lines."""
    places = {(finding.source, line) for finding in findings for line in finding.lines}
    return bool(marks) and (marks[-1].record.source, marks[-1].record.line) in places
