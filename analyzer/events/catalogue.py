"""Named lines: milestones, ends, problems and known noise, by the rules of the files in ``FILES``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, Literal

from analyzer.events.any_of import AnyOf
from analyzer.events.event import Mark
from analyzer.events.told_place import NOTES, is_wrapped, of_a_component, of_its_own
from analyzer.events.vocabulary import LazyPattern, Minor, load, read_as
from analyzer.records.goquote import unquote_body
from analyzer.records.grouping import grouped
from analyzer.records.log_record import LogRecord, Payload

FILES = (
    "milestones.toml", "noise.toml",
    "fatal_cluster.toml", "fatal_datastore.toml", "fatal_machine.toml", "fatal_parts.toml", "load.toml",
)  # fmt: skip
"""The vocabulary, in the order in which rules are tried: of two causes that a text names the earlier one counts."""

Kind = Literal["milestone", "end", "problem", "noise"]

_FIRST_SENTENCE = re.compile(r"(?<=[a-z0-9)])[.:;] ")
_WHY_IN_A_FIELD = frozenset({Payload.ZAP, Payload.LOGRUS})
_OF_PLUGINS = ("failed to load plugin", "could not use snapshotter ")
_WARNINGS_WITH_A_WHY = frozenset(
    {
        "retrying of unary invoker failed",
        "server error",
        "failed to apply request",
        "prober detected unhealthy status",
        "failed to reach the peer URL",
        "failed to get cluster response",
    }
)
_REMEMBERED = 1000  # characters of a message; longer ones are not worth the memory
_KEY = 6  # rules with a beginning are found by its first characters
_DESCRIPTION = re.compile(
    r"^(?:Starting|Started|Stopping|Stopped|Failed to start) "
    r"(?:\S{0,200}(?:k3s|rke2)\S{0,200}|Lightweight Kubernetes|Rancher Kubernetes Engine)"
    r"|^\S{0,200}(?:k3s|rke2)\S{0,200}: |^This usually indicates|^Active: |^Main PID: |^Process: \d+ ExecStart=",
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
    head: tuple[str, ...] = ()
    any: tuple[str, ...] = ()
    match: LazyPattern | None = None
    payload: frozenset[Payload] = frozenset()
    levels: frozenset[str] = frozenset()
    file: str = ""
    fields: tuple[tuple[str, str], ...] = ()
    problem_class: str = ""  # fatal | peer | environment | transient | load
    ends_process: bool = False  # load shows in many lines, few of them end a process
    itself: bool = False  # its words count only as the line's own, never where a line of any level quotes them
    outer: bool = False  # it only says where something failed: the error that it wraps says why
    usual_s: float = 0.0  # of noise: later in a start that is not ready it is none; 0: at any time
    own: bool = False  # of noise: it is none where a client speaks of another machine than its own
    severity: Literal["info", "warning", "critical"] = "info"
    title: str = ""
    advice: str = ""
    description: str = ""
    note: str = ""  # traps: spellings that changed, lines that look alike
    example: tuple[str, ...] = ()
    since: Minor | None = None
    until: Minor | None = None

    @property
    def headline(self) -> str:
        """One line about it: the title, or the first sentence of the description."""
        return self.title or _FIRST_SENTENCE.split(self.description, maxsplit=1)[0].rstrip(".:;")


def compile_rule(raw: Mapping[str, Any]) -> Rule:
    """A rule from its table in a file, which must be valid."""
    return read_as(Rule, raw, fields=tuple(raw.get("fields", {}).items()), problem_class=raw.get("class", ""))


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
    heads: Mapping[str, Sequence[tuple[str, Rule]]]  # first characters → (beginning, rule)
    anywhere: tuple[tuple[str, Rule], ...]  # (literal, rule)
    anything: AnyOf  # whether any of these literals is there
    own: tuple[tuple[str, Rule], ...]  # the same of a user: tried on every line
    own_ids: frozenset[str]
    by_level: tuple[Rule, ...]  # no text of their own: level and payload decide
    foreign: LazyPattern


@lru_cache(maxsize=4)
def _index(own: tuple[Rule, ...] = ()) -> _Index:
    vocabulary = (*own, *rules())
    of_text = [rule for rule in vocabulary if rule.payload != {Payload.SYSTEMD}]
    anywhere = tuple((literal, rule) for rule in of_text if rule not in own for literal in rule.any)
    return _Index(
        systemd=tuple(rule for rule in vocabulary if Payload.SYSTEMD in rule.payload),
        heads=grouped((head[:_KEY], (head, rule)) for rule in of_text for head in rule.head),
        anywhere=anywhere,
        anything=AnyOf(literal for literal, _ in anywhere),
        own=tuple((literal, rule) for rule in own for literal in rule.any),
        own_ids=frozenset(rule.id for rule in own),
        by_level=tuple(rule for rule in of_text if not rule.head and not rule.any),
        foreign=LazyPattern(load("milestones.toml")["foreign"]["match"]),
    )


def unquote_once(text: str) -> str:
    r"""A cause that Go printed with ``%q``, without its quotes and one level of escapes; other texts unchanged."""
    stripped = text.strip()
    quoted = len(stripped) > 1 and stripped[0] == stripped[-1] == '"'
    return unquote_body(stripped[1:-1]) if quoted else text


def go_seconds(text: str) -> float | None:
    """``"1m2.5s"``, ``"178.39274ms"`` → seconds; ``None`` when it is no Go duration."""
    if _GO_DURATION.fullmatch(text.strip()) is None:
        return None
    return sum(float(number) * _GO_UNIT[unit] for number, unit in _GO_PART.findall(text))


def _groups(rule: Rule, text: str) -> dict[str, str] | None:
    """What the rule's expression says of ``text``; ``None`` where it is not found."""
    if rule.match is None:
        return {}
    found = rule.match.search(text)
    return None if found is None else {name: value for name, value in found.groupdict().items() if value is not None}


def _try(rule: Rule, record: LogRecord, text: str) -> Mark | None:
    if (rule.payload and record.payload not in rule.payload) or (rule.levels and record.level not in rule.levels):
        return None
    # Obfuscated support bundles have a word like "sadly.badger" in place of the file's name.
    if rule.file and record.payload is Payload.KLOG and record.file != rule.file and record.file.endswith(".go"):
        return None
    groups = _groups(rule, text)
    if groups is None:
        return None
    groups.update((group, record.fields[name]) for name, group in rule.fields if name in record.fields)
    if "cause" in groups:
        groups["cause"] = unquote_once(groups["cause"])
    return Mark(record, rule.id, rule.kind, groups)


def _is_ours(record: LogRecord) -> bool:
    """Whether a systemd line is about a unit of k3s or RKE2: by the unit it is about, else by its text."""
    unit = record.unit or "init.scope"
    return "k3s" in unit or "rke2" in unit or (unit == "init.scope" and _DESCRIPTION.search(record.message) is not None)


def match(record: LogRecord, extra: Sequence[Rule] = ()) -> Sequence[Mark]:
    """What the line is, judged by its message alone; nothing for the lines of pollers and of other programs.

    A line that is known noise is never reported as a problem. At most one mark of each id. Lines of systemd count only
    when they are about a unit of k3s or RKE2. ``extra``: a user's rules, tried besides those of the catalogue.
    """
    index = _index(tuple(extra))
    if record.payload is Payload.SYSTEMD:
        if not _is_ours(record):
            return ()
        return _tried((rule for rule in index.systemd if _has_literal(rule, record.message)), record, record.message)
    message = with_reason(record)
    text = message[1:] if message[:1] == '"' else message
    rules = _candidates(index, record, message, text)
    return _without_opposites(_tried(rules, record, text), index, text) if rules else ()


def with_reason(record: LogRecord) -> str:
    """The message; of errors of etcd, containerd and k3s' own tunnel with the field that says why."""
    if record.payload is Payload.ZAP and record.message == "alarm raised" and "alarm" in record.fields:
        return f"{record.message}: {record.fields['alarm']}"
    why = record.level in ("error", "fatal", "panic") or record.message in _WARNINGS_WITH_A_WHY
    why = why or record.message.startswith(_OF_PLUGINS)
    if record.payload in _WHY_IN_A_FIELD and why and "error" in record.fields:
        return f"{record.message}: {record.fields['error']}"
    return record.message


def _candidates(index: _Index, record: LogRecord, message: str, text: str) -> list[Rule]:
    """The rules of which a beginning or a part is there."""
    rules = [rule for head, rule in index.heads.get(text[:_KEY], ()) if text.startswith(head)]
    rules += [rule for literal, rule in index.own if literal in message]
    quiet = record.payload is Payload.KLOG and record.level == "info"
    if quiet or text.startswith("Polling for API"):
        return rules
    if index.anything.in_(message):
        rules += _anywhere_in(message) if len(message) < _REMEMBERED else _searched(message)
    if record.level in ("fatal", "panic"):
        rules += index.by_level
    return rules


def _searched(message: str) -> tuple[Rule, ...]:
    """The rules of the vocabulary that look for a part of a text, where the text has it."""
    return tuple(rule for literal, rule in _index().anywhere if literal in message)


# Errors come again and again in the same words, and some hundred parts are looked for in each.
_anywhere_in = lru_cache(maxsize=4096)(_searched)


def _tried(rules: Iterable[Rule], record: LogRecord, text: str) -> Sequence[Mark]:
    marks: dict[str, Mark] = {}
    for mark in (_try(rule, record, text) for rule in rules):
        if mark is not None:
            marks.setdefault(mark.id, mark)
    return tuple(marks.values())


def _without_opposites(found: Sequence[Mark], index: _Index, text: str) -> Sequence[Mark]:
    """The words with which a process ends are no noise, and what is noise is no problem, but for the user's own."""
    found = [mark for mark in found if mark.id in index.own_ids or not _is_only_noted(mark, text)]
    kinds = {mark.kind for mark in found}
    if "end" in kinds and index.foreign.search(text):
        return ()
    dropped = "noise" if "end" in kinds else "problem" if "noise" in kinds else None
    return [mark for mark in found if mark.kind != dropped or mark.id in index.own_ids]


def _is_only_noted(mark: Mark, text: str) -> bool:
    """Whether a note holds the words of a problem somewhere, and nobody passes them on as an error."""
    rule = info(mark.id)
    if rule is None or rule.kind != "problem" or not rule.any:
        return False
    if rule.itself:
        return not of_its_own(text, rule.any)
    if mark.record.payload is not Payload.LOGRUS or mark.record.level not in NOTES:
        return False
    return not (text.startswith(rule.head or rule.any) or is_wrapped(text) or of_its_own(text, rule.any))


def proves_its_place(mark: Mark) -> bool:
    """Whether a line of this kind comes from the code that its entry in ``sequence.toml`` speaks of.

    A rule that finds its words anywhere finds them in notes that quote them, too: those prove nothing.
    """
    rule = info(mark.id)
    if rule is None or not rule.any or rule.head or mark.record.payload is Payload.SYSTEMD:
        return True
    if mark.kind == "noise":
        return of_a_component(mark.record)
    return mark.record.level not in NOTES and of_its_own(mark.record.message, rule.any)


def is_foreign(text: str) -> bool:
    """Whether words at level fatal are those of a program in the same text: of crictl, helm, kubectl and their like."""
    return _index().foreign.search(text) is not None


def _has_literal(rule: Rule, text: str) -> bool:
    """Whether one of the rule's beginnings or parts is there; true for a rule without any."""
    return not (rule.head or rule.any) or text.startswith(rule.head) or any(part in text for part in rule.any)


@cache
def ending_problems() -> tuple[Rule, ...]:
    """The problems that can be the cause of a failed start, the first that a text names before all others."""
    return tuple(
        rule for rule in rules() if rule.kind == "problem" and (rule.problem_class != "load" or rule.ends_process)
    )


def causes_in(text: str) -> tuple[tuple[Rule, Mapping[str, str]], ...]:
    """The problems that a failure's message names, with the groups of their patterns, in file order."""
    # In a chain of wrappers a message begins after a colon, too.
    tried = (
        rule for rule in ending_problems() if _has_literal(rule, text) or any(f": {head}" in text for head in rule.head)
    )
    return tuple((rule, groups) for rule in tried if (groups := _groups(rule, text)) is not None)
