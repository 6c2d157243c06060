"""Policies in many worlds at once, with numpy: for the simulator only (``k3slog wait`` does not load this)."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cache
from typing import Any, Protocol, TypeAlias, runtime_checkable

import numpy as np
import numpy.typing as npt

FloatArray: TypeAlias = npt.NDArray[np.float64]
IntArray: TypeAlias = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Answers:
    """One answer in each of many worlds: ``Observation`` for ``VectorLoop``.

    ``who`` indexes the worlds that the call is about; the other arrays have its shape. ``code`` is an index into
    ``ERRORS`` (0: ready), ``failing`` a bit mask over the world's check names (bit i = name i fails; 0 without a
    list), ``retry_after_s`` is 0 without that header.
    """

    who: IntArray
    asked_s: FloatArray
    at_s: FloatArray
    code: IntArray
    failing: IntArray
    retry_after_s: FloatArray

    def take(self, some: npt.NDArray[np.bool_]) -> Answers:
        """Some of them."""
        return self if some.all() else Answers(*(getattr(self, f.name)[some] for f in fields(self)))


class VectorLoop(Protocol):
    """The same loop for many worlds at once. Returned times are +inf for *gave up*."""

    def first(self) -> FloatArray:
        """Departure of the first request in every world."""

    def next(self, seen: Answers) -> FloatArray:
        """Departure of the next request in the worlds ``seen.who``."""


@runtime_checkable
class VectorPolicy(Protocol):
    """A policy that can also replay many worlds with numpy; tests hold it equal to its scalar loops."""

    def vector_loops(self, noise: FloatArray, names: tuple[str, ...]) -> tuple[VectorLoop, ...]:
        """Vectorised loops. ``noise``: uniform [0, 1) numbers of shape (worlds, 8), one row per world: all
        randomness comes from it, so that draws pair across policies; ``names``: the check of each mask bit."""


def running(policy: Any, noise: FloatArray, names: tuple[str, ...]) -> tuple[VectorLoop, ...]:
    """The loops of a ``Recipe``, one number of its memory for every row of ``noise``."""
    marks = sum(1 << bit for bit, name in enumerate(names) if name in policy.marks)
    return tuple(_RunningMany(policy, own, len(noise), marks) for own in policy.begin(noise.T))


class _RunningMany:
    def __init__(self, policy: Any, own: Any, worlds: int, marks: int) -> None:
        self.policy = policy
        self.worlds = worlds
        self.marks = marks
        self.departures = np.full(worlds, policy.first_at(own))
        # Copies: what the memory was made of is not for the loop to change.
        values = {f.name: getattr(own, f.name) for f in fields(own)}
        self.memory = {name: value.copy() if isinstance(value, np.ndarray) else value for name, value in values.items()}

    def first(self) -> FloatArray:
        return self.departures

    def next(self, seen: Answers) -> FloatArray:
        own = _Rows(self.memory, self.worlds, seen.who)
        at_s = self.policy.next(np, own, _SeenMany(seen, self.marks))
        return np.where(at_s >= self.policy.until(own), np.inf, at_s)


class _Rows:
    """The memory of some worlds, under the names of one loop's. What no loop changes stays a single number."""

    def __init__(self, memory: dict[str, Any], worlds: int, who: IntArray) -> None:
        self.__dict__.update(_memory=memory, _worlds=worlds, _who=who)

    def __getattr__(self, name: str) -> Any:
        value = self._memory[name]
        return value[self._who] if isinstance(value, np.ndarray) else value

    def __setattr__(self, name: str, value: Any) -> None:
        if not isinstance(self._memory[name], np.ndarray):
            self._memory[name] = np.full(self._worlds, float(self._memory[name]))
        self._memory[name][self._who] = value


class _SeenMany:
    """``Seen`` of many worlds: the checks are counted only for a policy that asks."""

    __slots__ = ("_marks", "_mask", "asked_s", "at_s", "code", "retry_after_s")

    def __init__(self, seen: Answers, marks: int) -> None:
        self.asked_s, self.at_s, self.code, self.retry_after_s = seen.asked_s, seen.at_s, seen.code, seen.retry_after_s
        self._mask, self._marks = seen.failing, marks

    @property
    def failing(self) -> IntArray:
        return np.take(_ones(), self._mask)

    @property
    def marked(self) -> IntArray:
        return np.take(_ones(), self._mask & self._marks)


@cache
def _ones() -> IntArray:
    """How many bits are set in every mask of 16."""
    return np.array([mask.bit_count() for mask in range(1 << 16)])
