"""What a start is for, and which lines bound when it had it: the rules are ``goals.toml``, compiled here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from analyzer.events.vocabulary import load, minor


@dataclass(frozen=True, slots=True)
class GoalRule:
    """One goal of servers or agents; ids are marks of the catalogue (``goals.toml`` says what each field means)."""

    id: str
    roles: frozenset[str]
    ready: bool
    reached: tuple[str, ...]
    not_before: tuple[str, ...]
    unless: tuple[str, ...]
    after: tuple[str, ...]
    within_s: float
    spoiled_by: tuple[str, ...]
    before_stop: bool
    whole_until: str | None
    product: str | None
    since: tuple[int, int] | None
    proof: str


def _compile(raw: Mapping[str, Any]) -> GoalRule:
    return GoalRule(
        id=raw["id"],
        roles=frozenset(raw["roles"]),
        ready=raw.get("ready", False),
        reached=tuple(raw.get("reached", ())),
        not_before=tuple(raw.get("not_before", ())),
        unless=tuple(raw.get("unless", ())),
        after=tuple(raw.get("after", ())),
        within_s=float(raw.get("within_s", 0.0)),
        spoiled_by=tuple(raw.get("spoiled_by", ())),
        before_stop=raw.get("before_stop", False),
        whole_until=raw.get("whole_until"),
        product=raw.get("product"),
        since=minor(raw["since"]) if "since" in raw else None,
        proof=raw["proof"],
    )


@cache
def rules() -> tuple[GoalRule, ...]:
    """All goals, each after those that it follows."""
    return tuple(_compile(raw) for raw in load("goals.toml")["goal"])


def goals_of(role: str) -> tuple[GoalRule, ...]:
    """The goals of a role; of an unknown one those of a server."""
    return tuple(rule for rule in rules() if (role if role == "agent" else "server") in rule.roles)


def goal_ids() -> tuple[str, ...]:
    """Every goal's name, once."""
    return tuple(dict.fromkeys(rule.id for rule in rules()))
