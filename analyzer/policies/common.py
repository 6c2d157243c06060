"""What the built-in policies share: their limits, their jitter, the end of their patience.

A policy of one loop derives from ``OneLoop`` and says only how that loop is made, once for a real server (``loop``)
and once for many worlds at a time (``vector_loop``). Policies of users need not: the protocol is enough.
"""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np

from analyzer.policies.protocol import AskAt, Decision, FloatArray, Limits, Loop, Stop, VectorLoop

#: Golden-ratio steps: the noise of request k is frac(u + k·φ), the same in the scalar and the vectorised form.
PHI = 0.6180339887498949
TIMED_OUT = "the total time limit of the poller passed"

_Number = TypeVar("_Number", float, FloatArray)


def golden(noise: _Number, k: _Number) -> _Number:
    """Noise of request ``k`` in [0, 1): evenly spread over the requests of a world that has the number ``noise``."""
    return (noise + k * PHI) % 1.0


def swing(noise: _Number, k: _Number, share: float) -> _Number:
    """Factor of the ``k``-th pause, between 1 − ``share`` and 1 + ``share``."""
    return 1.0 + share * (2.0 * golden(noise, k) - 1.0)


def timed_out(total_s: float) -> Stop:
    """The end of a poller's patience."""
    return Stop("timed_out", TIMED_OUT, "See which checks still fail in the last answer.", total_s)


def ask_within(total_s: float | None, at_s: float, state: str, why: str, *, since_s: float = 0.0) -> Decision:
    """Ask at ``at_s``, or give up when that is ``total_s`` seconds or more after ``since_s``."""
    if total_s is not None and at_s >= since_s + total_s:
        return timed_out(total_s)
    return AskAt(at_s, state, why)


def times_within(total_s: float | None, at_s: FloatArray, *, since_s: FloatArray | float = 0.0) -> FloatArray:
    """``ask_within`` for many worlds: +inf where it gives up."""
    return at_s if total_s is None else np.where(at_s >= since_s + total_s, np.inf, at_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """Fields that the protocol wants of every policy; see ``analyzer.policies.protocol.Policy``."""

    limits: Limits = field(default_factory=Limits)
    decisive: int = 0
    informed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class OneLoop(Recipe, ABC):
    """A policy with a single loop, in both forms."""

    @abstractmethod
    def loop(self, rng: random.Random) -> Loop:
        """The loop, fresh; all its randomness comes from ``rng``."""

    @abstractmethod
    def vector_loop(self, noise: FloatArray, names: tuple[str, ...]) -> VectorLoop:
        """The loop for many worlds; see ``VectorPolicy.vector_loops``."""

    def loops(self, rng: random.Random) -> tuple[Loop, ...]:
        """The one loop."""
        return (self.loop(rng),)

    def vector_loops(self, noise: FloatArray, names: tuple[str, ...]) -> tuple[VectorLoop, ...]:
        """The one loop."""
        return (self.vector_loop(noise, names),)
