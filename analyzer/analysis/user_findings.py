"""Findings that a user's own rules make of a start."""

from __future__ import annotations

from analyzer.analysis.rule_context import MAX_LINES, RuleContext, count
from analyzer.events.event import Mark
from analyzer.events.redaction import mask_secrets
from analyzer.events.user_rules import FindingRule, Rules
from analyzer.results import Finding

_SHOWN = 300


def findings(context: RuleContext, rules: Rules) -> list[Finding]:
    """One for each mark of kind problem that no ``[[finding]]`` takes up, and one for each of these that applies."""
    taken = {name for rule in rules.findings for name in rule.marks}
    alone = [
        FindingRule(mark.id, (mark.id,), mark.severity, mark.title, advice=mark.advice)
        for mark in rules.marks
        if mark.kind == "problem" and mark.id not in taken
    ]
    made = (_made(context, rule) for rule in (*rules.findings, *alone))
    return [finding for finding in made if finding is not None]


def _made(context: RuleContext, rule: FindingRule) -> Finding | None:
    marks = _in_phase(context, rule)
    if len(marks) < rule.min_count:
        return None
    last = mask_secrets(marks[-1].record.message)
    shown = last if len(last) <= _SHOWN else last[:_SHOWN] + "…"
    detail = f"{count(len(marks), 'line')}{context.span(marks)}: {shown}"
    if rule.detail:
        detail = f"{rule.detail} {detail}"
    source = marks[0].record.source
    lines = list(dict.fromkeys(mark.record.line for mark in marks if mark.record.source == source))
    if len(lines) > MAX_LINES:
        lines = lines[: MAX_LINES - 1] + lines[-1:]
    return Finding(
        rule.id, rule.severity, mask_secrets(rule.title), mask_secrets(detail), rule.advice, tuple(lines), source
    )


def _in_phase(context: RuleContext, rule: FindingRule) -> list[Mark]:
    """The marks of a rule in its part of the process's life; lines after a sign of a stop are in none."""
    begin = {id(mark) for mark in context.starting}
    chosen = [mark for mark in context.marks if mark.id in rule.marks]
    if rule.phase == "before_ready":
        return [mark for mark in chosen if id(mark) in begin]
    if rule.phase == "after_ready":
        return [mark for mark in chosen if id(mark) not in begin]
    return chosen
