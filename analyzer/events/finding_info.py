"""What is known of each finding: title, meaning, usual causes, advice, and which findings are only its consequences.

The data is ``findings.toml``, where every key is explained. A problem of the catalogue is a finding of the same id, and
so is a class of poll errors (``poll_<class>``): their titles and advice are taken from there, so that nothing is said
twice. An id that nothing stands behind is an error when the file is read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from functools import cache
from typing import Any, Literal

from analyzer.events import poll_errors
from analyzer.events.catalogue import Rule, rules
from analyzer.events.vocabulary import load, read_as

POLLS = "poll_"
FindingLevel = Literal["info", "warning", "critical"]


@dataclass(frozen=True, slots=True)
class FindingInfo:
    """One finding, with the keys of its entry. ``advice`` is to be filled in by ``advise``."""

    id: str
    title: str
    severity: FindingLevel
    meaning: str = ""
    advice: str = ""
    causes: tuple[str, ...] = ()
    checks: tuple[str, ...] = ()
    explains: frozenset[str] = frozenset()
    title_over: str = ""
    patterns: tuple[str, ...] = ()
    beside: str = ""
    replaces: tuple[str, ...] = ()
    keeps_severity: bool = False
    keeps_advice: bool = False
    slows: bool = False
    role: Literal["", "nothing", "normal"] = ""
    example: tuple[str, ...] = ()


@cache
def _reported_as() -> Mapping[str, str]:
    return {pattern: raw["id"] for raw in load("findings.toml")["finding"] for pattern in raw.get("patterns", ())}


def reported_as(problem: str) -> str:
    """The id of the finding that reports a problem of the catalogue."""
    return _reported_as().get(problem, problem)


@cache
def problems() -> Mapping[str, Rule]:
    """The problems of the catalogue by id, of several rules the first."""
    return {rule.id: rule for rule in reversed(rules()) if rule.kind == "problem"}


@cache
def _all() -> Mapping[str, FindingInfo]:
    data = load("findings.toml")
    known = _from_catalogue() | _from_polls(data["polls"])
    written = {raw["id"]: {"explains": (), **raw} for raw in data["finding"]}
    also = {name: {key: raw[key] for key in raw if key != "ids"} for raw in data["also"] for name in raw["ids"]}
    ids = Counter([raw["id"] for raw in data["finding"]] + [name for raw in data["also"] for name in raw["ids"]])
    if twice := [name for name, times in ids.items() if times > 1]:
        raise LookupError(f"findings.toml: {', '.join(twice)} stands twice")
    alone = [name for name in known if name not in written and name not in _reported_as()]
    groups = {**data["groups"], "polls": [name for name in known if name.startswith(POLLS)]}
    said = written | also
    found = {name: _info(name, known.get(name, {}) | said.get(name, {}), groups) for name in (*written, *alone)}
    named = {one for about in found.values() for one in (*about.explains, *about.replaces)} | set(also)
    named |= {cause for raw in data["late"] for cause in raw["causes"]}
    if unknown := named - set(found) | set(_reported_as()) - set(known):
        raise LookupError(f"findings.toml names what nothing stands behind: {', '.join(sorted(unknown))}")
    return found


def _from_catalogue() -> dict[str, dict[str, Any]]:
    """What problems say of themselves.

    What ends a process or keeps it waiting explains that it ended, or waits. A line that no start ends with is no cause
    of an end, unless the data says so.
    """
    found = {}
    for rule in problems().values():
        deep = rule.problem_class in ("fatal", "environment", "peer")
        usual = ("@outcomes" if rule.severity == "critical" else "@waits",) if deep else ()
        found[rule.id] = {
            "title": rule.title, "severity": rule.severity, "meaning": rule.description, "advice": rule.advice,
            "explains": usual,
        }  # fmt: skip
    return found


def _from_polls(said: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The classes of poll errors that have a title; ``said`` is the same of each."""
    found = {}
    for name, severity in poll_errors.severities().items():
        title, advice = poll_errors.advice(name)
        if title:
            found[POLLS + name] = {
                "title": title, "severity": "critical" if severity == "fatal" else "warning", "advice": advice,
                "meaning": said["meaning"].format(name), "explains": said["explains"],
            }  # fmt: skip
    return found


def _info(name: str, raw: Mapping[str, Any], groups: Mapping[str, Iterable[str]]) -> FindingInfo:
    if unknown := set(raw) - {field.name for field in fields(FindingInfo)}:
        raise LookupError(f"findings.toml: {name} has unknown keys: {', '.join(sorted(unknown))}")
    return read_as(FindingInfo, {**raw, "id": name}, explains=_expand(raw["explains"], groups) - {name})


def _expand(names: Iterable[str], groups: Mapping[str, Iterable[str]]) -> frozenset[str]:
    flat: set[str] = set()
    for name in names:
        flat |= _expand(groups[name[1:]], groups) if name.startswith("@") else {name}
    return frozenset(flat)


def late(words: str) -> tuple[str, ...]:
    """The causes of an end whose words say that somebody was late."""
    return tuple(cause for raw in load("findings.toml")["late"] if raw["words"] in words for cause in raw["causes"])


def known_findings() -> tuple[FindingInfo, ...]:
    """Every finding that a report can hold: those of the file in its order, then the others."""
    return tuple(_all().values())


def info(name: str) -> FindingInfo | None:
    """What is known of a finding, or ``None``: it is one of a user's own rules."""
    return _all().get(name)


def title_of(name: str, product: str = "k3s") -> str:
    """The title of a finding where no start is at hand; one of a user's own rules stands for itself."""
    known = info(name)
    return name if known is None else known.title.replace("{product}", product)


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
