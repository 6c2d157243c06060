"""Words with which a process ends, in a text that does not show that it did."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from analyzer.analysis.rule_context import RuleContext, times
from analyzer.analysis.rule_registry import PROBLEM, rule
from analyzer.events import chain
from analyzer.events.causes import advice_for, cause_of, title_for
from analyzer.events.products import advise
from analyzer.events.redaction import mask_secrets
from analyzer.records.log_record import LogRecord
from analyzer.results import Finding, FindingSeverity

_SHOWN = 300


@rule("ending_words", after=(PROBLEM,))
def ending_words(context: RuleContext, known: Sequence[Finding]) -> Iterator[Finding]:
    """The last error line of that kind which no other finding tells of."""
    if context.report.end.kind != "running":
        return
    told = {(finding.source, line) for finding in known for line in finding.lines}
    normal = {mark.record.seq for mark in context.marks if mark.kind == "noise"}
    found = [
        record
        for record in context.studied.start.process
        if record.level == "error"
        and record.seq not in normal
        and (record.source, record.line) not in told
        and _ends(context, record)
    ]
    if not found:
        return
    cause = cause_of(found[-1].in_layers, context.report.product)
    if cause is None:
        return
    said = mask_secrets(found[-1].in_layers)[:_SHOWN]
    means = f" {advise(cause.means, context.site)}" if cause.means else ""
    detail = f"Said {times(found)}: {said}.{means} A process ends with such words; the log does not show that it did."
    severity: FindingSeverity = "critical" if context.never_ready else "warning"
    yield context.say(
        "ending_words", detail, found, title=title_for(cause, context.site), severity=severity,
        advice=advice_for(cause, context.site),
    )  # fmt: skip


def _ends(context: RuleContext, record: LogRecord) -> bool:
    """Whether the outermost words are those of an end."""
    if not chain.begins_with(record.message.lstrip('"'), "process"):
        return False
    read = chain.read(record.in_layers, context.report.product)
    return read.outermost is not None and read.outermost.ends == "process" and read.links[0].begin == 0
