"""Every rule that finds something, as it declares itself: what it may give, and what must have been looked for before.

A module of ``analyzer/analysis/rules`` is a set of rules because it lies there; nobody lists them. What stands behind
an id is data (``events/findings.toml``), whose order is also the order in which findings of one weight are told.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from graphlib import TopologicalSorter
from typing import Any, TypeVar

from analyzer.events.finding_info import POLLS, known_findings, problems, reported_as

OWN = "@own"  # what a user's rules give
PROBLEM = "@problem"  # any problem of the catalogue, under the id that reports it
POLL = "@poll"  # any class of poll answers
EVERY = "@every"  # every rule that does not itself come after every other

Function = TypeVar("Function", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class FindingRule:
    """A function of the rule context that yields findings.

    ``gives`` are ids of findings, the first is its place in the order of the file unless ``place`` is another. A rule
    ``after`` others is called with what these found as well. ``across``: a function of all reports, and gives them with
    findings that need more than one start.
    """

    run: Callable[..., Any]
    gives: tuple[str, ...]
    after: tuple[str, ...]
    place: str
    across: bool


_declared: list[FindingRule] = []


def rule(
    *gives: str, after: tuple[str, ...] = (), place: str = "", across: bool = False
) -> Callable[[Function], Function]:
    """Declares a function to be a rule; see ``FindingRule``."""

    def declare(function: Function) -> Function:
        _declared.append(FindingRule(function, gives, after, place or gives[0], across))
        return function

    return declare


def may_give(one: FindingRule) -> frozenset[str]:
    """The ids of ours that a rule may give."""
    wide: Mapping[str, set[str]] = {
        OWN: set(),
        PROBLEM: {reported_as(name) for name in problems()},
        POLL: {about.id for about in known_findings() if about.id.startswith(POLLS)},
    }
    return frozenset(name for given in one.gives for name in wide.get(given, {given}))


@cache
def rules() -> tuple[FindingRule, ...]:
    """All rules, in the order in which their findings are told.

    Raises:
        LookupError: a rule names a finding that ``findings.toml`` does not know, or no rule gives one that it knows.
    """
    folder = importlib.import_module("analyzer.analysis.rules")
    for module in pkgutil.iter_modules(folder.__path__, f"{folder.__name__}."):
        importlib.import_module(module.name)
    place = {about.id: number for number, about in enumerate(known_findings())}
    given = frozenset[str]().union(*(may_give(one) for one in _declared))
    named = given.union(*({one.place, *(name for name in one.after if name[0] != "@")} for one in _declared))
    if wrong := sorted(named ^ place.keys()):
        raise LookupError(f"a rule or findings.toml is missing for {', '.join(wrong)}")
    return tuple(sorted(_declared, key=lambda one: place[one.place]))


@cache
def looked_for() -> frozenset[str]:
    """The ids that some rule gives by name: lines of such a problem make no finding by themselves."""
    return frozenset(name for one in rules() for name in one.gives)


@cache
def running_order() -> tuple[tuple[FindingRule, tuple[FindingRule, ...]], ...]:
    """The rules for one start, each with those it comes after and behind them.

    Raises:
        graphlib.CycleError: two rules come after each other.
    """
    single = [one for one in rules() if not one.across]
    before = {one: tuple(other for other in single if _follows(one, other)) for one in single}
    return tuple((one, before[one]) for one in TopologicalSorter(before).static_order())


def _follows(one: FindingRule, other: FindingRule) -> bool:
    if EVERY in one.after and EVERY not in other.after:
        return one is not other
    return not set(one.after).isdisjoint(other.gives)
