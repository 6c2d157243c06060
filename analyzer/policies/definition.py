"""A poller that is written down once and runs twice: on a real server, and in many worlds at a time.

A built-in policy derives from ``Recipe`` and says in ``next`` when it asks again, as arithmetic on single numbers with
the functions of ``Maths``. ``loops`` runs that with plain numbers, ``vector_loops`` with numpy, where every number is
an array of one entry per world: nothing in a policy may depend on which of the two it is. Hence ``m.where(yes, a, b)``
instead of ``if``, ``&`` and ``|`` instead of ``and`` and ``or``. Policies of users need not: the protocol is enough.
"""

from __future__ import annotations

import math
import operator
import random
from abc import ABC, abstractmethod
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Literal, TypeVar

from analyzer.policies.protocol import CODE_OF, NOISES, AskAt, Decision, Limits, Loop, Observation, Stop

if TYPE_CHECKING:
    from analyzer.policies.vector import FloatArray, VectorLoop

#: Golden-ratio steps: the noise of request k is frac(u + k·φ).
PHI = 0.6180339887498949

_Memory = TypeVar("_Memory")
_Item = TypeVar("_Item")
_Number = TypeVar("_Number", float, "FloatArray")


class Maths:
    """What a policy may call on its numbers: here for single ones; numpy has all of it under the same names."""

    minimum: Callable[[float, float], float] = staticmethod(min)
    maximum: Callable[[float, float], float] = staticmethod(max)
    floor: Callable[[float], float] = staticmethod(math.floor)
    logical_not: Callable[[bool], bool] = staticmethod(operator.not_)

    def where(self, condition: bool, then: float, otherwise: float, /) -> float:
        return then if condition else otherwise

    def take(self, table: Sequence[_Item], index: int, /) -> _Item:
        return table[index]

    def searchsorted(self, ascending: Sequence[float], number: float, /, side: Literal["right"]) -> int:
        return bisect_right(ascending, number)


def golden(noise: _Number, k: _Number) -> _Number:
    """Noise of request ``k`` in [0, 1): evenly spread over the requests of a world that has the number ``noise``."""
    return (noise + k * PHI) % 1.0


def swing(noise: _Number, k: _Number, share: float) -> _Number:
    """Factor of the ``k``-th pause, between 1 − ``share`` and 1 + ``share``."""
    return 1.0 + share * (2.0 * golden(noise, k) - 1.0)


def above_zero(default: float) -> Any:
    """A parameter that must not be 0 (none may be negative)."""
    return field(default=default, metadata={"above_zero": True})


@dataclass(frozen=True, slots=True)
class Seen:
    """An answer in numbers: ``Observation`` for ``Recipe.next``.

    ``code`` is an index into ``ERRORS``, ``failing`` how many checks the list shows as failing, ``marked`` how many
    of these the policy has named in ``marks``; ``retry_after_s`` is 0 without that header.
    """

    asked_s: float
    at_s: float
    code: int
    failing: int
    marked: int
    retry_after_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe(ABC, Generic[_Memory]):
    """A policy of this package: its parameters are its fields, what a running loop remembers is a ``_Memory``."""

    decisive: ClassVar[int] = 0
    informed: ClassVar[bool] = False
    marks: ClassVar[tuple[str, ...]] = ()  # checks whose failing matters by name

    limits: Limits = field(default_factory=Limits)

    @abstractmethod
    def begin(self, noise: Sequence[float]) -> tuple[_Memory, ...]:
        """The memory of each loop before its first request. All randomness comes from the ``NOISES`` numbers."""

    def first_at(self, own: _Memory) -> float:
        """When the first request leaves."""
        return 0.0

    @abstractmethod
    def next(self, m: Maths, own: _Memory, seen: Seen) -> float:
        """When to ask again after a failed request; +inf: never, see ``hopeless``."""

    @abstractmethod
    def words(self, own: _Memory, seen: Seen, error: str, at_s: float) -> tuple[str, str]:
        """What the policy believes and why it asks at ``at_s``, for people; plain numbers only."""

    def hopeless(self, own: _Memory, seen: Seen, error: str) -> Stop:
        """Why ``next`` said never; plain numbers only."""
        raise NotImplementedError

    def until(self, own: _Memory) -> float:
        """Nothing is asked from here on."""
        return math.inf if self.limits.total_s is None else self.limits.total_s

    def loops(self, rng: random.Random) -> tuple[Loop, ...]:
        """See ``Policy``."""
        return tuple(_Running(self, own) for own in self.begin([rng.random() for _ in range(NOISES)]))

    def vector_loops(self, noise: FloatArray, names: tuple[str, ...]) -> tuple[VectorLoop, ...]:
        """See ``VectorPolicy``."""
        from analyzer.policies.vector import running

        return running(self, noise, names)


class _Running(Generic[_Memory]):
    """One loop of a recipe on a real server."""

    def __init__(self, policy: Recipe[_Memory], own: _Memory) -> None:
        self.policy = policy
        self.own = own

    def first(self) -> Decision:
        return AskAt(self.policy.first_at(self.own), "start", "first request")

    def next(self, seen: Observation) -> Decision:
        if seen.ready:
            return Stop("ready", at_s=seen.at_s)
        policy, own, error = self.policy, self.own, seen.error or "other"
        marked = sum(name in policy.marks for name in seen.failing)
        code = CODE_OF.get(error, CODE_OF["other"])
        told = Seen(seen.asked_s, seen.at_s, code, len(seen.failing), marked, seen.retry_after_s or 0.0)
        at_s = float(policy.next(_PLAIN, own, told))
        if at_s == math.inf:
            return policy.hopeless(own, told, error)
        if at_s >= policy.until(own):
            why, advice = "the total time limit of the poller passed", "See which checks still fail in the last answer."
            return Stop("timed_out", why, advice, policy.limits.total_s or at_s)
        return AskAt(at_s, *policy.words(own, told, error, at_s))


_PLAIN = Maths()
