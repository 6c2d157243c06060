"""Causes before symptoms: what follows from another finding comes after it, says so, and counts for less."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from analyzer.events.finding_info import explains, info
from analyzer.events.terms import terms
from analyzer.results import Finding, FindingSeverity

_LOWER: dict[FindingSeverity, FindingSeverity] = {"critical": "warning", "warning": "info", "info": "info"}
Follows = Callable[[Finding, Finding], bool]  # (cause, symptom)


def by_severity(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The most severe first, else in the order given."""
    worst_first = list(terms("finding"))
    return tuple(sorted(findings, key=lambda one: worst_first.index(one.severity)))


def root_first(
    findings: Sequence[Finding], without: Iterable[tuple[str, str]] = (), also: Iterable[tuple[str, str]] = ()
) -> tuple[Finding, ...]:
    """The findings of one start, most severe first, roots before what follows from them.

    A root is a finding that nothing else found explains. It is at least as severe as what it explains; a consequence
    names its root and is lowered by one step. Only findings above ``info`` explain anything. ``without`` are pairs
    (cause, symptom) that what was seen of this start rules out, ``also`` those that it adds.
    """
    ruled_out, added = frozenset(without), frozenset(also)

    def follows(cause: Finding, symptom: Finding) -> bool:
        edge = (cause.id, symptom.id)
        return edge in added or (edge not in ruled_out and explains(*edge))

    causes = [finding for finding in findings if finding.severity != "info"]
    roots = [one for one in causes if not any(follows(other, one) for other in causes if other is not one)]
    root_of: dict[str, Finding] = {}
    for root in by_severity(roots):
        for name in _reached(root, findings, follows):
            root_of.setdefault(name, root)
    leading: list[Finding] = []
    following: list[Finding] = []
    for finding in findings:
        cause = root_of.get(finding.id, finding)
        if cause is finding:
            brought = [one for one in findings if root_of.get(one.id) is finding]
            leading.append(replace(finding, severity=by_severity([finding, *brought])[0].severity))
        else:
            following.append(_consequence(finding, cause))
    return by_severity(leading + following)


def _consequence(finding: Finding, cause: Finding) -> Finding:
    about = info(finding.id)
    keeps = about is not None and about.keeps_severity
    severity = finding.severity if keeps else _LOWER[finding.severity]
    said = finding.detail.rstrip()
    detail = f"{said}{'' if said.endswith(('.', '!', '?')) else '.'} Most likely because of this: {cause.title}."
    # What to do about a mere consequence is to do something about its cause.
    advised = severity != "info" or (about is not None and about.keeps_advice)
    return replace(finding, severity=severity, detail=detail, advice=finding.advice if advised else "")


def _reached(root: Finding, findings: Sequence[Finding], follows: Follows) -> list[str]:
    seen: list[str] = []
    waiting = [root]
    while waiting:
        cause = waiting.pop()
        for symptom in findings:
            if symptom.id != root.id and symptom.id not in seen and follows(cause, symptom):
                seen.append(symptom.id)
                waiting.append(symptom)
    return seen
