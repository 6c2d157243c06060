"""Exponential back-off with cap and jitter: what a client library would do by default."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from analyzer.policies.definition import Maths, Recipe, Seen, above_zero, swing


@dataclass(slots=True)
class Memory:
    """``base_s`` is the next pause without its jitter, ``pause_s`` the last one with it."""

    noise: float
    base_s: float
    pause_s: float = 0.0
    tries: float = 0.0


@dataclass(frozen=True, slots=True)
class Backoff(Recipe[Memory]):
    """Waits after each answer: ``first_s``, then ``factor`` times longer each time up to ``cap_s``, ± ``jitter``."""

    first_s: float = above_zero(0.25)
    factor: float = 1.5
    cap_s: float = 5.0
    jitter: float = 0.2
    name: str = "backoff"

    def begin(self, noise: Sequence[float]) -> tuple[Memory, ...]:
        """One loop."""
        return (Memory(noise[0], self.first_s),)

    def next(self, m: Maths, own: Memory, seen: Seen) -> float:
        """After the grown and jittered pause; not before a ``Retry-After``."""
        base_s = m.minimum(own.base_s, self.cap_s)
        own.base_s = base_s * self.factor
        own.tries = tries = own.tries + 1.0
        own.pause_s = pause_s = m.maximum(base_s * swing(own.noise, tries, self.jitter), seen.retry_after_s)
        return seen.at_s + pause_s

    def words(self, own: Memory, seen: Seen, error: str, at_s: float) -> tuple[str, str]:
        """The pause."""
        return "backoff", f"pause {own.pause_s:.2f} s"


POLICY = Backoff
