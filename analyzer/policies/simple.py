"""Exponential back-off, a fixed list of times, and the oracle."""

from __future__ import annotations

import random
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from analyzer.policies.protocol import (
    AskAt,
    Decision,
    FloatArray,
    IntArray,
    Limits,
    Loop,
    Observation,
    Stop,
    VectorLoop,
)
from analyzer.policies.ticker import timed_out

#: Golden-ratio steps: the jitter of request k is frac(u + k·φ), the same in the scalar and the vectorised form.
PHI = 0.6180339887498949


class BackoffLoop:
    """Waits after each answer: ``first_s``, then ``factor`` times longer each time up to ``cap_s``, ± ``jitter``."""

    def __init__(self, policy: Backoff, noise: float) -> None:
        self.policy = policy
        self.noise = noise
        self.tries = 0

    def first(self) -> Decision:
        """Immediately."""
        return AskAt(0.0, "backoff", "first request is immediate")

    def next(self, seen: Observation) -> Decision:
        """After the grown and jittered pause; not before a ``Retry-After``."""
        if seen.ready:
            return Stop("ready", at_s=seen.at_s)
        policy = self.policy
        base = min(policy.cap_s, policy.first_s * policy.factor**self.tries)
        self.tries += 1
        jitter = (self.noise + self.tries * PHI) % 1.0
        pause = base * (1.0 + policy.jitter * (2.0 * jitter - 1.0))
        pause = max(pause, seen.retry_after_s or 0.0)
        at = seen.at_s + pause
        if policy.limits.total_s is not None and at >= policy.limits.total_s:
            return timed_out(policy.limits.total_s)
        return AskAt(at, "backoff", f"pause {pause:.2f} s")


class VectorBackoff:
    """``BackoffLoop`` for many worlds."""

    def __init__(self, policy: Backoff, noise: FloatArray) -> None:
        self.policy = policy
        self.noise = noise
        self.tries = np.zeros(noise.shape)

    def first(self) -> FloatArray:
        """Immediately."""
        return np.zeros(self.noise.shape)

    def next(
        self,
        who: IntArray,
        asked_s: FloatArray,
        at_s: FloatArray,
        code: IntArray,
        failing: IntArray,
        retry_after_s: FloatArray,
    ) -> FloatArray:
        """See ``BackoffLoop.next``."""
        policy = self.policy
        tries = self.tries[who]
        base = np.minimum(policy.cap_s, policy.first_s * policy.factor ** np.minimum(tries, 60.0))
        tries += 1
        self.tries[who] = tries
        jitter = (self.noise[who] + tries * PHI) % 1.0
        at = at_s + np.maximum(base * (1.0 + policy.jitter * (2.0 * jitter - 1.0)), retry_after_s)
        total = np.inf if policy.limits.total_s is None else policy.limits.total_s
        return np.where(at >= total, np.inf, at)


@dataclass(frozen=True, slots=True)
class Backoff:
    """Exponential back-off with cap and jitter: what a client library would do by default."""

    first_s: float = 0.25
    factor: float = 1.5
    cap_s: float = 5.0
    jitter: float = 0.2
    name: str = "backoff"
    limits: Limits = field(default_factory=Limits)
    decisive: int = 0
    informed: bool = False

    def loops(self, rng: random.Random) -> tuple[Loop, ...]:
        """One loop."""
        return (BackoffLoop(self, rng.random()),)

    def vector_loops(self, noise: FloatArray, names: tuple[str, ...]) -> tuple[VectorLoop, ...]:
        """One loop."""
        return (VectorBackoff(self, noise[:, 0]),)


class TimesLoop:
    """Asks at given moments, then goes on with ``tail_s`` between requests. A moment that passed while a request
    ran is made up for once, at once."""

    def __init__(self, times_s: Sequence[float], tail_s: float, total_s: float | None, state: str) -> None:
        self.times_s = times_s
        self.tail_s = tail_s
        self.total_s = total_s
        self.state = state

    def first(self) -> Decision:
        """The first moment of the list."""
        return AskAt(self.times_s[0] if self.times_s else self.tail_s, self.state, "schedule")

    def next(self, seen: Observation) -> Decision:
        """The next moment of the list."""
        if seen.ready:
            return Stop("ready", at_s=seen.at_s)
        index = bisect_right(self.times_s, seen.asked_s + 1e-9)
        if index < len(self.times_s):
            at = max(self.times_s[index], seen.at_s)
        else:
            at = max(seen.asked_s + self.tail_s, seen.at_s)
        if self.total_s is not None and at >= self.total_s:
            return timed_out(self.total_s)
        return AskAt(at, self.state, "schedule")


class VectorTimes:
    """``TimesLoop`` for many worlds; every world follows the same list."""

    def __init__(self, worlds: int, times_s: Sequence[float], tail_s: float, total_s: float | None) -> None:
        self.worlds = worlds
        self.times_s = np.asarray(times_s, dtype=float)
        self.tail_s = tail_s
        self.total_s = np.inf if total_s is None else total_s

    def first(self) -> FloatArray:
        """The first moment of the list."""
        return np.full(self.worlds, self.times_s[0] if len(self.times_s) else self.tail_s)

    def next(
        self,
        who: IntArray,
        asked_s: FloatArray,
        at_s: FloatArray,
        code: IntArray,
        failing: IntArray,
        retry_after_s: FloatArray,
    ) -> FloatArray:
        """See ``TimesLoop.next``."""
        index = np.searchsorted(self.times_s, asked_s + 1e-9, side="right")
        padded = np.append(self.times_s, np.inf)
        planned = np.where(index < len(self.times_s), padded[index], asked_s + self.tail_s)
        at = np.maximum(planned, at_s)
        return np.where(at >= self.total_s, np.inf, at)


@dataclass(frozen=True, slots=True)
class Optimal:
    """The cost-optimal list of moments for a known distribution of readiness (``analyzer.simulator.schedule``)."""

    times_s: tuple[float, ...] = ()
    tail_s: float = 2.0
    name: str = "optimal"
    limits: Limits = field(default_factory=Limits)
    decisive: int = 0
    informed: bool = False

    def loops(self, rng: random.Random) -> tuple[Loop, ...]:
        """One loop."""
        return (TimesLoop(self.times_s, self.tail_s, self.limits.total_s, "schedule"),)

    def vector_loops(self, noise: FloatArray, names: tuple[str, ...]) -> tuple[VectorLoop, ...]:
        """One loop."""
        return (VectorTimes(len(noise), self.times_s, self.tail_s, self.limits.total_s),)


@dataclass(slots=True)
class _Told:
    ready_s: FloatArray | float = float("inf")


@dataclass(frozen=True, slots=True)
class Oracle:
    """Asks once, at the true moment: the floor that no poller can beat. The replay must ``tell`` it the moment."""

    name: str = "oracle"
    limits: Limits = field(default_factory=Limits)
    decisive: int = 0
    informed: bool = True
    told: _Told = field(default_factory=_Told, compare=False)

    def tell(self, ready_s: FloatArray | float) -> None:
        """Moment of readiness, one number or one per world."""
        self.told.ready_s = ready_s

    def loops(self, rng: random.Random) -> tuple[Loop, ...]:
        """One loop."""
        assert isinstance(self.told.ready_s, float)
        return (TimesLoop((self.told.ready_s,), 0.05, self.limits.total_s, "oracle"),)

    def vector_loops(self, noise: FloatArray, names: tuple[str, ...]) -> tuple[VectorLoop, ...]:
        """One loop."""
        told = np.broadcast_to(np.asarray(self.told.ready_s, dtype=float), (len(noise),)).copy()
        total = np.inf if self.limits.total_s is None else self.limits.total_s
        told[told >= total] = np.inf
        return (_VectorOracle(told),)


class _VectorOracle(VectorTimes):
    def __init__(self, told_s: FloatArray) -> None:
        super().__init__(len(told_s), (), 0.05, 900.0)
        self.told_s = told_s

    def first(self) -> FloatArray:
        return self.told_s
