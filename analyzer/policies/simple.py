"""Exponential back-off, a fixed list of times, and the oracle."""

from __future__ import annotations

import random
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from analyzer.policies.common import OneLoop, ask_within, swing, times_within
from analyzer.policies.protocol import Answers, AskAt, Decision, FloatArray, Loop, Observation, Stop, VectorLoop


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
        pause = max(base * swing(self.noise, self.tries, policy.jitter), seen.retry_after_s or 0.0)
        return ask_within(policy.limits.total_s, seen.at_s + pause, "backoff", f"pause {pause:.2f} s")


class VectorBackoff:
    """``BackoffLoop`` for many worlds."""

    def __init__(self, policy: Backoff, noise: FloatArray) -> None:
        self.policy = policy
        self.noise = noise
        self.tries = np.zeros(noise.shape)

    def first(self) -> FloatArray:
        """Immediately."""
        return np.zeros(self.noise.shape)

    def next(self, seen: Answers) -> FloatArray:
        """See ``BackoffLoop.next``."""
        policy, who = self.policy, seen.who
        tries = self.tries[who]
        base = np.minimum(policy.cap_s, policy.first_s * policy.factor ** np.minimum(tries, 60.0))
        tries += 1
        self.tries[who] = tries
        pause = np.maximum(base * swing(self.noise[who], tries, policy.jitter), seen.retry_after_s)
        return times_within(policy.limits.total_s, seen.at_s + pause)


@dataclass(frozen=True, slots=True)
class Backoff(OneLoop):
    """Exponential back-off with cap and jitter: what a client library would do by default."""

    first_s: float = 0.25
    factor: float = 1.5
    cap_s: float = 5.0
    jitter: float = 0.2
    name: str = "backoff"

    def loop(self, rng: random.Random) -> Loop:
        """See the class."""
        return BackoffLoop(self, rng.random())

    def vector_loop(self, noise: FloatArray, names: tuple[str, ...]) -> VectorLoop:
        """See the class."""
        return VectorBackoff(self, noise[:, 0])


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
        return ask_within(self.total_s, at, self.state, "schedule")


class VectorTimes:
    """``TimesLoop`` for many worlds; every world follows the same list."""

    def __init__(self, worlds: int, times_s: Sequence[float], tail_s: float, total_s: float | None) -> None:
        self.worlds = worlds
        self.times_s = np.asarray(times_s, dtype=float)
        self.tail_s = tail_s
        self.total_s = total_s

    def first(self) -> FloatArray:
        """The first moment of the list."""
        return np.full(self.worlds, self.times_s[0] if len(self.times_s) else self.tail_s)

    def next(self, seen: Answers) -> FloatArray:
        """See ``TimesLoop.next``."""
        index = np.searchsorted(self.times_s, seen.asked_s + 1e-9, side="right")
        padded = np.append(self.times_s, np.inf)
        planned = np.where(index < len(self.times_s), padded[index], seen.asked_s + self.tail_s)
        return times_within(self.total_s, np.maximum(planned, seen.at_s))


@dataclass(frozen=True, slots=True)
class Optimal(OneLoop):
    """The cost-optimal list of moments for a known distribution of readiness (``analyzer.simulator.schedule``)."""

    times_s: tuple[float, ...] = ()
    tail_s: float = 2.0
    name: str = "optimal"

    def loop(self, rng: random.Random) -> Loop:
        """See the class."""
        return TimesLoop(self.times_s, self.tail_s, self.limits.total_s, "schedule")

    def vector_loop(self, noise: FloatArray, names: tuple[str, ...]) -> VectorLoop:
        """See the class."""
        return VectorTimes(len(noise), self.times_s, self.tail_s, self.limits.total_s)


@dataclass(slots=True)
class _Told:
    ready_s: FloatArray | float = float("inf")


@dataclass(frozen=True, slots=True)
class Oracle(OneLoop):
    """Asks once, at the true moment: the floor that no poller can beat. The replay must ``tell`` it the moment."""

    name: str = "oracle"
    informed: bool = field(default=True, kw_only=True)
    told: _Told = field(default_factory=_Told, compare=False)

    def tell(self, ready_s: FloatArray | float) -> None:
        """Moment of readiness, one number or one per world."""
        self.told.ready_s = ready_s

    def loop(self, rng: random.Random) -> Loop:
        """See the class."""
        assert isinstance(self.told.ready_s, float)
        return TimesLoop((self.told.ready_s,), 0.05, self.limits.total_s, "oracle")

    def vector_loop(self, noise: FloatArray, names: tuple[str, ...]) -> VectorLoop:
        """See the class."""
        told = np.broadcast_to(np.asarray(self.told.ready_s, dtype=float), (len(noise),)).copy()
        return _VectorOracle(times_within(self.limits.total_s, told))


class _VectorOracle(VectorTimes):
    def __init__(self, told_s: FloatArray) -> None:
        super().__init__(len(told_s), (), 0.05, 900.0)
        self.told_s = told_s

    def first(self) -> FloatArray:
        return self.told_s
