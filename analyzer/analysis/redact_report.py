"""The last guard: no secret leaves in a text of a report, whichever rule made it."""

from __future__ import annotations

from dataclasses import replace

from analyzer.events.own_words import around
from analyzer.events.redaction import mask_secrets
from analyzer.results import Finding, Report, StartReport


def redacted(report: Report) -> Report:
    """``report`` with every secret in its sentences replaced; the same object where there is none.

    Polls, milestones and evidence lines are masked where they are made, before they are cut to a length.
    """
    starts = tuple(_start(start) for start in report.starts)
    if all(new is old for new, old in zip(starts, report.starts, strict=True)):
        return report
    return replace(report, starts=starts)


def _text(text: str | None) -> str | None:
    return None if text is None else mask_secrets(text)


def _start(start: StartReport) -> StartReport:
    masked = replace(
        start,
        outcome_reason=_text(start.outcome_reason),
        end=replace(start.end, reason=_text(start.end.reason)),
        findings=tuple(_finding(finding) for finding in start.findings),
        checks=tuple(replace(check, reasons=tuple(map(mask_secrets, check.reasons))) for check in start.checks),
        bottleneck=replace(start.bottleneck, sentence=mask_secrets(start.bottleneck.sentence)),
    )
    return start if masked == start else masked


def _finding(finding: Finding) -> Finding:
    title, detail = mask_secrets(finding.title), mask_secrets(finding.detail)
    return replace(finding, title=title, detail=detail, advice=_advice(finding.advice))


def _advice(advice: str) -> str:
    # Most hold nothing that looks like a secret, so that nobody has to ask which words are its own.
    return advice if mask_secrets(advice) == advice else around(advice, mask_secrets)
