"""What the roles hook outlasts, and why: the knowledge behind naming it as the last check without a list.

The numbers and their proofs are in ``roles_last.toml``; they are applied by ``analysis/roles_last.py``.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from analyzer.events.vocabulary import Minor, load, read_as


@dataclass(frozen=True, slots=True)
class Rival:
    """Another check, with the lines after which little is left for it to do; keys as in ``roles_last.toml``."""

    check: str
    begun: tuple[str, ...] = ()  # ids of witness rules
    ended: tuple[str, ...] = ()
    answers: int = 0
    since: Minor = (1, 0)
    until: Minor = (9, 99)
    proof: str = ""


@dataclass(frozen=True, slots=True)
class RolesHook:
    """The hook itself: its witnesses by id, and how many answers it needs at least. Times in seconds."""

    check: str
    product: str
    since: Minor
    begun: str
    first_role: str
    last_kind: str
    answers: int
    answers_before_roles: int
    answers_after_roles: int
    margin: int
    quickest_answer_s: float
    noticed_s: float


@cache
def roles_hook() -> RolesHook:
    """What is known of the roles hook."""
    return read_as(RolesHook, load("roles_last.toml"))


@cache
def rivals() -> tuple[Rival, ...]:
    """All other checks, in file order; one whose work changed with a release has an entry for each."""
    return tuple(read_as(Rival, raw) for raw in load("roles_last.toml")["rival"])


def rival_of(check: str, kubernetes_minor: Minor) -> Rival | None:
    """The entry of a check in a release; ``None``: nothing is known of what it has left."""
    return next((r for r in rivals() if r.check == check and r.since <= kubernetes_minor <= r.until), None)
