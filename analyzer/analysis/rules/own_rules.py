"""Findings that a user's own rules make of a start."""

from __future__ import annotations

from analyzer.analysis.rule_context import RuleContext, count
from analyzer.analysis.rule_registry import OWN, rule
from analyzer.events.event import Mark
from analyzer.events.redaction import mask_secrets
from analyzer.events.user_rules import UserFinding
from analyzer.results import Finding

_SHOWN = 300  # characters of a line


@rule(OWN, place="process_failed")
def own(context: RuleContext) -> list[Finding]:
    """One for each of the user's findings that applies."""
    found = []
    for wanted in context.user.findings:
        marks = _in_phase(context, wanted)
        if len(marks) >= wanted.min_count:
            said = mask_secrets(marks[-1].record.message)
            shown = said[:_SHOWN] + ("…" if len(said) > _SHOWN else "")
            detail = f"{wanted.detail} {count(len(marks), 'line')}{context.span(marks)}: {shown}".lstrip()
            found.append(context.say(wanted.info.id, detail, [mark.record for mark in marks]))
    return found


def _in_phase(context: RuleContext, wanted: UserFinding) -> list[Mark]:
    """The marks of a rule in its part of the process's life; lines after a sign of a stop are in none."""
    begin = {id(mark) for mark in context.starting}
    chosen = [mark for mark in context.marks if mark.id in wanted.marks]
    return [mark for mark in chosen if wanted.phase == "any" or (id(mark) in begin) == (wanted.phase == "before_ready")]
