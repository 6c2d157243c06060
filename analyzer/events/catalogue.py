"""Named lines: milestones, ends, problems and known noise, by the rules of the files in ``FILES``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from typing import Any, Literal

from analyzer.events.event import Mark
from analyzer.events.vocabulary import LazyPattern, load, minor
from analyzer.records.log_record import LogRecord, Payload

FILES = (
    "milestones.toml", "noise.toml",
    "fatal_cluster.toml", "fatal_datastore.toml", "fatal_machine.toml", "fatal_parts.toml", "load.toml",
)  # fmt: skip
"""The vocabulary, in the order in which rules are tried: of two causes that a text names the earlier one counts."""

Kind = Literal["milestone", "end", "problem", "noise"]

_FIRST_SENTENCE = re.compile(r"(?<=[a-z0-9)])[.:;] ")
# etcd, containerd, and k3s' own tunnel.
_WHY_IN_A_FIELD = frozenset({Payload.ZAP, Payload.LOGRUS})
_WARNINGS_WITH_A_WHY = frozenset({"retrying of unary invoker failed", "server error"})
_KEY = 6  # rules with a beginning are found by its first characters
_DESCRIPTION = re.compile(
    r"^(?:Starting|Started|Stopping|Stopped|Failed to start) "
    r"(?:\S{0,200}(?:k3s|rke2)\S{0,200}|Lightweight Kubernetes|Rancher Kubernetes Engine)"
    r"|^\S{0,200}(?:k3s|rke2)\S{0,200}: |^This usually indicates|^Active: ",
    re.IGNORECASE,
)
_GO_UNIT = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ns": 1e-9}
_GO_PART = re.compile(r"(?<!\d)(\d+(?:\.\d+)?)(h|ms|m|s|us|µs|μs|ns)")
_GO_DURATION = re.compile(rf"\s*(?:{_GO_PART.pattern})+")


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of the catalogue; for problems also what a finding says about it.

    ``example`` holds lines as a journal has them, ``since`` and ``until`` Kubernetes minors (both included).
    """

    id: str
    kind: Kind
    head: tuple[str, ...]
    any: tuple[str, ...]
    match: LazyPattern | None
    payload: frozenset[Payload]
    levels: frozenset[str]
    file: str
    fields: tuple[tuple[str, str], ...]
    problem_class: str = ""  # fatal | peer | environment | transient | load
    ends_process: bool = False  # load shows in many lines, few of them end a process
    severity: Literal["info", "warning", "critical"] = "info"
    title: str = ""
    advice: str = ""
    description: str = ""
    note: str = ""  # traps: spellings that changed, lines that look alike
    example: tuple[str, ...] = ()
    since: tuple[int, int] | None = None
    until: tuple[int, int] | None = None

    @property
    def headline(self) -> str:
        """One line about it: the title, or the first sentence of the description."""
        return self.title or _FIRST_SENTENCE.split(self.description, maxsplit=1)[0].rstrip(".:;")


def compile_rule(raw: Mapping[str, Any]) -> Rule:
    """A rule from its table in a file, which must be valid."""
    example = raw.get("example", ())
    return Rule(
        id=raw["id"],
        kind=raw["kind"],
        head=tuple(raw.get("head", ())),
        any=tuple(raw.get("any", ())),
        match=LazyPattern(raw["match"]) if "match" in raw else None,
        payload=frozenset(Payload(name) for name in raw.get("payload", ())),
        levels=frozenset(raw.get("levels", ())),
        file=raw.get("file", ""),
        fields=tuple(raw.get("fields", {}).items()),
        problem_class=raw.get("class", ""),
        ends_process=raw.get("ends_process", False),
        severity=raw.get("severity", "info"),
        title=raw.get("title", ""),
        advice=raw.get("advice", ""),
        description=raw.get("description", ""),
        note=raw.get("note", ""),
        example=(example,) if isinstance(example, str) else tuple(example),
        since=minor(raw["since"]) if "since" in raw else None,
        until=minor(raw["until"]) if "until" in raw else None,
    )


@cache
def rules() -> tuple[Rule, ...]:
    """All rules in file order."""
    return tuple(compile_rule(raw) for name in FILES for raw in load(name)["mark"])


@cache
def info(mark_id: str) -> Rule | None:
    """The first rule of that id, or ``None``."""
    return next((rule for rule in rules() if rule.id == mark_id), None)


@dataclass(frozen=True, slots=True)
class _Index:
    systemd: tuple[Rule, ...]
    heads: Mapping[str, tuple[tuple[str, Rule], ...]]  # first characters → (beginning, rule)
    anywhere: tuple[tuple[str, Rule], ...]  # (literal, rule)
    own: tuple[tuple[str, Rule], ...]  # the same of a user: tried on every line
    own_ids: frozenset[str]
    by_level: tuple[Rule, ...]  # no text of their own: level and payload decide
    foreign: LazyPattern


def _index_of(vocabulary: Iterable[Rule], own: Sequence[Rule] = ()) -> _Index:
    heads: dict[str, list[tuple[str, Rule]]] = {}
    anywhere: list[tuple[str, Rule]] = []
    by_level: list[Rule] = []
    systemd: list[Rule] = []
    for rule in vocabulary:
        if Payload.SYSTEMD in rule.payload:
            systemd.append(rule)
            if len(rule.payload) == 1:
                continue
        for head in rule.head:
            heads.setdefault(head[:_KEY], []).append((head, rule))
        anywhere.extend((literal, rule) for literal in rule.any)
        if not rule.head and not rule.any:
            by_level.append(rule)
    return _Index(
        systemd=tuple(systemd),
        heads={key: tuple(found) for key, found in heads.items()},
        anywhere=tuple(anywhere),
        own=tuple((literal, rule) for rule in own for literal in rule.any),
        own_ids=frozenset(rule.id for rule in own),
        by_level=tuple(by_level),
        foreign=LazyPattern(load("milestones.toml")["foreign"]["match"]),
    )


@cache
def _index() -> _Index:
    return _index_of(rules())


@lru_cache(maxsize=4)
def _with(extra: tuple[Rule, ...]) -> _Index:
    index = _index_of((*extra, *rules()), extra)
    theirs = set(extra)
    return replace(index, anywhere=tuple(pair for pair in index.anywhere if pair[1] not in theirs))


def unquote_once(text: str) -> str:
    r"""A cause that Go printed with ``%q``, without its quotes and one level of escapes; other texts unchanged."""
    stripped = text.strip()
    if len(stripped) < 2 or stripped[0] != '"' or stripped[-1] != '"':
        return text
    simple = {"n": "\n", "t": "\t", "r": "\r"}
    return re.sub(r"\\(.)", lambda found: simple.get(found[1], found[1]), stripped[1:-1], flags=re.DOTALL)


def go_seconds(text: str) -> float | None:
    """``"1m2.5s"``, ``"178.39274ms"`` → seconds; ``None`` when it is no Go duration."""
    if _GO_DURATION.fullmatch(text.strip()) is None:
        return None
    return sum(float(number) * _GO_UNIT[unit] for number, unit in _GO_PART.findall(text))


def _try(rule: Rule, record: LogRecord, text: str) -> Mark | None:
    if rule.payload and record.payload not in rule.payload:
        return None
    if rule.levels and record.level not in rule.levels:
        return None
    # Obfuscated support bundles have a word like "sadly.badger" in place of the file's name.
    if rule.file and record.payload is Payload.KLOG and record.file != rule.file and record.file.endswith(".go"):
        return None
    groups: dict[str, str] = {}
    if rule.match is not None:
        found = rule.match.search(text)
        if found is None:
            return None
        groups = {name: value for name, value in found.groupdict().items() if value is not None}
    for name, group in rule.fields:
        if name in record.fields:
            groups[group] = record.fields[name]
    if "cause" in groups:
        groups["cause"] = unquote_once(groups["cause"])
    return Mark(record, rule.id, rule.kind, groups)


def _is_ours(record: LogRecord) -> bool:
    """Whether a systemd line is about a unit of k3s or RKE2: by the unit it is about, else by its text."""
    unit = record.unit or ""
    if "k3s" in unit or "rke2" in unit:
        return True
    return (not unit or unit == "init.scope") and _DESCRIPTION.search(record.message) is not None


def match(record: LogRecord, extra: Sequence[Rule] = ()) -> Sequence[Mark]:
    """What the line is, judged by its message alone; nothing for the lines of pollers and of other programs.

    A line that is known noise is never reported as a problem. At most one mark of each id. Lines of systemd count only
    when they are about a unit of k3s or RKE2. ``extra``: a user's rules, tried besides those of the catalogue.
    """
    index = _with(tuple(extra)) if extra else _index()
    payload = record.payload
    if payload is Payload.SYSTEMD:
        if not _is_ours(record):
            return ()
        tried = (_try(rule, record, record.message) for rule in index.systemd if _has_literal(rule, record.message))
        return _unique(mark for mark in tried if mark is not None)
    message = record.message
    level = record.level
    why = level in ("error", "fatal", "panic") or message in _WARNINGS_WITH_A_WHY
    if payload in _WHY_IN_A_FIELD and why and "error" in record.fields:
        message = f"{message}: {record.fields['error']}"  # what is in the message, why in this field
    text = message[1:] if message[:1] == '"' else message
    found: list[Mark] = []
    for head, rule in index.heads.get(text[:_KEY], ()):
        if text.startswith(head):
            mark = _try(rule, record, text)
            if mark is not None:
                found.append(mark)
    for literal, rule in index.own:
        if literal in message and (mark := _try(rule, record, text)) is not None:
            found.append(mark)
    quiet = payload is Payload.KLOG and level == "info"
    if not quiet and not text.startswith("Polling for API"):
        for literal, rule in index.anywhere:
            if literal in message and (mark := _try(rule, record, text)) is not None:
                found.append(mark)
        if level in ("fatal", "panic"):
            for rule in index.by_level:
                mark = _try(rule, record, text)
                if mark is not None:
                    found.append(mark)
    if not found:
        return ()
    if any(mark.kind == "end" for mark in found):
        if index.foreign.search(text):
            return ()
        found = [
            mark for mark in found if mark.kind != "noise" or mark.id in index.own_ids
        ]  # the words with which a process ends are none
    elif any(mark.kind == "noise" for mark in found):
        found = [mark for mark in found if mark.kind != "problem" or mark.id in index.own_ids]
    return _unique(found)


def _has_literal(rule: Rule, text: str) -> bool:
    """Whether one of the rule's beginnings or parts is there; true for a rule without any."""
    if not rule.head and not rule.any:
        return True
    return text.startswith(rule.head) or any(part in text for part in rule.any)


def _unique(marks: Iterable[Mark]) -> Sequence[Mark]:
    seen: dict[str, Mark] = {}
    for mark in marks:
        seen.setdefault(mark.id, mark)
    return tuple(seen.values())


@cache
def ending_problems() -> tuple[Rule, ...]:
    """The problems that can be the cause of a failed start, the first that a text names before all others."""
    return tuple(
        rule for rule in rules() if rule.kind == "problem" and (rule.problem_class != "load" or rule.ends_process)
    )


def causes_in(text: str) -> tuple[tuple[Rule, Mapping[str, str]], ...]:
    """The problems that a failure's message names, with the groups of their patterns, in file order."""
    found: list[tuple[Rule, Mapping[str, str]]] = []
    for rule in ending_problems():
        # In a chain of wrappers a message begins after a colon, too.
        if not _has_literal(rule, text) and not any(f": {head}" in text for head in rule.head):
            continue
        hit = rule.match.search(text) if rule.match is not None else None
        if rule.match is not None and hit is None:
            continue
        groups = {name: value for name, value in hit.groupdict().items() if value} if hit is not None else {}
        found.append((rule, groups))
    return tuple(found)
