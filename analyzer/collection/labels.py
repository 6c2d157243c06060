"""Labels of starts: those that every start has, and the user's own, which come from the path of an input.

``NAME=VALUE`` gives every input the same label. A VALUE with an opening parenthesis that is not escaped is a regular
expression with exactly one group, searched in the path of the input; where it is not found, or the group is empty, the
input has no such label.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from analyzer.collection.model import Labels, StartRow
from analyzer.errors import UsageError
from analyzer.events.redaction import MASK, mask_secrets

# Labels that every start carries; all others are the user's.
BUILT_IN = ("host", "version", "kubernetes", "product", "role", "outcome", "input", "kind")
PATH_LIMIT = 4096  # characters of a path that an expression is searched in
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,62}")  # a name for Prometheus and for a column, too
_GROUP = re.compile(r"(?<!\\)(?:\\\\)*\(")
_EXAMPLE = "For example --label ring=canary or --label site='logs/([^/]+)/'"


@dataclass(frozen=True, slots=True)
class LabelRule:
    """Where one label comes from: ``value`` itself, or the group of ``pattern`` where there is one."""

    name: str
    value: str
    pattern: re.Pattern[str] | None = None

    def of(self, path: str) -> str | None:
        """The label of the input at ``path``; ``None``: it has none."""
        if self.pattern is None:
            return self.value or None
        found = self.pattern.search(path[:PATH_LIMIT])
        return (found[1] or None) if found is not None else None


@dataclass(frozen=True, slots=True)
class LabelRules:
    """The user's own labels, in the order in which they were given."""

    rules: tuple[LabelRule, ...] = ()

    @classmethod
    def of(cls, texts: Iterable[str]) -> LabelRules:
        """From ``NAME=VALUE`` and ``NAME=REGEX``; raises ``UsageError``."""
        rules: dict[str, LabelRule] = {}
        for text in texts:
            rule = _rule(text)
            if rule.name in rules:
                raise UsageError(f"the label {rule.name} is given twice", hint="One expression can hold both: a|b")
            rules[rule.name] = rule
        return cls(tuple(rules.values()))

    @property
    def names(self) -> tuple[str, ...]:
        """Of the user's labels."""
        return tuple(rule.name for rule in self.rules)

    def labels_of(self, path: str) -> Labels:
        """The labels of the input at ``path``, secrets masked."""
        found = ((rule.name, rule.of(path)) for rule in self.rules)
        return tuple((name, _masked(name, value)) for name, value in found if value is not None)


@dataclass(frozen=True, slots=True)
class Where:
    """A condition on a start: its label ``name`` is ``value``, or is not. No label at all is like an empty value."""

    name: str
    value: str
    equal: bool = True

    def keeps(self, row: StartRow) -> bool:
        """Whether the start fulfils it."""
        return ((value_of(row, self.name) or "") == self.value) is self.equal

    def perhaps(self, row: StartRow) -> bool:
        """Whether it may fulfil it although its log does not show what is asked for."""
        known = self.name not in BUILT_IN or (value_of(row, self.name) or "unknown") != "unknown"
        return not known and self.equal and self.value not in ("", "unknown")


def where_of(text: str, rules: LabelRules, known: Iterable[str] = ()) -> Where:
    """From ``NAME=VALUE`` or ``NAME!=VALUE``; ``known``: labels besides those of ``rules``, as saved rows may have.

    Raises ``UsageError``.
    """
    name, sign, value = text.partition("=")
    if not sign:
        raise UsageError(f"--where {text} has no =", hint="For example --where role=server or --where role!=agent")
    equal = not name.endswith("!")
    [name] = check_names([name.removesuffix("!")], rules, known)
    return Where(name, value if name in BUILT_IN else _masked(name, value), equal)


def check_names(names: Iterable[str], rules: LabelRules, known: Iterable[str] = ()) -> tuple[str, ...]:
    """The names of labels as given, each once; ``known`` as in :func:`where_of`. Raises ``UsageError`` for others."""
    labels = dict.fromkeys((*BUILT_IN, *rules.names, *known))
    wanted = tuple(dict.fromkeys(names))
    for name in wanted:
        if name not in labels:
            raise UsageError(
                f"there is no label {name!r}", hint=f"There are {', '.join(labels)}; --label makes more of them"
            )
    return wanted


def value_of(row: StartRow, name: str) -> str | None:
    """The value that a start has of a label, built in or the user's; ``None``: it has none."""
    if name in BUILT_IN:
        found: str | None = getattr(row, name)
        return found
    return next((value for label, value in row.labels if label == name), None)


def _rule(text: str) -> LabelRule:
    name, sign, value = text.partition("=")
    if not sign:
        raise UsageError(f"--label {text} has no =", hint=_EXAMPLE)
    if name in BUILT_IN:
        raise UsageError(f"every start has a label {name} already", hint="Choose another name for --label")
    if _NAME.fullmatch(name) is None:
        raise UsageError(
            f"{name!r} cannot be the name of a label",
            hint="Use letters, digits and _, a letter first, 63 characters at most",
        )
    if _GROUP.search(value) is None:
        return LabelRule(name, value)
    try:
        pattern = re.compile(value)
    except (re.error, OverflowError, RecursionError) as error:
        raise UsageError(
            f"the expression of --label {name} is not valid: {error}", hint=f"Write a parenthesis as \\(. {_EXAMPLE}"
        ) from None
    if pattern.groups != 1:
        raise UsageError(
            f"the expression of --label {name} has {pattern.groups or 'no'} groups, not one",
            hint=f"(?:…) groups without taking. {_EXAMPLE}",
        )
    return LabelRule(name, value, pattern)


@lru_cache(maxsize=4096)
def _masked(name: str, value: str) -> str:
    """The value without secrets, which its name may give away."""
    begin = f"{name}="
    masked = mask_secrets(begin + value)
    return masked.removeprefix(begin) if masked.startswith(begin) else MASK


def labels_in(rows: Sequence[StartRow]) -> tuple[str, ...]:
    """Names of the user's labels that any of the starts has, sorted."""
    return tuple(sorted({name for row in rows for name, _ in row.labels}))
