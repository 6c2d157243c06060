"""Causes before symptoms: what follows from another finding comes after it, says so, and counts for less."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from analyzer.events.finding_info import explains
from analyzer.results import Finding, FindingSeverity

ORDER: dict[FindingSeverity, int] = {"critical": 0, "warning": 1, "info": 2}
_LOWER: dict[FindingSeverity, FindingSeverity] = {"critical": "warning", "warning": "info", "info": "info"}
# What the loop of starts did stays the first thing to be known, whatever its cause.
_KEEP = frozenset({"crash_loop"})
_OWN_ADVICE = frozenset({"too_many_clients", "datastore_relapsed"})


def root_first(
    findings: Sequence[Finding], without: Iterable[tuple[str, str]] = (), also: Iterable[tuple[str, str]] = ()
) -> list[Finding]:
    """The findings of one start, most severe first, roots before what follows from them.

    A root is a finding that nothing else found explains. It is at least as severe as what it explains; a consequence
    names its root and is lowered by one step. Only findings above ``info`` explain anything. ``without`` are pairs
    (cause, symptom) that what was seen of this start rules out, ``also`` those that it adds.
    """
    ruled_out, added = frozenset(without), frozenset(also)
    causes = [finding for finding in findings if finding.severity != "info"]

    def follows(cause: Finding, symptom: Finding) -> bool:
        edge = (cause.id, symptom.id)
        return edge in added or (edge not in ruled_out and explains(*edge))

    roots = [one for one in causes if not any(follows(other, one) for other in causes if other is not one)]
    roots.sort(key=lambda one: ORDER[one.severity])
    root_of: dict[str, Finding] = {}
    for root in roots:
        for name in _reached(root, findings, follows):
            root_of.setdefault(name, root)
    ranked: list[tuple[int, int, int, Finding]] = []
    for position, finding in enumerate(findings):
        cause = root_of.get(finding.id)
        if cause is None or cause is finding:
            worst = min((ORDER[f.severity] for f in findings if root_of.get(f.id) is finding), default=ORDER["info"])
            severity = min((finding.severity, *(k for k, v in ORDER.items() if v == worst)), key=ORDER.__getitem__)
            ranked.append((ORDER[severity], 0, position, replace(finding, severity=severity)))
            continue
        severity = finding.severity if finding.id in _KEEP else _LOWER[finding.severity]
        said = finding.detail.rstrip()
        detail = f"{said}{'' if said.endswith(('.', '!', '?')) else '.'} Most likely because of this: {cause.title}."
        # What to do about a mere consequence is to do something about its cause.
        advice = "" if severity == "info" and finding.id not in _OWN_ADVICE else finding.advice
        told = replace(finding, severity=severity, detail=detail, advice=advice)
        ranked.append((ORDER[severity], 1, position, told))
    return [finding for _, _, _, finding in sorted(ranked, key=lambda row: row[:3])]


def _reached(root: Finding, findings: Sequence[Finding], follows: Callable[[Finding, Finding], bool]) -> list[str]:
    seen: list[str] = []
    waiting = [root]
    while waiting:
        cause = waiting.pop()
        for symptom in findings:
            if symptom.id != root.id and symptom.id not in seen and follows(cause, symptom):
                seen.append(symptom.id)
                waiting.append(symptom)
    return seen
