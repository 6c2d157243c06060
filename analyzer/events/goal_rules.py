"""What a start is for, and which lines bound when it had it: the rules are ``goals.toml``, compiled here."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from analyzer.events.vocabulary import Minor, load, read_as


@dataclass(frozen=True, slots=True)
class GoalRule:
    """One goal of servers or agents; ids are marks of the catalogue (``goals.toml`` says what each field means)."""

    id: str
    roles: frozenset[str]
    proof: str
    ready: bool = False
    reached: tuple[str, ...] = ()
    itself: tuple[str, ...] = ()
    not_before: tuple[str, ...] = ()
    unless: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    within_s: float = 0.0
    spoiled_by: tuple[str, ...] = ()
    before_stop: bool = False
    whole_until: str | None = None
    product: str | None = None
    since: Minor | None = None
    due: bool = False
    words: str = ""
    not_words: str = ""
    late_advice: str = ""


@dataclass(frozen=True, slots=True)
class Late:
    """When a goal came notably later than another (``[late]``)."""

    more_s: float
    times: float
    open_s: float


@cache
def rules() -> tuple[GoalRule, ...]:
    """All goals, each after those that it follows."""
    return tuple(read_as(GoalRule, raw) for raw in load("goals.toml")["goal"])


@cache
def late() -> Late:
    """The rule of the file."""
    return read_as(Late, load("goals.toml")["late"])


def goals_of(role: str) -> tuple[GoalRule, ...]:
    """The goals of a role; of an unknown one those of a server."""
    return tuple(rule for rule in rules() if (role if role == "agent" else "server") in rule.roles)
