"""What is known of each finding: title, meaning, usual causes, advice, and which findings are only its consequences.

The data is ``findings.toml``. A problem of the catalogue is a finding of the same id, and so is a class of poll
errors (``poll_<class>``): their titles and advice are taken from there, so that nothing is said twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from analyzer.events import poll_errors
from analyzer.events.catalogue import rules
from analyzer.events.vocabulary import load

POLLS = "poll_"
FindingLevel = Literal["info", "warning", "critical"]

# Problems that a finding with another id reports, or that are only evidence for one.
_SHOWN_AS = {
    "hook_failed": "hook_limit", "slow_sql": "slow_datastore", "etcd_slow_apply": "slow_datastore",
    "etcd_slow_fsync": "slow_datastore", "etcd_slow_read": "slow_datastore", "etcd_overloaded": "slow_datastore",
    "trace": "slow_datastore", "trace_step": "slow_datastore", "trace_end": "slow_datastore",
    "rbac_try_failed": "hook_retried", "tls_handshake_timeout": "cpu_starved",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class FindingInfo:
    """One finding. ``explains`` holds the ids of its direct consequences; ``checks`` are names of /readyz checks."""

    id: str
    title: str
    severity: FindingLevel
    meaning: str = ""
    advice: str = ""
    causes: tuple[str, ...] = ()
    checks: tuple[str, ...] = ()
    explains: frozenset[str] = frozenset()


def reported_as(problem: str) -> str:
    """The id of the finding that reports a problem of the catalogue."""
    return _SHOWN_AS.get(problem, problem)


@cache
def _all() -> Mapping[str, FindingInfo]:
    data = load("findings.toml")
    written: dict[str, dict[str, Any]] = {raw["id"]: raw for raw in data["finding"]}
    problems = {rule.id: rule for rule in reversed(rules()) if rule.kind == "problem"}
    polls = {POLLS + name: poll_errors.advice(name) for name in poll_errors.severities()}
    polls = {name: said for name, said in polls.items() if said[0]}
    groups: Mapping[str, list[str]] = {**data["groups"], "polls": list(polls)}
    found: dict[str, FindingInfo] = {}
    for name, raw in written.items():
        rule = problems.get(name)
        found[name] = FindingInfo(
            id=name,
            title=raw.get("title") or (rule.title if rule is not None else ""),
            severity=raw.get("severity") or (rule.severity if rule is not None else "info"),
            meaning=raw.get("meaning") or (rule.description if rule is not None else ""),
            advice=raw.get("advice") or (rule.advice if rule is not None else ""),
            causes=tuple(raw.get("causes", ())),
            checks=tuple(raw.get("checks", ())),
            explains=_expand(raw.get("explains", ()), groups, name),
        )
    more: dict[str, list[str]] = {name: also["explains"] for also in data["also"] for name in also["ids"]}
    for rule in rules():
        if rule.kind != "problem" or rule.id in _SHOWN_AS or rule.id in found:
            continue
        # What ends a process or keeps it waiting explains that it ended, or waits. A line that no start ends with is
        # no cause of an end, unless the data says so.
        deep = rule.problem_class in ("fatal", "environment", "peer")
        usual = () if not deep else ("@outcomes",) if rule.severity == "critical" else ("@waits",)
        found[rule.id] = FindingInfo(
            rule.id, rule.title, rule.severity, rule.description, rule.advice,
            explains=_expand(more.get(rule.id, usual), groups, rule.id),
        )  # fmt: skip
    for name, (title, advice) in polls.items():
        severity = poll_errors.severities()[name.removeprefix(POLLS)]
        found[name] = FindingInfo(
            name, title, "critical" if severity == "fatal" else "warning", advice=advice,
            meaning=f"Polls of /readyz were answered that way ({name.removeprefix(POLLS)}) and it did not go away.",
            explains=frozenset({"stuck", "fifteen_minute_limit", "crash_loop", "restarted"}),
        )  # fmt: skip
    return found


def _expand(names: Iterable[str], groups: Mapping[str, Iterable[str]], own: str) -> frozenset[str]:
    flat: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name.startswith("@"):
            waiting.extend(groups[name[1:]])
        else:
            flat.add(name)
    return frozenset(flat - {own})


def known_findings() -> tuple[FindingInfo, ...]:
    """Every finding that a report can hold: those of the file in its order, then the others."""
    return tuple(_all().values())


def info(name: str) -> FindingInfo | None:
    """What is known of a finding, or ``None``."""
    return _all().get(name)


def about(name: str) -> FindingInfo:
    """What is known of a finding.

    Raises:
        KeyError: no rule gives such a finding.
    """
    return _all()[name]


def explains(cause: str, symptom: str) -> bool:
    """Whether ``symptom`` is a direct consequence of ``cause`` where both are found."""
    known = _all().get(cause)
    return known is not None and symptom in known.explains
